//! Kernels that bring finished samples into the caller's shape.

use std::arch::x86_64::*;

use super::{load_u8, store_f32, store_u8};
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
    let (red, red_tail) = red[..length].as_chunks::<16>();
    let (green, green_tail) = green[..length].as_chunks::<16>();
    let (blue, blue_tail) = blue[..length].as_chunks::<16>();
    let (out, out_tail) = out[..3 * length].as_chunks_mut::<48>();
    let masks = SPREAD.map(|third| third.map(|mask| load_u8(&mask)));
    for (((red, green), blue), out) in red.iter().zip(green).zip(blue).zip(out) {
        let planes = [load_u8(red), load_u8(green), load_u8(blue)];
        for (out, masks) in out.as_chunks_mut::<16>().0.iter_mut().zip(masks) {
            let [red, green, blue] = [0, 1, 2].map(|i| _mm_shuffle_epi8(planes[i], masks[i]));
            store_u8(out, _mm_or_si128(_mm_or_si128(red, green), blue));
        }
    }
    scalar::interleave(red_tail, green_tail, blue_tail, out_tail);
}

/// For each third of 16 packed pixels, the shuffles that put red, green and blue in their places.
const SPREAD: [[[u8; 16]; 3]; 3] = {
    let mut masks = [[[0x80; 16]; 3]; 3]; // the top bit makes a zero
    let mut byte = 0;
    while byte < 48 {
        masks[byte / 16][byte % 3][byte % 16] = (byte / 3) as u8;
        byte += 1;
    }
    masks
};

/// Four rounds that each pair row `i` with row `i + 8` turn 16×16 bytes over the diagonal.
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
