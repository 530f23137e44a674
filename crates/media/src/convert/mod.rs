//! Conversion of a decoder's planes to a model's input or an image, in one pass.
//!
//! Colour conversion, resizing, turning upright, squaring pixels, letterboxing and normalisation
//! are one step: each output row is computed from the one or two input rows that it lies between,
//! and no intermediate image is stored.
//!
//! - **Geometry** is that of OpenCV's `INTER_LINEAR`, which detectors are trained and measured
//!   with: two taps each way, pixel centres at half a pixel, no filter against aliasing. An output
//!   of the input's own size takes each pixel unchanged.
//! - **Samples** are 8-bit before they are normalised, so a tensor holds exactly the samples of an
//!   image of the same size. From packed RGB they equal those of `cv2.resize`, bit for bit, unless
//!   a quarter turn exchanges rows and columns; from planes they are the exact values, rounded
//!   once.
//! - **Colour** follows [`FrameColor`](crate::frame_view::FrameColor): matrix, range and chroma
//!   siting. The components of RGB layouts use the full range. Primaries and transfer are not
//!   converted.
//! - **Kernels** are scalar, AVX2 or NEON, and all give the same bits.
//!
//! A converter keeps tables and scratch memory for frames of one geometry; the free functions
//! make one, use it once and drop it. No threads are started.

mod axis;
mod deep;
mod direct;
mod error;
mod geometry;
mod grid;
mod matrix;
mod packed;
mod pixels;
mod planar;
mod rgb;
mod sampler;
mod tensor;
#[cfg(test)]
mod tests;

pub use deep::DeepConverter;
pub use error::ConvertError;
pub use pixels::{Crop, Normalise, PixelConverter, PixelOrder, PixelSpec};
pub use rgb::Rgb8Converter;
pub use tensor::{ChannelOrder, Placement, TensorConverter, TensorSpec};

use crate::frame_view::FrameView;

/// The longest side of a frame or an output, in pixels.
pub const MAX_SIDE: usize = 1 << 20;

/// Writes one frame as a letterboxed, normalised tensor `[3, height, width]` of `f32`.
///
/// # Errors
///
/// Those of [`TensorConverter::new`] and [`TensorConverter::run`].
///
/// # Examples
///
/// ```
/// use moviola_av::plane::Plane;
/// use moviola_media::{
///     convert::{ChannelOrder, Placement, TensorSpec, to_tensor},
///     frame_view::{FrameColor, Depth, Layout, Orientation, FrameView},
/// };
///
/// let gray = [255; 2 * 2];
/// let view = FrameView {
///     width: 2,
///     height: 2,
///     layout: Layout::Gray(Depth::EIGHT),
///     planes: [Plane::from_slice(&gray, 2, 2, 2), None, None],
///     color: FrameColor::default(),
///     orientation: Orientation::default(),
///     sample_aspect: (1, 1),
/// };
/// let spec = TensorSpec {
///     width: 4,
///     height: 4,
///     placement: Placement { x: 0, y: 1, width: 4, height: 2 },
///     channels: ChannelOrder::Rgb,
///     scale: [1.0 / 255.0; 3],
///     bias: [0.0; 3],
///     fill: [0.0; 3],
/// };
/// let mut tensor = vec![0.0; spec.values()];
/// to_tensor(&view, &spec, &mut tensor)?;
/// assert_eq!(tensor[..8], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
/// # Ok::<(), moviola_media::convert::ConvertError>(())
/// ```
pub fn to_tensor(
    view: &FrameView<'_>,
    spec: &TensorSpec,
    out: &mut [f32],
) -> Result<(), ConvertError> {
    TensorConverter::new(view, spec)?.run(view, out)
}

/// Writes one frame as an upright 8-bit RGB image of `size` (width, height) pixels.
///
/// Rows start `row_stride` bytes apart. [`FrameView::display_size`] is the size with square pixels
/// that loses no detail. For the frame as it is coded, set the default orientation in the view and
/// pass its own width and height.
///
/// # Errors
///
/// Those of [`Rgb8Converter::new`] and [`Rgb8Converter::run`].
pub fn to_rgb8(
    view: &FrameView<'_>,
    size: (usize, usize),
    out: &mut [u8],
    row_stride: usize,
) -> Result<(), ConvertError> {
    Rgb8Converter::new(view, size)?.run(view, out, row_stride)
}
