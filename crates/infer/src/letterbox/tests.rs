//! Tests against the published formulas: examples computed by hand, and properties.

use proptest::prelude::*;

use super::*;

fn size(width: usize, height: usize) -> Size {
    Size { width, height }
}

#[track_caller]
fn check(fit: Fit, image: (usize, usize), input: (usize, usize), want: [usize; 4]) {
    let placed = Letterbox::new(fit, size(image.0, image.1), size(input.0, input.1)).unwrap();
    let got = [placed.x, placed.y, placed.scaled.width, placed.scaled.height];
    assert_eq!(got, want, "{fit:?} {image:?} in {input:?}");
}

#[test]
fn a_wide_image_gets_borders_above_and_below() {
    check(Fit::Centred, (1920, 1080), (640, 640), [0, 140, 640, 360]);
    check(Fit::Centred, (1080, 1920), (640, 640), [140, 0, 360, 640]);
}

#[test]
fn an_odd_gap_leaves_the_smaller_border_left_and_above() {
    // 810 x 1080 in 640: 480 x 640, 160 over; 427 x 640: 213 over, 106.5 - 0.1 rounds to 106.
    check(Fit::Centred, (810, 1080), (640, 640), [80, 0, 480, 640]);
    check(Fit::Centred, (427, 640), (640, 640), [106, 0, 427, 640]);
}

#[test]
fn halves_round_to_even_as_python_does() {
    // 5 * 0.5 = 2.5 becomes 2; 7 * 0.5 = 3.5 becomes 4.
    check(Fit::Centred, (5, 20), (10, 10), [4, 0, 2, 10]);
    check(Fit::Centred, (7, 20), (10, 10), [3, 0, 4, 10]);
}

#[test]
fn small_images_are_enlarged() {
    check(Fit::Centred, (100, 50), (640, 640), [0, 160, 640, 320]);
    check(Fit::TopLeft, (100, 50), (416, 416), [0, 0, 416, 208]);
}

#[test]
fn yolox_truncates_and_stays_in_the_corner() {
    // 427 * (416 / 640) = 277.55
    check(Fit::TopLeft, (640, 427), (416, 416), [0, 0, 416, 277]);
    check(Fit::TopLeft, (427, 640), (416, 416), [0, 0, 277, 416]);
}

#[test]
fn a_line_of_pixels_keeps_one_pixel() {
    check(Fit::Centred, (10_000, 1), (640, 640), [0, 319, 640, 1]); // 319.5 - 0.1
    check(Fit::TopLeft, (1, 10_000), (640, 640), [0, 0, 1, 640]);
}

#[test]
fn sides_of_zero_are_refused() {
    assert!(Letterbox::new(Fit::Centred, size(0, 10), size(640, 640)).is_err());
    assert!(Letterbox::new(Fit::TopLeft, size(10, 10), size(640, 0)).is_err());
}

#[test]
fn nan_and_infinity_are_clipped() {
    let fit = Letterbox::new(Fit::Centred, size(1920, 1080), size(640, 640)).unwrap();
    let wild = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 1e30];
    assert_eq!(fit.to_image(wild), [0.0, 0.0, 1920.0, 1080.0]);
}

proptest! {
    #[test]
    fn the_image_is_inside_the_input(
        (w, h) in (1usize..9000, 1usize..9000), (iw, ih) in (1usize..1400, 1usize..1400),
        centred in any::<bool>(),
    ) {
        let fit = if centred { Fit::Centred } else { Fit::TopLeft };
        let placed = Letterbox::new(fit, size(w, h), size(iw, ih)).unwrap();
        prop_assert!(placed.x + placed.scaled.width <= iw);
        prop_assert!(placed.y + placed.scaled.height <= ih);
        prop_assert!(placed.scaled.width == iw || placed.scaled.height == ih
            || (fit == Fit::TopLeft && (placed.scaled.width + 1 == iw || placed.scaled.height + 1 == ih)));
    }

    #[test]
    fn a_point_is_unchanged_by_a_round_trip(
        (w, h) in (16usize..5000, 16usize..5000), side in 32usize..1300,
        (u, v) in (0f32..1.0, 0f32..1.0), centred in any::<bool>(),
    ) {
        let fit = if centred { Fit::Centred } else { Fit::TopLeft };
        let placed = Letterbox::new(fit, size(w, h), size(side, side)).unwrap();
        let (x, y) = (u * w as f32, v * h as f32);
        let [a, b] = placed.to_input([x, y]);
        let [x1, y1, x2, y2] = placed.to_image([a, b, a, b]);
        // Half an f32 step of the input, in image pixels.
        let tolerance = 2e-4 * (w.max(h) as f32 / side as f32).max(1.0);
        prop_assert!((x1 - x).abs() <= tolerance && (y1 - y).abs() <= tolerance, "{x},{y} -> {x1},{y1}");
        prop_assert_eq!([x1, y1], [x2, y2]);
    }
}
