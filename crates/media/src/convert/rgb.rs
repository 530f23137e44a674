//! Conversion to upright images of packed 8-bit RGB.

use super::{
    ConvertError,
    sampler::{PixelSink, Sampler},
};
use crate::{frame_view::FrameView, simd::Isa};

/// A converter of frames of one geometry to RGB images. Converting doesn't allocate.
#[derive(Debug)]
pub struct Rgb8Converter {
    sampler: Sampler,
    width: usize,
    height: usize,
}

impl Rgb8Converter {
    /// A converter to images of the given size, for `view` and others of the same size, layout,
    /// colour and orientation.
    ///
    /// No samples are read, so the view may lack its planes.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Side`] or [`ConvertError::Layout`] if the conversion isn't possible.
    pub fn new(
        view: &FrameView<'_>,
        (width, height): (usize, usize),
    ) -> Result<Self, ConvertError> {
        Self::with_isa(Isa::detect(), view, (width, height))
    }

    /// A converter with the given kernels.
    pub(super) fn with_isa(
        isa: Isa,
        view: &FrameView<'_>,
        (width, height): (usize, usize),
    ) -> Result<Self, ConvertError> {
        Ok(Self { sampler: Sampler::new(isa, view, (width, height))?, width, height })
    }

    /// Whether the view has this converter's geometry.
    pub fn fits(&self, view: &FrameView<'_>) -> bool {
        self.sampler.fits(view)
    }

    /// Writes one frame as rows of red, green, blue that start `row_stride` bytes apart.
    ///
    /// `out` may end with the last row's last pixel. Bytes between rows stay as they are. After an
    /// error nothing was written.
    ///
    /// # Errors
    ///
    /// [`ConvertError::RowStride`] or [`ConvertError::OutputLength`] if the image doesn't fit,
    /// [`ConvertError::OtherGeometry`] if the converter was made for another geometry, and
    /// [`ConvertError::Plane`] if the frame lacks a plane.
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
        self.sampler.run(view, &mut RgbRows { isa, bytes: out, row_stride, row_bytes })
    }
}

/// A sink of packed RGB rows.
struct RgbRows<'a> {
    isa: Isa,
    bytes: &'a mut [u8],
    row_stride: usize,
    row_bytes: usize,
}

impl PixelSink for RgbRows<'_> {
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]) {
        let out = &mut self.bytes[y * self.row_stride + 3 * x..][..3 * rgb[0].len()];
        self.isa.interleave(rgb, out);
    }

    fn packed_row(&mut self, y: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(y * self.row_stride..)?.get_mut(..self.row_bytes)
    }
}
