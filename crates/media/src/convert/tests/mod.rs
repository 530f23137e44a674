//! Conversions compared with independent models: exact arithmetic in `f64`, and OpenCV's.

#![expect(clippy::cast_sign_loss, reason = "the models cast clamped values")]

mod canvas;
mod edges;
mod exact;
mod opencv;
mod same_bits;

use super::{ChannelOrder, Placement, Rgb8Converter, TensorSpec};
use crate::{frame_view::FrameView, simd::Isa};

/// The frame as an image of `size`, converted by the given kernels.
fn rgb8(isa: Isa, view: &FrameView<'_>, size: (usize, usize)) -> Vec<u8> {
    let mut out = vec![0; 3 * size.0 * size.1];
    let mut converter = Rgb8Converter::with_isa(isa, view, size).unwrap();
    converter.run(view, &mut out, 3 * size.0).unwrap();
    out
}

/// A tensor without borders, of samples 0 to 255.
fn plain_spec((width, height): (usize, usize)) -> TensorSpec {
    TensorSpec {
        width,
        height,
        placement: Placement { x: 0, y: 0, width, height },
        channels: ChannelOrder::Rgb,
        scale: [1.0; 3],
        bias: [0.0; 3],
        fill: [114.0; 3],
    }
}
