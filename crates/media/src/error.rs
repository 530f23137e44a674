//! What can go wrong between a source and its frames.

use moviola_av::{
    error::{Error as AvError, ErrorKind},
    remedy::Remedy,
};

/// Everything that can fail in this crate. Each message names the source and, where one is
/// known, the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source can't be opened.
    #[error("{name}: {reason}")]
    Open {
        /// The source's name, as the user gave it.
        name: String,
        /// What is wrong and what to do.
        reason: String,
        /// The class of what is wrong.
        kind: ErrorKind,
    },
    /// The container can't be read, or not any further.
    #[error("{name}: {reason}")]
    Demux {
        /// The source's name, as the user gave it.
        name: String,
        /// What is wrong and what to do.
        reason: String,
        /// FFmpeg's answer.
        #[source]
        cause: AvError,
    },
    /// The file ends before the last keyframes that its index lists. The earlier ones were
    /// returned.
    #[error(
        "{name}: the file is truncated, or its index is wrong: {keyframes} more keyframes are \
         listed than are in it; get the whole file"
    )]
    Truncated {
        /// The source's name, as the user gave it.
        name: String,
        /// How many keyframes are missing.
        keyframes: usize,
    },
    /// There is no video, or none that can be decoded.
    #[error("{name}: {reason}")]
    NoVideo {
        /// The source's name, as the user gave it.
        name: String,
        /// What there is instead, or why it can't be decoded.
        reason: String,
        /// [`ErrorKind::NoVideo`], or why it can't be decoded.
        kind: ErrorKind,
        /// What the caller can change.
        remedy: Option<Remedy>,
    },
    /// The request needs several passes over a source that can be read only once.
    #[error(
        "{name}: any frame can be had from a file, but a pipe can only be read in order; save it to \
         a file first, or ask for all frames"
    )]
    ReadOnce {
        /// The source's name, as the user gave it.
        name: String,
    },
    /// There is no such frame.
    #[error("{name}: there is no frame {what}: {extent}")]
    NoFrame {
        /// The source's name, as the user gave it.
        name: String,
        /// The requested frame: a number or a time.
        what: String,
        /// Which frames there are.
        extent: String,
    },
    /// There is no audio, or it can't be decoded any further.
    #[error("{name}: {reason}")]
    NoAudio {
        /// The source's name, as the user gave it.
        name: String,
        /// What there is instead, or what went wrong.
        reason: String,
        /// [`ErrorKind::NoAudio`], or why it can't be decoded.
        kind: ErrorKind,
    },
    /// A range of time can't be read.
    #[error("{name}: {reason}")]
    Range {
        /// The source's name, as the user gave it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// One frame can't be decoded; those before and after it may be fine.
    #[error("{name}: the picture at {place} can't be decoded: {reason}")]
    Decode {
        /// The source's name, as the user gave it.
        name: String,
        /// The frame's time or number, as text.
        place: String,
        /// Seconds from the start of the presentation, if known.
        time: Option<f64>,
        /// What is wrong.
        reason: String,
        /// The decoder's error, if it gave one.
        cause: Option<Box<AvError>>,
    },
    /// A frame can't be converted to the requested pixels.
    #[error("{name}: {reason}")]
    Pixels {
        /// The source's name, as the user gave it.
        name: String,
        /// What is wrong.
        reason: String,
        /// The class of what is wrong.
        kind: ErrorKind,
    },
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
    /// A thread can't be started.
    #[error("{name}: no thread can be started: {reason}")]
    Thread {
        /// The source's name, as the user gave it.
        name: String,
        /// The system's answer.
        reason: String,
    },
}

/// The stage that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding and opening the source.
    Open,
    /// Reading the container.
    Demux,
    /// Turning packets into frames.
    Decode,
}

impl Stage {
    /// The stage's name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Demux => "demux",
            Self::Decode => "decode",
        }
    }
}

/// The functions of FFmpeg that recognise a container.
const OPENING: [&str; 2] = ["avformat_open_input", "av_probe_input_buffer2"];

impl Error {
    /// The stage that failed.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Open { .. }
            | Self::Thread { .. }
            | Self::ReadOnce { .. }
            | Self::InvalidArgument { .. } => Stage::Open,
            Self::Demux { .. }
            | Self::Truncated { .. }
            | Self::NoVideo { .. }
            | Self::NoFrame { .. }
            | Self::NoAudio { .. }
            | Self::Range { .. } => Stage::Demux,
            Self::Decode { .. } | Self::Pixels { .. } => Stage::Decode,
        }
    }

    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { kind, .. }
            | Self::NoVideo { kind, .. }
            | Self::NoAudio { kind, .. }
            | Self::Pixels { kind, .. } => *kind,
            Self::Demux { cause, .. } => match (cause.kind(), cause) {
                (ErrorKind::Corrupt, AvError::Ffmpeg { op, .. }) if OPENING.contains(op) => {
                    ErrorKind::NotMedia
                }
                (kind, _) => kind,
            },
            Self::Decode { cause: Some(cause), .. } => cause.kind(),
            Self::Truncated { .. } | Self::Decode { cause: None, .. } => ErrorKind::Corrupt,
            Self::ReadOnce { .. } => ErrorKind::NotSeekable,
            Self::NoFrame { .. } => ErrorKind::NoFrame,
            Self::Range { .. } | Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::Thread { .. } => ErrorKind::Worker,
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::NoVideo { remedy, .. } => remedy.clone(),
            Self::Demux { cause, .. } => cause.remedy(),
            Self::Decode { cause: Some(cause), .. } => cause.remedy(),
            _ => None,
        }
    }

    /// The error of a caller's value outside its range.
    pub(crate) fn argument(what: &'static str, expected: &'static str, got: impl ToString) -> Self {
        Self::InvalidArgument { what, expected, got: got.to_string() }
    }

    /// Checks that there is at least one worker.
    pub(crate) fn check_workers(count: usize) -> Result<()> {
        if count > 0 { Ok(()) } else { Err(Self::argument("workers", "1 or more", count)) }
    }

    /// The error that the source has no video, for `reason`.
    pub(crate) fn no_video(name: &str, reason: impl Into<String>) -> Self {
        let kind = ErrorKind::NoVideo;
        Self::NoVideo { name: name.into(), reason: reason.into(), kind, remedy: None }
    }

    /// The error that this build can't decode the source's video, for `reason`.
    pub(crate) fn unsupported_video(name: &str, reason: impl Into<String>) -> Self {
        let kind = ErrorKind::Unsupported;
        Self::NoVideo { name: name.into(), reason: reason.into(), kind, remedy: None }
    }

    /// Seconds from the start of the presentation where it happened, if it belongs to a picture.
    pub fn time(&self) -> Option<f64> {
        match self {
            Self::Decode { time, .. } => *time,
            _ => None,
        }
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;
