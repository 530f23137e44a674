//! Regular files, read at absolute positions.

use std::{fs::File, io, mem::MaybeUninit, os::fd::AsRawFd};

use super::ByteSource;

/// A regular file and the position of the next read.
pub(super) struct FileSource {
    file: File,
    position: u64,
    /// Length in bytes when it was opened.
    len: u64,
}

impl FileSource {
    /// A source for `file`, whose length is now `len` bytes.
    pub(super) fn new(file: File, len: u64) -> Self {
        Self { file, position: 0, len }
    }
}

impl ByteSource for FileSource {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let count = read_at(&self.file, target, self.position)?;
        if count == 0 && self.position < self.len {
            return Err(truncated()); // 0 would mean the end
        }
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

/// The error for a file that was truncated after it was opened.
pub(super) fn truncated() -> io::Error {
    let text = "the file was truncated while it was read";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// Reads from `position` into the start of `target`; returns the number of bytes, 0 at the end.
pub(super) fn read_at(
    file: &File,
    target: &mut [MaybeUninit<u8>],
    position: u64,
) -> io::Result<usize> {
    let position = libc::off_t::try_from(position)
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let (start, len) = (target.as_mut_ptr().cast(), target.len());
    // SAFETY: `target` is writable for `len` bytes, and the file is open.
    let count = unsafe { libc::pread(file.as_raw_fd(), start, len, position) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}
