//! A decoded frame: its planes, number and time, and its view for the kernels.

mod pixels;

use std::sync::Arc;

use moviola_av::{
    color::{ChromaLocation, ColorMatrix, ColorRange},
    error::Result as AvResult,
    frame::VideoFrame,
    pixel::PixelFormat,
    time::Pts,
};

use crate::{
    frame_view::{ChromaSiting, Depth, FrameColor, FrameView, Layout, Matrix, Orientation, Range},
    input::VideoStream,
};

pub use self::pixels::{PixelPlane, Pixels};

/// A decoded frame with its number, time and stream.
#[derive(Debug)]
pub struct Frame {
    /// The decoder's own planes.
    pub decoded: VideoFrame,
    /// Number among the stream's frames in presentation order, from 0; `None` if unknown.
    pub number: Option<u64>,
    /// Presentation time in ticks of the stream; `None` if the source has no timestamps.
    pub pts: Option<Pts>,
    /// Presentation time in seconds from the start of the presentation.
    pub time: Option<f64>,
    /// Seconds until the next frame; `None` if unknown.
    pub duration: Option<f64>,
    /// Whether decoding can start at this frame.
    pub keyframe: bool,
    /// Whether the decoder had to conceal damage.
    pub damaged: bool,
    pub(crate) stream: Arc<VideoStream>,
}

impl Frame {
    /// A view of the planes for the kernels; `None` for pixel formats that no kernel takes, which
    /// [`AnyFormat`](crate::any_format::AnyFormat) converts.
    pub fn view(&self) -> Option<FrameView<'_>> {
        FrameView::of_frame(&self.decoded, self.stream.orientation, self.stream.sample_aspect)
    }

    /// The steps that make the frame upright: from its own display matrix, or else the stream's.
    pub fn orientation(&self) -> Orientation {
        self.decoded.display_matrix().map_or(self.stream.orientation, Orientation::of_matrix)
    }

    /// Width and height in pixels of the frame as shown: upright, with square pixels.
    pub fn display_size(&self) -> (usize, usize) {
        let sample_aspect = self.stream.sample_aspect.or(self.decoded.sample_aspect_ratio());
        FrameView {
            width: self.decoded.width() as usize,
            height: self.decoded.height() as usize,
            layout: Layout::Gray(Depth::EIGHT), // any layout: the size doesn't depend on it
            planes: [None; 3],
            color: FrameColor::default(),
            orientation: self.orientation(),
            sample_aspect: sample_aspect.unwrap_or((1, 1)),
        }
        .display_size()
    }

    /// The stream that the frame belongs to.
    pub fn stream(&self) -> &VideoStream {
        &self.stream
    }

    /// A second handle on the same planes; no pixel is copied.
    ///
    /// # Errors
    ///
    /// [`moviola_av::error::Error::OutOfMemory`].
    pub fn try_clone(&self) -> AvResult<Self> {
        let stream = Arc::clone(&self.stream);
        Ok(Self { decoded: self.decoded.try_clone()?, stream, ..*self })
    }
}

impl<'a> FrameView<'a> {
    /// A view of `frame`. `orientation` is the stream's, used if the frame has no display matrix;
    /// `sample_aspect` is the stream's, used before the frame's own.
    ///
    /// `None` for pixel formats that no kernel takes: convert those with
    /// [`moviola_av::scaler::Scaler`] first.
    pub fn of_frame(
        frame: &'a VideoFrame,
        orientation: Orientation,
        sample_aspect: Option<(u32, u32)>,
    ) -> Option<Self> {
        let layout = layout_of(frame.format())?;
        Some(Self {
            width: frame.width() as usize,
            height: frame.height() as usize,
            layout,
            planes: [0, 1, 2].map(|plane| frame.plane(plane)),
            color: color_of(frame, layout),
            orientation: frame.display_matrix().map_or(orientation, Orientation::of_matrix),
            sample_aspect: sample_aspect.or(frame.sample_aspect_ratio()).unwrap_or((1, 1)),
        })
    }
}

/// The layout of a pixel format; `None` if no kernel takes the format.
pub fn layout_of(format: PixelFormat) -> Option<Layout> {
    let semi_planar = |bits, shift, is_v_first| {
        Some(Layout::SemiPlanar { depth: Depth { bits, shift }, is_v_first })
    };
    let packed = |bytes, rgb| Some(Layout::Packed { bytes, rgb });
    match format.name() {
        "nv12" => semi_planar(8, 0, false),
        "nv21" => semi_planar(8, 0, true),
        "p010le" => semi_planar(10, 6, false),
        "p012le" => semi_planar(12, 4, false),
        "p016le" => semi_planar(16, 0, false),
        "rgb24" => packed(3, [0, 1, 2]),
        "bgr24" => packed(3, [2, 1, 0]),
        "rgba" | "rgb0" => packed(4, [0, 1, 2]),
        "bgra" | "bgr0" => packed(4, [2, 1, 0]),
        "argb" | "0rgb" => packed(4, [1, 2, 3]),
        "abgr" | "0bgr" => packed(4, [3, 2, 1]),
        _ => planar_layout_of(format),
    }
}

/// The layout of a format with one component in each plane, by FFmpeg's descriptor.
fn planar_layout_of(format: PixelFormat) -> Option<Layout> {
    let bits = u8::try_from(format.depth()).unwrap_or(0);
    let plain = !format.is_big_endian()
        && !format.is_float()
        && !format.is_palette()
        && !format.is_bitstream()
        && !format.is_hardware()
        && format.shift(0) == Some(0)
        && (8..=16).contains(&bits);
    if !plain {
        return None;
    }
    let depth = Depth { bits, shift: 0 };
    let (log2_width, log2_height) = format.log2_chroma();
    let color_planes = format.planes() - usize::from(format.has_alpha());
    match (color_planes, format.is_rgb()) {
        (1, false) if format.planes() == 1 && format.is_gray() => Some(Layout::Gray(depth)),
        (3, false) => Some(Layout::Yuv { depth, log2_width, log2_height }),
        (3, true) => Some(Layout::PlanarRgb(depth)),
        _ => None,
    }
}

/// The colour of a frame's samples, with libswscale's assumptions for missing tags.
///
/// Untagged frames are BT.601 in limited range, with chroma in the middle of the luma that it
/// covers; untagged gray and RGB are full range. BT.2020 with constant luminance is read as
/// BT.2020 without, and matrices without an equivalent (ICtCp, those derived from primaries) as
/// BT.601. Decoders of MPEG-2, MPEG-4, H.264 and HEVC always tag the chroma siting.
fn color_of(frame: &VideoFrame, layout: Layout) -> FrameColor {
    let color = frame.color();
    let matrix = match color.matrix {
        ColorMatrix::Bt709 => Matrix::Bt709,
        ColorMatrix::Bt2020Ncl | ColorMatrix::Bt2020Cl => Matrix::Bt2020,
        ColorMatrix::Smpte240m => Matrix::Smpte240,
        ColorMatrix::Fcc => Matrix::Fcc,
        ColorMatrix::Ycgco => Matrix::YCgCo,
        _ => Matrix::Bt601,
    };
    let full_unless_tagged = frame.format().is_full_range()
        || matches!(layout, Layout::Gray(_) | Layout::Packed { .. } | Layout::PlanarRgb(_));
    let range = match color.range {
        ColorRange::Full => Range::Full,
        ColorRange::Limited => Range::Limited,
        _ if full_unless_tagged => Range::Full,
        _ => Range::Limited,
    };
    let siting = match color.chroma_location {
        ChromaLocation::Center | ChromaLocation::Unspecified => ChromaSiting::Center,
        ChromaLocation::TopLeft => ChromaSiting::TopLeft,
        ChromaLocation::Top => ChromaSiting::Top,
        ChromaLocation::BottomLeft => ChromaSiting::BottomLeft,
        ChromaLocation::Bottom => ChromaSiting::Bottom,
        ChromaLocation::Left | ChromaLocation::Other(_) => ChromaSiting::Left,
    };
    FrameColor { matrix, range, siting }
}
