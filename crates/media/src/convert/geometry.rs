//! The properties of a frame that a conversion depends on: all but its samples.

use moviola_av::plane::Plane;

use super::{ConvertError, MAX_SIDE};
use crate::frame_view::{Depth, FrameColor, FrameView, Layout, Orientation};

/// The checked size, layout, colour and orientation of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) layout: Layout,
    pub(super) color: FrameColor,
    pub(super) orientation: Orientation,
}

/// Size of a plane in samples; a pair of interleaved chroma and a packed pixel count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlaneSize {
    width: usize,
    height: usize,
    sample_bytes: usize,
}

impl Geometry {
    /// The geometry of `view`.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Side`] or [`ConvertError::Layout`] if size or layout are not supported.
    pub(super) fn of(view: &FrameView<'_>) -> Result<Self, ConvertError> {
        check_side("the frame's width", view.width)?;
        check_side("the frame's height", view.height)?;
        check_layout(view.layout)?;
        let quarter_turns = view.orientation.quarter_turns % 4;
        Ok(Self {
            width: view.width,
            height: view.height,
            layout: view.layout,
            color: view.color,
            orientation: Orientation { quarter_turns, ..view.orientation },
        })
    }

    /// The planes of a frame of this geometry; planes that the layout lacks repeat the first.
    ///
    /// # Errors
    ///
    /// [`ConvertError::OtherGeometry`] if the frame has another geometry, and
    /// [`ConvertError::Plane`] if a plane is missing or too small.
    pub(super) fn planes<'a>(&self, view: &FrameView<'a>) -> Result<[Plane<'a>; 3], ConvertError> {
        if Self::of(view)? != *self {
            return Err(ConvertError::OtherGeometry);
        }
        let first = self.plane(view, 0)?;
        match self.layout {
            Layout::Gray(_) | Layout::Packed { .. } => Ok([first; 3]),
            Layout::SemiPlanar { .. } => Ok([first, self.plane(view, 1)?, first]),
            Layout::Yuv { .. } | Layout::PlanarRgb(_) => {
                Ok([first, self.plane(view, 1)?, self.plane(view, 2)?])
            }
        }
    }

    /// How many times chroma is halved across and down.
    pub(super) fn chroma_shift(&self) -> [u8; 2] {
        match self.layout {
            Layout::Yuv { log2_width, log2_height, .. } => [log2_width, log2_height],
            Layout::SemiPlanar { .. } => [1, 1],
            Layout::Gray(_) | Layout::Packed { .. } | Layout::PlanarRgb(_) => [0, 0],
        }
    }

    /// One plane.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Plane`] if it is missing or too small.
    fn plane<'a>(&self, view: &FrameView<'a>, index: usize) -> Result<Plane<'a>, ConvertError> {
        let PlaneSize { width, height, sample_bytes } = self.plane_size(index);
        let (row_bytes, rows) = (width * sample_bytes, height);
        let plane = view.planes.get(index).copied().flatten();
        plane
            .filter(|plane| plane.row_bytes() >= row_bytes && plane.rows() >= rows)
            .ok_or(ConvertError::Plane { index, row_bytes, rows })
    }

    fn plane_size(&self, index: usize) -> PlaneSize {
        let [log2_width, log2_height] = if index == 0 { [0, 0] } else { self.chroma_shift() };
        let sample_bytes = match self.layout {
            Layout::Gray(depth) | Layout::PlanarRgb(depth) | Layout::Yuv { depth, .. } => {
                depth.bytes()
            }
            Layout::SemiPlanar { depth, .. } => depth.bytes() * (index + 1),
            Layout::Packed { bytes, .. } => usize::from(bytes),
        };
        PlaneSize {
            width: halved(self.width, log2_width),
            height: halved(self.height, log2_height),
            sample_bytes,
        }
    }
}

/// A plane's side in samples after halving it `log2` times, rounded up.
pub(super) fn halved(side: usize, log2: u8) -> usize {
    side.div_ceil(1 << log2)
}

/// Checks that a side is 1 to [`MAX_SIDE`].
pub(super) fn check_side(what: &'static str, got: usize) -> Result<(), ConvertError> {
    if got == 0 || got > MAX_SIDE { Err(ConvertError::Side { what, got }) } else { Ok(()) }
}

/// Checks that the kernels can read a layout and that its fields don't contradict each other.
fn check_layout(layout: Layout) -> Result<(), ConvertError> {
    let fits = |depth: Depth| match depth.bits {
        8 => depth.shift == 0,
        bits => (9..=16).contains(&bits) && depth.shift <= 16 - bits,
    };
    let known = match layout {
        Layout::Gray(depth) | Layout::PlanarRgb(depth) => fits(depth),
        Layout::Yuv { depth, log2_width, log2_height } => {
            fits(depth) && log2_width <= 2 && log2_height <= 2
        }
        Layout::SemiPlanar { depth, .. } => fits(depth),
        Layout::Packed { bytes, rgb } => {
            (3..=4).contains(&bytes) && rgb.iter().all(|&offset| offset < bytes)
        }
    };
    if known { Ok(()) } else { Err(ConvertError::Layout(layout)) }
}
