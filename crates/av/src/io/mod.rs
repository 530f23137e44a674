//! Byte sources that FFmpeg reads from: files, mapped files, memory and callers' readers.

mod avio;
mod file;
mod map;
mod pipe;
mod reader;
pub mod sigbus;
mod skipped;

use std::{
    fmt, fs, io,
    io::{Read, Seek},
    mem::MaybeUninit,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub(crate) use self::avio::Avio;
use crate::error::{Error, Result};

/// A byte source to open a [`Demuxer`](crate::demuxer::Demuxer) on.
pub struct Io {
    source: Box<dyn ByteSource>,
    counters: Arc<IoCounters>,
    is_seekable: bool,
}

/// Counters of the reads from an [`Io`]. They can be read from any thread while demuxing.
#[derive(Debug, Default)]
pub struct IoCounters {
    bytes_read: AtomicU64,
    reads: AtomicU64,
    seeks: AtomicU64,
}

impl IoCounters {
    /// Number of bytes read from the source.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Number of reads that returned bytes.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Number of seeks.
    pub fn seeks(&self) -> u64 {
        self.seeks.load(Ordering::Relaxed)
    }
}

/// A source of bytes that FFmpeg reads through callbacks.
pub(crate) trait ByteSource: Send {
    /// Reads into the start of `target`, which is not empty; returns the number of bytes, 0 at the
    /// end.
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize>;

    /// Sets the position of the next read, in bytes from the start.
    fn seek(&mut self, position: u64) -> io::Result<()>;

    /// The current length in bytes; `None` if it is unknown.
    fn len(&mut self) -> Option<u64>;
}

impl Io {
    /// Reads from a reader that can't seek, such as a pipe or socket. Formats with their index at
    /// the end can't be read this way.
    ///
    /// A panic in `reader` becomes an [`Error::Io`] of the demuxer.
    pub fn read(reader: impl Read + Send + 'static) -> Self {
        Self::new(reader::Unseekable(reader), false)
    }

    /// Reads from a reader that can seek.
    ///
    /// A panic in `reader` becomes an [`Error::Io`] of the demuxer.
    pub fn read_seek(reader: impl Read + Seek + Send + 'static) -> Self {
        Self::new(reader::Seekable(reader), true)
    }

    /// Reads a regular file with `pread`, independently of the file's own position. Other files
    /// (pipes, terminals) are read in order without seeking; while they have no data, the demuxer
    /// still polls its [`Interrupt`](crate::interrupt::Interrupt).
    ///
    /// If the file is truncated after it was opened, reading the missing part is an [`Error::Io`],
    /// not the end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file's type can't be determined or it is a folder.
    pub fn file(file: fs::File) -> Result<Self> {
        let metadata = file.metadata().map_err(|error| Error::from_io("stat", &error))?;
        if metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(Error::from_io("open", &error));
        }
        Ok(match metadata.is_file() {
            true => Self::new(file::FileSource::new(file, metadata.len()), true),
            false => Self::new(pipe::Pipe(file), false),
        })
    }

    /// Maps a regular file into memory and copies from there. Each read checks the file's length,
    /// because the file may have been truncated.
    ///
    /// If another process truncates the file, reading the missing part raises `SIGBUS`. That ends
    /// the process, or is an [`Error::Io`] if the program has called [`sigbus::install`]. Use
    /// [`Io::file`] where this is not acceptable. Pages that were read are released, so that they
    /// do not count as memory of the process.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file can't be mapped.
    pub fn map(file: fs::File) -> Result<Self> {
        let source = map::MapSource::new(file).map_err(|error| Error::from_io("mmap", &error))?;
        Ok(Self::new(source, true))
    }

    /// Reads bytes in memory.
    pub fn bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::new(reader::Bytes::new(bytes), true)
    }

    /// The counters, which stay valid after a demuxer has taken over the source.
    pub fn counters(&self) -> Arc<IoCounters> {
        Arc::clone(&self.counters)
    }

    fn new(source: impl ByteSource + 'static, is_seekable: bool) -> Self {
        Self { source: Box::new(source), counters: Arc::default(), is_seekable }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("is_seekable", &self.is_seekable)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
