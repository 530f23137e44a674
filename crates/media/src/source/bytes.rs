//! Random access to a source's bytes, without FFmpeg.

use std::{
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use super::reader::SharedReader;

/// The bytes of a file, of memory or of a reader that can seek. Clones share the count of what was
/// read.
#[derive(Clone, Debug)]
pub struct Bytes {
    storage: Storage,
    len: u64,
    read: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
enum Storage {
    File(Arc<File>),
    Memory(SharedBytes),
    Reader(SharedReader),
}

/// Bytes in memory that the caller's value owns. Clones share them.
#[derive(Clone)]
pub(super) struct SharedBytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl SharedBytes {
    pub(super) fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBytes").field("len", &self.as_ref().len()).finish()
    }
}

impl Bytes {
    /// A regular file, read at absolute places; `None` if it is a pipe or a device.
    pub fn file(file: File) -> Option<Self> {
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let read = Arc::default();
        Some(Self { storage: Storage::File(Arc::new(file)), len: metadata.len(), read })
    }

    /// A whole file in memory.
    pub fn memory(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let len = bytes.as_ref().len() as u64;
        Self { storage: Storage::Memory(SharedBytes::new(bytes)), len, read: Arc::default() }
    }

    /// The bytes of a caller's reader; `None` if its length can't be found out.
    pub(super) fn reader(reader: &SharedReader) -> Option<Self> {
        let mut reader = reader.at_start();
        let len = reader.seek(SeekFrom::End(0)).ok()?;
        Some(Self { storage: Storage::Reader(reader), len, read: Arc::default() })
    }

    /// Length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes have been read.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Appends `len` bytes from `position` on to `target`; `None` if there are fewer, or reading
    /// fails.
    pub(crate) fn append(&self, position: u64, len: usize, target: &mut Vec<u8>) -> Option<()> {
        // Checked before anything is allocated: lengths come from the file.
        let end = position.checked_add(len as u64).filter(|&end| end <= self.len)?;
        match &self.storage {
            Storage::Memory(bytes) => {
                let range = usize::try_from(position).ok()?..usize::try_from(end).ok()?;
                target.extend_from_slice(bytes.as_ref().get(range)?);
            }
            Storage::File(file) => file.read_exact_at(grow(target, len)?, position).ok()?,
            Storage::Reader(reader) => {
                let mut reader = reader.at_start();
                reader.seek(SeekFrom::Start(position)).ok()?;
                reader.read_exact(grow(target, len)?).ok()?;
            }
        }
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Some(())
    }

    /// Whether a key of a part of the bytes identifies them: not those of a reader, which may have
    /// changed elsewhere.
    pub(crate) fn are_identifiable(&self) -> bool {
        !matches!(self.storage, Storage::Reader(_))
    }

    /// When the file was last changed, if it is one.
    pub(crate) fn changed(&self) -> Option<SystemTime> {
        match &self.storage {
            Storage::File(file) => file.metadata().ok()?.modified().ok(),
            Storage::Memory(_) | Storage::Reader(_) => None,
        }
    }

    /// The bytes from `start` up to `end`.
    pub(crate) fn range(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        let len = usize::try_from(end.checked_sub(start)?).ok()?;
        let mut bytes = Vec::new();
        self.append(start, len, &mut bytes)?;
        Some(bytes)
    }
}

/// Appends `len` zeros to `target` and returns them.
fn grow(target: &mut Vec<u8>, len: usize) -> Option<&mut [u8]> {
    let start = target.len();
    target.resize(start + len, 0);
    target.get_mut(start..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_end_is_not_read() {
        let bytes = Bytes::memory(vec![1, 2, 3, 4]);
        assert_eq!(bytes.range(1, 3), Some(vec![2, 3]));
        assert_eq!(bytes.range(1, 5), None);
        assert_eq!(bytes.range(3, 1), None);
        assert_eq!(bytes.range(u64::MAX, u64::MAX), None);
        assert_eq!(bytes.bytes_read(), 2);
    }

    #[test]
    fn bytes_of_a_reader_are_those_of_its_places() {
        let reader = SharedReader::new(std::io::Cursor::new(vec![1, 2, 3, 4]));
        let bytes = Bytes::reader(&reader).expect("it can seek");
        assert_eq!((bytes.len(), bytes.range(1, 3)), (4, Some(vec![2, 3])));
        assert_eq!(bytes.range(3, 5), None);
    }
}
