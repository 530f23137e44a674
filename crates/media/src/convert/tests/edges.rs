//! Invalid conversions are errors, and bytes around the output stay unchanged.

use moviola_av::plane::Plane;

use super::{
    super::{
        ConvertError, MAX_SIDE, Placement, Rgb8Converter, TensorConverter, TensorSpec, to_rgb8,
        to_tensor,
    },
    canvas::Canvas,
    plain_spec,
};
use crate::frame_view::{Depth, FrameView, Layout};

const GRAY: Layout = Layout::Gray(Depth::EIGHT);

#[track_caller]
fn check_refused(canvas: &Canvas, spec: &TensorSpec, message: &str) {
    let mut out = vec![0.0; spec.values().min(1 << 20)];
    let error = to_tensor(&canvas.view(), spec, &mut out).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn sizes_of_zero_are_errors() {
    let canvas = Canvas::new((4, 4), GRAY, 0);
    check_refused(
        &canvas,
        &plain_spec((0, 4)),
        "the tensor's width must be 1 to 1048576 pixels, got 0",
    );
    let placement = Placement { x: 0, y: 0, width: 4, height: 0 };
    let spec = TensorSpec { placement, ..plain_spec((4, 4)) };
    check_refused(&canvas, &spec, "the output's height must be 1 to 1048576 pixels, got 0");
    let nothing = Canvas { width: 0, ..canvas };
    let message = "the frame's width must be 1 to 1048576 pixels, got 0";
    check_refused(&nothing, &plain_spec((4, 4)), message);
}

#[test]
fn sizes_above_the_limit_are_errors() {
    let canvas = Canvas { height: usize::MAX, ..Canvas::new((4, 4), GRAY, 0) };
    let error = TensorConverter::new(&canvas.view(), &plain_spec((4, 4))).unwrap_err();
    assert_eq!(error, ConvertError::Side { what: "the frame's height", got: usize::MAX });
    let canvas = Canvas::new((4, 4), GRAY, 0);
    assert!(Rgb8Converter::new(&canvas.view(), (MAX_SIDE + 1, 1)).is_err());
}

#[test]
fn a_placement_outside_the_tensor_is_an_error() {
    let canvas = Canvas::new((4, 4), GRAY, 0);
    let placement = Placement { x: 1, y: 0, width: 4, height: 4 };
    let spec = TensorSpec { placement, ..plain_spec((4, 4)) };
    check_refused(&canvas, &spec, "the placement ends at 5×4, outside the 4×4 tensor");
    let placement = Placement { x: usize::MAX, ..placement };
    assert!(to_tensor(&canvas.view(), &TensorSpec { placement, ..spec }, &mut []).is_err());
}

#[test]
fn outputs_of_the_wrong_length_are_errors() {
    let canvas = Canvas::new((4, 4), GRAY, 0);
    let error = to_tensor(&canvas.view(), &plain_spec((4, 4)), &mut [0.0; 47]).unwrap_err();
    assert_eq!(error, ConvertError::OutputLength { expected: 48, got: 47 });
    let error = to_rgb8(&canvas.view(), (4, 4), &mut [0; 50], 13).unwrap_err();
    assert_eq!(error, ConvertError::OutputLength { expected: 51, got: 50 });
    let error = to_rgb8(&canvas.view(), (4, 4), &mut [0; 48], 11).unwrap_err();
    assert_eq!(error, ConvertError::RowStride { expected: 12, got: 11 });
}

#[test]
fn missing_or_short_planes_are_errors() {
    let layout = Layout::Yuv { depth: Depth::EIGHT, log2_width: 1, log2_height: 1 };
    let canvas = Canvas::new((5, 5), layout, 0);
    let refused = |planes| {
        let view = FrameView { planes, ..canvas.view() };
        to_tensor(&view, &plain_spec((4, 4)), &mut [0.0; 48]).unwrap_err()
    };
    let [luma, u, v] = canvas.view().planes;
    let error = ConvertError::Plane { index: 2, row_bytes: 3, rows: 3 };
    assert_eq!(refused([luma, u, None]), error);
    assert_eq!(refused([luma, u, Plane::from_slice(&[0; 9], 2, 2, 3)]), error);
    assert_eq!(refused([luma, u, Plane::from_slice(&[0; 9], 3, 3, 2)]), error);
    assert_eq!(refused([None, u, v]), ConvertError::Plane { index: 0, row_bytes: 5, rows: 5 });
}

#[test]
fn contradictory_layouts_are_errors() {
    let yuv = |log2_width| Layout::Yuv { depth: Depth::EIGHT, log2_width, log2_height: 0 };
    let layouts = [
        Layout::Gray(Depth { bits: 7, shift: 0 }),
        Layout::Gray(Depth { bits: 8, shift: 8 }),
        Layout::Gray(Depth { bits: 17, shift: 0 }),
        Layout::PlanarRgb(Depth { bits: 10, shift: 7 }),
        Layout::Packed { bytes: 2, rgb: [0, 0, 0] },
        Layout::Packed { bytes: 3, rgb: [0, 1, 3] },
        yuv(3),
    ];
    let canvas = Canvas::new((4, 4), GRAY, 0);
    for layout in layouts {
        let view = FrameView { layout, ..canvas.view() };
        let error = TensorConverter::new(&view, &plain_spec((4, 4))).unwrap_err();
        assert_eq!(error, ConvertError::Layout(layout));
    }
}

#[test]
fn a_converter_takes_only_frames_of_its_geometry() {
    let (canvas, other) = (Canvas::new((4, 4), GRAY, 0), Canvas::new((4, 5), GRAY, 0));
    let mut converter = Rgb8Converter::new(&canvas.view(), (2, 2)).unwrap();
    assert!(converter.fits(&canvas.view()) && !converter.fits(&other.view()));
    let error = converter.run(&other.view(), &mut [0; 12], 6).unwrap_err();
    assert_eq!(error, ConvertError::OtherGeometry);
}

#[test]
fn bytes_between_rows_stay_unchanged() {
    let canvas = Canvas::new((4, 4), GRAY, 0);
    let mut out = [9; 4 * 8 - 2];
    to_rgb8(&canvas.view(), (2, 4), &mut out, 8).unwrap();
    for row in out.chunks(8) {
        assert_eq!(row[..6], [0; 6]);
        assert!(row[6..].iter().all(|&byte| byte == 9));
    }
}
