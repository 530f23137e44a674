//! Kernels that blend neighbouring samples of a row.
//!
//! A gather loads 32 bits for each of eight outputs: a level and its neighbour, a pair of levels,
//! or a packed pixel. If the eight outputs read from a short stretch, shuffles are faster.

use std::arch::x86_64::*;

use super::{load_i16, load_levels, pack_i16, store_i16};
use crate::simd::{Lanes, Taps, scalar, taps::Taps8};

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

/// Eight taps in vectors.
struct Eight {
    offsets: __m256i,
    weights: __m256i,
    span: u32,
}

impl Eight {
    #[target_feature(enable = "avx2")]
    fn new(taps: &Taps8) -> Self {
        // SAFETY: `offsets` is 32 readable bytes; the load needs no alignment.
        let offsets = unsafe { _mm256_loadu_si256(taps.offsets.as_ptr().cast()) };
        // SAFETY: `weights` is 32 readable bytes; the load needs no alignment.
        let weights = unsafe { _mm256_loadu_si256(taps.weights.as_ptr().cast()) };
        Self { offsets, weights, span: taps.span }
    }

    /// Computes `(a * w0 + b * w1 + 2^13) >> 14` of eight pairs.
    #[target_feature(enable = "avx2")]
    fn weigh(&self, pairs: __m256i) -> __m256i {
        let sum = _mm256_madd_epi16(pairs, self.weights);
        _mm256_srai_epi32::<14>(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << 13)))
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn resample(row: &[i16], taps: &Taps, out: &mut [Lanes<i16>]) {
    if row.len() < taps.reach() {
        return scalar::resample(row, taps, out);
    }
    let mut out = out.iter_mut();
    for run in taps.runs() {
        let [low, high] = run.taps.each_ref().map(|taps| Neighbours::new(taps));
        for (&[low_start, high_start], out) in run.starts.iter().zip(out.by_ref()) {
            // SAFETY: `first + 1 < reach <= row.len()` for every tap.
            let low = unsafe { low.weigh(row, low_start) };
            // SAFETY: as above.
            let high = unsafe { high.weigh(row, high_start) };
            store_i16(out, pack_i16(low, high));
        }
    }
}

/// Eight taps that read neighbouring levels.
struct Neighbours {
    taps: Eight,
    /// The bytes that they read in each half of a vector, if all lie within 16.
    bytes: __m256i,
}

impl Neighbours {
    #[target_feature(enable = "avx2")]
    fn new(taps: &Taps8) -> Self {
        let taps = Eight::new(taps);
        let bytes = _mm256_slli_epi32::<1>(taps.offsets);
        // The indices of the four bytes at each offset: the offset's low byte four times, plus 0
        // to 3.
        let lowest = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
        let bytes = _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(lowest));
        let bytes = _mm256_add_epi8(bytes, _mm256_set1_epi32(0x0302_0100));
        Self { taps, bytes }
    }

    /// Computes eight blends of levels whose indices count from `start`.
    ///
    /// # Safety
    ///
    /// `start + span + 1` must be inside `row`.
    #[target_feature(enable = "avx2")]
    unsafe fn weigh(&self, row: &[i16], start: usize) -> __m256i {
        let window = row.get(start..).and_then(<[i16]>::first_chunk::<8>);
        let pairs = match window {
            Some(window) if self.taps.span < 7 => {
                let levels = _mm256_broadcastsi128_si256(load_levels(window));
                _mm256_shuffle_epi8(levels, self.bytes)
            }
            // SAFETY: the caller promises that both 16-bit samples are inside `row`.
            _ => unsafe { gather::<2>(row.as_ptr().wrapping_add(start).cast(), self.taps.offsets) },
        };
        self.taps.weigh(pairs)
    }
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
    let mut out = even.iter_mut().zip(odd);
    for run in taps.runs() {
        let [low, high] = run.taps.each_ref().map(|taps| Eight::new(taps));
        for (&[low_start, high_start], (even, odd)) in run.starts.iter().zip(out.by_ref()) {
            // SAFETY: `first + 1 < reach <= row.len() / 2` for every tap.
            let low = unsafe { weigh_pairs(row, low_start, &low) };
            // SAFETY: as above.
            let high = unsafe { weigh_pairs(row, high_start, &high) };
            store_i16(even, pack_i16(low[0], high[0]));
            store_i16(odd, pack_i16(low[1], high[1]));
        }
    }
}

/// Computes eight blends of the even samples and eight of the odd ones, counted from pair `start`.
///
/// # Safety
///
/// Pair `start + span + 1` must be inside `row`.
#[target_feature(enable = "avx2")]
unsafe fn weigh_pairs(row: &[i16], start: usize, taps: &Eight) -> [__m256i; 2] {
    let window = row.get(2 * start..).and_then(<[i16]>::first_chunk::<18>);
    let [a, b] = match window {
        Some(window) if taps.span < 8 => pick_pairs(window, taps.offsets),
        // SAFETY: the caller promises that both pairs are inside `row`.
        _ => unsafe {
            gather_pixels::<4>(row.as_ptr().wrapping_add(2 * start).cast(), taps.offsets)
        },
    };
    let even = _mm256_blend_epi16::<0b1010_1010>(a, _mm256_slli_epi32::<16>(b));
    let odd = _mm256_blend_epi16::<0b1010_1010>(_mm256_srli_epi32::<16>(a), b);
    [taps.weigh(even), taps.weigh(odd)]
}

/// The pairs at the offsets, which are at most 7, and the pairs after them.
#[target_feature(enable = "avx2")]
fn pick_pairs(window: &[i16; 18], offsets: __m256i) -> [__m256i; 2] {
    let ([a @ .., _, _], [_, _, b @ ..]) = (window, window);
    [a, b].map(|pairs| _mm256_permutevar8x32_epi32(load_i16(pairs), offsets))
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn resample_packed<const BYTES: usize>(
    row: &[u8],
    rgb: [u8; 3],
    taps: &Taps,
    [red, green, blue]: [&mut [Lanes<i16>]; 3],
) {
    // Four bytes are read at each pixel, so the last pixel of three bytes needs one byte after it.
    if row.len() < (taps.reach() - 1) * BYTES + 4 {
        return scalar::resample_packed::<BYTES>(row, rgb, taps, [red, green, blue]);
    }
    let masks = rgb.map(|offset| component_masks(offset));
    let mut out = red.iter_mut().zip(green).zip(blue);
    for run in taps.runs() {
        let [low, high] = run.taps.each_ref().map(|taps| Eight::new(taps));
        for (&starts, ((red, green), blue)) in run.starts.iter().zip(out.by_ref()) {
            let [low_start, high_start] =
                starts.map(|start| row.as_ptr().wrapping_add(start * BYTES));
            // SAFETY: `(first + 1) * BYTES + 4 <= (reach - 1) * BYTES + 4 <= row.len()` for every
            // tap.
            let low_pixels = unsafe { gather_pixels::<BYTES>(low_start, low.offsets) };
            // SAFETY: as above.
            let high_pixels = unsafe { gather_pixels::<BYTES>(high_start, high.offsets) };
            for (out, masks) in [red, green, blue].into_iter().zip(masks) {
                let low = weigh_component(low_pixels, masks, low.weights);
                let high = weigh_component(high_pixels, masks, high.weights);
                store_i16(out, pack_i16(low, high));
            }
        }
    }
}

/// Gathers eight pixels and their right neighbours.
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

/// Computes `(a * w0 + b * w1) >> 4` of one component of eight pixels.
#[target_feature(enable = "avx2")]
fn weigh_component([a, b]: [__m256i; 2], masks: [__m256i; 2], weights: __m256i) -> __m256i {
    let a = _mm256_shuffle_epi8(a, masks[0]);
    let b = _mm256_shuffle_epi8(b, masks[1]);
    _mm256_srai_epi32::<4>(_mm256_madd_epi16(_mm256_or_si256(a, b), weights))
}
