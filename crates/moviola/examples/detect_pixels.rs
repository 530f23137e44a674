//! Finds objects in pixels of one's own: no file, no video.
//!
//! `cargo run --example detect_pixels` draws a circle and a square into a buffer, has the built-in
//! demo model find them and prints their boxes. ONNX Runtime must be there: `moviola doctor` says
//! whether it is.

use moviola::{
    demo,
    infer::{
        detect::{Detector, DetectorOptions},
        error::Error,
        image::{ImageView, PixelFormat},
        letterbox::Size,
        results::Detection,
    },
};

/// The image's size in pixels.
const SIZE: Size = Size { width: 640, height: 360 };

/// RGB, three bytes a pixel, row by row: as a camera or a renderer would give them.
fn pixels() -> Vec<u8> {
    let mut pixels = Vec::with_capacity(3 * SIZE.width * SIZE.height);
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            let is_circle = x.abs_diff(180).pow(2) + y.abs_diff(180).pow(2) < 70 * 70;
            let is_square = x.abs_diff(460) < 60 && y.abs_diff(180) < 60;
            pixels.extend(match (is_circle, is_square) {
                (true, _) => [220, 50, 40],
                (_, true) => [40, 90, 220],
                _ => [235, 235, 230],
            });
        }
    }
    pixels
}

/// What the demo model finds in an image.
fn detect(pixels: &[u8]) -> Result<Vec<Detection>, Error> {
    // A detector is loaded once and takes any number of images, of any size.
    let mut detector = Detector::from_bytes(demo::NAME, demo::MODEL, &DetectorOptions::default())?;
    let (stride, format) = (3 * SIZE.width, PixelFormat::Rgb8);
    detector.detect(&ImageView { data: pixels, size: SIZE, stride, format })
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn main() -> Result<(), Error> {
    for Detection { class, confidence, bounds: [left, top, right, bottom], .. } in
        detect(&pixels())?
    {
        println!("{class} {confidence:.2}: {left:.0},{top:.0} to {right:.0},{bottom:.0}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &[Detection], class: &str, want: [f32; 4]) {
        let found = found.iter().find(|found| &*found.class == class);
        let bounds = found.unwrap_or_else(|| panic!("no {class}")).bounds;
        let is_near = bounds.iter().zip(want).all(|(got, want)| (got - want).abs() < 12.0);
        assert!(is_near, "{class} at {bounds:?}");
    }

    #[test]
    fn both_shapes_are_found_where_they_are() {
        let found = detect(&pixels()).unwrap();
        check(&found, "circle", [110.0, 110.0, 250.0, 250.0]);
        check(&found, "square", [400.0, 120.0, 520.0, 240.0]);
        assert_eq!(found.len(), 2);
    }
}
