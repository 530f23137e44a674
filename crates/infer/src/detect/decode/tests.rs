//! Tests with known boxes in every layout, and with invalid numbers.

use proptest::prelude::*;

use super::*;
use crate::head::Grid;
use crate::letterbox::Size;

const INPUT: Size = Size { width: 64, height: 64 };

fn spec(kind: HeadKind, classes: usize) -> HeadSpec {
    let order = if kind == HeadKind::Yolov8 { Order::Planes } else { Order::Rows };
    HeadSpec { kind, classes, order, grid: None }
}

#[track_caller]
fn check(spec: &HeadSpec, data: &[f32], shape: [usize; 3], want: &[(usize, f32, [f32; 4])]) {
    let got = decode_head(spec, data, &shape, 0.25).unwrap();
    let want: Vec<_> = want
        .iter()
        .map(|&(class, confidence, bounds)| Candidate { class, confidence, bounds })
        .collect();
    assert_eq!(got, want);
}

#[test]
fn v5_multiplies_class_by_objectness() {
    let rows = [
        [10.0, 20.0, 4.0, 8.0, 0.5, 0.25, 1.0],
        [10.0, 20.0, 4.0, 8.0, 0.2, 1.0, 1.0],
        [10.0, 20.0, 4.0, 8.0, 1.0, 0.25, 0.1],
    ];
    let v5 = spec(HeadKind::Yolov5, 2);
    check(&v5, &rows.concat(), [1, 3, 7], &[(1, 0.5, [8.0, 16.0, 12.0, 24.0])]);
}

#[test]
fn v8_is_read_in_planes_and_in_rows() {
    // Two anchors, three classes.
    let planes =
        [[10.0, 30.0], [20.0, 30.0], [4.0, 2.0], [8.0, 2.0], [0.1, 0.2], [0.7, 0.25], [0.7, 0.1]];
    let want = [(1, 0.7, [8.0, 16.0, 12.0, 24.0])];
    check(&spec(HeadKind::Yolov8, 3), &planes.concat(), [1, 7, 2], &want);
    let rows: Vec<f32> =
        [0, 1].iter().flat_map(|&anchor| planes.iter().map(move |plane| plane[anchor])).collect();
    let in_rows = HeadSpec { order: Order::Rows, ..spec(HeadKind::Yolov8, 3) };
    check(&in_rows, &rows, [1, 2, 7], &want);
}

#[test]
fn v8_is_read_across_block_borders() {
    let (anchors, classes) = (BLOCK * 2 + 77, 5);
    let mut data = vec![0.0; (4 + classes) * anchors];
    let planted = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, anchors - 1];
    for (class, &at) in planted.iter().enumerate() {
        data[(4 + class % classes) * anchors + at] = 0.9;
        data[at] = at as f32;
    }
    let found =
        decode_head(&spec(HeadKind::Yolov8, classes), &data, &[1, 4 + classes, anchors], 0.25);
    let got: Vec<_> = found.unwrap().iter().map(|c| (c.bounds[0], c.class)).collect();
    let want: Vec<_> =
        planted.iter().enumerate().map(|(i, &at)| (at as f32, i % classes)).collect();
    assert_eq!(got, want);
}

#[test]
fn v10_only_needs_the_threshold() {
    let rows = [
        [1.0, 2.0, 3.0, 4.0, 0.9, 1.0],
        [1.0, 2.0, 3.0, 4.0, 0.25, 0.0],
        [1.0, 2.0, 3.0, 4.0, 0.9, 7.0],
        [1.0, 2.0, 3.0, 4.0, 0.9, -3.0],
        [0.0; 6],
    ];
    let v10 = spec(HeadKind::Yolov10, 2);
    check(&v10, &rows.concat(), [1, 5, 6], &[(1, 0.9, [1.0, 2.0, 3.0, 4.0])]);
}

#[test]
fn yolox_counts_cells_row_by_row_and_stride_by_stride() {
    let grid = Grid { input: INPUT, strides: Grid::P5 };
    assert_eq!(grid.cells(), 64 + 16 + 4);
    let yolox = HeadSpec { grid: Some(grid), ..spec(HeadKind::Yolox, 1) };
    let mut data = vec![0.0; 84 * 6];
    // Column 3 of row 2 at stride 8, and column 1 of row 1 at stride 32.
    for (cell, [dx, dy]) in [(2 * 8 + 3, [0.5, 0.25]), (64 + 16 + 3, [0.0, 0.5])] {
        data[cell * 6..][..6].copy_from_slice(&[dx, dy, 0.0, 2f32.ln(), 1.0, 0.5]);
    }
    let found = decode_head(&yolox, &data, &[1, 84, 6], 0.25).unwrap();
    assert_eq!(found.len(), 2);
    let near =
        |got: [f32; 4], want: [f32; 4]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(near(found[0].bounds, [24.0, 10.0, 32.0, 26.0]), "{:?}", found[0]);
    assert!(near(found[1].bounds, [16.0, 16.0, 48.0, 80.0]), "{:?}", found[1]);
}

#[test]
fn yolox_for_large_images_has_a_fourth_stride() {
    let grid = Grid { input: Size { width: 128, height: 64 }, strides: Grid::P6 };
    assert_eq!(grid.cells(), 128 + 32 + 8 + 2);
    assert_eq!(grid.iter().count(), grid.cells());
    assert_eq!(grid.iter().last(), Some([1.0, 0.0, 64.0]));
}

#[test]
fn boxes_with_nan_or_infinity_are_dropped() {
    let rows = [
        [f32::NAN, 20.0, 4.0, 8.0, 1.0, 1.0],
        [10.0, 20.0, f32::INFINITY, 8.0, 1.0, 1.0],
        [10.0, 20.0, 4.0, 8.0, f32::NAN, 1.0],
        [10.0, 20.0, 4.0, 8.0, 1.0, f32::NAN],
        [10.0, 20.0, 4.0, 8.0, f32::INFINITY, 1.0],
    ];
    check(&spec(HeadKind::Yolov5, 1), &rows.concat(), [1, 5, 6], &[]);
    let planes: Vec<f32> = (0..6).flat_map(|v| rows.map(|row| row[v])).collect();
    let bounds = [8.0, 16.0, 12.0, 24.0];
    check(&spec(HeadKind::Yolov8, 2), &planes, [1, 6, 5], &[(1, 1.0, bounds), (0, 1.0, bounds)]);
}

#[track_caller]
fn check_refused(spec: &HeadSpec, len: usize, shape: &[usize]) {
    assert!(decode_head(spec, &vec![0.0; len], shape, 0.25).is_err(), "{shape:?}");
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let v8 = spec(HeadKind::Yolov8, 80);
    check_refused(&v8, 0, &[]);
    check_refused(&v8, 0, &[1, 84, 0]);
    check_refused(&v8, 840, &[2, 84, 5]);
    check_refused(&v8, 840, &[1, 83, 10]);
    check_refused(&v8, 839, &[1, 84, 10]);
    check_refused(&v8, 16, &[1, usize::MAX, usize::MAX]);
    check_refused(&spec(HeadKind::Yolov5, usize::MAX), 12, &[1, 2, 6]);
    check_refused(&HeadSpec { order: Order::Planes, ..spec(HeadKind::Yolov5, 1) }, 12, &[1, 6, 2]);
    let grid = Some(Grid { input: INPUT, strides: Grid::P5 });
    check_refused(&HeadSpec { grid, ..spec(HeadKind::Yolox, 1) }, 12, &[1, 2, 6]);
}

prop_compose! {
    fn any_spec()(
        kind in prop::sample::select(&HeadKind::ALL[..]), classes in 0usize..5,
        rows in any::<bool>(), on_grid in any::<bool>(), side in 0usize..70,
    ) -> HeadSpec {
        let order = if rows { Order::Rows } else { Order::Planes };
        let grid = Grid { input: Size { width: side, height: 64 }, strides: Grid::P6 };
        HeadSpec { kind, classes, order, grid: (on_grid && kind == HeadKind::Yolox).then_some(grid) }
    }
}

proptest! {
    #[test]
    fn no_input_panics(
        spec in any_spec(), bits in prop::collection::vec(any::<u32>(), 0..400),
        a in 0usize..40, b in 0usize..12, above in -1f32..2.0,
    ) {
        let data: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
        let fits = a * b <= data.len();
        let data = if fits { &data[..a * b] } else { &data[..] };
        if let Ok(found) = decode_head(&spec, data, &[1, a, b], above) {
            for candidate in found {
                prop_assert!(candidate.confidence > above);
                prop_assert!(candidate.bounds.iter().all(|side| side.is_finite()));
            }
        }
    }

    #[test]
    fn planes_and_rows_agree(
        (anchors, classes) in (1usize..300, 1usize..6), seed in prop::collection::vec(0f32..1.0, 64),
    ) {
        let values = 4 + classes;
        let planes: Vec<f32> = (0..anchors * values).map(|i| seed[(i * 31 + i / 7) % 64]).collect();
        let rows: Vec<f32> = (0..anchors * values)
            .map(|i| planes[(i % values) * anchors + i / values])
            .collect();
        let v8 = spec(HeadKind::Yolov8, classes);
        let in_rows = HeadSpec { order: Order::Rows, ..v8 };
        prop_assert_eq!(
            decode_head(&v8, &planes, &[1, values, anchors], 0.5),
            decode_head(&in_rows, &rows, &[1, anchors, values], 0.5)
        );
    }
}
