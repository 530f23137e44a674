//! Preprocessing: the conversion of a frame or image to a model's input tensor.

use moviola_av::{stage, trace};
use moviola_media::convert::{ChannelOrder, Placement, TensorConverter, TensorSpec};
use moviola_media::frame_view::FrameView;

use crate::error::{Error, Result};
use crate::letterbox::{Fit, Letterbox, Size};

/// The order of a model's colour planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// The parameters of a model's input, a tensor `[1, 3, height, width]` of f32.
///
/// It is small and independent of the loaded model, so that images can be prepared on another
/// thread than the one that runs the model.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Preprocess {
    /// The tensor's width and height.
    pub size: Size,
    /// Where the image is placed in it.
    pub fit: Fit,
    /// The order of the planes.
    pub channels: Channels,
    /// The tensor value of a sample of 255: 1.0 or 255.0.
    pub white: f32,
    /// The sample value (0 to 255) of the border around the image.
    pub border: u8,
}

impl Preprocess {
    /// Ultralytics' convention: centred, RGB, 0.0 to 1.0, border of grey 114.
    pub fn ultralytics(size: Size) -> Self {
        Self { size, fit: Fit::Centred, channels: Channels::Rgb, white: 1.0, border: 114 }
    }

    /// YOLOX's convention: top left, BGR, 0.0 to 255.0, border of grey 114.
    pub fn yolox(size: Size) -> Self {
        Self { size, fit: Fit::TopLeft, channels: Channels::Bgr, white: 255.0, border: 114 }
    }

    /// Number of f32 values in the tensor.
    pub fn input_len(&self) -> usize {
        3 * self.size.width * self.size.height
    }

    /// The position of an image of this size (upright, square pixels) in the tensor.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a side is 0.
    pub fn letterbox(&self, image: Size) -> Result<Letterbox> {
        Letterbox::new(self.fit, image, self.size)
    }

    /// The specification of the tensor for `moviola_media`'s [`TensorConverter`].
    pub fn tensor_spec(&self, letterbox: &Letterbox) -> TensorSpec {
        let Letterbox { x, y, scaled, .. } = *letterbox;
        TensorSpec {
            width: self.size.width,
            height: self.size.height,
            placement: Placement { x, y, width: scaled.width, height: scaled.height },
            channels: match self.channels {
                Channels::Rgb => ChannelOrder::Rgb,
                Channels::Bgr => ChannelOrder::Bgr,
            },
            scale: [self.white / 255.0; 3],
            bias: [0.0; 3],
            fill: [f32::from(self.border); 3],
        }
    }

    /// Converts a tensor back to an image: RGB, three bytes per pixel, rows without padding.
    pub fn to_rgb8(&self, tensor: &[f32]) -> Vec<u8> {
        let order = match self.channels {
            Channels::Rgb => [0, 1, 2],
            Channels::Bgr => [2, 1, 0],
        };
        let planes: Vec<_> = tensor.chunks_exact((self.input_len() / 3).max(1)).collect();
        #[expect(clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
        let sample = |plane: usize, pixel: usize| {
            let sample = planes.get(plane).map_or(0.0, |plane| plane[pixel]);
            (sample / self.white * 255.0).round().clamp(0.0, 255.0) as u8
        };
        let pixels = 0..planes.first().map_or(0, |plane| plane.len());
        pixels.flat_map(|pixel| order.map(|plane| sample(plane, pixel))).collect()
    }
}

/// Converts frames and images to input tensors. It keeps the converter while size and format stay
/// the same.
#[derive(Debug)]
pub struct Preparer {
    preprocess: Preprocess,
    last: Option<(Letterbox, TensorConverter)>,
}

impl Preparer {
    /// Creates a preparer for one model.
    pub fn new(preprocess: Preprocess) -> Self {
        Self { preprocess, last: None }
    }

    /// Writes a frame or image into `tensor`, upright and letterboxed; returns its position there.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `tensor` is not [`Preprocess::input_len`] long, and
    /// [`Error::Image`] if the frame can't be converted.
    pub fn prepare(&mut self, view: &FrameView<'_>, tensor: &mut [f32]) -> Result<Letterbox> {
        let expected = self.preprocess.input_len();
        if tensor.len() != expected {
            let expected = expected.to_string();
            return Err(Error::argument("length of the input tensor", &expected, tensor.len()));
        }
        let stage = stage!("convert");
        let (width, height) = view.display_size();
        let size = Size { width, height };
        let fitting = self
            .last
            .take()
            .filter(|(letterbox, converter)| letterbox.image == size && converter.fits(view));
        let (letterbox, mut converter) = match fitting {
            Some(last) => last,
            None => {
                let letterbox = self.preprocess.letterbox(size)?;
                let spec = self.preprocess.tensor_spec(&letterbox);
                (letterbox, TensorConverter::new(view, &spec)?)
            }
        };
        converter.run(view, tensor)?;
        trace::record_bytes(&stage, size_of_val(tensor));
        self.last = Some((letterbox, converter));
        Ok(letterbox)
    }
}
