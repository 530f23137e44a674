//! Frames in planes compared with the exact conversion in `f64`, pixel by pixel.

use proptest::prelude::*;

use super::{
    canvas::{Canvas, any_canvas, side},
    rgb8,
};
use crate::{
    frame_view::{ChromaSiting, Depth, FrameColor, Layout, Matrix, Range},
    simd::Isa,
};

type Rgb = [f64; 3];

/// A component's value between its samples; edges repeat.
fn between(canvas: &Canvas, component: usize, (x, y): (f64, f64), (w, h): (usize, usize)) -> f64 {
    let clamp = |at: f64, side: usize| at.clamp(0.0, side as f64 - 1.0);
    let (x, y) = (clamp(x, w), clamp(y, h));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(w - 1), (top + 1).min(h - 1));
    let at = |x, y| f64::from(canvas.code(component, x, y));
    let mix = |a: f64, b: f64, by: f64| a + (b - a) * by;
    mix(
        mix(at(left, top), at(right, top), x.fract()),
        mix(at(left, bottom), at(right, bottom), x.fract()),
        y.fract(),
    )
}

/// The colour at a luma position, in 8-bit steps, not clipped to RGB's range.
fn color_at(canvas: &Canvas, (x, y): (f64, f64)) -> Rgb {
    let (w, h) = (canvas.width, canvas.height);
    let (x, y) = (x.clamp(0.0, w as f64 - 1.0), y.clamp(0.0, h as f64 - 1.0));
    let (depth, [log2_width, log2_height]) = match canvas.layout {
        Layout::Yuv { depth, log2_width, log2_height } => (depth, [log2_width, log2_height]),
        Layout::SemiPlanar { depth, .. } => (depth, [1, 1]),
        Layout::Gray(depth) => {
            let y = between(canvas, 0, (x, y), (w, h));
            return [luma(y, canvas.color.range, depth); 3];
        }
        Layout::PlanarRgb(depth) => {
            let steps = 255.0 / f64::from((1_u32 << depth.bits) - 1);
            return [0, 1, 2].map(|c| between(canvas, c, (x, y), (w, h)) * steps);
        }
        Layout::Packed { .. } => return [0, 1, 2].map(|c| between(canvas, c, (x, y), (w, h))),
    };
    let middle = |log2: u8| (f64::from(1_u32 << log2) - 1.0) / 2.0;
    let last = |log2: u8| f64::from(1_u32 << log2) - 1.0;
    let (start_x, start_y) = match canvas.color.siting {
        ChromaSiting::Left => (0.0, middle(log2_height)),
        ChromaSiting::Center => (middle(log2_width), middle(log2_height)),
        ChromaSiting::TopLeft => (0.0, 0.0),
        ChromaSiting::Top => (middle(log2_width), 0.0),
        ChromaSiting::BottomLeft => (0.0, last(log2_height)),
        ChromaSiting::Bottom => (middle(log2_width), last(log2_height)),
    };
    let (across, down) = (f64::from(1_u32 << log2_width), f64::from(1_u32 << log2_height));
    let at = ((x - start_x) / across, (y - start_y) / down);
    let size = (w.div_ceil(1 << log2_width), h.div_ceil(1 << log2_height));
    let [u, v] = [1, 2].map(|component| between(canvas, component, at, size));
    matrix(canvas.color, depth, [between(canvas, 0, (x, y), (w, h)), u, v])
}

fn luma(code: f64, range: Range, depth: Depth) -> f64 {
    let unit = f64::from(1_u32 << (depth.bits - 8));
    match range {
        Range::Full => code / (256.0 * unit - 1.0) * 255.0,
        Range::Limited => (code / unit - 16.0) / 219.0 * 255.0,
    }
}

/// RGB from codes, by the equations of ITU-T H.273.
fn matrix(color: FrameColor, depth: Depth, [y, u, v]: [f64; 3]) -> Rgb {
    let unit = f64::from(1_u32 << (depth.bits - 8));
    let swing = match color.range {
        Range::Full => 256.0 * unit - 1.0,
        Range::Limited => 224.0 * unit,
    };
    let y = luma(y, color.range, depth);
    let [u, v] = [u, v].map(|code| (code - 128.0 * unit) / swing * 255.0);
    let (kr, kb) = match color.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
        Matrix::Smpte240 => (0.212, 0.087),
        Matrix::Fcc => (0.30, 0.11),
        Matrix::YCgCo => return [y - u + v, y + u, y - u - v],
    };
    let red = y + 2.0 * (1.0 - kr) * v;
    let blue = y + 2.0 * (1.0 - kb) * u;
    [red, (y - kr * red - kb * blue) / (1.0 - kr - kb), blue]
}

/// The coded position of an upright output pixel.
fn source_of(canvas: &Canvas, (x, y): (usize, usize), (w, h): (usize, usize)) -> (f64, f64) {
    let turns = canvas.orientation.quarter_turns;
    let (mut x, mut y) = ((x as f64 + 0.5) / w as f64, (y as f64 + 0.5) / h as f64);
    for _ in 0..turns {
        (x, y) = (y, 1.0 - x); // a quarter turn back
    }
    if canvas.orientation.is_mirrored {
        x = 1.0 - x;
    }
    (x * canvas.width as f64 - 0.5, y * canvas.height as f64 - 0.5)
}

/// Largest and mean difference between an image of `size` and `model`.
fn differences(
    canvas: &Canvas,
    size: (usize, usize),
    model: impl Fn((f64, f64)) -> Rgb,
) -> (f64, f64) {
    let image = rgb8(Isa::detect(), &canvas.view(), size);
    let (mut largest, mut sum) = (0.0_f64, 0.0);
    for (index, pixel) in image.as_chunks::<3>().0.iter().enumerate() {
        let want = model(source_of(canvas, (index % size.0, index / size.0), size));
        for (&got, want) in pixel.iter().zip(want) {
            let difference = (f64::from(got) - want.clamp(0.0, 255.0)).abs();
            largest = largest.max(difference);
            sum += difference;
        }
    }
    (largest, sum / image.len() as f64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_sample_is_the_exact_one_rounded(canvas in any_canvas(), size in (side(), side())) {
        // Packed pixels follow OpenCV, which drops low bits between its two passes.
        let packed = matches!(canvas.layout, Layout::Packed { .. });
        let (largest, _) = differences(&canvas, size, |at| color_at(&canvas, at));
        prop_assert!(largest <= if packed { 1.5 } else { 0.56 }, "off by {largest}");
    }
}

/// The colour if every pixel is converted first and RGB is resized, as other tools do.
fn resized_rgb(canvas: &Canvas, (x, y): (f64, f64)) -> Rgb {
    let clamp = |at: f64, side: usize| at.clamp(0.0, side as f64 - 1.0);
    let (x, y) = (clamp(x, canvas.width), clamp(y, canvas.height));
    let pixel = |x: f64, y: f64| {
        let at = (clamp(x, canvas.width), clamp(y, canvas.height));
        color_at(canvas, at).map(|sample| sample.clamp(0.0, 255.0))
    };
    let (left, top) = (x.floor(), y.floor());
    let corners = [
        (pixel(left, top), (1.0 - x.fract()) * (1.0 - y.fract())),
        (pixel(left + 1.0, top), x.fract() * (1.0 - y.fract())),
        (pixel(left, top + 1.0), (1.0 - x.fract()) * y.fract()),
        (pixel(left + 1.0, top + 1.0), x.fract() * y.fract()),
    ];
    [0, 1, 2].map(|c| corners.iter().map(|(rgb, weight)| rgb[c] * weight).sum())
}

const YUV420: Layout = Layout::Yuv { depth: Depth::EIGHT, log2_width: 1, log2_height: 1 };

/// Waves of luma and chroma inside RGB's range, in limited range.
fn waves(size: (usize, usize), layout: Layout) -> Canvas {
    let mut canvas = Canvas::new(size, layout, 0);
    for component in 0..3 {
        let [w, h] = if component == 0 { [size.0, size.1] } else { [size.0 / 2, size.1 / 2] };
        let (middle, swing) = if component == 0 { (125.0, 60.0) } else { (128.0, 25.0) };
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let (across, down) = (x as f64 / w as f64, y as f64 / h as f64);
            let phase = 9.0 * across + 7.0 * down + component as f64;
            canvas.set(component, (x, y), (middle + swing * phase.sin()).round() as u32);
        }
    }
    canvas
}

#[test]
fn smooth_frames_equal_converting_before_resizing() {
    let canvas = waves((192, 108), YUV420);
    for size in [(64, 36), (96, 54), (130, 71), (192, 108), (250, 140)] {
        let (largest, mean) = differences(&canvas, size, |at| resized_rgb(&canvas, at));
        assert!(largest < 1.5 && mean < 0.3, "{size:?}: at most {largest}, mean {mean}");
    }
}

/// 75 % bars: white, yellow, cyan, green, magenta, red, blue, black.
const BARS: [Rgb; 8] = [
    [191.0, 191.0, 191.0],
    [191.0, 191.0, 0.0],
    [0.0, 191.0, 191.0],
    [0.0, 191.0, 0.0],
    [191.0, 0.0, 191.0],
    [191.0, 0.0, 0.0],
    [0.0, 0.0, 191.0],
    [0.0, 0.0, 0.0],
];

/// Y, U and V codes of 8-bit limited range.
fn encode([red, green, blue]: Rgb, (kr, kb): (f64, f64)) -> [u32; 3] {
    let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let (u, v) = ((blue - y) / 2.0 / (1.0 - kb), (red - y) / 2.0 / (1.0 - kr));
    let codes = [16.0 + y * 219.0 / 255.0, 128.0 + u * 224.0 / 255.0, 128.0 + v * 224.0 / 255.0];
    codes.map(|code| code.round() as u32)
}

#[test]
fn colour_bars_come_back() {
    for (matrix, weights) in [(Matrix::Bt601, (0.299, 0.114)), (Matrix::Bt709, (0.2126, 0.0722))] {
        let mut canvas = Canvas::new((256, 64), YUV420, 0);
        canvas.color.matrix = matrix;
        for component in 0..3 {
            let shift = u32::from(component > 0);
            for (x, y) in (0..64 >> shift).flat_map(|y| (0..256 >> shift).map(move |x| (x, y))) {
                let bar = encode(BARS[x << shift >> 5], weights);
                canvas.set(component, (x, y), bar[component]);
            }
        }
        let image = rgb8(Isa::detect(), &canvas.view(), (128, 32));
        for (index, pixel) in image.as_chunks::<3>().0.iter().enumerate() {
            let (bar, column) = (index % 128 / 16, index % 16);
            if (2..14).contains(&column) {
                let near = |(&got, want): (&u8, f64)| (f64::from(got) - want).abs() <= 2.0;
                assert!(pixel.iter().zip(BARS[bar]).all(near), "bar {bar}: {pixel:?}");
            }
        }
    }
}
