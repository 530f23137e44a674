//! A decoded frame: its picture, its number and time, and how the kernels take it.

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
    media::VideoStream,
};

/// One decoded frame.
#[derive(Debug)]
pub struct Frame {
    /// The picture, in the decoder's own planes.
    pub decoded: VideoFrame,
    /// Its number among the stream's frames in the order they are shown, if known.
    pub number: Option<u64>,
    /// When it is shown, in ticks of the stream; `None` if the source has no times at all.
    pub pts: Option<Pts>,
    /// Seconds from the start of the presentation.
    pub time: Option<f64>,
    /// Seconds until the next frame, if known.
    pub duration: Option<f64>,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Whether the decoder had to conceal damage.
    pub damaged: bool,
    pub(crate) stream: Arc<VideoStream>,
}

impl Frame {
    /// The picture as the kernels take it; `None` for pixel formats that need a
    /// [`moviola_av::scaler::Scaler`] first.
    pub fn view(&self) -> Option<FrameView<'_>> {
        FrameView::of_frame(&self.decoded, self.stream.orientation, self.stream.sample_aspect)
    }

    /// How to turn the picture upright: the frame's own way, or else the stream's.
    pub fn orientation(&self) -> Orientation {
        self.decoded.display_matrix().map_or(self.stream.orientation, Orientation::of_matrix)
    }

    /// Width and height as shown: upright, with square pixels, in pixels.
    pub fn display_size(&self) -> (usize, usize) {
        let sample_aspect = self.stream.sample_aspect.or(self.decoded.sample_aspect_ratio());
        FrameView {
            width: self.decoded.width() as usize,
            height: self.decoded.height() as usize,
            layout: Layout::Gray(Depth::EIGHT), // no matter: the size depends on none
            planes: [None; 3],
            color: FrameColor::default(),
            orientation: self.orientation(),
            sample_aspect: sample_aspect.unwrap_or((1, 1)),
        }
        .display_size()
    }

    /// The stream it comes from.
    pub fn stream(&self) -> &VideoStream {
        &self.stream
    }

    /// A second handle on the same picture; no pixel is copied.
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
    /// Looks at `frame`; `orientation` and `sample_aspect` are the stream's, which count where
    /// the frame itself says nothing.
    ///
    /// `None` for pixel formats that no kernel takes: bring those into another format with
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

/// The layout of a pixel format, if a kernel takes it.
pub fn layout_of(format: PixelFormat) -> Option<Layout> {
    let semi_planar =
        |bits, shift, swapped| Some(Layout::SemiPlanar { depth: Depth { bits, shift }, swapped });
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

/// The layout of a format with one component a plane, told by FFmpeg's descriptor.
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

/// What the samples mean. Untagged pictures are BT.601 and limited, with chroma in the middle of
/// the luma it covers; untagged gray and RGB are full: as libswscale takes them. As there, BT.2020 of
/// constant luminance counts as the other, and what has no matrix (ICtCp, those made of primaries) as
/// BT.601. Decoders of MPEG-2, MPEG-4, H.264 and HEVC always tag where chroma sits.
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
