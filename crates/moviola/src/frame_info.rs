//! Properties of a frame that remain after its planes are dropped.

use moviola_av::{color::Color, pixel::PixelFormat, time::Pts};
use moviola_media::frame::Frame;

use crate::columns::record;

/// Properties of a frame, without its planes.
#[derive(Clone, Debug)]
pub(crate) struct FrameInfo {
    /// Number among all frames in presentation order, from 0, if known.
    pub(crate) number: Option<u64>,
    /// Whether it is a keyframe.
    pub(crate) keyframe: bool,
    /// Presentation timestamp.
    pub(crate) pts: Option<Pts>,
    /// Seconds from the start of the presentation.
    pub(crate) time: Option<f64>,
    /// Width in pixels of the task's output: the image, or the upright frame in whose pixels boxes
    /// are given.
    pub(crate) width: usize,
    /// Height in pixels, as for `width`.
    pub(crate) height: usize,
    /// The decoded pixel format.
    pub(crate) format: PixelFormat,
    /// The colour description in the frame's header.
    pub(crate) color: Color,
    /// Whether the decoder had to conceal damage.
    pub(crate) damaged: bool,
}

impl FrameInfo {
    /// The properties of `frame`, with the width and height of a task's output.
    pub(crate) fn of(frame: &Frame, (width, height): (usize, usize)) -> Self {
        let Frame { number, keyframe, pts, time, damaged, .. } = *frame;
        let (format, color) = (frame.decoded.format(), frame.decoded.color());
        Self { number, keyframe, pts, time, width, height, format, color, damaged }
    }

    /// The fields of a record that identify the frame.
    pub(crate) fn position(&self) -> FramePosition {
        FramePosition {
            frame: self.number,
            time: self.time,
            pts: self.pts.map(|pts| pts.ticks),
            time_base: self.pts.map(|pts| [pts.base.num(), pts.base.den()]),
            width: u32::try_from(self.width).unwrap_or(u32::MAX),
            height: u32::try_from(self.height).unwrap_or(u32::MAX),
        }
    }
}

record! {
    /// The frame that a record describes, and its size.
    pub struct FramePosition {
        /// Number among all frames in presentation order, from 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub frame: Option<u64>,
        /// Seconds from the start of the presentation.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub time: Option<f64>,
        /// Presentation timestamp in ticks of `time_base`, from the stream's own zero.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pts: Option<i64>,
        /// Length of a tick in seconds, as numerator and denominator.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub time_base: Option<[u32; 2]>,
        /// Width in pixels: of the image, or of the upright frame in whose pixels boxes are given.
        pub width: u32,
        /// Height in pixels, as for `width`.
        pub height: u32,
    }
}
