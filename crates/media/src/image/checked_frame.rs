//! A frame whose planes were checked once, so that reading rows needs no checks.

use moviola_av::plane::Plane;

use crate::frame_view::{Depth, FrameColor, FrameView, Layout};

use super::{
    ImageError, Result,
    geometry::{Size, subsampling},
};

/// A frame whose planes hold every sample that its size and layout require.
pub(super) struct CheckedFrame<'a> {
    pub(super) size: Size,
    pub(super) layout: Layout,
    pub(super) color: FrameColor,
    planes: [Option<Plane<'a>>; 3],
}

impl<'a> CheckedFrame<'a> {
    /// Checks a frame.
    ///
    /// # Errors
    ///
    /// [`ImageError::InvalidArgument`] for an empty size or an unknown layout, and
    /// [`ImageError::Planes`] for a plane that is missing or too small.
    pub(super) fn new(view: &FrameView<'a>) -> Result<Self> {
        let &FrameView { width, height, layout, color, planes, .. } = view;
        if width == 0 || height == 0 {
            let got = format!("{width}x{height}");
            return Err(ImageError::InvalidArgument { what: "size", expected: "above 0", got });
        }
        if !is_known(layout) {
            let got = format!("{layout:?}");
            let (what, expected) = ("layout", "one of 8 to 16 bits and known subsampling");
            return Err(ImageError::InvalidArgument { what, expected, got });
        }
        for (plane, needed) in plane_sizes(layout, (width, height)).into_iter().enumerate() {
            let Some((bytes, rows)) = needed else { continue };
            let found = planes[plane].filter(|p| p.rows() >= rows && p.row_bytes() >= bytes);
            if found.is_none() {
                let needed = format!("{rows} rows of {bytes} bytes");
                return Err(ImageError::Planes { plane, needed });
            }
        }
        Ok(Self { size: (width, height), layout, color, planes })
    }

    /// Row `y` of a plane; empty after the last row. It may be longer than the frame's width.
    pub(super) fn row(&self, plane: usize, y: usize) -> &'a [u8] {
        self.planes[plane].and_then(|plane| plane.row(y)).unwrap_or_default()
    }

    /// Width and height of the chroma planes; the frame's size if there are none.
    pub(super) fn chroma_size(&self) -> Size {
        chroma_size(self.size, subsampling(self.layout).unwrap_or_default())
    }

    /// The number of bits of a sample and their position.
    pub(super) fn depth(&self) -> Depth {
        match self.layout {
            Layout::Gray(depth) | Layout::PlanarRgb(depth) => depth,
            Layout::Yuv { depth, .. } | Layout::SemiPlanar { depth, .. } => depth,
            Layout::Packed { .. } => Depth::EIGHT,
        }
    }
}

/// The size of chroma planes for luma of `size`, halved `log2` times, rounded up.
pub(super) fn chroma_size(size: Size, log2: (u8, u8)) -> Size {
    (size.0.div_ceil(1 << log2.0), size.1.div_ceil(1 << log2.1))
}

/// Whether the layout's fields are in their documented ranges.
fn is_known(layout: Layout) -> bool {
    let fits = |depth: Depth| match depth.bits {
        8 => depth.shift == 0,
        9..=16 => depth.bits + depth.shift.min(16) <= 16,
        _ => false,
    };
    match layout {
        Layout::Gray(depth) | Layout::PlanarRgb(depth) => fits(depth),
        Layout::Yuv { depth, log2_width, log2_height } => {
            fits(depth) && log2_width <= 2 && log2_height <= 2
        }
        Layout::SemiPlanar { depth, .. } => fits(depth),
        Layout::Packed { bytes, rgb } => matches!(bytes, 3 | 4) && rgb.iter().all(|&at| at < bytes),
    }
}

/// Bytes of a row and number of rows of each plane; `None` for planes that the layout lacks.
fn plane_sizes(layout: Layout, size: Size) -> [Option<Size>; 3] {
    let bytes = |depth: Depth, (width, height): Size| Some((width * depth.bytes(), height));
    match layout {
        Layout::Gray(depth) => [bytes(depth, size), None, None],
        Layout::Yuv { depth, log2_width, log2_height } => {
            let chroma = bytes(depth, chroma_size(size, (log2_width, log2_height)));
            [bytes(depth, size), chroma, chroma]
        }
        Layout::SemiPlanar { depth, .. } => {
            let (across, down) = chroma_size(size, (1, 1));
            [bytes(depth, size), bytes(depth, (2 * across, down)), None]
        }
        Layout::Packed { bytes, .. } => [Some((size.0 * usize::from(bytes), size.1)), None, None],
        Layout::PlanarRgb(depth) => [bytes(depth, size); 3],
    }
}
