//! Views of frames of any pixel format: formats that no kernel takes are converted by swscale.

use crate::{
    frame::Frame,
    frame_view::{FrameView, Orientation},
};
use moviola_av::{
    color::Color,
    error::{Error, Result},
    frame::{VideoFrame, VideoFrameMut},
    pixel::PixelFormat,
    scaler::{Filter, FrameFormat, Scaler},
    stage,
};

/// The pixel format to convert to: all kernels take it, and swscale converts every format to it.
const COMMON: &str = "rgb24";

/// A maker of frame views that converts frames if no kernel takes their pixel format.
///
/// For one thread: it keeps the swscale context and the last converted frame.
#[derive(Debug, Default)]
pub struct AnyFormat {
    scaler: Option<Scaler>,
    converted: Option<VideoFrame>,
}

impl AnyFormat {
    /// A view of `frame`, or of its conversion to 8-bit RGB.
    ///
    /// # Errors
    ///
    /// swscale's error if it doesn't take the format; [`Error::OutOfMemory`].
    pub fn view<'a>(&'a mut self, frame: &'a Frame) -> Result<FrameView<'a>> {
        if let Some(view) = frame.view() {
            return Ok(view);
        }
        let stream = frame.stream();
        let frame = &frame.decoded;
        let orientation = frame.display_matrix().map_or(stream.orientation, Orientation::of_matrix);
        let sample_aspect = stream.sample_aspect.or(frame.sample_aspect_ratio());
        let converted = self.converted.insert(convert(&mut self.scaler, frame)?);
        FrameView::of_frame(converted, orientation, sample_aspect)
            .ok_or_else(|| unsupported(frame.format()))
    }
}

fn convert(scaler: &mut Option<Scaler>, frame: &VideoFrame) -> Result<VideoFrame> {
    let _stage = stage!("convert");
    let format = PixelFormat::from_name(COMMON).ok_or_else(|| unsupported(frame.format()))?;
    let from = FrameFormat::of(frame);
    let scaler = match scaler.take().filter(|scaler| scaler.source() == from) {
        Some(same) => scaler.insert(same),
        None => {
            let to = FrameFormat { format, color: Color::default(), ..from };
            scaler.insert(Scaler::new(from, to, Filter::default())?)
        }
    };
    let mut target = VideoFrameMut::new(format, frame.width(), frame.height())?;
    scaler.scale(frame, &mut target)?;
    Ok(target.freeze())
}

fn unsupported(format: PixelFormat) -> Error {
    let (what, expected) = ("the pixel format", "one that can be converted to RGB");
    Error::InvalidArgument { what, expected, got: format.name().into() }
}
