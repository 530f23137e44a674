//! Conversion to letterboxed, normalised `f32` tensors.

use super::{
    ConvertError,
    geometry::check_side,
    sampler::{PixelSink, Sampler},
};
use crate::{frame_view::FrameView, simd::Isa};

/// The tensor that a model takes: size, placement of the frame, channels and normalisation.
///
/// A value of the tensor is `sample * scale + bias`; samples are 0 to 255. Arrays are in the
/// tensor's channel order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorSpec {
    /// Columns of the tensor.
    pub width: usize,
    /// Rows of the tensor.
    pub height: usize,
    /// The rectangle that the frame fills.
    pub placement: Placement,
    /// Order of the three channels.
    pub channels: ChannelOrder,
    /// Factors of samples.
    pub scale: [f32; 3],
    /// Values added after scaling.
    pub bias: [f32; 3],
    /// Samples of the borders, 0 to 255; scaled like the frame's own.
    pub fill: [f32; 3],
}

/// The rectangle of a tensor, in pixels, that the upright frame is stretched over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

/// Order of a tensor's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

impl TensorSpec {
    /// Number of values in the tensor: `3 * height * width`.
    pub fn values(&self) -> usize {
        self.width.saturating_mul(self.height).saturating_mul(3)
    }

    /// Checks the tensor's sides and that the placement lies inside it.
    fn check(&self) -> Result<(), ConvertError> {
        check_side("the tensor's width", self.width)?;
        check_side("the tensor's height", self.height)?;
        let right = self.placement.x.saturating_add(self.placement.width);
        let bottom = self.placement.y.saturating_add(self.placement.height);
        if right > self.width || bottom > self.height {
            let (width, height) = (self.width, self.height);
            return Err(ConvertError::PlacementOutside { right, bottom, width, height });
        }
        Ok(())
    }
}

/// A converter of frames of one geometry to tensors. Converting doesn't allocate.
#[derive(Debug)]
pub struct TensorConverter {
    sampler: Sampler,
    spec: TensorSpec,
}

impl TensorConverter {
    /// A converter for `view` and others of the same size, layout, colour and orientation.
    ///
    /// No samples are read, so the view may lack its planes.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Side`], [`ConvertError::PlacementOutside`] or [`ConvertError::Layout`] if
    /// the conversion isn't possible.
    pub fn new(view: &FrameView<'_>, spec: &TensorSpec) -> Result<Self, ConvertError> {
        Self::with_isa(Isa::detect(), view, spec)
    }

    /// A converter with the given kernels.
    pub(super) fn with_isa(
        isa: Isa,
        view: &FrameView<'_>,
        spec: &TensorSpec,
    ) -> Result<Self, ConvertError> {
        spec.check()?;
        let size = (spec.placement.width, spec.placement.height);
        Ok(Self { sampler: Sampler::new(isa, view, size)?, spec: *spec })
    }

    /// Whether the view has this converter's geometry.
    pub fn fits(&self, view: &FrameView<'_>) -> bool {
        self.sampler.fits(view)
    }

    /// Writes one frame as a tensor `[3, height, width]`. Every value of `out` is written.
    ///
    /// # Errors
    ///
    /// [`ConvertError::OutputLength`] if `out` isn't [`TensorSpec::values`] long,
    /// [`ConvertError::OtherGeometry`] if the converter was made for another geometry, and
    /// [`ConvertError::Plane`] if the frame lacks a plane. After the last two, the borders have
    /// been written.
    pub fn run(&mut self, view: &FrameView<'_>, out: &mut [f32]) -> Result<(), ConvertError> {
        let expected = self.spec.values();
        if out.len() != expected {
            return Err(ConvertError::OutputLength { expected, got: out.len() });
        }
        let isa = self.sampler.isa();
        let mut tensor = Tensor { isa, spec: &self.spec, values: out };
        tensor.fill_border();
        self.sampler.run(view, &mut tensor)
    }
}

/// A sink that writes a tensor.
struct Tensor<'a> {
    isa: Isa,
    spec: &'a TensorSpec,
    values: &'a mut [f32],
}

impl Tensor<'_> {
    /// Fills the borders around the frame.
    fn fill_border(&mut self) {
        let TensorSpec { width, height, placement, scale, bias, fill, .. } = *self.spec;
        let (above, below) = (placement.y * width, (placement.y + placement.height) * width);
        let right = placement.x + placement.width;
        for (channel, plane) in self.values.chunks_exact_mut(width * height).enumerate() {
            let value = fill[channel] * scale[channel] + bias[channel];
            plane[..above].fill(value);
            plane[below..].fill(value);
            for row in plane[above..below].chunks_exact_mut(width) {
                row[..placement.x].fill(value);
                row[right..].fill(value);
            }
        }
    }
}

impl PixelSink for Tensor<'_> {
    fn put(&mut self, x: usize, y: usize, [red, green, blue]: [&[u8]; 3]) {
        let TensorSpec { width, height, placement, channels, scale, bias, .. } = *self.spec;
        let rows = match channels {
            ChannelOrder::Rgb => [red, green, blue],
            ChannelOrder::Bgr => [blue, green, red],
        };
        let start = (placement.y + y) * width + placement.x + x;
        for (channel, row) in rows.into_iter().enumerate() {
            let out = &mut self.values[channel * width * height + start..][..row.len()];
            self.isa.normalise(row, (scale[channel], bias[channel]), out);
        }
    }
}
