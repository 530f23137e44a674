//! The reader of frames in planes: it blends rows, then columns, then converts to 8-bit RGB.
//!
//! Interpolating Y, U and V and then applying the matrix once gives the same sum as converting
//! every pixel and interpolating RGB, except for colours that RGB can't represent, which the
//! latter clips first. Levels have 15 bits, so only the last rounding, to 8 bits, is significant:
//! a tensor holds the same samples as an image of the same size.

use moviola_av::plane::Plane;

use super::{
    axis::{Axis, Siting},
    geometry::Geometry,
    grid::{Grid, Line},
    matrix,
};
use crate::{
    frame_view::{Depth, Layout},
    simd::{Isa, Lanes, LumaGain, YuvGains},
};

/// A reader of output rows from a frame in planes.
#[derive(Debug)]
pub(super) struct Planar {
    isa: Isa,
    grid: Grid,
    line: Line,
    components: Components,
}

/// The components in the planes.
#[derive(Debug)]
enum Components {
    Gray(LumaGain),
    /// Green, blue, red.
    Rgb(LumaGain),
    Yuv(Box<Chroma>),
}

/// The chroma of a YUV frame.
#[derive(Debug)]
struct Chroma {
    grid: Grid,
    lines: [Line; 2],
    /// Whether both components are interleaved in one plane.
    is_interleaved: bool,
    gains: YuvGains,
}

impl Planar {
    /// A reader for frames whose layout isn't packed, along the axes of their rows and columns.
    pub(super) fn new(isa: Isa, geometry: &Geometry, axes: [Axis; 2]) -> Self {
        let range = geometry.color.range;
        let (depth, components) = match geometry.layout {
            Layout::Gray(depth) => (depth, Components::Gray(matrix::luma_gain(range, depth))),
            Layout::PlanarRgb(depth) => (depth, Components::Rgb(matrix::full_gain(depth))),
            Layout::Yuv { depth, .. } | Layout::SemiPlanar { depth, .. } => {
                (depth, Components::Yuv(Box::new(Chroma::new(isa, geometry, depth, axes))))
            }
            Layout::Packed { .. } => {
                let depth = Depth::EIGHT;
                (depth, Components::Gray(matrix::full_gain(depth)))
            }
        };
        let grid = Grid::new(isa, depth, axes, [Siting::LUMA; 2]);
        Self { isa, grid, line: Line::new(axes[0]), components }
    }

    /// Reads row `y` of the output into 8-bit red, green and blue.
    pub(super) fn row(
        &mut self,
        planes: &[Plane<'_>; 3],
        y: usize,
        [red, green, blue]: [&mut [Lanes<u8>]; 3],
    ) {
        let Self { isa, grid, line, components } = self;
        match components {
            Components::Gray(gain) => {
                isa.level_to_u8(grid.sample(&planes[0], y, line), *gain, red);
                green.copy_from_slice(red);
                blue.copy_from_slice(red);
            }
            Components::Rgb(gain) => {
                for (plane, out) in planes.iter().zip([green, blue, red]) {
                    isa.level_to_u8(grid.sample(plane, y, line), *gain, out);
                }
            }
            Components::Yuv(chroma) => {
                let luma = grid.sample(&planes[0], y, line);
                let gains = chroma.gains;
                let [u, v] = chroma.row(planes, y);
                isa.yuv_to_rgb([luma, u, v], &gains, [red, green, blue]);
            }
        }
    }
}

impl Chroma {
    fn new(isa: Isa, geometry: &Geometry, depth: Depth, axes: [Axis; 2]) -> Self {
        let color = geometry.color;
        let (is_interleaved, is_v_first) = match geometry.layout {
            Layout::SemiPlanar { is_v_first, .. } => (true, is_v_first),
            _ => (false, false),
        };
        Self {
            grid: Grid::new(
                isa,
                depth,
                axes,
                Siting::chroma(color.siting, geometry.chroma_shift()),
            ),
            lines: [Line::new(axes[0]), Line::new(axes[0])],
            is_interleaved,
            gains: matrix::yuv_gains(color, depth, is_v_first),
        }
    }

    /// Row `y` of the output, as levels of the two components in the planes' order.
    fn row(&mut self, planes: &[Plane<'_>; 3], y: usize) -> [&[Lanes<i16>]; 2] {
        let Self { grid, lines, .. } = self;
        if self.is_interleaved {
            return grid.sample_pairs(&planes[1], y, lines);
        }
        let [u, v] = lines;
        [grid.sample(&planes[1], y, u), grid.sample(&planes[2], y, v)]
    }
}
