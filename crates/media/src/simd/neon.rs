//! The NEON kernels, for 64-bit Arm CPUs, which all have it.
//!
//! NEON has no gathers, so the horizontal kernels are the scalar ones. The tests pass in an
//! emulator; no speed was measured.

use std::arch::aarch64::*;

use super::{Lanes, LumaGain, YuvGains, scalar};
use crate::frame_view::Depth;

pub(super) use scalar::{resample, resample_packed, resample_pairs, yuv_to_packed};

#[target_feature(enable = "neon")]
fn load_u8(from: &[u8; 16]) -> uint8x16_t {
    // SAFETY: `from` is 16 readable bytes; the load needs no alignment.
    unsafe { vld1q_u8(from.as_ptr()) }
}

/// Loads eight bytes as 16-bit numbers.
#[target_feature(enable = "neon")]
fn widen_u8(from: &[u8; 8]) -> uint16x8_t {
    // SAFETY: `from` is 8 readable bytes; the load needs no alignment.
    vmovl_u8(unsafe { vld1_u8(from.as_ptr()) })
}

#[target_feature(enable = "neon")]
fn load_i16(from: &[i16; 8]) -> int16x8_t {
    // SAFETY: `from` is 16 readable bytes; the load needs no alignment.
    unsafe { vld1q_s16(from.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn store_u8(to: &mut [u8; 16], value: uint8x16_t) {
    // SAFETY: `to` is 16 writable bytes; the store needs no alignment.
    unsafe { vst1q_u8(to.as_mut_ptr(), value) }
}

/// Stores eight 16-bit numbers as bytes, clamped to 0–255.
#[target_feature(enable = "neon")]
fn store_cut(to: &mut [u8; 8], value: int16x8_t) {
    let value = vqmovun_s16(value);
    // SAFETY: `to` is 8 writable bytes; the store needs no alignment.
    unsafe { vst1_u8(to.as_mut_ptr(), value) }
}

#[target_feature(enable = "neon")]
fn store_i16(to: &mut [i16; 8], value: int16x8_t) {
    // SAFETY: `to` is 16 writable bytes; the store needs no alignment.
    unsafe { vst1q_s16(to.as_mut_ptr(), value) }
}

#[target_feature(enable = "neon")]
fn store_f32(to: &mut [f32; 4], value: float32x4_t) {
    // SAFETY: `to` is 16 writable bytes; the store needs no alignment.
    unsafe { vst1q_f32(to.as_mut_ptr(), value) }
}

#[target_feature(enable = "neon")]
pub(super) fn blend8(a: &[u8], b: &[u8], weight: i16, out: &mut [i16]) {
    let length = a.len().min(b.len()).min(out.len());
    let (a, a_tail) = a[..length].as_chunks::<8>();
    let (b, b_tail) = b[..length].as_chunks::<8>();
    let (out, out_tail) = out[..length].as_chunks_mut::<8>();
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        let a = vreinterpretq_s16_u16(vshlq_n_u16::<7>(widen_u8(a)));
        let b = vreinterpretq_s16_u16(vshlq_n_u16::<7>(widen_u8(b)));
        store_i16(out, blend(a, b, weight));
    }
    scalar::blend8(a_tail, b_tail, weight, out_tail);
}

#[target_feature(enable = "neon")]
pub(super) fn blend16(a: &[u8], b: &[u8], depth: Depth, weight: i16, out: &mut [i16]) {
    let length = (a.len() / 2).min(b.len() / 2).min(out.len());
    let (a, a_tail) = a[..2 * length].as_chunks::<16>();
    let (b, b_tail) = b[..2 * length].as_chunks::<16>();
    let (out, out_tail) = out[..length].as_chunks_mut::<8>();
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        store_i16(out, blend(level16(a, depth), level16(b, depth), weight));
    }
    scalar::blend16(a_tail, b_tail, depth, weight, out_tail);
}

/// The levels of eight little-endian words.
#[target_feature(enable = "neon")]
fn level16(words: &[u8; 16], depth: Depth) -> int16x8_t {
    let words = vreinterpretq_u16_u8(load_u8(words));
    let largest = vdupq_n_u16(((1_u32 << depth.bits) - 1) as u16);
    let code = vminq_u16(vshlq_u16(words, vdupq_n_s16(-i16::from(depth.shift))), largest);
    vreinterpretq_s16_u16(vshlq_u16(code, vdupq_n_s16(15 - i16::from(depth.bits))))
}

#[target_feature(enable = "neon")]
fn blend(a: int16x8_t, b: int16x8_t, weight: i16) -> int16x8_t {
    vaddq_s16(a, vqrdmulhq_n_s16(vsubq_s16(b, a), weight))
}

#[target_feature(enable = "neon")]
pub(super) fn yuv_to_rgb(
    [y, u, v]: [&[Lanes<i16>]; 3],
    gains: &YuvGains,
    [red, green, blue]: [&mut [Lanes<u8>]; 3],
) {
    let inputs = eights(y).iter().zip(eights(u)).zip(eights(v));
    let outputs = eights_mut(red).iter_mut().zip(eights_mut(green)).zip(eights_mut(blue));
    for (((y, u), v), ((red, green), blue)) in inputs.zip(outputs) {
        let y = luma64(load_i16(y), gains.luma);
        let (u, v) = (doubled(load_i16(u)), doubled(load_i16(v)));
        for (out, [from_u, from_v]) in [red, green, blue].into_iter().zip(gains.chroma) {
            let from_u = vqrdmulhq_n_s16(u, from_u);
            let from_v = vqrdmulhq_n_s16(v, from_v);
            store_cut(out, vshrq_n_s16::<6>(vqaddq_s16(y, vqaddq_s16(from_u, from_v))));
        }
    }
}

#[target_feature(enable = "neon")]
pub(super) fn level_to_u8(row: &[Lanes<i16>], gain: LumaGain, out: &mut [Lanes<u8>]) {
    for (row, out) in eights(row).iter().zip(eights_mut(out)) {
        store_cut(out, vshrq_n_s16::<6>(luma64(load_i16(row), gain)));
    }
}

fn eights(row: &[Lanes<i16>]) -> &[[i16; 8]] {
    row.as_flattened().as_chunks().0
}

fn eights_mut(row: &mut [Lanes<u8>]) -> &mut [[u8; 8]] {
    row.as_flattened_mut().as_chunks_mut().0
}

/// Levels of luma in 64ths of an 8-bit step, plus the half step that rounds them.
#[target_feature(enable = "neon")]
fn luma64(level: int16x8_t, gain: LumaGain) -> int16x8_t {
    let value = vqrdmulhq_n_s16(vsubq_s16(level, vdupq_n_s16(gain.offset)), gain.gain);
    vaddq_s16(value, vdupq_n_s16(32))
}

/// Twice the distance of chroma levels from the middle.
#[target_feature(enable = "neon")]
fn doubled(level: int16x8_t) -> int16x8_t {
    vshlq_n_s16::<1>(vsubq_s16(level, vdupq_n_s16(1 << 14)))
}

#[target_feature(enable = "neon")]
pub(super) fn blend_packed([a, b]: [&[Lanes<i16>]; 2], [w0, w1]: [i16; 2], out: &mut [Lanes<u8>]) {
    for ((a, b), out) in eights(a).iter().zip(eights(b)).zip(eights_mut(out)) {
        let sum = vaddq_s16(high_half(load_i16(a), w0), high_half(load_i16(b), w1));
        store_cut(out, vshrq_n_s16::<2>(vaddq_s16(sum, vdupq_n_s16(2))));
    }
}

/// `a * b >> 16`.
#[target_feature(enable = "neon")]
fn high_half(a: int16x8_t, b: i16) -> int16x8_t {
    let low = vshrn_n_s32::<16>(vmull_n_s16(vget_low_s16(a), b));
    vcombine_s16(low, vshrn_n_s32::<16>(vmull_high_n_s16(a, b)))
}

/// Transposes 16×16 bytes in four rounds, each of which interleaves row `i` with row `i + 8`.
#[target_feature(enable = "neon")]
pub(super) fn transpose(rows: &[Lanes<u8>; 16]) -> [Lanes<u8>; 16] {
    let mut from = [vdupq_n_u8(0); 16];
    for (vector, row) in from.iter_mut().zip(rows) {
        *vector = load_u8(row);
    }
    for _ in 0..4 {
        let mut to = from;
        for i in 0..8 {
            to[2 * i] = vzip1q_u8(from[i], from[i + 8]);
            to[2 * i + 1] = vzip2q_u8(from[i], from[i + 8]);
        }
        from = to;
    }
    let mut out = [[0; 16]; 16];
    for (row, vector) in out.iter_mut().zip(from) {
        store_u8(row, vector);
    }
    out
}

#[target_feature(enable = "neon")]
pub(super) fn normalise(row: &[u8], scale: f32, bias: f32, out: &mut [f32]) {
    let length = row.len().min(out.len());
    let (row, row_tail) = row[..length].as_chunks::<8>();
    let (out, out_tail) = out[..length].as_chunks_mut::<8>();
    for (row, out) in row.iter().zip(out) {
        let samples = widen_u8(row);
        let halves = [vmovl_u16(vget_low_u16(samples)), vmovl_high_u16(samples)];
        for (half, out) in halves.into_iter().zip(out.as_chunks_mut::<4>().0) {
            let product = vmulq_n_f32(vcvtq_f32_u32(half), scale);
            store_f32(out, vaddq_f32(product, vdupq_n_f32(bias)));
        }
    }
    scalar::normalise(row_tail, scale, bias, out_tail);
}

#[target_feature(enable = "neon")]
pub(super) fn interleave(red: &[u8], green: &[u8], blue: &[u8], out: &mut [u8]) {
    let length = red.len().min(green.len()).min(blue.len()).min(out.len() / 3);
    let (red, red_tail) = red[..length].as_chunks::<16>();
    let (green, green_tail) = green[..length].as_chunks::<16>();
    let (blue, blue_tail) = blue[..length].as_chunks::<16>();
    let (out, out_tail) = out[..3 * length].as_chunks_mut::<48>();
    for (((red, green), blue), out) in red.iter().zip(green).zip(blue).zip(out) {
        let rgb = uint8x16x3_t(load_u8(red), load_u8(green), load_u8(blue));
        // SAFETY: `out` is 48 writable bytes; the store needs no alignment.
        unsafe { vst3q_u8(out.as_mut_ptr(), rgb) }
    }
    scalar::interleave(red_tail, green_tail, blue_tail, out_tail);
}
