//! Byte sources over callers' readers and over memory.

use std::{
    io::{self, Read, Seek, SeekFrom},
    mem::MaybeUninit,
    ptr, slice,
};

use super::ByteSource;

/// A reader that can't seek.
pub(super) struct Unseekable<R>(pub(super) R);

impl<R: Read + Send> ByteSource for Unseekable<R> {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.0.read(zeroed(target))
    }

    fn seek(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::NotSeekable.into())
    }

    fn len(&mut self) -> Option<u64> {
        None
    }
}

/// A reader that can seek.
pub(super) struct Seekable<R>(pub(super) R);

impl<R: Read + Seek + Send> ByteSource for Seekable<R> {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.0.read(zeroed(target))
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(position)).map(drop)
    }

    fn len(&mut self) -> Option<u64> {
        let here = self.0.stream_position().ok()?;
        let len = self.0.seek(SeekFrom::End(0)).ok()?;
        self.0.seek(SeekFrom::Start(here)).ok()?;
        Some(len)
    }
}

/// Initialises `target` with zeros, because a caller's reader may read its buffer. This costs a
/// tenth of a copy.
pub(super) fn zeroed(target: &mut [MaybeUninit<u8>]) -> &mut [u8] {
    target.fill(MaybeUninit::new(0));
    let (start, len) = (target.as_mut_ptr().cast::<u8>(), target.len());
    // SAFETY: all `len` bytes were just initialised, and the borrow is the target's.
    unsafe { slice::from_raw_parts_mut(start, len) }
}

/// Bytes in memory and the position of the next read.
pub(super) struct Bytes<B> {
    bytes: B,
    position: usize,
}

impl<B: AsRef<[u8]>> Bytes<B> {
    pub(super) fn new(bytes: B) -> Self {
        Self { bytes, position: 0 }
    }
}

impl<B: AsRef<[u8]> + Send> ByteSource for Bytes<B> {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let rest = self.bytes.as_ref().get(self.position..).unwrap_or_default();
        let count = rest.len().min(target.len());
        // SAFETY: both sides have `count` bytes, and a target borrowed mutably does not overlap.
        unsafe { ptr::copy_nonoverlapping(rest.as_ptr(), target.as_mut_ptr().cast(), count) };
        self.position += count;
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        // Every position past the end reads nothing.
        self.position = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(())
    }

    fn len(&mut self) -> Option<u64> {
        u64::try_from(self.bytes.as_ref().len()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_past_the_end_of_memory_returns_nothing() {
        let mut source = Bytes::new(vec![1, 2, 3]);
        let mut target = [MaybeUninit::new(0); 2];
        assert_eq!(source.read(&mut target).unwrap(), 2);
        assert_eq!(source.read(&mut target).unwrap(), 1);
        assert_eq!(source.read(&mut target).unwrap(), 0);
        source.seek(u64::MAX).unwrap();
        assert_eq!(source.read(&mut target).unwrap(), 0);
        assert_eq!(source.len(), Some(3));
    }

    #[test]
    fn len_keeps_the_position() {
        let mut source = Seekable(io::Cursor::new(vec![1, 2, 3]));
        source.seek(1).unwrap();
        assert_eq!(source.len(), Some(3));
        let mut target = [MaybeUninit::new(0); 4];
        assert_eq!(source.read(&mut target).unwrap(), 2);
    }
}
