//! What is known of a frame once its planes are gone.

use moviola_av::{color::Color, pixel::PixelFormat, time::Pts};
use moviola_media::frame::Frame;

use crate::columns::record;

/// What is known of a frame once its planes are gone.
#[derive(Clone, Debug)]
pub struct FrameInfo {
    /// Its number among all frames in presentation order, from 0, if known.
    pub number: Option<u64>,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// When it is shown.
    pub pts: Option<Pts>,
    /// Seconds from the start of the presentation.
    pub time: Option<f64>,
    /// Width in pixels of what was made of it: an image, or the upright frame that boxes count in.
    pub width: usize,
    /// Height in pixels of the same.
    pub height: usize,
    /// The pixel format it was decoded to.
    pub format: PixelFormat,
    /// The colour description in its header.
    pub color: Color,
    /// Whether the decoder had to conceal damage.
    pub damaged: bool,
}

impl FrameInfo {
    /// What stays of `frame`, of which something of this width and height was made.
    pub(crate) fn of(frame: &Frame, (width, height): (usize, usize)) -> Self {
        let Frame { number, keyframe, pts, time, damaged, .. } = *frame;
        let (format, color) = (frame.decoded.format(), frame.decoded.color());
        Self { number, keyframe, pts, time, width, height, format, color, damaged }
    }

    /// The part of a record that says which frame it is.
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
    /// Which frame a record is about, and its size.
    pub struct FramePosition {
        /// Number among all frames in presentation order, from 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub frame: Option<u64>,
        /// Seconds from the start of the presentation.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub time: Option<f64>,
        /// The same in ticks, counted from the stream's own zero.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pts: Option<i64>,
        /// Seconds of a tick, as a fraction.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub time_base: Option<[u32; 2]>,
        /// Width in pixels: of the image, or of the upright frame that boxes count in.
        pub width: u32,
        /// Height in pixels of the same.
        pub height: u32,
    }
}
