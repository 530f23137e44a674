//! Images keep the colours of every matrix, range, depth and layout.

use super::*;
use crate::image::{geometry::ImageGeometry, jfif::JfifPass};

/// Width of a bar in pixels: two MCUs of 4:2:0, so that no block holds two colours.
const BAR: usize = 32;

/// Bars of 100 %, of 75 %, of gray, and of a few mixed colours.
const BARS: [Rgb; 20] = [
    [1.0, 1.0, 1.0],
    [1.0, 1.0, 0.0],
    [0.0, 1.0, 1.0],
    [0.0, 1.0, 0.0],
    [1.0, 0.0, 1.0],
    [1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.0, 0.0],
    [0.75, 0.75, 0.75],
    [0.75, 0.75, 0.0],
    [0.0, 0.75, 0.75],
    [0.0, 0.75, 0.0],
    [0.75, 0.0, 0.75],
    [0.75, 0.0, 0.0],
    [0.0, 0.0, 0.75],
    [0.5, 0.5, 0.5],
    [0.25, 0.25, 0.25],
    [0.8, 0.55, 0.45],
    [0.2, 0.4, 0.3],
    [0.1, 0.3, 0.6],
];

fn bar_at(x: f64, _: f64) -> Rgb {
    #[expect(clippy::cast_sign_loss, reason = "inside the frame")]
    let bar = x as usize / BAR;
    BARS[bar]
}

/// Encodes bars at `quality` and compares the middle of each.
#[track_caller]
fn check_bars(layout: Layout, color: FrameColor, quality: u8) {
    let size = (BAR * BARS.len(), 32);
    let painted = Painted::new(size, layout, color, bar_at);
    let image = encode_with(&painted.view(), JpegOptions { quality, ..Default::default() });
    // Chroma is blended at the edges: by JPEG decoders, and if JPEG lacks the subsampling.
    for (y, x) in (0..size.1).flat_map(|y| (0..size.0).map(move |x| (y, x))) {
        if (10..BAR - 10).contains(&(x % BAR)) {
            let (got, want) = (image.at(x, y), bar_at(x as f64, 0.0));
            let off = difference(got, want);
            let wanted = want.map(|c| 255.0 * c);
            assert!(off <= 2.0, "{layout:?} {color:?} at {x},{y}: {got:?}, want {wanted:?}");
        }
    }
}

const ALL: [Matrix; 6] =
    [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020, Matrix::Smpte240, Matrix::Fcc, Matrix::YCgCo];

#[test]
fn bars_of_every_matrix_range_and_depth_keep_their_colours() {
    for matrix in ALL {
        for range in [Range::Limited, Range::Full] {
            for bits in [8, 9, 10, 12, 14, 16] {
                let color = FrameColor { matrix, range, ..FrameColor::default() };
                check_bars(yuv(bits, 1, 1), color, 100);
                check_bars(yuv(bits, 0, 0), color, 100);
            }
        }
    }
}

#[test]
fn bars_of_every_subsampling_keep_their_colours() {
    let color = FrameColor { matrix: Matrix::Bt709, ..FrameColor::default() };
    for (across, down) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (2, 2)] {
        check_bars(yuv(8, across, down), color, 100);
        check_bars(yuv(10, across, down), color, 100);
    }
}

#[test]
fn bars_keep_their_colours_at_quality_95() {
    for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
        let color = FrameColor { matrix, ..FrameColor::default() };
        check_bars(yuv(8, 1, 1), color, 95);
        check_bars(yuv(10, 0, 0), color, 95);
    }
}

#[test]
fn interleaved_chroma_keeps_its_colours() {
    for depth in [Depth::EIGHT, Depth { bits: 10, shift: 6 }, Depth { bits: 12, shift: 4 }] {
        for is_v_first in [false, true] {
            for matrix in [Matrix::Bt601, Matrix::Bt709] {
                let color = FrameColor { matrix, ..FrameColor::default() };
                check_bars(Layout::SemiPlanar { depth, is_v_first }, color, 100);
            }
        }
    }
}

#[test]
fn rgb_of_every_order_and_depth_keeps_its_colours() {
    // Matrix and range are ignored for RGB.
    let odd = FrameColor { matrix: Matrix::Bt709, range: Range::Limited, ..FrameColor::default() };
    for (bytes, rgb) in [(3, [0, 1, 2]), (3, [2, 1, 0]), (4, [1, 2, 3]), (4, [2, 1, 0])] {
        check_bars(Layout::Packed { bytes, rgb }, odd, 100);
    }
    for bits in [8, 10, 16] {
        check_bars(Layout::PlanarRgb(Depth { bits, shift: 0 }), odd, 100);
    }
}

#[test]
fn gray_keeps_its_levels() {
    let shade = |x: f64, _: f64| [(x / 640.0).min(1.0); 3];
    for range in [Range::Limited, Range::Full] {
        for bits in [8, 10, 16] {
            let layout = Layout::Gray(Depth { bits, shift: 0 });
            let color = FrameColor { range, ..FrameColor::default() };
            let painted = Painted::new((640, 16), layout, color, shade);
            let options = JpegOptions { quality: 100, ..Default::default() };
            let image = encode_with(&painted.view(), options);
            assert_eq!(image.chroma, None);
            for x in 0..640 {
                let off = difference(image.at(x, 7), shade(x as f64 + 0.5, 0.0));
                assert!(off <= 2.0, "{range:?} {bits} bits at {x}: off by {off}");
            }
        }
    }
}

/// Red, green and blue (0 to 1, or beyond) of codes, as H.273 defines them.
fn rgb_of(codes: [u16; 3], color: FrameColor, bits: u8) -> Rgb {
    let unit = f64::from(1_u32 << (bits - 8));
    let [y, b, r] = codes.map(f64::from);
    let (black, luma, chroma) = match color.range {
        Range::Limited => (16.0 * unit, 219.0 * unit, 224.0 * unit),
        Range::Full => (0.0, 256.0 * unit - 1.0, 256.0 * unit - 1.0),
    };
    let (y, pb, pr) =
        ((y - black) / luma, (b - 128.0 * unit) / chroma, (r - 128.0 * unit) / chroma);
    if color.matrix == Matrix::YCgCo {
        return [y - pb + pr, y + pb, y - pb - pr];
    }
    let (kr, kb) = kr_kb(color.matrix);
    let (red, blue) = (y + 2.0 * (1.0 - kr) * pr, y + 2.0 * (1.0 - kb) * pb);
    [red, (y - kr * red - kb * blue) / (1.0 - kr - kb), blue]
}

/// Converts codes of all sizes to JFIF planes; no sample may be off by more than 0.6.
#[track_caller]
fn check_accuracy(color: FrameColor, bits: u8) {
    let side = 128;
    let step = (1_usize << bits) / side;
    let codes = |component: usize, i: usize| -> u16 {
        // Runs through all codes in an order that combines all kinds of triples.
        ((i * [1, 37, 71][component] * step + i / 3 + 5 * component) % (1 << bits)) as u16
    };
    let depth = Depth { bits, shift: 0 };
    let rows = |c| (0..side).map(move |y| (0..side).map(|x| codes(c, y * side + x)).collect());
    let layout = Layout::Yuv { depth, log2_width: 0, log2_height: 0 };
    let mut painted = Painted::new((side, side), layout, color, |_, _| [0.0; 3]);
    painted.planes = (0..3).map(|c| pack(rows(c), depth)).collect();
    let view = painted.view();
    let geometry = ImageGeometry::new(&view, None, false).unwrap();
    let mut pass = JfifPass::default();
    let got = pass.run(&view, &geometry).unwrap();
    for i in 0..side * side {
        let codes = [0, 1, 2].map(|component| codes(component, i));
        let want = ycc(rgb_of(codes, color, bits), Matrix::Bt601);
        for (component, value) in want.into_iter().enumerate() {
            let want = (255.0 * value + [0.0, 128.0, 128.0][component]).clamp(0.0, 255.0);
            let got = f64::from(got.planes[component].bytes()[i]);
            assert!(
                (got - want).abs() <= 0.6,
                "{color:?} {bits} bits {codes:?}: {got}, not {want}"
            );
        }
    }
}

#[test]
fn jfif_planes_are_as_accurate_as_eight_bits_allow() {
    for matrix in ALL {
        for range in [Range::Limited, Range::Full] {
            for bits in [8, 9, 10, 12, 16] {
                check_accuracy(FrameColor { matrix, range, ..FrameColor::default() }, bits);
            }
        }
    }
}

#[test]
fn jfif_planes_stay_unchanged() {
    let color = FrameColor { range: Range::Full, ..FrameColor::default() };
    let painted = Painted::new((640, 32), yuv(8, 0, 0), color, bar_at);
    let view = painted.view();
    let geometry = ImageGeometry::new(&view, None, false).unwrap();
    let mut pass = JfifPass::default();
    let got = pass.run(&view, &geometry).unwrap();
    for (plane, got) in view.planes.iter().flatten().zip(&got.planes) {
        assert!(plane.iter().enumerate().all(|(y, row)| row == got.row(y)));
    }
}
