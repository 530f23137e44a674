//! Packed pixels compared with `cv2.resize(..., interpolation=cv2.INTER_LINEAR)`.

use proptest::prelude::*;

use super::{
    canvas::{Canvas, packed, side},
    rgb8,
};
use crate::{frame_view::Layout, simd::Isa};

/// The index of the left of two input samples and both weights in 2^11ths, for an output sample.
fn place(index: usize, input: usize, output: usize) -> (i64, [i64; 2]) {
    let scale = 1.0 / (output as f64 / input as f64);
    let position = ((index as f64 + 0.5) * scale - 0.5) as f32;
    let fraction = position - position.floor();
    let weight = |share: f32| f64::from(share * 2048.0).round_ties_even() as i64;
    (position.floor() as i64, [weight(1.0 - fraction), weight(fraction)])
}

/// One sample of a resized image.
fn resized(canvas: &Canvas, component: usize, (x, y): (usize, usize), size: (usize, usize)) -> u8 {
    let (mut left, mut across) = place(x, canvas.width, size.0);
    let (top, down) = place(y, canvas.height, size.1);
    if left < 0 {
        (left, across) = (0, [2048, 0]);
    }
    if left + 1 >= canvas.width as i64 {
        (left, across) = (canvas.width as i64 - 1, [2048, 0]);
    }
    let sample = |x: i64, y: i64| {
        let x = x.clamp(0, canvas.width as i64 - 1) as usize;
        let y = y.clamp(0, canvas.height as i64 - 1) as usize;
        i64::from(canvas.code(component, x, y))
    };
    let row = |y: i64| sample(left, y) * across[0] + sample(left + 1, y) * across[1];
    let part = |row: i64, weight: i64| (weight * (row >> 4)) >> 16;
    ((part(row(top), down[0]) + part(row(top + 1), down[1]) + 2) >> 2) as u8
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn packed_pixels_are_resized_as_opencv_does(
        layout in packed(),
        from in (side(), side()),
        to in (side(), side()),
        (padding, seed) in (0_usize..9, any::<u64>()),
    ) {
        let canvas = Canvas::noise(from, layout, padding, seed);
        let image = rgb8(Isa::detect(), &canvas.view(), to);
        for (index, pixel) in image.as_chunks::<3>().0.iter().enumerate() {
            let at = (index % to.0, index / to.0);
            prop_assert_eq!(*pixel, [0, 1, 2].map(|c| resized(&canvas, c, at, to)), "at {:?}", at);
        }
    }
}

/// Images that `opencv_resize.py` wrote: the source, then OpenCV's resized copies of it.
const IMAGES: &[u8] = include_bytes!("../../../tests/fixtures/opencv_resize.bin");

/// An image of the fixture.
struct Image<'a> {
    size: (usize, usize),
    pixels: &'a [u8],
}

/// The first image, and the bytes after it.
fn split_image(bytes: &[u8]) -> Option<(Image<'_>, &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let [width, height] = [[size[0], size[1]], [size[2], size[3]]];
    let size = [width, height].map(|side| usize::from(u16::from_le_bytes(side)));
    let (pixels, rest) = rest.split_at_checked(3 * size[0] * size[1])?;
    Some((Image { size: (size[0], size[1]), pixels }, rest))
}

#[test]
fn opencv_itself_gives_the_same_samples() {
    let (source, mut rest) = split_image(IMAGES).unwrap();
    let mut canvas = Canvas::new(source.size, Layout::Packed { bytes: 3, rgb: [0, 1, 2] }, 0);
    canvas.planes[0].bytes.copy_from_slice(source.pixels);
    let mut images = 0;
    while let Some((Image { size, pixels }, next)) = split_image(rest) {
        assert!(rgb8(Isa::detect(), &canvas.view(), size) == pixels, "{size:?}");
        (rest, images) = (next, images + 1);
    }
    assert_eq!((images, rest.len()), (8, 0));
}
