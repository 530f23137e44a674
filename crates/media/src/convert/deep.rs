//! 16-bit pixels, for pictures with more than 8 bits. swscale converts and scales; what is left is
//! to cut out, turn and sort.
//!
//! The whole picture is scaled, whatever part of it is wanted: swscale starts each row and column of
//! what it is given at a phase of its own and repeats what lies at the edges, so a part that is cut
//! out before would have other pixels than the same part of the whole, wherever its place isn't a
//! whole number of pixels in the output, and all around its edges. What that costs is bounded.

use moviola_av::{
    color::Color,
    error::{Error as AvError, Result as AvResult},
    frame::{VideoFrame, VideoFrameMut},
    pixel::PixelFormat,
    plane::Plane,
    scaler::{Filter, Scaler, Side},
};

use super::{PixelOrder, PixelSpec};
use crate::{frame::Frame, picture::Orientation};

/// Planes of green, blue and red, 16 bits each, little endian. For interleaved 16 bits swscale
/// doesn't interpolate chroma across.
const PLANES: &str = "gbrp16le";

/// Of a picture that is scaled for a part of it to have its size: 400 MB.
const MOST_PIXELS: usize = 1 << 26;

/// Turns frames into 16-bit pixels; keeps the plan for frames of one kind.
#[derive(Debug, Default)]
pub struct DeepConverter {
    scaler: Option<Scaler>,
}

/// How a scaled picture lies in the output.
struct Layout {
    spec: PixelSpec,
    orientation: Orientation,
    /// Columns and rows of the upright picture left of and above the output.
    offset: (usize, usize),
    /// Columns and rows of the picture as it is coded, scaled.
    coded: (usize, usize),
}

impl DeepConverter {
    /// Writes a frame, upright and with square pixels, as samples from 0 to 65535.
    ///
    /// # Errors
    ///
    /// [`AvError::InvalidArgument`] if `out` isn't [`PixelSpec::values`] long, the crop reaches
    /// outside the picture, or swscale doesn't take it; [`AvError::OutOfMemory`].
    pub fn run(&mut self, frame: &Frame, spec: &PixelSpec, out: &mut [u16]) -> AvResult<()> {
        expect(out.len() == spec.values(), "one value for each sample", out.len())?;
        let layout = Layout::new(frame, spec)?;
        let scaled = self.scale(&frame.frame, layout.coded)?;
        let rgb = [2, 0, 1].map(|plane| scaled.plane(plane));
        for (channel, plane) in rgb.into_iter().enumerate() {
            layout.write(channel, &plane.ok_or(AvError::OutOfMemory)?, out);
        }
        Ok(())
    }

    fn scale(&mut self, frame: &VideoFrame, size: (usize, usize)) -> AvResult<VideoFrame> {
        let format = PixelFormat::from_name(PLANES);
        let format = format.ok_or_else(|| wrong("a pixel format of 16 bits", PLANES.into()))?;
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let from = Side::of(frame);
        let to =
            Side { format, color: Color::default(), width: side(size.0), height: side(size.1) };
        let kept = self.scaler.take();
        let scaler = match kept.filter(|kept| kept.source() == from && kept.target() == to) {
            Some(kept) => self.scaler.insert(kept),
            None => self.scaler.insert(Scaler::new(from, to, Filter::Bilinear)?),
        };
        let mut target = VideoFrameMut::new(format, to.width, to.height)?;
        scaler.scale(frame, &mut target)?;
        Ok(target.freeze())
    }
}

impl Layout {
    fn new(frame: &Frame, spec: &PixelSpec) -> AvResult<Self> {
        let orientation = frame.orientation();
        let shown = frame.display_size();
        let (width, height) = spec.size;
        expect(width > 0 && height > 0, "a size that isn't 0", spec.size.0.min(spec.size.1))?;
        let (full, offset) = match spec.crop {
            None => (spec.size, (0, 0)),
            Some(crop) => {
                let inside = crop.width > 0
                    && crop.height > 0
                    && crop.x.saturating_add(crop.width) <= shown.0
                    && crop.y.saturating_add(crop.height) <= shown.1;
                expect(inside, "a crop inside the picture", format_args!("{crop:?}"))?;
                // The whole picture is scaled so that the part has the size that is wanted.
                let scaled = |side: usize, to: usize, of: usize| (side * to).div_ceil(of);
                let full =
                    (scaled(shown.0, width, crop.width), scaled(shown.1, height, crop.height));
                let offset = (crop.x * width / crop.width, crop.y * height / crop.height);
                (full, (offset.0.min(full.0 - width), offset.1.min(full.1 - height)))
            }
        };
        let fits = full.0.saturating_mul(full.1) <= MOST_PIXELS;
        expect(fits, "a crop that isn't enlarged so much", format_args!("{full:?} pixels"))?;
        let coded = if orientation.swaps_axes() { (full.1, full.0) } else { full };
        Ok(Self { spec: *spec, orientation, offset, coded })
    }

    fn write(&self, channel: usize, plane: &Plane<'_>, out: &mut [u16]) {
        let (width, height) = self.spec.size;
        for y in 0..height {
            for x in 0..width {
                let (column, row) = self.source_of(x + self.offset.0, y + self.offset.1);
                let sample = plane.row(row).and_then(|row| row.get(column * 2..column * 2 + 2));
                let Some(&[low, high]) = sample else { continue };
                let place = match self.spec.order {
                    PixelOrder::Hwc => (y * width + x) * 3 + channel,
                    PixelOrder::Chw => (channel * height + y) * width + x,
                };
                out[place] = u16::from_le_bytes([low, high]);
            }
        }
    }

    /// The coded pixel that is shown at a place of the upright picture.
    fn source_of(&self, x: usize, y: usize) -> (usize, usize) {
        let (width, height) = self.coded;
        let from_right = |side: usize, at: usize| (side - 1).saturating_sub(at);
        let (column, row) = match self.orientation.quarter_turns % 4 {
            0 => (x, y),
            1 => (y, from_right(height, x)),
            2 => (from_right(width, x), from_right(height, y)),
            _ => (from_right(width, y), x),
        };
        let column = if self.orientation.mirrored { from_right(width, column) } else { column };
        (column, row)
    }
}

fn expect(holds: bool, expected: &'static str, got: impl ToString) -> AvResult<()> {
    if holds { Ok(()) } else { Err(wrong(expected, got.to_string())) }
}

fn wrong(expected: &'static str, got: String) -> AvError {
    AvError::InvalidArgument { what: "the pixels asked for", expected, got }
}
