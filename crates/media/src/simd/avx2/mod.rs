//! The AVX2 kernels, for x86-64 CPUs.
//!
//! Arithmetic intrinsics are safe inside functions that enable AVX2. Only the loads and stores
//! below and the gathers of `horizontal.rs` are `unsafe`.

mod color;
mod horizontal;
mod store;
mod vertical;

pub(super) use color::{level_to_u8, yuv_to_packed, yuv_to_rgb};
pub(super) use horizontal::{resample, resample_packed, resample_pairs};
pub(super) use store::{interleave, normalise, transpose};
pub(super) use vertical::{blend_packed, blend8, blend16};

use std::arch::x86_64::*;

/// Loads sixteen bytes.
#[target_feature(enable = "avx2")]
fn load_u8(from: &[u8; 16]) -> __m128i {
    // SAFETY: `from` is 16 readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// Loads thirty-two bytes.
#[target_feature(enable = "avx2")]
fn load_bytes(from: &[u8; 32]) -> __m256i {
    // SAFETY: `from` is 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// Loads sixteen levels.
#[target_feature(enable = "avx2")]
fn load_i16(from: &[i16; 16]) -> __m256i {
    // SAFETY: `from` is 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// Loads eight levels.
#[target_feature(enable = "avx2")]
fn load_levels(from: &[i16; 8]) -> __m128i {
    // SAFETY: `from` is 16 readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn store_u8(to: &mut [u8; 16], value: __m128i) {
    // SAFETY: `to` is 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx2")]
fn store_bytes(to: &mut [u8; 32], value: __m256i) {
    // SAFETY: `to` is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx2")]
fn store_i16(to: &mut [i16; 16], value: __m256i) {
    // SAFETY: `to` is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx2")]
fn store_f32(to: &mut [f32; 8], value: __m256) {
    // SAFETY: `to` is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), value) }
}

/// Packs two vectors of `i32` into one of `i16`, in order: the pack instruction alone works on
/// 128-bit halves.
#[target_feature(enable = "avx2")]
fn pack_i16(low: __m256i, high: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high))
}

/// Packs a vector of `i16` into sixteen bytes, clamped to 0–255.
#[target_feature(enable = "avx2")]
fn pack_u8(value: __m256i) -> __m128i {
    _mm_packus_epi16(_mm256_castsi256_si128(value), _mm256_extracti128_si256::<1>(value))
}
