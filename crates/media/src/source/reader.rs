//! A caller's reader that can seek, read by several at once.

use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A caller's reader with a position of its own, which others that share the reader don't move.
#[derive(Clone)]
pub(super) struct SharedReader {
    shared: Arc<Mutex<Shared>>,
    /// Where this one reads next, in bytes from the start.
    position: u64,
}

/// The reader, and its position; `None` if that isn't known.
struct Shared {
    reader: Box<dyn ReadSeek>,
    position: Option<u64>,
}

trait ReadSeek: Read + Seek + Send {}

impl<R: Read + Seek + Send> ReadSeek for R {}

impl SharedReader {
    pub(super) fn new(reader: impl Read + Seek + Send + 'static) -> Self {
        let shared = Shared { reader: Box::new(reader), position: None };
        Self { shared: Arc::new(Mutex::new(shared)), position: 0 }
    }

    /// Another one of the same reader, at its start.
    pub(super) fn at_start(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), position: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // After a panic of the reader its position is unknown, but it may be read again.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Reads from `position` on.
    fn read_at(&mut self, position: u64, target: &mut [u8]) -> io::Result<usize> {
        if self.position.take() != Some(position) {
            self.reader.seek(SeekFrom::Start(position))?;
        }
        let count = self.reader.read(target)?;
        if count > target.len() {
            return Err(io::Error::other("the reader returned a count larger than its buffer"));
        }
        self.position = position.checked_add(count as u64);
        Ok(count)
    }
}

impl Read for SharedReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = self.lock().read_at(self.position, target)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for SharedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(_) => {
                let mut shared = self.lock();
                shared.position = None;
                Some(shared.reader.seek(to)?)
            }
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl fmt::Debug for SharedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReader").field("position", &self.position).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(reader: &mut SharedReader, len: usize) -> Vec<u8> {
        let mut target = vec![0; len];
        reader.read_exact(&mut target).expect("there are so many");
        target
    }

    #[test]
    fn each_reads_from_its_own_place() {
        let mut one = SharedReader::new(Cursor::new(vec![0, 1, 2, 3, 4, 5]));
        assert_eq!(read(&mut one, 2), [0, 1]);
        let mut other = one.at_start();
        assert_eq!(read(&mut other, 3), [0, 1, 2]);
        assert_eq!(read(&mut one, 2), [2, 3]);
        assert_eq!(other.seek(SeekFrom::End(-1)).expect("it can seek"), 5);
        assert_eq!((read(&mut one, 1), read(&mut other, 1)), (vec![4], vec![5]));
        assert!(one.seek(SeekFrom::Current(-9)).is_err());
    }

    /// Fails once, after it has moved.
    struct FailsOnce(Cursor<Vec<u8>>, bool);

    impl Read for FailsOnce {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(target)?;
            if std::mem::replace(&mut self.1, true) {
                Ok(count)
            } else {
                Err(io::Error::other("no"))
            }
        }
    }

    impl Seek for FailsOnce {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn after_an_error_the_place_is_the_one_before() {
        let mut reader = SharedReader::new(FailsOnce(Cursor::new(vec![7, 8]), false));
        assert!(reader.read(&mut [0]).is_err());
        assert_eq!(read(&mut reader, 2), [7, 8]);
    }
}
