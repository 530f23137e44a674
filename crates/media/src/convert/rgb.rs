//! Upright images of packed 8-bit RGB.

use super::{
    ConvertError,
    sampler::{Sampler, Sink},
};
use crate::{frame_view::FrameView, simd::Isa};

/// Turns pictures of one geometry into RGB images, without allocating.
#[derive(Debug)]
pub struct Rgb8Converter {
    sampler: Sampler,
    width: usize,
    height: usize,
}

impl Rgb8Converter {
    /// A converter for `picture` and others of the same size, layout, colour and orientation.
    ///
    /// The picture's samples aren't read, so it needs no planes.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Side`] or [`ConvertError::Layout`] if no such conversion exists.
    pub fn new(
        view: &FrameView<'_>,
        (width, height): (usize, usize),
    ) -> Result<Self, ConvertError> {
        Self::with_isa(Isa::detect(), view, (width, height))
    }

    /// The same with kernels of the caller's choice.
    pub(super) fn with_isa(
        isa: Isa,
        view: &FrameView<'_>,
        (width, height): (usize, usize),
    ) -> Result<Self, ConvertError> {
        Ok(Self { sampler: Sampler::new(isa, view, (width, height))?, width, height })
    }

    /// Whether [`Self::run`] takes this picture.
    pub fn fits(&self, view: &FrameView<'_>) -> bool {
        self.sampler.fits(view)
    }

    /// Writes one picture as rows of red, green, blue that start `row_stride` bytes apart.
    ///
    /// `out` may end with the last row's last pixel. Bytes between rows stay as they are.
    ///
    /// # Errors
    ///
    /// [`ConvertError::RowStride`] or [`ConvertError::OutputLength`] if the image doesn't fit,
    /// [`ConvertError::OtherGeometry`] if the converter was made for other pictures, and
    /// [`ConvertError::Plane`] if the picture lacks a plane.
    pub fn run(
        &mut self,
        view: &FrameView<'_>,
        out: &mut [u8],
        row_stride: usize,
    ) -> Result<(), ConvertError> {
        let row_bytes = 3 * self.width;
        if row_stride < row_bytes {
            return Err(ConvertError::RowStride { expected: row_bytes, got: row_stride });
        }
        let expected = row_stride.saturating_mul(self.height - 1).saturating_add(row_bytes);
        if out.len() < expected {
            return Err(ConvertError::OutputLength { expected, got: out.len() });
        }
        let isa = self.sampler.isa();
        self.sampler.run(view, &mut Image { isa, bytes: out, row_stride, row_bytes })
    }
}

/// An image that is being written.
struct Image<'a> {
    isa: Isa,
    bytes: &'a mut [u8],
    row_stride: usize,
    row_bytes: usize,
}

impl Sink for Image<'_> {
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]) {
        let out = &mut self.bytes[y * self.row_stride + 3 * x..][..3 * rgb[0].len()];
        self.isa.interleave(rgb, out);
    }

    fn packed_row(&mut self, y: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(y * self.row_stride..)?.get_mut(..self.row_bytes)
    }
}
