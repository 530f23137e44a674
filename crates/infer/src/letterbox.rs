//! Letterboxing: the position of a scaled image in a model's input, and the mapping of boxes back.
//!
//! There are two published conventions, each with its own rounding: Ultralytics centres the image,
//! YOLOX puts it in the top left corner. Both keep the aspect ratio and fill the rest with grey
//! 114.

use crate::error::{Error, Result};

/// A width and a height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Size {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// Where an image is placed in a model's input, and how its scaled size is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Ultralytics' `LetterBox`: centred; the size is rounded half to even.
    Centred,
    /// YOLOX's `preproc`: in the top left corner; the size is truncated.
    TopLeft,
}

/// The position and scale of an image in a model's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// The image's displayed size.
    pub image: Size,
    /// The model's input size.
    pub input: Size,
    /// Columns to the left of the image.
    pub x: usize,
    /// Rows above the image.
    pub y: usize,
    /// The scaled image's size.
    pub scaled: Size,
    /// Input pixels per image pixel, across and down.
    pub gain: [f64; 2],
}

impl Letterbox {
    /// Places an image in a model's input.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if any side is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use moviola_infer::letterbox::{Fit, Letterbox, Size};
    ///
    /// let image = Size { width: 1920, height: 1080 };
    /// let input = Size { width: 640, height: 640 };
    /// let fit = Letterbox::new(Fit::Centred, image, input)?;
    /// assert_eq!((fit.x, fit.y), (0, 140));
    /// assert_eq!(fit.to_image([320.0, 320.0, 640.0, 500.0]), [960.0, 540.0, 1920.0, 1080.0]);
    /// # Ok::<(), moviola_infer::error::Error>(())
    /// ```
    pub fn new(fit: Fit, image: Size, input: Size) -> Result<Self> {
        let sides = [image.width, image.height, input.width, input.height];
        if sides.contains(&0) {
            let got = format!("{sides:?}");
            return Err(Error::argument("sides of image and input", "1 or more", got));
        }
        let [width, height, input_width, input_height] = sides.map(|side| side as f64);
        let ratio = (input_width / width).min(input_height / height);
        Ok(match fit {
            Fit::Centred => Self::centred(image, input, ratio),
            Fit::TopLeft => Self::top_left(image, input, ratio),
        })
    }

    /// Ultralytics: `round(side * ratio)`, borders `round(gap / 2 - 0.1)`, gain per axis.
    fn centred(image: Size, input: Size, ratio: f64) -> Self {
        let scale = |side: usize, limit: usize| {
            let scaled = (side as f64 * ratio).round_ties_even();
            to_side(scaled, limit)
        };
        let scaled = Size {
            width: scale(image.width, input.width),
            height: scale(image.height, input.height),
        };
        let border = |outer: usize, inner: usize| {
            let gap = (outer - inner) as f64 / 2.0;
            to_pixels((gap - 0.1).round_ties_even())
        };
        let (x, y) = (border(input.width, scaled.width), border(input.height, scaled.height));
        let gain =
            [scaled.width as f64 / image.width as f64, scaled.height as f64 / image.height as f64];
        Self { image, input, x, y, scaled, gain }
    }

    /// YOLOX: `int(side * ratio)`, no border on the left and above, one gain for both axes.
    fn top_left(image: Size, input: Size, ratio: f64) -> Self {
        let scale = |side: usize, limit: usize| to_side((side as f64 * ratio).trunc(), limit);
        let scaled = Size {
            width: scale(image.width, input.width),
            height: scale(image.height, input.height),
        };
        Self { image, input, x: 0, y: 0, scaled, gain: [ratio, ratio] }
    }

    /// Converts a box `[x1, y1, x2, y2]` from input pixels to image pixels, clipped to the image.
    ///
    /// NaN becomes 0.
    pub fn to_image(&self, bounds: [f32; 4]) -> [f32; 4] {
        let [x1, y1, x2, y2] = bounds;
        let across = |x: f32| self.back(x, self.x, self.gain[0], self.image.width);
        let down = |y: f32| self.back(y, self.y, self.gain[1], self.image.height);
        [across(x1), down(y1), across(x2), down(y2)]
    }

    /// Converts a point from image pixels to input pixels.
    pub fn to_input(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let forward =
            |value: f32, border: usize, gain: f64| (f64::from(value) * gain + border as f64) as f32;
        [forward(x, self.x, self.gain[0]), forward(y, self.y, self.gain[1])]
    }

    /// Converts one coordinate of the input to the image.
    fn back(&self, value: f32, border: usize, gain: f64, side: usize) -> f32 {
        let position = (f64::from(value) - border as f64) / gain;
        position.max(0.0).min(side as f64) as f32 // max first: it turns NaN into 0
    }
}

/// A scaled side in whole pixels: at least 1 and at most `limit`.
fn to_side(scaled: f64, limit: usize) -> usize {
    to_pixels(scaled).clamp(1, limit)
}

/// Truncates to whole pixels; negative lengths become 0.
#[expect(clippy::cast_sign_loss, reason = "the cast saturates at 0")]
fn to_pixels(length: f64) -> usize {
    length as usize
}

#[cfg(test)]
mod tests;
