//! What became of the device that a decoder was given.

use crate::{error::Error, frame::VideoFrame, log};

/// Whether the device takes the stream: the first picture tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hardware {
    /// There is none.
    Absent,
    /// It was asked.
    Asked,
    /// It gave the first picture.
    Works,
    /// The first picture came from software, and why.
    Refused(String),
}

impl Hardware {
    /// A device was given, or none.
    pub(super) fn new(given: bool) -> Self {
        if !given {
            return Self::Absent;
        }
        log::take_error(); // of something before
        Self::Asked
    }

    /// Learns from a picture where it was decoded; says whether that was unknown before.
    pub(super) fn learn(&mut self, frame: &VideoFrame) -> bool {
        if *self != Self::Asked {
            return false;
        }
        *self = if frame.is_hardware() {
            Self::Works
        } else {
            let why = log::take_error();
            Self::Refused(why.unwrap_or_else(|| "the device does not take this stream".into()))
        };
        true
    }

    /// The error in the words of whoever failed first, while the device is on trial.
    pub(super) fn explain(&self, error: Error) -> Error {
        if *self == Self::Asked { error.explained_by(log::take_error()) } else { error }
    }
}
