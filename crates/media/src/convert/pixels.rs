//! RGB pixels in a caller's buffer: interleaved or in planes, 8-bit or `f32`, cropped and resized.

use super::{
    ConvertError,
    sampler::{PixelSink, Sampler},
};
use crate::{frame_view::FrameView, simd::Isa};

/// The pixels to write: size, crop and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PixelSpec {
    /// Width and height of the output in pixels.
    pub size: (usize, usize),
    /// The part of the frame to show; `None` for all of it.
    pub crop: Option<Crop>,
    /// The arrangement of red, green and blue.
    pub order: PixelOrder,
}

/// A rectangle of the upright frame with square pixels, in pixels before resizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crop {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

/// The arrangement of red, green and blue in a buffer without padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PixelOrder {
    /// `[height, width, 3]`: interleaved.
    #[default]
    Hwc,
    /// `[3, height, width]`: in planes.
    Chw,
}

/// Scale and bias that turn 8-bit samples into `f32`: `sample * scale + bias`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalise {
    /// Factors of red, green and blue samples, which are 0 to 255.
    pub scale: [f32; 3],
    /// Values added to red, green and blue after scaling.
    pub bias: [f32; 3],
}

impl Default for Normalise {
    /// Values from 0.0 to 1.0.
    fn default() -> Self {
        Self { scale: [1.0 / 255.0; 3], bias: [0.0; 3] }
    }
}

impl PixelSpec {
    /// Number of values in the output: `3 * height * width`.
    pub fn values(&self) -> usize {
        self.size.0.saturating_mul(self.size.1).saturating_mul(3)
    }

    /// The part to show of a frame of the given upright size: left, top, right and bottom as
    /// fractions.
    pub(super) fn part(&self, (width, height): (usize, usize)) -> Result<[f64; 4], ConvertError> {
        let Some(crop) = self.crop else { return Ok([0.0, 0.0, 1.0, 1.0]) };
        let (right, bottom) =
            (crop.x.saturating_add(crop.width), crop.y.saturating_add(crop.height));
        if crop.width == 0 || crop.height == 0 || right > width || bottom > height {
            return Err(ConvertError::CropOutside { right, bottom, width, height });
        }
        let [x, y, right, bottom] = [crop.x, crop.y, right, bottom].map(|side| side as f64);
        let (width, height) = (width as f64, height as f64);
        Ok([x / width, y / height, right / width, bottom / height])
    }
}

/// A converter of frames of one geometry to pixels. Converting doesn't allocate.
#[derive(Debug)]
pub struct PixelConverter {
    sampler: Sampler,
    spec: PixelSpec,
}

impl PixelConverter {
    /// A converter for `view` and others of the same size, layout, colour and orientation.
    ///
    /// No samples are read, so the view may lack its planes.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Side`], [`ConvertError::CropOutside`] or [`ConvertError::Layout`] if the
    /// conversion isn't possible.
    pub fn new(view: &FrameView<'_>, spec: &PixelSpec) -> Result<Self, ConvertError> {
        let part = spec.part(view.display_size())?;
        let sampler = Sampler::of_part(Isa::detect(), view, part, spec.size)?;
        Ok(Self { sampler, spec: *spec })
    }

    /// Whether this converter makes pixels of `spec` from frames like `view`.
    pub fn fits(&self, view: &FrameView<'_>, spec: &PixelSpec) -> bool {
        self.spec == *spec && self.sampler.fits(view)
    }

    /// Writes one frame as 8-bit samples. After an error nothing was written.
    ///
    /// # Errors
    ///
    /// [`ConvertError::OutputLength`] if `out` isn't [`PixelSpec::values`] long,
    /// [`ConvertError::OtherGeometry`] if the converter was made for another geometry, and
    /// [`ConvertError::Plane`] if the frame lacks a plane.
    pub fn run(&mut self, view: &FrameView<'_>, out: &mut [u8]) -> Result<(), ConvertError> {
        self.check(out.len())?;
        let (isa, (width, height)) = (self.sampler.isa(), self.spec.size);
        match self.spec.order {
            PixelOrder::Hwc => self.sampler.run(view, &mut Interleaved { isa, width, out }),
            PixelOrder::Chw => {
                self.sampler.run(view, &mut Planes { width, plane: width * height, out })
            }
        }
    }

    /// Writes one frame as `f32`.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_f32(
        &mut self,
        view: &FrameView<'_>,
        normalise: &Normalise,
        out: &mut [f32],
    ) -> Result<(), ConvertError> {
        self.check(out.len())?;
        let (isa, (width, height)) = (self.sampler.isa(), self.spec.size);
        let normalise = *normalise;
        match self.spec.order {
            PixelOrder::Hwc => {
                self.sampler.run(view, &mut InterleavedF32 { width, normalise, out })
            }
            PixelOrder::Chw => {
                let plane = width * height;
                self.sampler.run(view, &mut PlanesF32 { isa, width, plane, normalise, out })
            }
        }
    }

    fn check(&self, got: usize) -> Result<(), ConvertError> {
        let expected = self.spec.values();
        if got == expected { Ok(()) } else { Err(ConvertError::OutputLength { expected, got }) }
    }
}

/// A sink of interleaved bytes.
/// A sink of interleaved bytes.
struct Interleaved<'a> {
    isa: Isa,
    width: usize,
    out: &'a mut [u8],
}

impl PixelSink for Interleaved<'_> {
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]) {
        let out = &mut self.out[3 * (y * self.width + x)..][..3 * rgb[0].len()];
        self.isa.interleave(rgb, out);
    }

    fn packed_row(&mut self, y: usize) -> Option<&mut [u8]> {
        let row = 3 * self.width;
        self.out.get_mut(y * row..)?.get_mut(..row)
    }
}

/// A sink of three planes of bytes, each `plane` bytes long.
/// A sink of three planes of bytes, each `plane` bytes long.
struct Planes<'a> {
    width: usize,
    plane: usize,
    out: &'a mut [u8],
}

impl PixelSink for Planes<'_> {
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]) {
        for (channel, row) in rgb.into_iter().enumerate() {
            let start = channel * self.plane + y * self.width + x;
            self.out[start..][..row.len()].copy_from_slice(row);
        }
    }
}

/// A sink of interleaved floats.
/// A sink of interleaved floats.
struct InterleavedF32<'a> {
    width: usize,
    normalise: Normalise,
    out: &'a mut [f32],
}

impl PixelSink for InterleavedF32<'_> {
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]) {
        let out = &mut self.out[3 * (y * self.width + x)..][..3 * rgb[0].len()];
        for (channel, row) in rgb.into_iter().enumerate() {
            let (scale, bias) = (self.normalise.scale[channel], self.normalise.bias[channel]);
            let values = out.iter_mut().skip(channel).step_by(3);
            values.zip(row).for_each(|(out, &sample)| *out = f32::from(sample) * scale + bias);
        }
    }
}

/// A sink of three planes of floats, each `plane` values long.
/// A sink of three planes of floats, each `plane` values long.
struct PlanesF32<'a> {
    isa: Isa,
    width: usize,
    plane: usize,
    normalise: Normalise,
    out: &'a mut [f32],
}

impl PixelSink for PlanesF32<'_> {
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]) {
        for (channel, row) in rgb.into_iter().enumerate() {
            let start = channel * self.plane + y * self.width + x;
            let (scale, bias) = (self.normalise.scale[channel], self.normalise.bias[channel]);
            self.isa.normalise(row, (scale, bias), &mut self.out[start..][..row.len()]);
        }
    }
}
