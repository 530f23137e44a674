//! Random access to a source's bytes, independent of FFmpeg.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

/// The bytes of a file or of memory. Clones share the count of bytes read.
#[derive(Clone, Debug)]
pub struct Bytes {
    storage: Storage,
    len: u64,
    read: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
enum Storage {
    File(Arc<File>),
    Memory(Arc<[u8]>),
}

impl Bytes {
    /// The bytes of a regular file; `None` if it is a pipe or a device. Its cursor isn't moved.
    pub fn file(file: File) -> Option<Self> {
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let read = Arc::default();
        Some(Self { storage: Storage::File(Arc::new(file)), len: metadata.len(), read })
    }

    /// The bytes of a file in memory.
    pub fn memory(bytes: Arc<[u8]>) -> Self {
        let len = bytes.len() as u64;
        Self { storage: Storage::Memory(bytes), len, read: Arc::default() }
    }

    /// Number of bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of bytes read so far, by all clones.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Appends `len` bytes from `position` on to `target`; `None` if there are fewer or reading
    /// fails.
    fn append(&self, position: u64, len: usize, target: &mut Vec<u8>) -> Option<()> {
        // Lengths come from the file, so they are checked before anything is allocated.
        let end = position.checked_add(len as u64).filter(|&end| end <= self.len)?;
        match &self.storage {
            Storage::Memory(bytes) => {
                let range = usize::try_from(position).ok()?..usize::try_from(end).ok()?;
                target.extend_from_slice(bytes.get(range)?);
            }
            Storage::File(file) => {
                let start = target.len();
                target.resize(start + len, 0);
                file.read_exact_at(target.get_mut(start..)?, position).ok()?;
            }
        }
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Some(())
    }

    /// The file's time of last modification; `None` for memory.
    pub(in crate::index) fn changed(&self) -> Option<SystemTime> {
        match &self.storage {
            Storage::File(file) => file.metadata().ok()?.modified().ok(),
            Storage::Memory(_) => None,
        }
    }

    /// The bytes from `start` up to `end`; `None` if there are fewer or reading fails.
    pub(in crate::index) fn range(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        let len = usize::try_from(end.checked_sub(start)?).ok()?;
        let mut bytes = Vec::new();
        self.append(start, len, &mut bytes)?;
        Some(bytes)
    }
}

/// A buffered reader of small pieces.
#[derive(Debug)]
pub(super) struct Window<'b> {
    bytes: &'b Bytes,
    /// Offset of the buffer in the file.
    start: u64,
    buffer: Vec<u8>,
    /// The least number of bytes to read at once, if the file has so many.
    ahead: usize,
}

impl<'b> Window<'b> {
    pub(super) fn new(bytes: &'b Bytes, ahead: usize) -> Self {
        Self { bytes, start: 0, buffer: Vec::new(), ahead }
    }

    /// Length of the file in bytes.
    pub(super) fn file_len(&self) -> u64 {
        self.bytes.len()
    }

    /// `len` bytes at `position`; `None` if the file has fewer.
    pub(super) fn get(&mut self, position: u64, len: usize) -> Option<&[u8]> {
        let within = |start: u64, buffer: &[u8]| {
            let offset = usize::try_from(position.checked_sub(start)?).ok()?;
            (offset.checked_add(len)? <= buffer.len()).then_some(offset)
        };
        if within(self.start, &self.buffer).is_none() {
            let left = self.bytes.len().checked_sub(position)?;
            let ahead = usize::try_from(left).map_or(self.ahead, |left| self.ahead.min(left));
            self.buffer.clear();
            self.start = position;
            self.bytes.append(position, ahead.max(len), &mut self.buffer)?;
        }
        let offset = within(self.start, &self.buffer)?;
        self.buffer.get(offset..offset + len)
    }

    /// The bytes at `position`, as many as there are, at most `len`.
    pub(super) fn up_to(&mut self, position: u64, len: usize) -> &[u8] {
        let left = self.bytes.len().saturating_sub(position);
        let len = usize::try_from(left).map_or(len, |left| left.min(len));
        self.get(position, len).unwrap_or_default()
    }
}

/// A reader of big-endian numbers from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The version and flags at the start of many boxes.
    pub(super) fn version_and_flags(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0x00ff_ffff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_beyond_the_end_are_not_read() {
        let bytes = Bytes::memory(vec![1, 2, 3, 4].into());
        assert_eq!(bytes.range(1, 3), Some(vec![2, 3]));
        assert_eq!(bytes.range(1, 5), None);
        assert_eq!(bytes.range(3, 1), None);
        assert_eq!(bytes.range(u64::MAX, u64::MAX), None);
        assert_eq!(bytes.bytes_read(), 2);
    }

    #[test]
    fn a_window_reads_adjacent_pieces_once() {
        let bytes = Bytes::memory((0..100).collect());
        let mut window = Window::new(&bytes, 16);
        assert_eq!(window.get(10, 2), Some(&[10, 11][..]));
        assert_eq!(window.get(24, 2), Some(&[24, 25][..]));
        assert_eq!(bytes.bytes_read(), 16);
        assert_eq!(window.get(99, 1), Some(&[99][..]));
        assert_eq!(window.get(99, 2), None);
        assert_eq!(window.up_to(98, 8), &[98, 99]);
        assert_eq!(window.up_to(200, 8), &[] as &[u8]);
    }
}
