//! The error type of the FFmpeg layer.

use std::{ffi::c_int, io};

use ffmpeg_sys_next as ffi;

use crate::remedy::Remedy;
pub use kind::ErrorKind;

mod kind;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the FFmpeg layer.
///
/// End of stream and "needs more input" are values, not errors. [`Error::kind`] is the class of an
/// error, by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call of FFmpeg failed.
    #[error("{message}")]
    Ffmpeg {
        /// The C function.
        op: &'static str,
        /// Its return value.
        code: i32,
        /// FFmpeg's message: what it logged, if [`log::init`](crate::log::init) was called, else
        /// the text for the code.
        message: String,
    },
    /// Reading failed, in the system or in a caller's reader.
    #[error("{message}")]
    Io {
        /// The operation, such as "read".
        op: &'static str,
        /// The message of the cause.
        message: String,
        /// The standard library's class of the cause.
        kind: io::ErrorKind,
    },
    /// This build of FFmpeg has no decoder for the codec.
    #[error("no decoder for {codec} in this build of FFmpeg")]
    NoDecoder {
        /// FFmpeg's name of the codec.
        codec: String,
    },
    /// The input needs more than a limit allows.
    #[error("{what}: {got} is over the limit of {limit}")]
    Limit {
        /// What is limited, with its unit.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// The needed value, or a lower bound of it.
        got: u64,
    },
    /// The input refers to a file or URL that its access rules forbid to open.
    #[error("refused to open '{target}': {reason}; if you trust the input, allow it with {remedy}")]
    Refused {
        /// The file or URL.
        target: String,
        /// The rule.
        reason: &'static str,
        /// The change that allows it.
        remedy: Remedy,
    },
    /// Options that FFmpeg does not know.
    #[error("unknown option: {}", names.join(", "))]
    UnusedOptions {
        /// Their names.
        names: Vec<String>,
    },
    /// The call was cancelled by its [`Interrupt`](crate::interrupt::Interrupt).
    #[error("interrupted")]
    Interrupted,
    /// The call did not finish before its deadline.
    #[error("timed out")]
    TimedOut,
    /// A caller's value is outside its documented range.
    #[error("{what} must be {expected}, got {got}")]
    InvalidArgument {
        /// The argument.
        what: &'static str,
        /// Its range.
        expected: &'static str,
        /// The value.
        got: String,
    },
    /// The allocator returned null.
    #[error("out of memory")]
    OutOfMemory,
}

impl Error {
    /// The class of the error, by what the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Ffmpeg { code, .. } => ffmpeg_kind(*code),
            Self::Io { kind, .. } => (*kind).into(),
            Self::NoDecoder { .. } => ErrorKind::Unsupported,
            Self::Limit { .. } => ErrorKind::Limit,
            Self::Refused { .. } => ErrorKind::Forbidden,
            Self::UnusedOptions { .. } | Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::OutOfMemory => ErrorKind::OutOfMemory,
        }
    }

    /// What the caller can change to avoid the error, if anything.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Limit { got, .. } => Some(Remedy::RaiseMaxPixels { needed: *got }),
            Self::Refused { remedy, .. } => Some(remedy.clone()),
            _ => None,
        }
    }

    /// Whether the input is damaged, so that the caller may continue with the next packet.
    pub fn is_corrupt(&self) -> bool {
        self.kind() == ErrorKind::Corrupt
    }

    /// The error for FFmpeg's error code `code`, returned by the function `op`.
    pub(crate) fn from_code(op: &'static str, code: c_int) -> Self {
        let message = strerror(code);
        match code {
            ffi::AVERROR_EXIT => Self::Interrupted,
            _ if code == ffi::AVERROR(libc::ENOMEM) => Self::OutOfMemory,
            _ if code == ffi::AVERROR(libc::ETIMEDOUT) => Self::TimedOut,
            _ if is_io(code) => {
                let kind = io::Error::from_raw_os_error(ffi::AVUNERROR(code)).kind();
                Self::Io { op, message, kind }
            }
            _ => Self::Ffmpeg { op, code, message },
        }
    }

    /// The same error with the message that FFmpeg logged, if there is one.
    pub(crate) fn explained_by(mut self, logged: Option<String>) -> Self {
        if let (Self::Ffmpeg { message, .. }, Some(logged)) = (&mut self, logged) {
            *message = logged;
        }
        self
    }

    /// The error for a failed system call or reader.
    pub(crate) fn from_io(op: &'static str, error: &io::Error) -> Self {
        Self::Io { op, message: error.to_string(), kind: error.kind() }
    }
}

/// Converts FFmpeg's return value to a [`Result`]: negative values are error codes.
pub(crate) fn check(op: &'static str, code: c_int) -> Result<c_int> {
    if code >= 0 { Ok(code) } else { Err(Error::from_code(op, code)) }
}

/// The largest errno; FFmpeg's own codes are four-letter tags with much larger values.
const LAST_ERRNO: c_int = 255;

/// Whether `code` is an errno of the system, and not one that FFmpeg uses for invalid data or
/// arguments.
fn is_io(code: c_int) -> bool {
    let errno = ffi::AVUNERROR(code);
    let about_data =
        [libc::EINVAL, libc::ERANGE, libc::EDOM, libc::EILSEQ, libc::ENOSYS, libc::EAGAIN];
    (1..=LAST_ERRNO).contains(&errno) && !about_data.contains(&errno)
}

/// The class of an FFmpeg error code that is not an I/O error.
fn ffmpeg_kind(code: c_int) -> ErrorKind {
    match code {
        ffi::AVERROR_INVALIDDATA | ffi::AVERROR_EOF => ErrorKind::Corrupt,
        ffi::AVERROR_PATCHWELCOME
        | ffi::AVERROR_DECODER_NOT_FOUND
        | ffi::AVERROR_DEMUXER_NOT_FOUND
        | ffi::AVERROR_PROTOCOL_NOT_FOUND
        | ffi::AVERROR_BSF_NOT_FOUND => ErrorKind::Unsupported,
        ffi::AVERROR_OPTION_NOT_FOUND => ErrorKind::InvalidArgument,
        ffi::AVERROR_HTTP_NOT_FOUND => ErrorKind::NotFound,
        ffi::AVERROR_HTTP_UNAUTHORIZED | ffi::AVERROR_HTTP_FORBIDDEN => ErrorKind::PermissionDenied,
        ffi::AVERROR_HTTP_BAD_REQUEST
        | ffi::AVERROR_HTTP_TOO_MANY_REQUESTS
        | ffi::AVERROR_HTTP_OTHER_4XX
        | ffi::AVERROR_HTTP_SERVER_ERROR => ErrorKind::Io,
        _ if code == ffi::AVERROR(libc::ENOSYS) => ErrorKind::Unsupported,
        // Decoders and demuxers return the other errno values for invalid input.
        _ if (-LAST_ERRNO..0).contains(&code) => ErrorKind::Corrupt,
        _ => ErrorKind::Other,
    }
}

/// FFmpeg's text for `code`.
fn strerror(code: c_int) -> String {
    let mut text = [0_u8; ffi::AV_ERROR_MAX_STRING_SIZE];
    // SAFETY: `text` is writable and its length is passed along. A negative result means that the
    // code is unknown; then the text is generic.
    unsafe { ffi::av_strerror(code, text.as_mut_ptr().cast(), text.len()) };
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_kind(code: c_int, want: ErrorKind) {
        assert_eq!(Error::from_code("test", code).kind(), want);
    }

    #[test]
    fn every_class_of_code_has_its_kind() {
        check_kind(ffi::AVERROR_INVALIDDATA, ErrorKind::Corrupt);
        check_kind(ffi::AVERROR(libc::EINVAL), ErrorKind::Corrupt);
        check_kind(ffi::AVERROR(libc::EIO), ErrorKind::Io);
        check_kind(ffi::AVERROR(libc::ENOENT), ErrorKind::NotFound);
        check_kind(ffi::AVERROR(libc::EACCES), ErrorKind::PermissionDenied);
        check_kind(ffi::AVERROR(libc::ENOMEM), ErrorKind::OutOfMemory);
        check_kind(ffi::AVERROR_EXIT, ErrorKind::Interrupted);
        check_kind(ffi::AVERROR(libc::ETIMEDOUT), ErrorKind::TimedOut);
        check_kind(ffi::AVERROR_DEMUXER_NOT_FOUND, ErrorKind::Unsupported);
        check_kind(ffi::AVERROR_HTTP_NOT_FOUND, ErrorKind::NotFound);
        check_kind(ffi::AVERROR_HTTP_SERVER_ERROR, ErrorKind::Io);
        check_kind(ffi::AVERROR_BUG, ErrorKind::Other);
    }

    #[test]
    fn a_missing_file_keeps_its_kind_and_message() {
        let Error::Io { message, kind, .. } = Error::from_code("open", -libc::ENOENT) else {
            panic!("not an I/O error");
        };
        assert_eq!(kind, io::ErrorKind::NotFound);
        assert_eq!(message, "No such file or directory");
    }

    #[test]
    fn the_text_is_ffmpegs_own_or_what_it_logged() {
        let error = Error::from_code("avformat_open_input", ffi::AVERROR_INVALIDDATA);
        assert!(error.to_string().starts_with("Invalid data"), "{error}");
        let error = error.explained_by(Some("moov atom not found".into()));
        assert_eq!(error.to_string(), "moov atom not found");
    }
}
