//! Conversion to 16-bit pixels, for frames of more than 8 bits: swscale converts a frame at its
//! own size; then it is turned, cropped and resized here.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U16,
};
use moviola_av::{
    color::Color,
    error::{Error as AvError, Result as AvResult},
    frame::{VideoFrame, VideoFrameMut},
    pixel::PixelFormat,
    plane::Plane,
    scaler::{Filter, FrameFormat, Scaler},
};

use super::{PixelOrder, PixelSpec};
use crate::{frame::Frame, frame_view::Orientation};

/// Planes of green, blue and red, 16 bits each, little endian. Not interleaved 16-bit RGB: for that
/// swscale doesn't interpolate chroma across.
const PLANES: &str = "gbrp16le";

/// A converter of frames to 16-bit pixels; keeps context and buffers for frames of one geometry.
#[derive(Debug, Default)]
pub struct DeepConverter {
    scaler: Option<Scaler>,
    resizer: Resizer,
    /// One component of the frame, upright.
    upright: Vec<U16>,
    /// The component's crop at the wanted size.
    sized: Vec<U16>,
}

impl DeepConverter {
    /// Writes a frame, upright and with square pixels, as samples from 0 to 65535.
    ///
    /// Resizing is bilinear, without a wider filter when shrinking, as in the 8-bit converters.
    /// swscale converts the colour: matrices that it lacks, such as `YCgCo`, are an error.
    ///
    /// # Errors
    ///
    /// [`AvError::InvalidArgument`] if `out` isn't [`PixelSpec::values`] long, the crop reaches
    /// outside the frame, or swscale doesn't take the frame; [`AvError::OutOfMemory`].
    pub fn run(&mut self, frame: &Frame, spec: &PixelSpec, out: &mut [u16]) -> AvResult<()> {
        expect(out.len() == spec.values(), "one value for each sample", out.len())?;
        let (width, height) = spec.size;
        expect(width > 0 && height > 0, "a size that isn't 0", width.min(height))?;
        let part = spec.part(frame.display_size());
        let part = part.map_err(|error| wrong("a crop inside the frame", error.to_string()))?;
        let converted = self.convert(&frame.decoded)?;
        let turned = Turned::new(frame.orientation(), &converted);
        for (channel, plane) in [2, 0, 1].into_iter().enumerate() {
            let plane = converted.plane(plane).ok_or(AvError::OutOfMemory)?;
            turned.copy(&plane, &mut self.upright);
            let samples = self.resize(turned.size, part, spec.size)?;
            write(samples, spec, channel, out);
        }
        Ok(())
    }

    /// Converts the frame to planes of 16 bits.
    fn convert(&mut self, frame: &VideoFrame) -> AvResult<VideoFrame> {
        let format = PixelFormat::from_name(PLANES);
        let format = format.ok_or_else(|| wrong("a pixel format of 16 bits", PLANES.into()))?;
        let from = FrameFormat::of(frame);
        let to = FrameFormat { format, color: Color::default(), ..from };
        let kept = self.scaler.take();
        let scaler = match kept.filter(|kept| kept.source() == from && kept.target() == to) {
            Some(kept) => self.scaler.insert(kept),
            None => self.scaler.insert(Scaler::new(from, to, Filter::Bilinear)?),
        };
        let mut target = VideoFrameMut::new(format, to.width, to.height)?;
        scaler.scale(frame, &mut target)?;
        Ok(target.freeze())
    }

    /// The part of the upright component, as fractions of its sides, resized to `to`.
    fn resize(
        &mut self,
        from: (usize, usize),
        [left, top, right, bottom]: [f64; 4],
        to: (usize, usize),
    ) -> AvResult<&[U16]> {
        if from == to && [left, top, right, bottom] == [0.0, 0.0, 1.0, 1.0] {
            return Ok(&self.upright);
        }
        let side = |side: usize| {
            u32::try_from(side).map_err(|error| wrong("sides of 32 bits", error.to_string()))
        };
        let refused = |error: &dyn std::fmt::Display| wrong("a size to resize", error.to_string());
        self.sized.resize(to.0 * to.1, U16::new(0));
        let source = TypedImageRef::new(side(from.0)?, side(from.1)?, &self.upright);
        let source = source.map_err(|error| refused(&error))?;
        let target = TypedImage::from_pixels_slice(side(to.0)?, side(to.1)?, &mut self.sized);
        let mut target = target.map_err(|error| refused(&error))?;
        let (width, height) = (from.0 as f64, from.1 as f64);
        let (x, y) = (left * width, top * height);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear))
            .crop(x, y, (right * width).min(width) - x, (bottom * height).min(height) - y);
        let resized = self.resizer.resize_typed(&source, &mut target, &options);
        resized.map_err(|error| refused(&error))?;
        Ok(&self.sized)
    }
}

/// A mapping from the upright frame to the frame as it is coded.
struct Turned {
    orientation: Orientation,
    /// Columns and rows before turning.
    coded: (usize, usize),
    /// Columns and rows of the upright frame.
    size: (usize, usize),
}

impl Turned {
    fn new(orientation: Orientation, frame: &VideoFrame) -> Self {
        let coded = (frame.width() as usize, frame.height() as usize);
        let size = if orientation.swaps_axes() { (coded.1, coded.0) } else { coded };
        Self { orientation, coded, size }
    }

    /// Copies the samples of a plane into `out`, upright.
    fn copy(&self, plane: &Plane<'_>, out: &mut Vec<U16>) {
        out.clear();
        let (width, height) = self.size;
        for y in 0..height {
            out.extend((0..width).map(|x| {
                let (column, row) = self.source_of(x, y);
                let row = plane.row(row).unwrap_or_default().as_chunks().0;
                U16::new(row.get(column).copied().map_or(0, u16::from_le_bytes))
            }));
        }
    }

    /// The coded column and row of the pixel at (`x`, `y`) of the upright frame.
    fn source_of(&self, x: usize, y: usize) -> (usize, usize) {
        let (width, height) = self.coded;
        let from_right = |side: usize, at: usize| (side - 1).saturating_sub(at);
        let (column, row) = match self.orientation.quarter_turns % 4 {
            0 => (x, y),
            1 => (y, from_right(height, x)),
            2 => (from_right(width, x), from_right(height, y)),
            _ => (from_right(width, y), x),
        };
        let column = if self.orientation.is_mirrored { from_right(width, column) } else { column };
        (column, row)
    }
}

/// Writes the samples of one component in the order of `spec`.
fn write(samples: &[U16], spec: &PixelSpec, channel: usize, out: &mut [u16]) {
    let (start, step) = match spec.order {
        PixelOrder::Hwc => (channel, 3),
        PixelOrder::Chw => (channel * samples.len(), 1),
    };
    let places = out.iter_mut().skip(start).step_by(step);
    places.zip(samples).for_each(|(out, sample)| *out = sample.0);
}

fn expect(holds: bool, expected: &'static str, got: impl ToString) -> AvResult<()> {
    if holds { Ok(()) } else { Err(wrong(expected, got.to_string())) }
}

fn wrong(expected: &'static str, got: String) -> AvError {
    AvError::InvalidArgument { what: "the pixels asked for", expected, got }
}
