//! Where bytes come from: files, mappings, memory and callers' readers, as FFmpeg reads them.

mod avio;
mod file;
mod map;
mod pipe;
mod reader;
pub mod sigbus;
mod sparse;

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

/// A source of bytes to open a [`Demuxer`](crate::demuxer::Demuxer) on.
pub struct Io {
    source: Box<dyn Source>,
    counters: Arc<IoCounters>,
    seekable: bool,
}

/// How much has been read from a source. Readable from any thread while demuxing.
#[derive(Debug, Default)]
pub struct IoCounters {
    bytes_read: AtomicU64,
    reads: AtomicU64,
    seeks: AtomicU64,
}

impl IoCounters {
    /// Bytes read from the source.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Times that FFmpeg asked for bytes and got some.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Times that FFmpeg moved to another place.
    pub fn seeks(&self) -> u64 {
        self.seeks.load(Ordering::Relaxed)
    }
}

/// What FFmpeg needs from a source.
pub(crate) trait Source: Send {
    /// Fills the start of `target`, which is not empty; 0 at the end.
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize>;

    /// Moves to `position` bytes from the start.
    fn seek(&mut self, position: u64) -> io::Result<()>;

    /// The length in bytes now, if there is one.
    fn len(&mut self) -> Option<u64>;
}

impl Io {
    /// Reads from `reader`, which cannot seek: a pipe, a socket. Formats that keep their index at
    /// the end can't be read this way.
    ///
    /// A panic in `reader` becomes an error of the demuxer.
    pub fn read(reader: impl Read + Send + 'static) -> Self {
        Self::new(reader::Unseekable(reader), false)
    }

    /// Reads from `reader`, which can seek.
    ///
    /// A panic in `reader` becomes an error of the demuxer.
    pub fn read_seek(reader: impl Read + Seek + Send + 'static) -> Self {
        Self::new(reader::Seekable(reader), true)
    }

    /// Reads a file at absolute places, so that the file's own position does not matter. What is
    /// no regular file (a pipe, a terminal) is read from front to back; that it is silent doesn't keep
    /// an [`Interrupt`](crate::interrupt::Interrupt) from being heard.
    ///
    /// Reading what was cut off the file since it was opened is an [`Error::Io`], not its end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file's type can't be found out, or is a folder.
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

    /// Maps a regular file into memory and copies from there. Each read asks for the length of the
    /// file, because it may have been truncated.
    ///
    /// If another process truncates the file meanwhile, reading the missing part raises `SIGBUS`,
    /// which ends the process unless its owner has called [`sigbus::install`]; then it becomes an
    /// [`Error::Io`]. Choose [`Io::file`] where that is not acceptable. Parts already read are
    /// released, so that they don't count as memory of the process.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file can't be mapped.
    pub fn map(file: fs::File) -> Result<Self> {
        let source = map::MapSource::new(file).map_err(|error| Error::from_io("mmap", &error))?;
        Ok(Self::new(source, true))
    }

    /// Reads from memory.
    pub fn bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::new(reader::Bytes::new(bytes), true)
    }

    /// The source's counters, which go on counting after the demuxer has taken it.
    pub fn counters(&self) -> Arc<IoCounters> {
        Arc::clone(&self.counters)
    }

    fn new(source: impl Source + 'static, seekable: bool) -> Self {
        Self { source: Box::new(source), counters: Arc::default(), seekable }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("seekable", &self.seekable)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
