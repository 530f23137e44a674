//! Kernels that blend two rows.

use std::arch::x86_64::*;

use super::{load_bytes, load_i16, load_u8, pack_u8, store_i16, store_u8};
use crate::{
    frame_view::Depth,
    simd::{Lanes, scalar},
};

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn blend8(a: &[u8], b: &[u8], weight: i16, out: &mut [i16]) {
    let length = a.len().min(b.len()).min(out.len());
    let (a, a_tail) = a[..length].as_chunks::<16>();
    let (b, b_tail) = b[..length].as_chunks::<16>();
    let (out, out_tail) = out[..length].as_chunks_mut::<16>();
    if weight == 0 {
        for (a, out) in a.iter().zip(out) {
            store_i16(out, level8(a));
        }
    } else {
        let weight = _mm256_set1_epi16(weight);
        for ((a, b), out) in a.iter().zip(b).zip(out) {
            store_i16(out, blend(level8(a), level8(b), weight));
        }
    }
    scalar::blend8(a_tail, b_tail, weight, out_tail);
}

/// The levels of sixteen 8-bit samples.
#[target_feature(enable = "avx2")]
fn level8(samples: &[u8; 16]) -> __m256i {
    _mm256_slli_epi16::<7>(_mm256_cvtepu8_epi16(load_u8(samples)))
}

#[target_feature(enable = "avx2")]
fn blend(a: __m256i, b: __m256i, weight: __m256i) -> __m256i {
    _mm256_add_epi16(a, _mm256_mulhrs_epi16(_mm256_sub_epi16(b, a), weight))
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn blend16(a: &[u8], b: &[u8], depth: Depth, weight: i16, out: &mut [i16]) {
    let length = (a.len() / 2).min(b.len() / 2).min(out.len());
    let (a, a_tail) = a[..2 * length].as_chunks::<32>();
    let (b, b_tail) = b[..2 * length].as_chunks::<32>();
    let (out, out_tail) = out[..length].as_chunks_mut::<16>();
    let words = Words::new(depth);
    let factor = _mm256_set1_epi16(weight);
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        store_i16(out, blend(words.level(a), words.level(b), factor));
    }
    scalar::blend16(a_tail, b_tail, depth, weight, out_tail);
}

/// The shifts that convert 16-bit words of a depth to levels.
struct Words {
    align: __m128i,
    largest: __m256i,
    up: __m128i,
    down: __m128i,
}

impl Words {
    #[target_feature(enable = "avx2")]
    fn new(depth: Depth) -> Self {
        let (up, down) = (15_i32 - i32::from(depth.bits), i32::from(depth.bits) - 15);
        Self {
            align: _mm_cvtsi32_si128(i32::from(depth.shift)),
            largest: _mm256_set1_epi16(((1_u32 << depth.bits) - 1) as i16),
            up: _mm_cvtsi32_si128(up.max(0)),
            down: _mm_cvtsi32_si128(down.max(0)),
        }
    }

    #[target_feature(enable = "avx2")]
    fn level(&self, words: &[u8; 32]) -> __m256i {
        let code = _mm256_srl_epi16(load_bytes(words), self.align);
        let code = _mm256_min_epu16(code, self.largest);
        _mm256_srl_epi16(_mm256_sll_epi16(code, self.up), self.down)
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn blend_packed(
    [a, b]: [&[Lanes<i16>]; 2],
    weights: [i16; 2],
    out: &mut [Lanes<u8>],
) {
    let [w0, w1] = weights.map(|weight| _mm256_set1_epi16(weight));
    let half = _mm256_set1_epi16(2);
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        let a = _mm256_mulhi_epi16(load_i16(a), w0);
        let b = _mm256_mulhi_epi16(load_i16(b), w1);
        let sum = _mm256_add_epi16(_mm256_add_epi16(a, b), half);
        store_u8(out, pack_u8(_mm256_srai_epi16::<2>(sum)));
    }
}
