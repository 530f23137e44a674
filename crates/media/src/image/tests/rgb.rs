//! Images that are made from RGB: PNG, and JPEG with boxes.

use super::*;
use crate::image::{Annotation, PngEncoder, PngOptions};

/// Decodes a PNG.
fn decode_png(image: Encoded<'_>) -> Decoded {
    let decoder = ::png::Decoder::new(std::io::Cursor::new(image.bytes));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (::png::ColorType::Rgb, ::png::BitDepth::Eight));
    let (width, height) = (info.width as usize, info.height as usize);
    assert_eq!((width, height), (image.width, image.height));
    Decoded { width, height, pixels, chroma: Some((0, 0)) }
}

/// A frame whose red grows to the right and whose green grows downwards.
fn slopes(size: (usize, usize), layout: Layout) -> Painted {
    let paint = |x: f64, y: f64| [x / size.0 as f64, y / size.1 as f64, 0.3];
    Painted::new(size, layout, FrameColor { matrix: Matrix::Bt709, ..FrameColor::default() }, paint)
}

#[track_caller]
fn check_png(painted: &Painted, options: PngOptions, want: (usize, usize)) {
    let image = decode_png(PngEncoder::new(options).encode(&painted.view()).unwrap());
    assert_eq!((image.width, image.height), want);
    for (y, x) in (0..want.1).flat_map(|y| (0..want.0).map(move |x| (y, x))) {
        let (u, v) = ((x as f64 + 0.5) / want.0 as f64, (y as f64 + 0.5) / want.1 as f64);
        // A clockwise turn brings the left side to the top.
        let turned = painted.orientation.quarter_turns == 1 && !options.coded;
        let (u, v) = if turned { (v, 1.0 - u) } else { (u, v) };
        let off = difference(image.at(x, y), [u, v, 0.3]);
        assert!(off <= 5.0, "{options:?} at {x},{y}: off by {off}");
    }
}

#[test]
fn pngs_are_upright_and_of_the_right_size() {
    for layout in [yuv(8, 1, 1), yuv(10, 0, 0), Layout::PlanarRgb(Depth::EIGHT)] {
        let mut painted = slopes((160, 90), layout);
        check_png(&painted, PngOptions::default(), (160, 90));
        check_png(&painted, PngOptions { max_size: Some((80, 80)), coded: false }, (80, 45));
        painted.orientation.quarter_turns = 1;
        painted.sample_aspect = (2, 1);
        check_png(&painted, PngOptions::default(), (90, 320));
        check_png(&painted, PngOptions { max_size: None, coded: true }, (160, 90));
    }
}

#[test]
fn a_png_encoder_takes_frames_of_all_geometries_in_turn() {
    let mut encoder = PngEncoder::new(PngOptions::default());
    let (large, small) = (slopes((160, 90), yuv(8, 1, 1)), slopes((31, 17), yuv(10, 1, 0)));
    let first = encoder.encode(&large.view()).unwrap().bytes.to_vec();
    assert_eq!(decode_png(encoder.encode(&small.view()).unwrap()).pixels.len(), 31 * 17 * 3);
    assert_eq!(encoder.encode(&large.view()).unwrap().bytes, first);
    assert!(encoder.encode(&FrameView { planes: [None; 3], ..large.view() }).is_err());
    assert_eq!(encoder.encode(&large.view()).unwrap().bytes, first);
}

#[test]
fn boxes_keep_their_place_in_a_smaller_image() {
    let painted = Painted::new((640, 360), yuv(8, 1, 1), FrameColor::default(), |_, _| [0.5; 3]);
    let boxed = Annotation {
        area: [160.0, 180.0, 480.0, 300.0],
        class_id: 0,
        class: "person",
        confidence: 0.9,
    };
    for (max_size, scale) in [(None, 1), (Some((320, 320)), 2)] {
        let options = JpegOptions { quality: 100, max_size, ..Default::default() };
        let mut encoder = JpegEncoder::new(options).unwrap();
        let image = decode(encoder.encode_annotated(&painted.view(), &[boxed]).unwrap());
        assert_eq!((image.width, image.height), (640 / scale, 360 / scale));
        let red = |x: usize, y: usize| {
            let [red, green, _] = image.at(x / scale, y / scale);
            red > 200 && green < 100
        };
        assert!(red(160, 240) && red(479, 240) && red(320, 180) && red(320, 299));
        assert!(!red(320, 240) && !red(150, 240) && !red(320, 310));
    }
}
