//! Kernels that write finished samples in the caller's format.

use std::arch::x86_64::*;

use super::{load_bytes, load_u8, store_bytes, store_f32, store_u8};
use crate::simd::{Lanes, scalar};

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn normalise(row: &[u8], scale: f32, bias: f32, out: &mut [f32]) {
    let length = row.len().min(out.len());
    let (row, row_tail) = row[..length].as_chunks::<16>();
    let (out, out_tail) = out[..length].as_chunks_mut::<16>();
    let (factor, offset) = (_mm256_set1_ps(scale), _mm256_set1_ps(bias));
    for (row, out) in row.iter().zip(out) {
        let samples = load_u8(row);
        let halves = [samples, _mm_unpackhi_epi64(samples, samples)];
        for (half, out) in halves.into_iter().zip(out.as_chunks_mut::<8>().0) {
            let value = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(half));
            store_f32(out, _mm256_add_ps(_mm256_mul_ps(value, factor), offset));
        }
    }
    scalar::normalise(row_tail, scale, bias, out_tail);
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn interleave(red: &[u8], green: &[u8], blue: &[u8], out: &mut [u8]) {
    let length = red.len().min(green.len()).min(blue.len()).min(out.len() / 3);
    let (red, red_tail) = red[..length].as_chunks::<32>();
    let (green, green_tail) = green[..length].as_chunks::<32>();
    let (blue, blue_tail) = blue[..length].as_chunks::<32>();
    let (out, out_tail) = out[..3 * length].as_chunks_mut::<96>();
    let interleave = Interleave::in_order();
    for (((red, green), blue), out) in red.iter().zip(green).zip(blue).zip(out) {
        interleave.store([load_bytes(red), load_bytes(green), load_bytes(blue)], out);
    }
    scalar::interleave(red_tail, green_tail, blue_tail, out_tail);
}

/// An interleaver of the three components of 32 pixels.
///
/// It holds, for each third of 16 packed pixels, the shuffles that move red, green and blue to
/// their places.
pub(super) struct Interleave([[__m256i; 3]; 3]);

impl Interleave {
    /// For pixels in order.
    #[target_feature(enable = "avx2")]
    fn in_order() -> Self {
        Self::new(&IN_ORDER)
    }

    /// For pixels of even and odd columns apart: each half of a vector holds eight pixels of even
    /// columns and then eight of odd ones.
    #[target_feature(enable = "avx2")]
    pub(super) fn halves() -> Self {
        Self::new(&HALVES)
    }

    #[target_feature(enable = "avx2")]
    fn new(masks: &Masks) -> Self {
        let vector = |mask: [u8; 16]| _mm256_broadcastsi128_si256(load_u8(&mask));
        Self(masks.map(|third| third.map(vector)))
    }

    /// Stores 32 pixels of red, green and blue interleaved.
    #[target_feature(enable = "avx2")]
    pub(super) fn store(&self, rgb: [__m256i; 3], out: &mut [u8; 96]) {
        // Each half of a vector makes a third of its own 16 pixels.
        let [a, b, c] = self.0.map(|masks| {
            let [red, green, blue] = [0, 1, 2].map(|i| _mm256_shuffle_epi8(rgb[i], masks[i]));
            _mm256_or_si256(_mm256_or_si256(red, green), blue)
        });
        let vectors = [
            _mm256_permute2x128_si256::<0x20>(a, b),
            _mm256_permute2x128_si256::<0x30>(c, a),
            _mm256_permute2x128_si256::<0x31>(b, c),
        ];
        for (out, vector) in out.as_chunks_mut::<32>().0.iter_mut().zip(vectors) {
            store_bytes(out, vector);
        }
    }
}

/// Three shuffles for each of three thirds.
type Masks = [[[u8; 16]; 3]; 3];

const IN_ORDER: Masks = masks(1);
const HALVES: Masks = masks(2);

/// The shuffles for pixels in `stride` groups: first every `stride`th pixel, then the ones after
/// those.
const fn masks(stride: usize) -> Masks {
    let mut masks = [[[0x80; 16]; 3]; 3]; // the top bit makes a zero
    let mut byte = 0;
    while byte < 48 {
        let pixel = byte / 3;
        let place = pixel % stride * (16 / stride) + pixel / stride;
        masks[byte / 16][byte % 3][byte % 16] = place as u8;
        byte += 1;
    }
    masks
}

/// Transposes 16×16 bytes in four rounds, each of which interleaves row `i` with row `i + 8`.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn transpose(rows: &[Lanes<u8>; 16]) -> [Lanes<u8>; 16] {
    let mut from = [_mm_setzero_si128(); 16];
    for (vector, row) in from.iter_mut().zip(rows) {
        *vector = load_u8(row);
    }
    for _ in 0..4 {
        let mut to = from;
        for i in 0..8 {
            to[2 * i] = _mm_unpacklo_epi8(from[i], from[i + 8]);
            to[2 * i + 1] = _mm_unpackhi_epi8(from[i], from[i + 8]);
        }
        from = to;
    }
    let mut out = [[0; 16]; 16];
    for (row, vector) in out.iter_mut().zip(from) {
        store_u8(row, vector);
    }
    out
}
