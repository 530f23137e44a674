//! What a caller can do about an error: one list for all crates.

use std::io;

/// The class of an error, by what the caller can do next.
///
/// Every public error type of Moviola has a method `kind` that returns one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such file or address.
    NotFound,
    /// The system or a server denies access.
    PermissionDenied,
    /// Reading or writing failed: the file, the disk, the network or a caller's reader.
    Io,
    /// The disk or a quota is full.
    StorageFull,
    /// What is to be written exists already.
    Exists,
    /// Another process uses it.
    InUse,
    /// It is no media file, or one without its beginning or its tables.
    NotMedia,
    /// It has no video.
    NoVideo,
    /// It has no audio.
    NoAudio,
    /// It has no such frame or range of time.
    NoFrame,
    /// It can be read only once, from its start to its end: save it to a file first.
    NotSeekable,
    /// The bytes are damaged or not what they claim to be. What follows may be fine.
    Corrupt,
    /// This build has no code for it, or it is encrypted.
    Unsupported,
    /// It is larger than a limit allows; the caller can raise the limit.
    Limit,
    /// A rule for inputs forbids it; the caller can widen the rule.
    Forbidden,
    /// The caller stopped the work.
    Interrupted,
    /// The work did not finish before its deadline.
    TimedOut,
    /// The caller passed something outside its documented range.
    InvalidArgument,
    /// Memory is exhausted.
    OutOfMemory,
    /// The system starts no thread or process, or one ended before its work did.
    Worker,
    /// ONNX Runtime is missing or can't be used.
    Runtime,
    /// The model can't be loaded, understood or run.
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
