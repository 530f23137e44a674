//! A frame's number, time and state, without its pixels.

use std::sync::Arc;

use moviola_av::{frame::VideoFrame, time::Pts};

use super::FrameIndex;
use crate::{frame::Frame, input::VideoStream};

/// The number, time and state of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameMetadata {
    /// Its number among the stream's frames.
    pub number: u64,
    /// When it is shown.
    pub pts: Option<Pts>,
    /// Seconds from the start of the presentation.
    pub time: Option<f64>,
    /// Seconds until the next frame, if known.
    pub duration: Option<f64>,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Whether the decoder had to conceal damage.
    pub damaged: bool,
}

impl From<&Frame> for FrameMetadata {
    fn from(frame: &Frame) -> Self {
        let Frame { pts, time, duration, keyframe, damaged, .. } = *frame;
        Self { number: frame.number.unwrap_or(0), pts, time, duration, keyframe, damaged }
    }
}

impl FrameMetadata {
    /// The metadata of an index's frame; times count from `start`.
    pub(crate) fn of(number: u64, index: &FrameIndex, start: Pts) -> Self {
        let nothing = Self { number, ..Self::default() };
        index.frame(number).map_or(nothing, |known| {
            let seconds = Pts { ticks: known.duration, base: known.pts.base }.seconds();
            Self {
                number,
                pts: Some(known.pts),
                time: Some(known.pts.seconds_since(start)),
                duration: (known.duration > 0).then_some(seconds),
                keyframe: known.keyframe,
                damaged: false,
            }
        })
    }

    /// The frame with its pixels.
    pub(crate) fn with_pixels(self, decoded: VideoFrame, stream: Arc<VideoStream>) -> Frame {
        let Self { number, pts, time, duration, keyframe, damaged } = self;
        let number = Some(number);
        Frame { decoded, number, pts, time, duration, keyframe, damaged, stream }
    }
}
