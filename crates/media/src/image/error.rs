//! The errors of making and writing image files.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::write::remedy;
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
    #[error("an image of {width}x{height} pixels is too large: make it smaller with --max-size")]
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
    #[error("{} exists already: choose another place, or replace it with --overwrite", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be written.
    #[error("cannot write {}: {cause}; {remedy}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

impl ImageError {
    /// That `path` can't be written, with what to do about it.
    pub fn unwritable(path: &Path, cause: io::Error) -> Self {
        Self::Write { path: path.into(), remedy: remedy(cause.kind()), cause }
    }
}

/// This module's result.
pub type Result<T> = std::result::Result<T, ImageError>;
