//! The weights that convert a frame's samples to JFIF's Y, Cb and Cr.
//!
//! JFIF (ITU-T T.871, clause 7) uses full-range BT.601 of 8 bits. ITU-T H.273 defines the codes
//! of all other matrices and ranges (clause 8.3, equations 22 to 58): with `n` bits,
//!
//! ```text
//! limited  Y = (code − 16·2ⁿ⁻⁸) / (219·2ⁿ⁻⁸)    Pb, Pr = (code − 2ⁿ⁻¹) / (224·2ⁿ⁻⁸)
//! full     Y = code / (2ⁿ − 1)                  Pb, Pr = (code − 2ⁿ⁻¹) / (2ⁿ − 1)
//!
//! Y = Kr·R + (1 − Kr − Kb)·G + Kb·B             Pb = (B − Y) / 2(1 − Kb)
//!                                               Pr = (R − Y) / 2(1 − Kr)
//! ```
//!
//! The conversion from one pair of Kr and Kb to another is linear. Gray has neither Pb nor Pr in
//! both, so luma keeps its gain of 1 and chroma doesn't depend on luma:
//!
//! ```text
//! Y' = Y + a·Pb + b·Pr          Pb' = c·Pb + d·Pr          Pr' = e·Pb + f·Pr
//! ```
//!
//! BT.709 to BT.601 is a = 0.1016, b = 0.1961, c = 0.9899, d = −0.1107, e = −0.0725, f = 0.9834.
//!
//! Only the matrix is converted. Primaries and transfer stay as they are, as in other tools.

use crate::frame_view::{FrameColor, Matrix, Range};
use crate::simd::jfif::{ChromaWeights, RgbWeights};

/// Three rows of three factors.
type Matrix3 = [[f64; 3]; 3];

/// The weights for a YCbCr frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct YccWeights {
    /// Weight of luma in luma.
    pub(super) luma: i16,
    /// Weights of chroma, and the constant terms.
    pub(super) chroma: ChromaWeights,
}

impl YccWeights {
    /// The weights for codes of `bits` bits with that matrix and range.
    pub(super) fn new(color: FrameColor, bits: u8) -> Self {
        let [to_y, to_cb, to_cr] = multiply(FROM_RGB_BT601, to_rgb(color.matrix));
        let (luma_gain, black, chroma_gain) = match color.range {
            Range::Full => (full_gain(bits), -128.0, full_gain(bits)),
            Range::Limited => (255.0 / 219.0, 16.0 - 128.0, 255.0 / 224.0),
        };
        let pair = |row: [f64; 3]| [weight(row[1] * chroma_gain), weight(row[2] * chroma_gain)];
        let (luma, tint) = (weight(luma_gain), pair(to_y));
        let (cb, cr) = (pair(to_cb), pair(to_cr));
        let chroma = ChromaWeights {
            cb,
            cr,
            luma: tint,
            // The constant of Cb serves Cr too: both rows have as many nonzero weights.
            chroma_constant: constant(128.0, &cb),
            luma_constant: constant(-black * luma_gain, &[luma, tint[0], tint[1]]),
        };
        Self { luma, chroma }
    }
}

/// The weights for full-range RGB of `bits` bits.
pub(super) fn rgb_weights(bits: u8) -> RgbWeights {
    let gain = full_gain(bits);
    let rows = FROM_RGB_BT601.map(|row| row.map(|factor| weight(factor * gain)));
    // A centred sample of 0 is half of the range: luma 128 and neutral chroma.
    let half = [128.0 * gain, 128.0, 128.0];
    RgbWeights { rows, constants: [0, 1, 2].map(|row| constant(half[row], &rows[row])) }
}

/// Full-range 8-bit codes for each step of `2^(bits − 8)` codes.
fn full_gain(bits: u8) -> f64 {
    let codes = f64::from(1_u32 << bits);
    255.0 * (codes / 256.0) / (codes - 1.0)
}

/// A gain in the kernels' fixed point.
fn weight(gain: f64) -> i16 {
    (gain * f64::from(1 << 14)).round() as i16
}

/// A row's constant term in 64ths of a code: `codes`, half a code for rounding, and half a 64th for
/// each nonzero weight, because its product is rounded down.
fn constant(codes: f64, weights: &[i16]) -> i16 {
    let terms = weights.iter().filter(|&&weight| weight != 0).count() as f64;
    (codes * 64.0 + 32.0 + 0.5 * terms).round() as i16
}

/// BT.601's Y, Pb and Pr from R, G and B.
const FROM_RGB_BT601: Matrix3 = [
    [0.299, 0.587, 0.114],
    [-0.299 / 1.772, -0.587 / 1.772, 0.5],
    [0.5, -0.587 / 1.402, -0.114 / 1.402],
];

/// R, G and B from Y, Pb and Pr: the equations above, solved. Kr and Kb are H.273's, table 4.
fn to_rgb(matrix: Matrix) -> Matrix3 {
    let (kr, kb) = match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
        Matrix::Smpte240 => (0.212, 0.087),
        Matrix::Fcc => (0.30, 0.11),
        // Cg is in the place of Cb, Co in that of Cr.
        Matrix::YCgCo => return [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
    };
    let (blue, red) = (2.0 * (1.0 - kb), 2.0 * (1.0 - kr));
    let kg = 1.0 - kr - kb;
    [[1.0, 0.0, red], [1.0, -kb * blue / kg, -kr * red / kg], [1.0, blue, 0.0]]
}

fn multiply(left: Matrix3, right: Matrix3) -> Matrix3 {
    left.map(|row| [0, 1, 2].map(|column| (0..3).map(|k| row[k] * right[k][column]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATRICES: [Matrix; 6] = [
        Matrix::Bt601,
        Matrix::Bt709,
        Matrix::Bt2020,
        Matrix::Smpte240,
        Matrix::Fcc,
        Matrix::YCgCo,
    ];

    #[test]
    fn the_factors_of_bt709_equal_the_documented_ones() {
        let [y, pb, pr] = multiply(FROM_RGB_BT601, to_rgb(Matrix::Bt709));
        let want = [[1.0, 0.1016, 0.1961], [0.0, 0.9899, -0.1107], [0.0, -0.0725, 0.9834]];
        for (got, want) in [y, pb, pr].iter().flatten().zip(want.iter().flatten()) {
            assert!((got - want).abs() < 5e-5, "{got} {want}");
        }
    }

    #[test]
    fn jfif_stays_as_it_is() {
        let color = FrameColor { range: Range::Full, ..FrameColor::default() };
        let weights = YccWeights::new(color, 8);
        assert_eq!(weights.luma, 1 << 14);
        assert_eq!((weights.chroma.cb, weights.chroma.cr), ([1 << 14, 0], [0, 1 << 14]));
        assert_eq!(weights.chroma.luma, [0, 0]);
    }

    #[test]
    fn no_gain_is_too_large_for_a_weight() {
        for matrix in MATRICES {
            for range in [Range::Full, Range::Limited] {
                let color = FrameColor { matrix, range, ..FrameColor::default() };
                for bits in 8..=16 {
                    let YccWeights { luma, chroma } = YccWeights::new(color, bits);
                    let all = [[luma, 0], chroma.cb, chroma.cr, chroma.luma];
                    assert!(all.iter().flatten().all(|w| w.unsigned_abs() < 32_767), "{color:?}");
                    assert!(chroma.luma_constant < i16::MAX, "{color:?}");
                }
            }
        }
    }
}
