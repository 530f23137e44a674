//! Files mapped into memory, read by copying.

use std::{fs::File, io, mem::MaybeUninit, os::fd::AsRawFd, ptr, ptr::NonNull};

use super::{
    Source, file,
    sigbus::{self, Slot},
};

/// A mapped file and the place of the next read.
pub(super) struct MapSource {
    file: File,
    /// `None` for an empty file, which can't be mapped.
    mapping: Option<Mapping>,
    position: u64,
    windows: Windows,
}

impl MapSource {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let len = usize::try_from(file.metadata()?.len())
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let mapping = if len == 0 { None } else { Some(Mapping::new(&file, len)?) };
        Ok(Self { file, mapping, position: 0, windows: Windows::default() })
    }

    /// The file may have lost its end during a copy; the kernel reads zeros from what is left of
    /// the last page, and the handler put zeros in place of the rest.
    fn check_len(&self, end: u64) -> io::Result<()> {
        let damaged = self.mapping.as_ref().is_some_and(|mapping| mapping.slot.is_damaged());
        if self.file.metadata()?.len() < end {
            Err(file::truncated())
        } else if damaged {
            Err(io::Error::other("a part of the mapped file could not be read"))
        } else {
            Ok(())
        }
    }
}

impl Source for MapSource {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let mapped = usize::try_from(self.position).ok();
        let rest = self.mapping.as_ref().zip(mapped).filter(|(map, at)| *at < map.len);
        let Some((mapping, offset)) = rest else {
            // The file may have grown since it was mapped.
            let count = file::read_at(&self.file, target, self.position)?;
            self.position += count as u64;
            return Ok(count);
        };
        let count = target.len().min(mapping.len - offset);
        mapping.copy(offset, &mut target[..count]);
        self.windows.touch(mapping, offset, count);
        self.check_len(self.position + count as u64)?;
        self.position += count as u64;
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.position = position;
        Ok(())
    }

    fn len(&mut self) -> Option<u64> {
        self.file.metadata().ok().map(|metadata| metadata.len())
    }
}

/// A read-only mapping of a whole file. No reference into it is ever made: its bytes may change
/// at any time.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
    slot: &'static Slot,
}

// SAFETY: a mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes, not 0, of `file`.
    fn new(file: &File, len: usize) -> io::Result<Self> {
        let (access, flags) = (libc::PROT_READ, libc::MAP_PRIVATE);
        // SAFETY: the kernel chooses the place, so nothing that exists is replaced.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, flags, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let slot = sigbus::register(start.addr().get(), len.next_multiple_of(sigbus::page_size()));
        Ok(Self { start, len, slot })
    }

    /// Copies from `offset`; the caller has checked that the mapping is long enough.
    fn copy(&self, offset: usize, target: &mut [MaybeUninit<u8>]) {
        debug_assert!(offset + target.len() <= self.len);
        // SAFETY: the offset lies inside the mapping.
        let from = unsafe { self.start.add(offset) };
        // SAFETY: the mapping has that many bytes from there, and `target` is no part of it. If
        // the file was truncated this faults, which sigbus.rs is for.
        unsafe {
            ptr::copy_nonoverlapping(from.as_ptr(), target.as_mut_ptr().cast(), target.len());
        }
    }

    /// Lets the kernel take back the pages of a range, which is a multiple of the page size from
    /// the start; they are read from the file again when they are needed.
    fn release(&self, offset: usize, len: usize) {
        let len = len.min(self.len - offset);
        // SAFETY: the offset lies inside the mapping.
        let start = unsafe { self.start.add(offset) };
        // The result does not matter: it is about memory only.
        // SAFETY: the range lies inside the mapping, which is read-only and backed by the file.
        unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_DONTNEED) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.slot.release();
        // SAFETY: `self` owns the mapping, and nothing points into it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Which parts of a mapping are in memory: the ones last read, and no more.
#[derive(Default)]
struct Windows {
    /// Numbers of windows, the last used first.
    recent: Vec<usize>,
}

impl Windows {
    /// Bytes of a window: a multiple of every page size.
    const SIZE: usize = 2 << 20;

    /// Windows that stay: audio and pictures may lie far apart in a file.
    const KEPT: usize = 4;

    fn touch(&mut self, mapping: &Mapping, offset: usize, len: usize) {
        let last = (offset + len).saturating_sub(1) / Self::SIZE;
        for window in offset / Self::SIZE..=last {
            if self.recent.first() == Some(&window) {
                continue;
            }
            self.recent.retain(|&known| known != window);
            self.recent.insert(0, window);
            if let Some(old) = self.recent.get(Self::KEPT) {
                mapping.release(old * Self::SIZE, Self::SIZE);
                self.recent.truncate(Self::KEPT);
            }
        }
    }
}
