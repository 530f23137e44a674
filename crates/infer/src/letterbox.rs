//! Where a picture lies in the model's square, and the way back for boxes.
//!
//! Two published conventions, each with its own rounding: Ultralytics centres the picture, YOLOX
//! puts it in the top left corner. Both keep the aspect ratio and fill the rest with grey 114.

use crate::error::{Error, Result};

/// A width and a height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Size {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// Which corner of the model's input the picture is put into, and how its size is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Ultralytics' `LetterBox`: in the middle; the size is rounded half to even.
    Centred,
    /// YOLOX's `preproc`: in the top left corner; the size is truncated.
    TopLeft,
}

/// One picture's place in the model's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// The picture's size as shown.
    pub picture: Size,
    /// The model's input size.
    pub input: Size,
    /// Columns left of the picture.
    pub x: usize,
    /// Rows above the picture.
    pub y: usize,
    /// The scaled picture's size.
    pub scaled: Size,
    /// Input pixels per picture pixel, across and down.
    pub gain: [f64; 2],
}

impl Letterbox {
    /// Places a picture in a model's input.
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
    /// let picture = Size { width: 1920, height: 1080 };
    /// let input = Size { width: 640, height: 640 };
    /// let fit = Letterbox::new(Fit::Centred, picture, input)?;
    /// assert_eq!((fit.x, fit.y), (0, 140));
    /// assert_eq!(fit.to_picture([320.0, 320.0, 640.0, 500.0]), [960.0, 540.0, 1920.0, 1080.0]);
    /// # Ok::<(), moviola_infer::error::Error>(())
    /// ```
    pub fn new(fit: Fit, picture: Size, input: Size) -> Result<Self> {
        let sides = [picture.width, picture.height, input.width, input.height];
        if sides.contains(&0) {
            let got = format!("{sides:?}");
            return Err(Error::argument("sides of picture and input", "1 or more", got));
        }
        let [width, height, input_width, input_height] = sides.map(|side| side as f64);
        let ratio = (input_width / width).min(input_height / height);
        Ok(match fit {
            Fit::Centred => Self::centred(picture, input, ratio),
            Fit::TopLeft => Self::top_left(picture, input, ratio),
        })
    }

    /// Ultralytics: `round(side * ratio)`, borders `round(gap / 2 - 0.1)`, gain per axis.
    fn centred(picture: Size, input: Size, ratio: f64) -> Self {
        let scale = |side: usize, limit: usize| {
            let scaled = (side as f64 * ratio).round_ties_even();
            to_side(scaled, limit)
        };
        let scaled = Size {
            width: scale(picture.width, input.width),
            height: scale(picture.height, input.height),
        };
        let border = |outer: usize, inner: usize| {
            let gap = (outer - inner) as f64 / 2.0;
            to_pixels((gap - 0.1).round_ties_even())
        };
        let (x, y) = (border(input.width, scaled.width), border(input.height, scaled.height));
        let gain = [
            scaled.width as f64 / picture.width as f64,
            scaled.height as f64 / picture.height as f64,
        ];
        Self { picture, input, x, y, scaled, gain }
    }

    /// YOLOX: `int(side * ratio)`, no border on the left and above, one gain for both axes.
    fn top_left(picture: Size, input: Size, ratio: f64) -> Self {
        let scale = |side: usize, limit: usize| to_side((side as f64 * ratio).trunc(), limit);
        let scaled = Size {
            width: scale(picture.width, input.width),
            height: scale(picture.height, input.height),
        };
        Self { picture, input, x: 0, y: 0, scaled, gain: [ratio, ratio] }
    }

    /// A box `[x1, y1, x2, y2]` of the model's input, in pixels of the picture and clipped to it.
    ///
    /// What is not a number becomes 0.
    pub fn to_picture(&self, bounds: [f32; 4]) -> [f32; 4] {
        let [x1, y1, x2, y2] = bounds;
        let across = |x: f32| self.back(x, self.x, self.gain[0], self.picture.width);
        let down = |y: f32| self.back(y, self.y, self.gain[1], self.picture.height);
        [across(x1), down(y1), across(x2), down(y2)]
    }

    /// A point of the picture, in pixels of the model's input.
    pub fn to_input(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let forth =
            |value: f32, border: usize, gain: f64| (f64::from(value) * gain + border as f64) as f32;
        [forth(x, self.x, self.gain[0]), forth(y, self.y, self.gain[1])]
    }

    fn back(&self, value: f32, border: usize, gain: f64, side: usize) -> f32 {
        let at = (f64::from(value) - border as f64) / gain;
        at.max(0.0).min(side as f64) as f32 // max first: it turns NaN into 0
    }
}

/// A scaled side: at least one pixel, and never more than there is room for.
fn to_side(scaled: f64, limit: usize) -> usize {
    to_pixels(scaled).clamp(1, limit)
}

/// Whole pixels; nothing lies left of 0.
#[expect(clippy::cast_sign_loss, reason = "the cast saturates at 0")]
fn to_pixels(length: f64) -> usize {
    length as usize
}

#[cfg(test)]
mod tests;
