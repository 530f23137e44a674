//! Conversion of any frame to JFIF planes: full-range BT.601 of 8 bits, upright, square pixels.
//!
//! Range, matrix, depth and interleaving are converted in one pass over the samples
//! ([`weights`](super::weights) has the formulas); resampling and turning are further passes that
//! most frames don't need.
//!
//! Two approximations remain, as in other tools:
//!
//! - Chroma samples are not moved. MPEG sites them on the left luma column and JFIF between two
//!   columns, so colour moves by a quarter of a chroma sample. A matrix other than BT.601 adds to
//!   each luma sample a share of the one chroma sample that covers it, without interpolation.
//! - Primaries and transfer are not converted.

use crate::frame_view::{FrameView, Layout};
use crate::simd::jfif::{RgbRow, run};

use super::{
    Result,
    checked_frame::CheckedFrame,
    geometry::{Flips, ImageGeometry, subsampling},
    orient::turn,
    planes::YccPlanes,
    rows::{self, ChromaOut, RowBuffers},
    scale::PlaneScaler,
    weights::{YccWeights, rgb_weights},
};

/// A converter to JFIF planes that keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct JfifPass {
    rows: RowBuffers,
    converted: YccPlanes,
    scaled: YccPlanes,
    turned: YccPlanes,
    scaler: PlaneScaler,
}

impl JfifPass {
    /// The planes of the image of a frame, padded to whole blocks.
    ///
    /// # Errors
    ///
    /// Those of [`CheckedFrame::new`]; [`ImageError::TooLarge`](super::ImageError::TooLarge) if
    /// memory runs out; [`ImageError::Encode`](super::ImageError::Encode) if resampling fails.
    pub(super) fn run(&mut self, view: &FrameView<'_>, to: &ImageGeometry) -> Result<&YccPlanes> {
        let frame = CheckedFrame::new(view)?;
        let chroma = subsampling(frame.layout);
        self.converted.reset(frame.size, chroma)?;
        convert(&frame, &mut self.rows, &mut self.converted);
        let mut planes = &mut self.converted;
        if (to.unturned, to.chroma) != (frame.size, chroma) {
            self.scaler.scale(planes, (to.unturned, to.chroma), &mut self.scaled)?;
            planes = &mut self.scaled;
        }
        let flips = Flips::new(to.orientation);
        if !flips.is_identity() {
            turn(planes, flips, (to.size, to.turned_chroma()), &mut self.turned)?;
            planes = &mut self.turned;
        }
        planes.pad()?;
        Ok(planes)
    }
}

/// Converts the range, matrix, depth and interleaving of all samples.
fn convert(frame: &CheckedFrame<'_>, buffers: &mut RowBuffers, out: &mut YccPlanes) {
    buffers.reset(frame.size.0);
    match frame.layout {
        Layout::Gray(_) => convert_gray(frame, buffers, out),
        Layout::Yuv { log2_width, log2_height, .. } => {
            convert_yuv(frame, (log2_width, log2_height), buffers, out);
        }
        Layout::SemiPlanar { .. } => convert_yuv(frame, (1, 1), buffers, out),
        Layout::Packed { .. } | Layout::PlanarRgb(_) => convert_rgb(frame, buffers, out),
    }
}

fn convert_gray(frame: &CheckedFrame<'_>, buffers: &mut RowBuffers, out: &mut YccPlanes) {
    let (width, height) = frame.size;
    let weights = YccWeights::new(frame.color, frame.depth().bits);
    let RowBuffers { centred, tint } = buffers;
    tint.fill(weights.chroma.luma_constant);
    for y in 0..height {
        let row = rows::plane_row(frame, 0, (y, width), &mut centred[0]);
        rows::luma(row, tint, weights.luma, out.planes[0].row_mut(y));
    }
}

/// Converts one row of chroma at a time, then the rows of luma that it covers.
fn convert_yuv(
    frame: &CheckedFrame<'_>,
    log2: (u8, u8),
    buffers: &mut RowBuffers,
    out: &mut YccPlanes,
) {
    let (width, height) = frame.size;
    let (chroma_width, chroma_height) = frame.chroma_size();
    let weights = YccWeights::new(frame.color, frame.depth().bits);
    let RowBuffers { centred: [first, second, _], tint } = buffers;
    let [luma, cb, cr] = &mut out.planes;
    for chroma_y in 0..chroma_height {
        let both = [&mut first[..], &mut second[..]];
        let row = rows::chroma_rows(frame, (chroma_y, chroma_width), both);
        let (cb, cr) = (cb.row_mut(chroma_y), cr.row_mut(chroma_y));
        rows::chroma(row, &weights.chroma, log2.0, ChromaOut { cb, cr, tint });
        let from = chroma_y << log2.1;
        for y in from..height.min(from + (1 << log2.1)) {
            let row = rows::plane_row(frame, 0, (y, width), first);
            rows::luma(row, tint, weights.luma, luma.row_mut(y));
        }
    }
}

fn convert_rgb(frame: &CheckedFrame<'_>, buffers: &mut RowBuffers, out: &mut YccPlanes) {
    let weights = rgb_weights(frame.depth().bits);
    for y in 0..frame.size.1 {
        rows::rgb_rows(frame, y, &mut buffers.centred);
        let [red, green, blue] = &buffers.centred;
        for (component, plane) in out.planes.iter_mut().enumerate() {
            let (constant, weights) = (weights.constants[component], weights.rows[component]);
            let out = plane.row_mut(y);
            run(RgbRow { rgb: [red, green, blue], weights, constant, out });
        }
    }
}
