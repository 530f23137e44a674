//! The state of the hardware device that a decoder was given.

use crate::{error::Error, frame::VideoFrame, log};

/// Whether a decoder uses its device. Only the first frame shows it, because a device that does
/// not support the stream makes FFmpeg continue in software.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeviceState {
    /// The decoder has no device.
    Absent,
    /// The decoder has a device, and no frame yet.
    Pending,
    /// The first frame was decoded on the device.
    Active,
    /// The first frame was decoded in software, for this reason.
    Refused(String),
}

impl DeviceState {
    /// The state before the first frame.
    pub(super) fn new(has_device: bool) -> Self {
        if !has_device {
            return Self::Absent;
        }
        log::take_error(); // an older message must not explain a refusal
        Self::Pending
    }

    /// Updates the state from a decoded frame; returns whether this was the first one.
    pub(super) fn update(&mut self, frame: &VideoFrame) -> bool {
        if *self != Self::Pending {
            return false;
        }
        *self = if frame.is_hardware() {
            Self::Active
        } else {
            let reason = log::take_error();
            Self::Refused(reason.unwrap_or_else(|| "the device does not take this stream".into()))
        };
        true
    }

    /// Replaces the text of an error by FFmpeg's first log message, while the state is pending.
    ///
    /// That message names the cause.
    pub(super) fn explain(&self, error: Error) -> Error {
        if *self == Self::Pending { error.explained_by(log::take_error()) } else { error }
    }
}
