//! Pixel kernels: a scalar reference for each, and faster SIMD versions that give the same bits.
//!
//! Kernels work on rows. Intermediate samples are *levels*: `i16` values of 0 to 32767 that hold a
//! sample as a 15-bit fraction of its code range, whatever its depth (`code << (15 - bits)`). Rows
//! of levels and of finished 8-bit samples are whole [`Lanes`] of 16, so that only kernels that
//! access the caller's memory have to handle a tail.
//!
//! This is the only folder of the crate with `unsafe`: for loads, stores, gathers, and calls of
//! functions compiled for an instruction set that the CPU was found to have.
#![expect(unsafe_code, reason = "SIMD loads, stores and gathers, and calls by instruction set")]

mod gains;
pub(crate) mod jfif;
mod scalar;
mod taps;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(test)]
mod tests;

pub(crate) use gains::{LumaGain, YuvGains};
pub(crate) use taps::{Tap, Taps};

use crate::frame_view::Depth;

/// Sixteen neighbouring samples of a row.
pub(crate) type Lanes<T> = [T; 16];

/// Number of [`Lanes`] that hold `samples` samples.
pub(crate) fn lanes(samples: usize) -> usize {
    samples.div_ceil(16)
}

/// The instruction set whose kernels run. A converter chooses it once, when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg_attr(all(target_arch = "aarch64", not(test)), expect(dead_code))]
    Scalar,
    /// Only made by [`Isa::detect`], after the CPU reported AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Part of every 64-bit Arm CPU that Rust targets.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// Runs the kernel of the chosen instruction set.
macro_rules! dispatch {
    ($isa:expr, $kernel:ident $(::<$number:literal>)? ($($argument:expr),*)) => {
        match $isa.0 {
            Kind::Scalar => scalar::$kernel$(::<$number>)?($($argument),*),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kind::Avx2` is only made after the CPU was found to have AVX2.
            Kind::Avx2 => unsafe { avx2::$kernel$(::<$number>)?($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            #[allow(unused_unsafe, reason = "kernels that NEON can't speed up are scalar, thus safe")]
            // SAFETY: NEON is part of every CPU that the target means.
            Kind::Neon => unsafe { neon::$kernel$(::<$number>)?($($argument),*) },
        }
    };
}

impl Isa {
    /// The fastest kernels that this CPU runs.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn detect() -> Self {
        if is_x86_feature_detected!("avx2") { Self(Kind::Avx2) } else { Self(Kind::Scalar) }
    }

    /// The fastest kernels that this CPU runs.
    #[cfg(target_arch = "aarch64")]
    pub(crate) fn detect() -> Self {
        Self(Kind::Neon)
    }

    /// The fastest kernels that this CPU runs.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(crate) fn detect() -> Self {
        Self(Kind::Scalar)
    }

    /// The reference kernels.
    #[cfg(test)]
    pub(crate) fn scalar() -> Self {
        Self(Kind::Scalar)
    }

    /// Whether [`yuv_to_packed`](Self::yuv_to_packed) is faster than the separate kernels for its
    /// steps. On Arm it isn't: there it is the scalar kernel, and they are NEON's.
    pub(crate) const PACKS_FAST: bool = cfg!(not(target_arch = "aarch64"));

    /// Blends two rows of bytes into levels: `a + (b - a) * weight / 32768`.
    ///
    /// The shortest of the three slices sets the length.
    pub(crate) fn blend8(self, [a, b]: [&[u8]; 2], weight: i16, out: &mut [i16]) {
        dispatch!(self, blend8(a, b, weight, out))
    }

    /// Blends two rows of 16-bit little-endian words into levels, as [`blend8`](Self::blend8).
    ///
    /// `depth` gives the used bits. Codes above the depth's largest are read as the largest.
    pub(crate) fn blend16(self, [a, b]: [&[u8]; 2], depth: Depth, weight: i16, out: &mut [i16]) {
        dispatch!(self, blend16(a, b, depth, weight, out))
    }

    /// Blends neighbouring levels: `(row[first] * w0 + row[first + 1] * w1 + 2^13) >> 14`.
    ///
    /// Samples after the row's end are read as 0.
    pub(crate) fn resample(self, row: &[Lanes<i16>], taps: &Taps, out: &mut [Lanes<i16>]) {
        dispatch!(self, resample(row.as_flattened(), taps, out))
    }

    /// Blends neighbouring pairs of levels: even samples go to `out[0]`, odd ones to `out[1]`.
    pub(crate) fn resample_pairs(
        self,
        row: &[Lanes<i16>],
        taps: &Taps,
        out: [&mut [Lanes<i16>]; 2],
    ) {
        dispatch!(self, resample_pairs(row.as_flattened(), taps, out))
    }

    /// Converts levels of Y, U and V to 8-bit red, green and blue.
    pub(crate) fn yuv_to_rgb(
        self,
        yuv: [&[Lanes<i16>]; 3],
        gains: &YuvGains,
        rgb: [&mut [Lanes<u8>]; 3],
    ) {
        dispatch!(self, yuv_to_rgb(yuv, gains, rgb))
    }

    /// Converts a row of 8-bit luma and of chroma levels with half the columns to packed 8-bit RGB.
    ///
    /// Chroma sample `i` lies at luma sample `2 * i`. The chroma halfway to the next one is their
    /// mean, as [`resample`](Self::resample) rounds it, so there must be one chroma sample more
    /// than pairs of luma. The shortest of the slices sets the length.
    pub(crate) fn yuv_to_packed(
        self,
        luma: &[u8],
        chroma: [&[i16]; 2],
        gains: &YuvGains,
        out: &mut [u8],
    ) {
        dispatch!(self, yuv_to_packed(luma, chroma, gains, out))
    }

    /// Converts levels of one component to 8 bits.
    pub(crate) fn level_to_u8(self, row: &[Lanes<i16>], gain: LumaGain, out: &mut [Lanes<u8>]) {
        dispatch!(self, level_to_u8(row, gain, out))
    }

    /// Resamples packed pixels as OpenCV's horizontal pass:
    /// `(p[first] * w0 + p[first + 1] * w1) >> 4`
    /// for each of the components whose byte offsets are `rgb`.
    ///
    /// A pixel has `bytes` (3 or 4) bytes; bytes after the row's end are read as 0.
    pub(crate) fn resample_packed(
        self,
        row: &[u8],
        (bytes, rgb): (u8, [u8; 3]),
        taps: &Taps,
        out: [&mut [Lanes<i16>]; 3],
    ) {
        match bytes {
            3 => dispatch!(self, resample_packed::<3>(row, rgb, taps, out)),
            _ => dispatch!(self, resample_packed::<4>(row, rgb, taps, out)),
        }
    }

    /// Blends two rows as OpenCV's vertical pass: `((a * w0 >> 16) + (b * w1 >> 16) + 2) >> 2`.
    pub(crate) fn blend_packed(
        self,
        rows: [&[Lanes<i16>]; 2],
        weights: [i16; 2],
        out: &mut [Lanes<u8>],
    ) {
        dispatch!(self, blend_packed(rows, weights, out))
    }

    /// Transposes a square of 16×16 samples.
    pub(crate) fn transpose(self, rows: &[Lanes<u8>; 16]) -> [Lanes<u8>; 16] {
        dispatch!(self, transpose(rows))
    }

    /// Computes `row * scale + bias` in `f32`, as a multiplication and then an addition.
    pub(crate) fn normalise(self, row: &[u8], (scale, bias): (f32, f32), out: &mut [f32]) {
        dispatch!(self, normalise(row, scale, bias, out))
    }

    /// Interleaves three rows of samples to one of packed red, green, blue.
    pub(crate) fn interleave(self, [red, green, blue]: [&[u8]; 3], out: &mut [u8]) {
        dispatch!(self, interleave(red, green, blue, out))
    }
}
