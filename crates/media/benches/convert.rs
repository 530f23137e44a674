//! Cost of one conversion on one core. Run: `cargo bench -p moviola-media --bench convert`.
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use moviola_av::plane::Plane;
use moviola_media::{
    convert::{ChannelOrder, Placement, Rgb8Converter, TensorConverter, TensorSpec},
    frame_view::{Depth, FrameColor, FrameView, Layout, Orientation},
};

/// Size of the decoded frames.
const SIZE: (usize, usize) = (1920, 1080);

/// The layouts that decoders give most often, with FFmpeg's names.
const LAYOUTS: [(&str, Layout); 8] = [
    ("yuv420p", yuv(Depth::EIGHT, 1, 1)),
    ("yuv422p", yuv(Depth::EIGHT, 1, 0)),
    ("yuv444p", yuv(Depth::EIGHT, 0, 0)),
    ("yuv420p10", yuv(Depth { bits: 10, shift: 0 }, 1, 1)),
    ("nv12", Layout::SemiPlanar { depth: Depth::EIGHT, is_v_first: false }),
    ("p010", Layout::SemiPlanar { depth: Depth { bits: 10, shift: 6 }, is_v_first: false }),
    ("gray", Layout::Gray(Depth::EIGHT)),
    ("rgb24", Layout::Packed { bytes: 3, rgb: [0, 1, 2] }),
];

const fn yuv(depth: Depth, log2_width: u8, log2_height: u8) -> Layout {
    Layout::Yuv { depth, log2_width, log2_height }
}

/// Bytes between the starts of two planes.
const PLANE: usize = 4 * SIZE.0 * SIZE.1;

/// Random bytes, so that branch prediction doesn't help.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(3 * PLANE).collect()
}

/// A frame of noise.
fn view(layout: Layout, quarter_turns: u8, noise: &[u8]) -> FrameView<'_> {
    let (width, height) = SIZE;
    let (luma, chroma) = match layout {
        Layout::Gray(depth) | Layout::PlanarRgb(depth) => (depth.bytes(), (0, 0)),
        Layout::Yuv { depth, log2_width, log2_height } => {
            (depth.bytes(), (width >> log2_width, height >> log2_height))
        }
        Layout::SemiPlanar { depth, .. } => (depth.bytes(), (width, height / 2)),
        Layout::Packed { bytes, .. } => (usize::from(bytes), (0, 0)),
    };
    let plane = |index: usize, row_bytes: usize, rows: usize| {
        Plane::from_slice(&noise[index * PLANE..], row_bytes, row_bytes, rows)
    };
    let chroma = |index| plane(index, luma.min(2) * chroma.0, chroma.1);
    FrameView {
        width,
        height,
        layout,
        planes: [plane(0, luma * width, height), chroma(1), chroma(2)],
        color: FrameColor::default(),
        orientation: Orientation { quarter_turns, is_mirrored: false },
        sample_aspect: (1, 1),
    }
}

/// A square tensor with the frame in the middle, as detectors take it.
fn letterbox(side: usize, (width, height): (usize, usize)) -> TensorSpec {
    let placement = Placement { x: (side - width) / 2, y: (side - height) / 2, width, height };
    TensorSpec {
        width: side,
        height: side,
        placement,
        channels: ChannelOrder::Rgb,
        scale: [1.0 / 255.0; 3],
        bias: [0.0; 3],
        fill: [114.0; 3],
    }
}

fn tensor(c: &mut Criterion) {
    let noise = noise();
    let mut group = c.benchmark_group("1080p to tensor");
    let mut run = |name: String, view: FrameView<'_>, spec: TensorSpec| {
        let mut out = vec![0.0; spec.values()];
        let mut converter = TensorConverter::new(&view, &spec).unwrap();
        group.bench_function(name, |b| b.iter(|| converter.run(&view, &mut out).unwrap()));
    };
    for (name, layout) in LAYOUTS {
        run(format!("640/{name}"), view(layout, 0, &noise), letterbox(640, (640, 360)));
    }
    let (_, yuv420p) = LAYOUTS[0];
    run("640/turned".into(), view(yuv420p, 1, &noise), letterbox(640, (360, 640)));
    run("416/yuv420p".into(), view(yuv420p, 0, &noise), letterbox(416, (416, 234)));
    run("1280/yuv420p".into(), view(yuv420p, 0, &noise), letterbox(1280, (1280, 720)));
}

fn image(c: &mut Criterion) {
    let noise = noise();
    let mut group = c.benchmark_group("1080p to RGB8");
    for (name, layout) in LAYOUTS {
        for (width, height) in [SIZE, (640, 360)] {
            let view = view(layout, 0, &noise);
            let mut out = vec![0; 3 * width * height];
            let mut converter = Rgb8Converter::new(&view, (width, height)).unwrap();
            group.bench_function(BenchmarkId::new(name, width), |b| {
                b.iter(|| converter.run(&view, &mut out, 3 * width).unwrap());
            });
        }
    }
}

criterion_group!(benches, tensor, image);
criterion_main!(benches);
