//! Kernels that turn levels into 8-bit colour.

use std::arch::x86_64::*;

use super::{load_i16, pack_u8, store_u8};
use crate::simd::{Lanes, LumaGain, YuvGains};

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn yuv_to_rgb(
    [y, u, v]: [&[Lanes<i16>]; 3],
    gains: &YuvGains,
    [red, green, blue]: [&mut [Lanes<u8>]; 3],
) {
    let luma = Luma::new(gains.luma);
    let chroma = gains.chroma.map(|pair| pair.map(|gain| _mm256_set1_epi16(gain)));
    let inputs = y.iter().zip(u).zip(v);
    for ((((y, u), v), red), (green, blue)) in inputs.zip(red).zip(green.iter_mut().zip(blue)) {
        let y = luma.in_64ths(load_i16(y));
        let (u, v) = (doubled(load_i16(u)), doubled(load_i16(v)));
        for (out, [from_u, from_v]) in [red, green, blue].into_iter().zip(chroma) {
            let from_u = _mm256_mulhrs_epi16(u, from_u);
            let from_v = _mm256_mulhrs_epi16(v, from_v);
            store_u8(out, round64(_mm256_adds_epi16(y, _mm256_adds_epi16(from_u, from_v))));
        }
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn level_to_u8(row: &[Lanes<i16>], gain: LumaGain, out: &mut [Lanes<u8>]) {
    let luma = Luma::new(gain);
    for (row, out) in row.iter().zip(out) {
        store_u8(out, round64(luma.in_64ths(load_i16(row))));
    }
}

/// A [`LumaGain`] in vectors.
struct Luma {
    offset: __m256i,
    gain: __m256i,
}

impl Luma {
    #[target_feature(enable = "avx2")]
    fn new(gain: LumaGain) -> Self {
        Self { offset: _mm256_set1_epi16(gain.offset), gain: _mm256_set1_epi16(gain.gain) }
    }

    /// Levels in 64ths of an 8-bit step, plus the half step that rounds them.
    #[target_feature(enable = "avx2")]
    fn in_64ths(&self, level: __m256i) -> __m256i {
        let value = _mm256_mulhrs_epi16(_mm256_sub_epi16(level, self.offset), self.gain);
        _mm256_add_epi16(value, _mm256_set1_epi16(32))
    }
}

/// Twice the distance of chroma levels from the middle.
#[target_feature(enable = "avx2")]
fn doubled(level: __m256i) -> __m256i {
    _mm256_slli_epi16::<1>(_mm256_sub_epi16(level, _mm256_set1_epi16(1 << 14)))
}

/// 64ths of a step to whole ones, cut to 8 bits.
#[target_feature(enable = "avx2")]
fn round64(value: __m256i) -> __m128i {
    pack_u8(_mm256_srai_epi16::<6>(value))
}
