//! Kernels that blend neighbours in a row.
//!
//! Gathers of 32 bits fetch what eight outputs need: a level and its neighbour, a pair of levels,
//! or a packed pixel. Where the outputs read from a short stretch, shuffles are faster.

use std::arch::x86_64::*;

use super::{load_i16, load_levels, pack_i16, store_i16};
use crate::simd::{Lanes, Taps, scalar, taps::Taps8};

/// The gather indices and the weights of eight taps.
#[target_feature(enable = "avx2")]
fn load_taps(taps: &Taps8) -> (__m256i, __m256i) {
    // SAFETY: `first` is 32 readable bytes; the load needs no alignment.
    let first = unsafe { _mm256_loadu_si256(taps.first.as_ptr().cast()) };
    // SAFETY: `weights` is 32 readable bytes; the load needs no alignment.
    let weights = unsafe { _mm256_loadu_si256(taps.weights.as_ptr().cast()) };
    (first, weights)
}

/// Gathers the 32 bits that start at `row + index * SCALE` bytes, for each index.
///
/// # Safety
///
/// Those four bytes must be readable for each of the eight indices.
#[target_feature(enable = "avx2")]
unsafe fn gather<const SCALE: i32>(row: *const u8, index: __m256i) -> __m256i {
    // SAFETY: the caller promises that every address is readable; none needs alignment.
    unsafe { _mm256_i32gather_epi32::<SCALE>(row.cast(), index) }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn resample(row: &[i16], taps: &Taps, out: &mut [Lanes<i16>]) {
    if row.len() < taps.reach() {
        return scalar::resample(row, taps, out);
    }
    for ([low, high], out) in taps.lanes().iter().zip(out) {
        // SAFETY: `first + 1 < reach <= row.len()` for every tap.
        let low = unsafe { weigh_samples(row, low) };
        // SAFETY: as above.
        let high = unsafe { weigh_samples(row, high) };
        store_i16(out, pack_i16(low, high));
    }
}

/// Eight blends of neighbouring levels.
///
/// # Safety
///
/// `first + 1` must be inside `row` for each tap.
#[target_feature(enable = "avx2")]
unsafe fn weigh_samples(row: &[i16], taps: &Taps8) -> __m256i {
    let (first, weights) = load_taps(taps);
    let window = row.get(taps.start as usize..).and_then(<[i16]>::first_chunk::<8>);
    let samples = match window {
        Some(window) if taps.span < 7 => pick_samples(window, first, taps.start),
        // SAFETY: the caller promises that both 16-bit samples are inside `row`.
        _ => unsafe { gather::<2>(row.as_ptr().cast(), first) },
    };
    weigh(samples, weights)
}

/// Levels `first` and `first + 1`, where `window` starts with level `start` and `first` is at most
/// six levels on: what doubles the columns of chroma reads so.
#[target_feature(enable = "avx2")]
fn pick_samples(window: &[i16; 8], first: __m256i, start: u32) -> __m256i {
    let offsets = _mm256_sub_epi32(first, _mm256_set1_epi32(start.cast_signed()));
    let bytes = _mm256_slli_epi32::<1>(offsets);
    // The four bytes from each offset on: its lowest byte four times, plus 0 to 3.
    let lowest = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    let bytes = _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(lowest));
    let bytes = _mm256_add_epi8(bytes, _mm256_set1_epi32(0x0302_0100));
    _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load_levels(window)), bytes)
}

/// `(a * w0 + b * w1 + 2^13) >> 14` of eight pairs.
#[target_feature(enable = "avx2")]
fn weigh(samples: __m256i, weights: __m256i) -> __m256i {
    let sum = _mm256_madd_epi16(samples, weights);
    _mm256_srai_epi32::<14>(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << 13)))
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn resample_pairs(
    row: &[i16],
    taps: &Taps,
    [even, odd]: [&mut [Lanes<i16>]; 2],
) {
    if row.len() / 2 < taps.reach() {
        return scalar::resample_pairs(row, taps, [even, odd]);
    }
    for (([low, high], even), odd) in taps.lanes().iter().zip(even).zip(odd) {
        // SAFETY: `first + 1 < reach <= row.len() / 2` for every tap.
        let low = unsafe { weigh_pairs(row, low) };
        // SAFETY: as above.
        let high = unsafe { weigh_pairs(row, high) };
        store_i16(even, pack_i16(low[0], high[0]));
        store_i16(odd, pack_i16(low[1], high[1]));
    }
}

/// Eight blends of the even samples and eight of the odd ones.
///
/// # Safety
///
/// Pair `first + 1` must be inside `row` for each tap.
#[target_feature(enable = "avx2")]
unsafe fn weigh_pairs(row: &[i16], taps: &Taps8) -> [__m256i; 2] {
    let (first, weights) = load_taps(taps);
    let window = row.get(2 * taps.start as usize..).and_then(<[i16]>::first_chunk::<18>);
    let [a, b] = match window {
        Some(window) if taps.span < 8 => pick_pairs(window, first, taps.start),
        // SAFETY: the caller promises that both pairs are inside `row`.
        _ => unsafe { gather_pixels::<4>(row.as_ptr().cast(), first) },
    };
    let even = _mm256_blend_epi16::<0b1010_1010>(a, _mm256_slli_epi32::<16>(b));
    let odd = _mm256_blend_epi16::<0b1010_1010>(_mm256_srli_epi32::<16>(a), b);
    [weigh(even, weights), weigh(odd, weights)]
}

/// Pairs `first` and pairs `first + 1`, where `window` starts with pair `start` and `first` is at
/// most seven pairs on.
#[target_feature(enable = "avx2")]
fn pick_pairs(window: &[i16; 18], first: __m256i, start: u32) -> [__m256i; 2] {
    let ([a @ .., _, _], [_, _, b @ ..]) = (window, window);
    let offsets = _mm256_sub_epi32(first, _mm256_set1_epi32(start.cast_signed()));
    [a, b].map(|pairs| _mm256_permutevar8x32_epi32(load_i16(pairs), offsets))
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn resample_packed<const BYTES: usize>(
    row: &[u8],
    rgb: [u8; 3],
    taps: &Taps,
    [red, green, blue]: [&mut [Lanes<i16>]; 3],
) {
    // Four bytes are read at each pixel, so the last one of three bytes needs one more behind it.
    if row.len() < (taps.reach() - 1) * BYTES + 4 {
        return scalar::resample_packed::<BYTES>(row, rgb, taps, [red, green, blue]);
    }
    let row = row.as_ptr();
    let masks = rgb.map(|offset| component_masks(offset));
    for ((([low, high], red), green), blue) in taps.lanes().iter().zip(red).zip(green).zip(blue) {
        let (low, high) = (load_taps(low), load_taps(high));
        // SAFETY: `(first + 1) * BYTES + 4 <= (reach - 1) * BYTES + 4 <= row.len()` for every tap.
        let low_pixels = unsafe { gather_pixels::<BYTES>(row, low.0) };
        // SAFETY: as above.
        let high_pixels = unsafe { gather_pixels::<BYTES>(row, high.0) };
        for (out, masks) in [red, green, blue].into_iter().zip(masks) {
            let low = weigh_component(low_pixels, masks, low.1);
            store_i16(out, pack_i16(low, weigh_component(high_pixels, masks, high.1)));
        }
    }
}

/// Eight pixels and their right neighbours.
///
/// # Safety
///
/// Four bytes must be readable at pixels `first` and `first + 1` of `row`, for each index.
#[target_feature(enable = "avx2")]
unsafe fn gather_pixels<const BYTES: usize>(row: *const u8, first: __m256i) -> [__m256i; 2] {
    let pixel = _mm256_set1_epi32(BYTES as i32);
    let at = _mm256_mullo_epi32(first, pixel);
    let next = _mm256_add_epi32(at, pixel);
    // SAFETY: the caller promises that four bytes at pixel `first` are readable.
    let a = unsafe { gather::<1>(row, at) };
    // SAFETY: the caller promises that four bytes at pixel `first + 1` are readable.
    let b = unsafe { gather::<1>(row, next) };
    [a, b]
}

/// Shuffles that move byte `offset` of each 32 bits to the low and to the high 16 bits.
#[target_feature(enable = "avx2")]
fn component_masks(offset: u8) -> [__m256i; 2] {
    let lanes = _mm256_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12);
    let offset = i32::from(offset & 3);
    let low = _mm256_set1_epi32(0x8080_8000_u32.cast_signed() | offset);
    let high = _mm256_set1_epi32(0x8000_8080_u32.cast_signed() | offset << 16);
    [_mm256_add_epi32(low, lanes), _mm256_add_epi32(high, _mm256_slli_epi32::<16>(lanes))]
}

/// `(a * w0 + b * w1) >> 4` of one component of eight pixels.
#[target_feature(enable = "avx2")]
fn weigh_component([a, b]: [__m256i; 2], masks: [__m256i; 2], weights: __m256i) -> __m256i {
    let a = _mm256_shuffle_epi8(a, masks[0]);
    let b = _mm256_shuffle_epi8(b, masks[1]);
    _mm256_srai_epi32::<4>(_mm256_madd_epi16(_mm256_or_si256(a, b), weights))
}
