//! The reader of packed RGB: it blends columns, then rows, in the fixed point of OpenCV's 8-bit
//! `INTER_LINEAR`, so that the samples equal those of `cv2.resize`, bit for bit.

use moviola_av::plane::Plane;

use super::axis::{Axis, PackedRowTap};
use crate::simd::{Isa, Lanes, Taps, lanes};

/// A reader of output rows from packed pixels.
#[derive(Debug)]
pub(super) struct Packed {
    isa: Isa,
    /// Bytes of a pixel, and the offsets of red, green and blue in it.
    pixel: (u8, [u8; 3]),
    rows: Vec<PackedRowTap>,
    columns: Taps,
    /// One input row, padded so that kernels can read four bytes at each pixel.
    line: Vec<u8>,
    row_bytes: usize,
    /// The two input rows used last.
    cache: [Narrowed; 2],
}

/// An input row resampled to the columns of the output.
#[derive(Debug)]
struct Narrowed {
    row: Option<usize>,
    rgb: [Vec<Lanes<i16>>; 3],
}

impl Packed {
    /// A reader for pixels of the given number of bytes and component offsets.
    pub(super) fn new(isa: Isa, pixel: (u8, [u8; 3]), [across, down]: [Axis; 2]) -> Self {
        let row_bytes = across.input * usize::from(pixel.0);
        let line = || vec![[0; 16]; lanes(across.output)];
        let cache = || Narrowed { row: None, rgb: [line(), line(), line()] };
        Self {
            isa,
            pixel,
            rows: down.packed_row_taps(),
            columns: across.packed_taps(),
            line: vec![0; row_bytes + 8],
            row_bytes,
            cache: [cache(), cache()],
        }
    }

    /// Prepares for the next frame: drops the cached rows of the last one.
    pub(super) fn start(&mut self) {
        self.cache.iter_mut().for_each(|slot| slot.row = None);
    }

    /// Reads row `y` of the output into 8-bit red, green and blue.
    pub(super) fn row(&mut self, plane: &Plane<'_>, y: usize, rgb: [&mut [Lanes<u8>]; 3]) {
        let Some(&PackedRowTap { rows: [a, b], weights }) = self.rows.get(y) else { return };
        let a_slot = self.narrow(plane, a, b);
        let b_slot = self.narrow(plane, b, a);
        for (component, out) in rgb.into_iter().enumerate() {
            let rows = [a_slot, b_slot].map(|slot| &*self.cache[slot].rgb[component]);
            self.isa.blend_packed(rows, weights, out);
        }
    }

    /// The cache's slot that holds `row`. If none does, fills one, but not the one of row `keep`.
    fn narrow(&mut self, plane: &Plane<'_>, row: usize, keep: usize) -> usize {
        if let Some(slot) = self.cache.iter().position(|slot| slot.row == Some(row)) {
            return slot;
        }
        let slot = usize::from(self.cache[0].row == Some(keep));
        let pixels = plane.row(row).unwrap_or_default();
        if let Some(pixels) = pixels.get(..self.row_bytes) {
            self.line[..self.row_bytes].copy_from_slice(pixels);
        }
        let Narrowed { row: held, rgb } = &mut self.cache[slot];
        *held = Some(row);
        let out = rgb.each_mut().map(Vec::as_mut_slice);
        self.isa.resample_packed(&self.line, self.pixel, &self.columns, out);
        slot
    }
}
