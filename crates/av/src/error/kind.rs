//! The classes of errors, shared by all crates.

use std::io;

/// The class of an error, by what the caller can do about it.
///
/// Every public error type of Moviola has a method `kind` that returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file or URL does not exist.
    NotFound,
    /// The system or a server denies access.
    PermissionDenied,
    /// Reading or writing failed: the file, the disk, the network or a caller's reader.
    Io,
    /// The disk or a quota is full.
    StorageFull,
    /// The output exists already.
    Exists,
    /// Another process uses the output.
    InUse,
    /// The source is not a media file, or its start or its tables are missing.
    NotMedia,
    /// The source has no video.
    NoVideo,
    /// The source has no audio.
    NoAudio,
    /// The source has no such frame or time range.
    NoFrame,
    /// The source can be read only once, in order: save it to a file first.
    NotSeekable,
    /// The data is damaged. What follows may be intact.
    Corrupt,
    /// This build does not support it, or it is encrypted.
    Unsupported,
    /// A limit is exceeded; the caller can raise it.
    Limit,
    /// An access rule for inputs forbids it; the caller can extend the rule.
    Forbidden,
    /// The caller cancelled the work.
    Interrupted,
    /// The work did not finish before its deadline.
    TimedOut,
    /// The caller passed a value outside its documented range.
    InvalidArgument,
    /// Memory is exhausted.
    OutOfMemory,
    /// A worker thread or process could not be started, or ended before its work was done.
    Worker,
    /// ONNX Runtime is missing or can't be used.
    Runtime,
    /// The model can't be loaded or run, or its head is not known.
    Model,
    /// The provider can't run the model.
    Provider,
    /// None of the others.
    Other,
}

impl From<io::ErrorKind> for ErrorKind {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied
            }
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::StorageFull,
            io::ErrorKind::OutOfMemory => Self::OutOfMemory,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Io,
        }
    }
}
