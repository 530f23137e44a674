//! Drawing of boxes and labels into RGB pixels.

use super::{ImageError, Result, font, geometry::Size};

/// A box to draw and its label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annotation<'a> {
    /// Left, top, right and bottom in pixels; parts outside the image are not drawn.
    pub area: [f32; 4],
    /// Selects the colour: a class has the same one in every image.
    pub class_id: usize,
    /// The class's name. Characters other than ASCII are drawn as empty rectangles.
    pub class: &'a str,
    /// The model's confidence, 0.0 to 1.0.
    pub confidence: f32,
}

/// Draws boxes into 8-bit RGB pixels, row by row without padding; later ones cover earlier ones.
///
/// Lines and letters grow with the image. Boxes with a side that is not finite are not drawn.
///
/// # Errors
///
/// [`ImageError::InvalidArgument`] if `pixels` is not `3 × width × height` bytes.
pub fn annotate(pixels: &mut [u8], size: Size, boxes: &[Annotation<'_>]) -> Result<()> {
    let mut canvas = Canvas::new(pixels, size)?;
    for annotation in boxes {
        if annotation.area.iter().all(|side| side.is_finite()) {
            canvas.draw(annotation);
        }
    }
    Ok(())
}

/// Red, green and blue.
type Rgb = [u8; 3];

/// A rectangle of pixels; `right` and `bottom` are the first column and row after it.
#[derive(Clone, Copy)]
struct Rect {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

/// Pixels to draw into.
struct Canvas<'a> {
    pixels: &'a mut [u8],
    width: usize,
    height: usize,
    /// Width of a line in pixels.
    line: i64,
}

impl<'a> Canvas<'a> {
    fn new(pixels: &'a mut [u8], (width, height): Size) -> Result<Self> {
        if width.checked_mul(height).and_then(|area| area.checked_mul(3)) != Some(pixels.len()) {
            let got = format!("{} bytes for {width}x{height}", pixels.len());
            let (what, expected) = ("pixels", "3 bytes for each of them");
            return Err(ImageError::InvalidArgument { what, expected, got });
        }
        // 2 pixels at 640x480, 5 at 1920x1080.
        let line = ((width + height) as f64 * 0.0015).round().max(1.0) as i64;
        Ok(Self { pixels, width, height, line })
    }

    fn draw(&mut self, annotation: &Annotation<'_>) {
        let color = class_color(annotation.class_id);
        let [left, top, right, bottom] =
            annotation.area.map(|side| side.clamp(-1e9, 1e9).round() as i64);
        let area = Rect { left, top, right, bottom };
        self.frame(area, color);
        let label = format!("{} {:.2}", annotation.class, annotation.confidence);
        self.label(area, &label, color);
    }

    /// Draws the outline of `area`, inside it.
    fn frame(&mut self, area: Rect, color: Rgb) {
        let line = self.line;
        self.fill(Rect { bottom: area.top + line, ..area }, color);
        self.fill(Rect { top: area.bottom - line, ..area }, color);
        self.fill(Rect { right: area.left + line, ..area }, color);
        self.fill(Rect { left: area.right - line, ..area }, color);
    }

    /// Draws `text` on a filled background above `area`, or inside it if there is no room above.
    fn label(&mut self, area: Rect, text: &str, background: Rgb) {
        let scale = (self.line + 1) / 2;
        let advance = (font::WIDTH as i64 + 1) * scale;
        let width = advance * text.chars().count() as i64 + scale;
        let height = (font::HEIGHT as i64 + 2) * scale;
        let (image_width, image_height) = (self.width as i64, self.height as i64);
        let left = area.left.min(image_width - width).max(0);
        let above = area.top - height;
        let top = if above >= 0 { above } else { area.top.max(0) };
        let top = top.min(image_height - height).max(0);
        self.fill(Rect { left, top, right: left + width, bottom: top + height }, background);
        let ink = if is_bright(background) { [0; 3] } else { [255; 3] };
        for (i, character) in text.chars().enumerate() {
            let at = (left + scale + advance * i as i64, top + scale);
            if at.0 >= image_width {
                break;
            }
            self.character(character, at, scale, ink);
        }
    }

    /// Draws a character whose dots are squares of `scale` pixels, at its top left corner.
    fn character(&mut self, character: char, (left, top): (i64, i64), scale: i64, color: Rgb) {
        for (y, row) in font::glyph(character).into_iter().enumerate() {
            let top = top + scale * y as i64;
            for x in (0..font::WIDTH).filter(|x| row >> (font::WIDTH - 1 - x) & 1 == 1) {
                let left = left + scale * x as i64;
                self.fill(Rect { left, top, right: left + scale, bottom: top + scale }, color);
            }
        }
    }

    /// Fills the part of `area` that is inside the image.
    fn fill(&mut self, area: Rect, color: Rgb) {
        #[expect(clippy::cast_sign_loss, reason = "clamped to the image")]
        let inside = |at: i64, side: usize| at.clamp(0, side as i64) as usize;
        let (left, right) = (inside(area.left, self.width), inside(area.right, self.width));
        let (top, bottom) = (inside(area.top, self.height), inside(area.bottom, self.height));
        if left >= right {
            return;
        }
        for y in top..bottom {
            let row = &mut self.pixels[3 * (y * self.width + left)..][..3 * (right - left)];
            row.as_chunks_mut().0.fill(color);
        }
    }
}

/// A vivid colour for a class; neighbouring classes have colours far apart on the colour wheel.
fn class_color(class_id: usize) -> Rgb {
    /// The golden angle spreads any number of hues evenly.
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let hue = (class_id as f64 * GOLDEN).fract() * 6.0;
    // HSV with full saturation and value: a component depends on the hue's distance from it.
    let component = |offset: f64| {
        let ramp = ((hue + offset) % 6.0 - 3.0).abs() - 1.0;
        #[expect(clippy::cast_sign_loss, reason = "clamped")]
        let component = (40.0 + 215.0 * ramp.clamp(0.0, 1.0)) as u8;
        component
    };
    [component(0.0), component(4.0), component(2.0)]
}

/// Whether black is easier to read on `color` than white.
fn is_bright([red, green, blue]: Rgb) -> bool {
    299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) > 128 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAY: u8 = 100;

    fn annotation(area: [f32; 4]) -> Annotation<'static> {
        Annotation { area, class_id: 2, class: "car", confidence: 0.91 }
    }

    /// Draws into a gray image; gives a function that says whether a pixel has changed.
    fn drawn(size: Size, boxes: &[Annotation<'_>]) -> impl Fn(usize, usize) -> bool + use<> {
        let mut pixels = vec![GRAY; size.0 * size.1 * 3];
        annotate(&mut pixels, size, boxes).unwrap();
        move |x, y| pixels[3 * (y * size.0 + x)..][..3] != [GRAY; 3]
    }

    #[test]
    fn a_box_is_an_outline_with_a_label_above() {
        let changed = drawn((400, 300), &[annotation([50.0, 100.0, 250.0, 200.0])]);
        assert!(changed(50, 150) && changed(249, 150) && changed(150, 100) && changed(150, 199));
        assert!(!changed(49, 150) && !changed(250, 150) && !changed(150, 200));
        assert!(!changed(150, 150), "the inside stays as it was");
        assert!(changed(52, 95), "the label stands above the box");
    }

    #[test]
    fn lines_grow_with_the_image() {
        let thickness = |size: Size| {
            let changed = drawn(size, &[annotation([50.0, 150.0, 350.0, 450.0])]);
            (50..90).take_while(|&x| changed(x, 300)).count()
        };
        assert_eq!(thickness((640, 480)), 2);
        assert_eq!(thickness((1920, 1080)), 5);
    }

    #[test]
    fn labels_at_the_edges_stay_in_the_image() {
        let top_right = drawn((200, 100), &[annotation([190.0, 0.0, 200.0, 50.0])]);
        assert!(top_right(155, 1), "pushed left and into the box");
        let below = drawn((200, 100), &[annotation([10.0, 500.0, 50.0, 600.0])]);
        assert!(below(15, 95));
    }

    #[test]
    fn any_box_in_any_image_is_drawn_without_panic() {
        let extremes =
            [f32::MIN, -1e9, -3.0, 0.0, 0.4, 7.0, 1e9, f32::MAX, f32::NAN, f32::INFINITY];
        for size in [(0, 0), (1, 1), (3, 200), (64, 64)] {
            let mut pixels = vec![GRAY; size.0 * size.1 * 3];
            for a in extremes {
                for b in extremes {
                    let boxes = [annotation([a, b, b, a]), annotation([a, a, b, b])];
                    annotate(&mut pixels, size, &boxes).unwrap();
                }
            }
        }
        assert!(annotate(&mut [0; 5], (1, 2), &[]).is_err());
    }

    #[test]
    fn names_of_any_script_and_length_are_drawn() {
        let long = "x".repeat(500);
        for class in ["", "Füße", "猫", &long] {
            let annotation = Annotation { class, ..annotation([5.0, 30.0, 60.0, 60.0]) };
            assert!(drawn((64, 64), &[annotation])(5, 25));
        }
    }

    #[test]
    fn colours_are_fixed_and_differ() {
        assert_eq!(class_color(0), [255, 40, 40]);
        let colors: Vec<Rgb> = (0..80).map(class_color).collect();
        let mut different = colors.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), colors.len());
        class_color(usize::MAX);
    }
}
