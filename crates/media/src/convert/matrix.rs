//! The kernels' gains for a frame's colour.

use crate::{
    frame_view::{Depth, FrameColor, Matrix, Range},
    simd::{LumaGain, YuvGains},
};

/// The level of limited-range black: 16 in 8 bits, the same level at any depth.
const LIMITED_BLACK: i16 = 16 << 7;

/// 8-bit steps per level for full-range codes.
fn full_step(depth: Depth) -> f64 {
    let codes = f64::from((1_u32 << depth.bits) - 1);
    255.0 / codes * f64::from(1_u32 << depth.bits) / 32768.0
}

/// 8-bit steps per level for limited-range codes; the range is `codes` 8-bit steps wide.
fn limited_step(codes: f64) -> f64 {
    255.0 / codes / 128.0
}

/// A gain in the fixed point of [`LumaGain::gain`].
fn fixed(steps_per_level: f64) -> i16 {
    (steps_per_level * 64.0 * 32768.0).round() as i16
}

/// The gain of full-range components: red, green, blue, or luma.
pub(super) fn full_gain(depth: Depth) -> LumaGain {
    LumaGain { offset: 0, gain: fixed(full_step(depth)) }
}

/// The gain of luma.
pub(super) fn luma_gain(range: Range, depth: Depth) -> LumaGain {
    match range {
        Range::Full => full_gain(depth),
        Range::Limited => LumaGain { offset: LIMITED_BLACK, gain: fixed(limited_step(219.0)) },
    }
}

/// The gains of a YUV frame. `is_v_first` is for V before U in interleaved chroma.
pub(super) fn yuv_gains(color: FrameColor, depth: Depth, is_v_first: bool) -> YuvGains {
    let step = match color.range {
        Range::Full => full_step(depth),
        Range::Limited => limited_step(224.0),
    };
    let chroma = chroma_factors(color.matrix).map(|[u, v]| {
        let [u, v] = [u, v].map(|factor| fixed(factor * step / 2.0)); // chroma levels are doubled
        if is_v_first { [v, u] } else { [u, v] }
    });
    YuvGains { luma: luma_gain(color.range, depth), chroma }
}

/// The contributions of U and V to red, green and blue, in units of full swing (ITU-T H.273,
/// clause 8.3).
fn chroma_factors(matrix: Matrix) -> [[f64; 2]; 3] {
    let (red, blue) = match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
        Matrix::Smpte240 => (0.212, 0.087),
        Matrix::Fcc => (0.30, 0.11),
        Matrix::YCgCo => return [[-1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]],
    };
    let green = 1.0 - red - blue;
    let (from_u, from_v) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
    [[0.0, from_v], [-from_u * blue / green, -from_v * red / green], [from_u, 0.0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bt601_has_the_factors_of_jpeg() {
        let [red, green, blue] = chroma_factors(Matrix::Bt601);
        let near = |got: [f64; 2], want: [f64; 2]| {
            assert!((got[0] - want[0]).abs() < 1e-6 && (got[1] - want[1]).abs() < 1e-6, "{got:?}");
        };
        near(red, [0.0, 1.402]);
        near(green, [-0.344136, -0.714136]);
        near(blue, [1.772, 0.0]);
    }

    #[test]
    fn full_range_bytes_keep_their_value() {
        assert_eq!(full_gain(Depth::EIGHT), LumaGain { offset: 0, gain: 1 << 14 });
    }

    #[test]
    fn no_gain_leaves_its_16_bits() {
        let matrices =
            [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020, Matrix::Smpte240, Matrix::Fcc];
        for matrix in matrices.into_iter().chain([Matrix::YCgCo]) {
            let color = FrameColor { matrix, ..FrameColor::default() };
            let gains = yuv_gains(color, Depth::EIGHT, false);
            for sum in gains.chroma.map(|[u, v]| i32::from(u).abs() + i32::from(v).abs()) {
                assert!(sum < 32767, "{matrix:?}: {gains:?}");
            }
        }
    }
}
