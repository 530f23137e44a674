//! Fuzzes the decoding of a model's output and non-maximum suppression: any bytes may fail but must not
//! crash, and all results are finite.
//! Run: `cargo fuzz run model_head`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use moviola_infer::{
    detect::{
        decode::decode_head,
        nms::{Suppression, suppress},
    },
    head::{Grid, HeadKind, HeadSpec, Order},
    letterbox::Size,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[kind, order, classes, values], rest)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let data: Vec<_> = rest.chunks_exact(4).map(|four| f32::from_ne_bytes([four[0], four[1], four[2], four[3]])).collect();
    let grid = Grid { input: Size { width: 64, height: 64 }, strides: Grid::P5 };
    let spec = HeadSpec {
        kind: HeadKind::ALL[usize::from(kind) % HeadKind::ALL.len()],
        classes: classes.into(),
        order: if order & 1 == 0 { Order::Rows } else { Order::Planes },
        grid: (order & 2 != 0).then_some(grid),
    };
    let values = usize::from(values).max(1);
    let shape = [1, data.len() / values, values];
    let whole = &data[..shape[1] * values];
    for shape in [shape, [1, shape[2], shape[1]]] {
        let Ok(candidates) = decode_head(&spec, whole, &shape, 0.25) else { continue };
        let options = Suppression { iou: 0.7, is_agnostic: order & 4 != 0, max_boxes: 300 };
        for kept in suppress(candidates, &options) {
            assert!(kept.confidence.is_finite() && kept.bounds.iter().all(|side| side.is_finite()));
        }
    }
});
