//! The errors of making and writing image files.

use std::{
    io,
    path::{Path, PathBuf},
};

use moviola_av::{error::ErrorKind, remedy::Remedy};

use super::write::advice;
use crate::convert::ConvertError;

/// Everything that can fail in this module. Where there is a remedy, the message names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A caller's value is outside its documented range.
    #[error("{what} must be {expected}, got {got}")]
    InvalidArgument {
        /// The value's name.
        what: &'static str,
        /// Its range.
        expected: &'static str,
        /// The value.
        got: String,
    },
    /// A frame's plane is missing, or smaller than size and layout require.
    #[error("plane {plane} of the frame is missing or too small: it needs {needed}")]
    Planes {
        /// Index of the plane, from 0.
        plane: usize,
        /// The rows and bytes that it should hold.
        needed: String,
    },
    /// The image has more pixels across or in all than its format or this machine takes.
    #[error(
        "an image of {width}x{height} pixels is too large: make it smaller with {}",
        Remedy::ShrinkImage
    )]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The frame can't be converted to RGB.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// An encoder refused.
    #[error("cannot make a {format}: {reason}")]
    Encode {
        /// The file format.
        format: &'static str,
        /// What the encoder said.
        reason: String,
    },
    /// The file is there already and may not be replaced.
    #[error("{} exists already: choose another place, or replace it with {}", path.display(), Remedy::Overwrite)]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be written.
    #[error("cannot write {}: {cause}; {advice}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

impl ImageError {
    /// That `path` can't be written, with what to do about it.
    pub fn unwritable(path: &Path, cause: io::Error) -> Self {
        Self::Write { path: path.into(), advice: advice(cause.kind()), cause }
    }
}

impl ImageError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidArgument { .. } | Self::Planes { .. } => ErrorKind::InvalidArgument,
            Self::TooLarge { .. } => ErrorKind::Limit,
            Self::Convert(cause) => cause.kind(),
            Self::Encode { .. } => ErrorKind::Other,
            Self::Exists { .. } => ErrorKind::Exists,
            Self::Write { cause, .. } => cause.kind().into(),
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::TooLarge { .. } => Some(Remedy::ShrinkImage),
            Self::Exists { .. } => Some(Remedy::Overwrite),
            _ => None,
        }
    }
}

/// This module's result.
pub type Result<T> = std::result::Result<T, ImageError>;
