//! Memory-mapped files, read by copying.

use std::{fs::File, io, mem::MaybeUninit, os::fd::AsRawFd, ptr, ptr::NonNull};

use super::{
    ByteSource, file,
    sigbus::{self, GuardedRange},
};

/// A mapped file and the position of the next read.
pub(super) struct MapSource {
    file: File,
    /// `None` for an empty file, which can't be mapped.
    mapping: Option<Mapping>,
    position: u64,
    resident: ResidentWindows,
}

impl MapSource {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let len = usize::try_from(file.metadata()?.len())
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let mapping = if len == 0 { None } else { Some(Mapping::new(&file, len)?) };
        Ok(Self { file, mapping, position: 0, resident: ResidentWindows::default() })
    }

    /// Checks after a copy that the file still has `end` bytes and every page could be read. If it
    /// was truncated, the kernel returns zeros for the rest of the last page, and the SIGBUS
    /// handler has replaced missing pages by zeros.
    fn check_len(&self, end: u64) -> io::Result<()> {
        let damaged = self.mapping.as_ref().is_some_and(|mapping| mapping.guard.is_damaged());
        if self.file.metadata()?.len() < end {
            Err(file::truncated())
        } else if damaged {
            Err(io::Error::other("a part of the mapped file could not be read"))
        } else {
            Ok(())
        }
    }
}

impl ByteSource for MapSource {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let mapped = usize::try_from(self.position).ok();
        let inside = self.mapping.as_ref().zip(mapped).filter(|(map, at)| *at < map.len);
        let Some((mapping, offset)) = inside else {
            // The file may have grown since it was mapped.
            let count = file::read_at(&self.file, target, self.position)?;
            self.position += count as u64;
            return Ok(count);
        };
        let count = target.len().min(mapping.len - offset);
        mapping.copy(offset, &mut target[..count]);
        self.resident.touch(mapping, offset, count);
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

/// A read-only mapping of a whole file. There must be no references into it, because its bytes may
/// change at any time.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
    guard: &'static GuardedRange,
}

// SAFETY: a mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of `file`; `len` must not be 0.
    fn new(file: &File, len: usize) -> io::Result<Self> {
        let (access, flags) = (libc::PROT_READ, libc::MAP_PRIVATE);
        // SAFETY: the kernel chooses the address, so no existing mapping is replaced.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, flags, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let pages = len.next_multiple_of(sigbus::page_size());
        let guard = sigbus::register(start.addr().get(), pages);
        Ok(Self { start, len, guard })
    }

    /// Copies the bytes at `offset` to `target`; the caller has checked that they are in the
    /// mapping.
    fn copy(&self, offset: usize, target: &mut [MaybeUninit<u8>]) {
        debug_assert!(offset + target.len() <= self.len);
        // SAFETY: the offset is inside the mapping.
        let from = unsafe { self.start.add(offset) };
        // SAFETY: the mapping has that many bytes from there, and `target` is not in it. If the
        // file was truncated, this faults: see sigbus.rs.
        unsafe {
            ptr::copy_nonoverlapping(from.as_ptr(), target.as_mut_ptr().cast(), target.len());
        }
    }

    /// Releases the pages of a range to the kernel.
    ///
    /// The next access reads them from the file again. `offset` must be a multiple of the page
    /// size.
    fn release(&self, offset: usize, len: usize) {
        let len = len.min(self.len - offset);
        // SAFETY: the offset is inside the mapping.
        let start = unsafe { self.start.add(offset) };
        // A failure only leaves the pages in memory.
        // SAFETY: the range is inside the mapping, which is read-only and backed by the file.
        unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_DONTNEED) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.guard.release();
        // SAFETY: `self` owns the mapping, and nothing points into it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// The windows of a mapping that are kept in memory: those that were read last.
#[derive(Default)]
struct ResidentWindows {
    /// Numbers of windows, the last used one first.
    recent: Vec<usize>,
}

impl ResidentWindows {
    /// Size of a window in bytes: a multiple of every page size.
    const SIZE: usize = 2 << 20;

    /// Number of windows that are kept: the packets of audio and video may be far apart in a file.
    const KEPT: usize = 4;

    /// Marks a range as used now, and releases the window that was used least recently.
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
