//! The numbers that turn a picture's samples into what JFIF means by Y, Cb and Cr.
//!
//! JFIF (ITU-T T.871, section 7) means full-range BT.601 of 8 bits. ITU-T H.273 defines the codes
//! of everything else (section 8.3, equations 22 to 58): with `n` bits,
//!
//! ```text
//! limited  Y = (code − 16·2ⁿ⁻⁸) / (219·2ⁿ⁻⁸)    Pb, Pr = (code − 2ⁿ⁻¹) / (224·2ⁿ⁻⁸)
//! full     Y = code / (2ⁿ − 1)                  Pb, Pr = (code − 2ⁿ⁻¹) / (2ⁿ − 1)
//!
//! Y = Kr·R + (1 − Kr − Kb)·G + Kb·B             Pb = (B − Y) / 2(1 − Kb)
//!                                               Pr = (R − Y) / 2(1 − Kr)
//! ```
//!
//! From one pair of Kr and Kb to another this is linear, and because gray has neither Pb nor Pr in
//! both, luma keeps its gain of 1 and chroma takes nothing from luma:
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

/// Weights of a whole YCbCr picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct YccWeights {
    /// Luma from luma.
    pub(super) luma: i16,
    /// Everything from chroma, and the constants.
    pub(super) chroma: ChromaWeights,
}

impl YccWeights {
    /// The weights from codes of `bits` bits that mean `color`.
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
            // At most two terms, and BT.601 has one in both rows.
            chroma_constant: constant(128.0, &cb),
            luma_constant: constant(-black * luma_gain, &[luma, tint[0], tint[1]]),
        };
        Self { luma, chroma }
    }
}

/// The weights from full-range RGB of `bits` bits.
pub(super) fn rgb_weights(bits: u8) -> RgbWeights {
    let gain = full_gain(bits);
    let rows = FROM_RGB_BT601.map(|row| row.map(|factor| weight(factor * gain)));
    // A centred sample of 0 is half of the range: luma 128, and no chroma.
    let half = [128.0 * gain, 128.0, 128.0];
    RgbWeights { rows, constants: [0, 1, 2].map(|row| constant(half[row], &rows[row])) }
}

/// 8-bit codes of full range that one step of `2^(bits − 8)` codes is worth.
fn full_gain(bits: u8) -> f64 {
    let codes = f64::from(1_u32 << bits);
    255.0 * (codes / 256.0) / (codes - 1.0)
}

/// A gain as the kernels take it.
fn weight(gain: f64) -> i16 {
    (gain * f64::from(1 << 14)).round() as i16
}

/// A row's constant in 64ths: `codes`, half a code to round, and half a 64th for every weight
/// because its product is rounded down.
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
        // Cg takes the place of Cb and Co that of Cr.
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
    fn the_factors_of_bt709_are_those_in_the_text() {
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
