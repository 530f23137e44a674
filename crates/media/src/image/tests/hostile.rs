//! Invalid frames and arguments are errors, never panics.

use proptest::prelude::*;

use super::*;
use crate::image::{ImageError, PngEncoder, PngOptions};

#[track_caller]
fn check_refused(view: &FrameView<'_>, want: &str) {
    let error = JpegEncoder::new(JpegOptions::default()).unwrap().encode(view).unwrap_err();
    assert!(error.to_string().contains(want), "{error}");
}

fn gray(width: usize, height: usize) -> Painted {
    let layout = Layout::Gray(Depth::EIGHT);
    Painted::new((width, height), layout, FrameColor::default(), |_, _| [0.5; 3])
}

#[test]
fn frames_with_contradictory_properties_are_errors() {
    let painted = gray(8, 8);
    let view = painted.view();
    check_refused(&FrameView { width: 9, ..view }, "plane 0");
    check_refused(&FrameView { height: 9, ..view }, "plane 0");
    check_refused(&FrameView { width: 0, ..view }, "size");
    check_refused(&FrameView { planes: [None; 3], ..view }, "8 rows of 8 bytes");
    check_refused(&FrameView { layout: yuv(8, 1, 1), ..view }, "plane 1");
    check_refused(&FrameView { layout: yuv(8, 3, 0), ..view }, "layout");
    check_refused(&FrameView { layout: yuv(17, 0, 0), ..view }, "layout");
    check_refused(
        &FrameView { layout: Layout::Packed { bytes: 3, rgb: [0, 1, 3] }, ..view },
        "layout",
    );
    check_refused(&FrameView { sample_aspect: (u32::MAX, 1), ..view }, "with max_size");
    let semi = Layout::SemiPlanar { depth: Depth { bits: 10, shift: 7 }, is_v_first: true };
    check_refused(&FrameView { layout: semi, ..view }, "layout");
}

#[test]
fn qualities_out_of_range_are_errors() {
    for quality in [0, 101, 255] {
        let error = JpegEncoder::new(JpegOptions { quality, ..Default::default() }).unwrap_err();
        assert!(matches!(error, ImageError::InvalidArgument { what: "quality", .. }));
    }
}

#[test]
fn sizes_that_nothing_fits_into_are_errors() {
    let painted = gray(8, 8);
    for size in [(0, 8), (8, 0)] {
        let max_size = Some(size);
        let jpeg = JpegEncoder::new(JpegOptions { max_size, ..Default::default() }).map(drop);
        let mut png = PngEncoder::new(PngOptions { max_size, ..Default::default() });
        for result in [jpeg, png.encode(&painted.view()).map(drop)] {
            assert!(matches!(result, Err(ImageError::InvalidArgument { what: "max_size", .. })));
        }
    }
}

#[test]
fn rgb_of_the_wrong_length_is_an_error() {
    let mut encoder = JpegEncoder::new(JpegOptions::default()).unwrap();
    for (len, size) in [(0, (0, 0)), (11, (2, 2)), (13, (2, 2)), (12, (usize::MAX, 2))] {
        assert!(encoder.encode_rgb(&vec![0; len], size).is_err());
    }
    assert!(encoder.encode_rgb(&[0; 12], (2, 2)).is_ok());
}

fn layouts() -> impl Strategy<Value = Layout> {
    let any_depth = (7_u8..18, 0_u8..9).prop_map(|(bits, shift)| Depth { bits, shift });
    let known = (8_u8..17).prop_map(|bits| Depth { bits, shift: 0 });
    let depth = move || prop_oneof![1 => any_depth.clone(), 4 => known.clone()];
    prop_oneof![
        depth().prop_map(Layout::Gray),
        (depth(), 0_u8..4, 0_u8..4).prop_map(|(depth, log2_width, log2_height)| Layout::Yuv {
            depth,
            log2_width,
            log2_height
        }),
        (depth(), any::<bool>())
            .prop_map(|(depth, is_v_first)| Layout::SemiPlanar { depth, is_v_first }),
        (2_u8..6, [0_u8..6, 0..6, 0..6]).prop_map(|(bytes, rgb)| Layout::Packed { bytes, rgb }),
        depth().prop_map(Layout::PlanarRgb),
    ]
}

proptest! {
    #[test]
    fn any_frame_becomes_an_image_or_an_error(
        layout in layouts(),
        (width, height) in (0_usize..70, 0_usize..70),
        shapes in [(60_usize..200, 40_usize..70), (60..200, 40..70), (60..200, 40..70)],
        (quarter_turns, is_mirrored) in (any::<u8>(), any::<bool>()),
        sample_aspect in (0_u32..5, 0_u32..5),
        max_size in proptest::option::of((1_usize..90, 1_usize..90)),
        coded in any::<bool>(),
        bytes in proptest::collection::vec(any::<u8>(), 14_000),
    ) {
        let plane = |(row_bytes, rows)| Plane::from_slice(&bytes, row_bytes, row_bytes, rows);
        let view = FrameView {
            width,
            height,
            layout,
            planes: shapes.map(plane),
            color: FrameColor::default(),
            orientation: Orientation { quarter_turns, is_mirrored },
            sample_aspect,
        };
        let options = JpegOptions { max_size, coded, ..Default::default() };
        if let Ok(image) = JpegEncoder::new(options).unwrap().encode(&view) {
            prop_assert!(mozjpeg::Decompress::new_mem(image.bytes).is_ok());
        }
    }
}
