//! Kernels that convert levels to 8-bit RGB.

use std::arch::x86_64::*;

use super::{load_bytes, load_i16, pack_u8, store::Interleave, store_u8};
use crate::simd::{Lanes, LumaGain, YuvGains, scalar};

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn yuv_to_rgb(
    [y, u, v]: [&[Lanes<i16>]; 3],
    gains: &YuvGains,
    [red, green, blue]: [&mut [Lanes<u8>]; 3],
) {
    let vectors = YuvVectors::new(gains);
    let inputs = y.iter().zip(u).zip(v);
    for ((((y, u), v), red), (green, blue)) in inputs.zip(red).zip(green.iter_mut().zip(blue)) {
        let rgb = vectors.of(load_i16(y), load_i16(u), load_i16(v));
        for (out, value) in [red, green, blue].into_iter().zip(rgb) {
            store_u8(out, pack_u8(value));
        }
    }
}

/// Computes the pixels of even and of odd columns separately, so that neither luma nor chroma has
/// to be rearranged; interleaving restores the order.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn yuv_to_packed(
    luma: &[u8],
    [u, v]: [&[i16]; 2],
    gains: &YuvGains,
    out: &mut [u8],
) {
    let pairs = (luma.len() / 2).min(u.len().saturating_sub(1)).min(v.len().saturating_sub(1));
    let whole = (2 * pairs).min(out.len() / 3) / 32 * 32;
    let (vectors, interleave) = (YuvVectors::new(gains), Interleave::halves());
    let luma_32 = luma[..whole].as_chunks::<32>().0.iter();
    let chroma = SitedChroma::of(u, whole).zip(SitedChroma::of(v, whole));
    for ((luma, (u, v)), out) in luma_32.zip(chroma).zip(out.as_chunks_mut::<96>().0) {
        let luma = load_bytes(luma);
        let low_bytes = _mm256_and_si256(luma, _mm256_set1_epi16(0xff));
        let even = vectors.of(_mm256_slli_epi16::<7>(low_bytes), u.even(), v.even());
        let high_bytes = _mm256_srli_epi16::<8>(luma);
        let odd = vectors.of(_mm256_slli_epi16::<7>(high_bytes), u.odd(), v.odd());
        let [red, green, blue] = [0, 1, 2].map(|i| _mm256_packus_epi16(even[i], odd[i]));
        interleave.store([red, green, blue], out);
    }
    let rest = [u, v].map(|row| row.get(whole / 2..).unwrap_or_default());
    scalar::yuv_to_packed(&luma[whole..], rest, gains, &mut out[3 * whole..]);
}

/// Sixteen chroma levels and the one after each of them.
struct SitedChroma<'a>(&'a [i16; 16], &'a [i16; 16]);

impl<'a> SitedChroma<'a> {
    /// The chroma of each group of 32 among `pixels` pixels.
    fn of(row: &'a [i16], pixels: usize) -> impl Iterator<Item = Self> {
        let next = row.get(1..).unwrap_or_default();
        let pairs = row.as_chunks().0.iter().zip(next.as_chunks().0).take(pixels / 32);
        pairs.map(|(levels, next)| Self(levels, next))
    }

    /// The chroma of even columns.
    #[target_feature(enable = "avx2")]
    fn even(&self) -> __m256i {
        load_i16(self.0)
    }

    /// The chroma of odd columns: the mean of two levels, rounded up, as weights of one half give.
    #[target_feature(enable = "avx2")]
    fn odd(&self) -> __m256i {
        _mm256_avg_epu16(load_i16(self.0), load_i16(self.1))
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn level_to_u8(row: &[Lanes<i16>], gain: LumaGain, out: &mut [Lanes<u8>]) {
    let luma = LumaVectors::new(gain);
    for (row, out) in row.iter().zip(out) {
        store_u8(out, pack_u8(steps(luma.in_64ths(load_i16(row)))));
    }
}

/// A [`YuvGains`] in vectors.
struct YuvVectors {
    luma: LumaVectors,
    chroma: [[__m256i; 2]; 3],
}

impl YuvVectors {
    #[target_feature(enable = "avx2")]
    fn new(gains: &YuvGains) -> Self {
        let chroma = gains.chroma.map(|pair| pair.map(|gain| _mm256_set1_epi16(gain)));
        Self { luma: LumaVectors::new(gains.luma), chroma }
    }

    /// Red, green and blue of sixteen levels, in 8-bit steps, not yet clamped.
    #[target_feature(enable = "avx2")]
    fn of(&self, y: __m256i, u: __m256i, v: __m256i) -> [__m256i; 3] {
        let y = self.luma.in_64ths(y);
        let (u, v) = (doubled(u), doubled(v));
        self.chroma.map(|[from_u, from_v]| {
            let from_u = _mm256_mulhrs_epi16(u, from_u);
            let from_v = _mm256_mulhrs_epi16(v, from_v);
            steps(_mm256_adds_epi16(y, _mm256_adds_epi16(from_u, from_v)))
        })
    }
}

/// A [`LumaGain`] in vectors.
struct LumaVectors {
    offset: __m256i,
    gain: __m256i,
}

impl LumaVectors {
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

/// Values in 64ths of a step as whole steps.
#[target_feature(enable = "avx2")]
fn steps(value: __m256i) -> __m256i {
    _mm256_srai_epi16::<6>(value)
}
