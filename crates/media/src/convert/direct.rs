//! A faster way to packed pixels for the commonest frames: 8-bit YUV whose chroma has half the
//! columns, sited at luma columns, converted without resizing or turning.
//!
//! The output has the same bits as [`Planar`](super::planar::Planar)'s, in half the time, because
//! intermediate rows aren't written to memory.

use moviola_av::plane::Plane;

use super::{
    axis::{Axis, Siting},
    geometry::Geometry,
    grid::{Grid, Line},
    matrix,
};
use crate::{
    frame_view::{Depth, Layout},
    simd::{Isa, YuvGains},
};

/// A reader of output rows as packed red, green and blue.
#[derive(Debug)]
pub(super) struct Direct {
    isa: Isa,
    chroma: Grid,
    lines: [Line; 2],
    gains: YuvGains,
}

impl Direct {
    /// A reader for frames of a geometry; `None` if the geometry doesn't fit, or if the CPU has no
    /// fast kernel for it.
    pub(super) fn new(isa: Isa, geometry: &Geometry, axes: [Axis; 2]) -> Option<Self> {
        const DEPTH: Depth = Depth::EIGHT;
        let Layout::Yuv { depth: DEPTH, log2_width: 1, .. } = geometry.layout else { return None };
        let siting = Siting::chroma(geometry.color.siting, geometry.chroma_shift());
        let as_it_is = axes.iter().all(Axis::is_identity) && !geometry.orientation.swaps_axes();
        if !as_it_is || siting[0] != Siting::EVERY_OTHER || !Isa::PACKS_FAST {
            return None;
        }
        Some(Self {
            isa,
            chroma: Grid::new(isa, DEPTH, axes, siting),
            lines: [Line::new(axes[0]), Line::new(axes[0])],
            gains: matrix::yuv_gains(geometry.color, DEPTH, false),
        })
    }

    /// Reads row `y` of the output.
    pub(super) fn row(&mut self, planes: &[Plane<'_>; 3], y: usize, out: &mut [u8]) {
        let [u, v] = &mut self.lines;
        let u = self.chroma.blended(&planes[1], y, u);
        let v = self.chroma.blended(&planes[2], y, v);
        let luma = planes[0].row(y).unwrap_or_default();
        self.isa.yuv_to_packed(luma, [u, v], &self.gains, out);
    }
}
