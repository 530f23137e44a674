//! The scalar reference kernels, whose bits the other instruction sets must reproduce.
//!
//! [`Isa`](super::Isa) documents each of them.

use super::{Lanes, LumaGain, Taps, YuvGains};
use crate::frame_view::Depth;

/// `a * b / 2^15`, rounded to nearest, halves up.
fn mul_q15(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b) + (1 << 14)) >> 15) as i16
}

pub(super) fn blend8(a: &[u8], b: &[u8], weight: i16, out: &mut [i16]) {
    for ((&a, &b), out) in a.iter().zip(b).zip(out) {
        let (a, b) = (i16::from(a) << 7, i16::from(b) << 7);
        *out = a + mul_q15(b - a, weight);
    }
}

pub(super) fn blend16(a: &[u8], b: &[u8], depth: Depth, weight: i16, out: &mut [i16]) {
    let (a, b) = (a.as_chunks::<2>().0, b.as_chunks::<2>().0);
    for ((&a, &b), out) in a.iter().zip(b).zip(out) {
        let a = level(u16::from_le_bytes(a), depth);
        let b = level(u16::from_le_bytes(b), depth);
        *out = a + mul_q15(b - a, weight);
    }
}

/// The level of a 16-bit word.
fn level(word: u16, depth: Depth) -> i16 {
    let code = u32::from(word) >> depth.shift;
    let largest = (1_u32 << depth.bits) - 1;
    ((code.min(largest) << 15) >> depth.bits) as i16
}

pub(super) fn resample(row: &[i16], taps: &Taps, out: &mut [Lanes<i16>]) {
    let sample = |index| row.get(index).copied().unwrap_or(0);
    for ((first, weights), out) in taps.iter().zip(out.as_flattened_mut()) {
        *out = mix(sample(first), sample(first + 1), weights);
    }
}

pub(super) fn resample_pairs(row: &[i16], taps: &Taps, [even, odd]: [&mut [Lanes<i16>]; 2]) {
    let pairs = row.as_chunks::<2>().0;
    let pair = |index| pairs.get(index).copied().unwrap_or_default();
    let outs = even.as_flattened_mut().iter_mut().zip(odd.as_flattened_mut());
    for ((first, weights), (even, odd)) in taps.iter().zip(outs) {
        let (a, b) = (pair(first), pair(first + 1));
        *even = mix(a[0], b[0], weights);
        *odd = mix(a[1], b[1], weights);
    }
}

/// The weighted sum of two levels; weights are in 2^14ths.
fn mix(a: i16, b: i16, [w0, w1]: [i32; 2]) -> i16 {
    ((i32::from(a) * w0 + i32::from(b) * w1 + (1 << 13)) >> 14) as i16
}

pub(super) fn yuv_to_rgb(
    [y, u, v]: [&[Lanes<i16>]; 3],
    gains: &YuvGains,
    [red, green, blue]: [&mut [Lanes<u8>]; 3],
) {
    let inputs = y.as_flattened().iter().zip(u.as_flattened()).zip(v.as_flattened());
    let [red, green, blue] = [red, green, blue].map(<[_]>::as_flattened_mut);
    for (((&y, &u), &v), (out, blue)) in inputs.zip(red.iter_mut().zip(green).zip(blue)) {
        [*out.0, *out.1, *blue] = rgb([y, u, v], gains);
    }
}

/// The colour of one pixel.
fn rgb([y, u, v]: [i16; 3], gains: &YuvGains) -> [u8; 3] {
    let luma = luma64(y, gains.luma);
    let (u, v) = (doubled(u), doubled(v));
    gains.chroma.map(|[from_u, from_v]| {
        let chroma = mul_q15(u, from_u).saturating_add(mul_q15(v, from_v));
        round64(luma.saturating_add(chroma))
    })
}

pub(super) fn yuv_to_packed(luma: &[u8], [u, v]: [&[i16]; 2], gains: &YuvGains, out: &mut [u8]) {
    let between = |a: i16, b: i16| mix(a, b, [1 << 13; 2]);
    let chroma = u
        .windows(2)
        .zip(v.windows(2))
        .flat_map(|(u, v)| [[u[0], v[0]], [between(u[0], u[1]), between(v[0], v[1])]]);
    for ((&luma, [u, v]), out) in luma.iter().zip(chroma).zip(out.as_chunks_mut::<3>().0) {
        *out = rgb([i16::from(luma) << 7, u, v], gains);
    }
}

pub(super) fn level_to_u8(row: &[Lanes<i16>], gain: LumaGain, out: &mut [Lanes<u8>]) {
    for (row, out) in row.iter().zip(out) {
        *out = row.map(|level| round64(luma64(level, gain)));
    }
}

/// A level of luma in 64ths of an 8-bit step, plus the half step that rounds it.
fn luma64(level: i16, gain: LumaGain) -> i16 {
    mul_q15(level.wrapping_sub(gain.offset), gain.gain).wrapping_add(32)
}

/// Twice the distance of a chroma level from the middle.
fn doubled(level: i16) -> i16 {
    level.wrapping_sub(1 << 14).wrapping_mul(2)
}

/// A value in 64ths of a step as a whole step, clamped to 8 bits.
fn round64(value: i16) -> u8 {
    (value >> 6).clamp(0, 255).to_le_bytes()[0]
}

pub(super) fn resample_packed<const BYTES: usize>(
    row: &[u8],
    rgb: [u8; 3],
    taps: &Taps,
    out: [&mut [Lanes<i16>]; 3],
) {
    let byte = |index: usize| i32::from(row.get(index).copied().unwrap_or(0));
    for (out, offset) in out.into_iter().zip(rgb) {
        for ((first, [w0, w1]), out) in taps.iter().zip(out.as_flattened_mut()) {
            let at = first * BYTES + usize::from(offset);
            *out = ((byte(at) * w0 + byte(at + BYTES) * w1) >> 4) as i16;
        }
    }
}

pub(super) fn blend_packed([a, b]: [&[Lanes<i16>]; 2], weights: [i16; 2], out: &mut [Lanes<u8>]) {
    let [w0, w1] = weights.map(i32::from);
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        for ((&a, &b), out) in a.iter().zip(b).zip(out) {
            let sum = ((i32::from(a) * w0) >> 16) + ((i32::from(b) * w1) >> 16);
            *out = ((sum + 2) >> 2).clamp(0, 255).to_le_bytes()[0];
        }
    }
}

pub(super) fn transpose(rows: &[Lanes<u8>; 16]) -> [Lanes<u8>; 16] {
    std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]))
}

pub(super) fn normalise(row: &[u8], scale: f32, bias: f32, out: &mut [f32]) {
    for (&sample, out) in row.iter().zip(out) {
        *out = f32::from(sample) * scale + bias;
    }
}

pub(super) fn interleave(red: &[u8], green: &[u8], blue: &[u8], out: &mut [u8]) {
    let pixels = out.as_chunks_mut::<3>().0;
    for (((&red, &green), &blue), out) in red.iter().zip(green).zip(blue).zip(pixels) {
        *out = [red, green, blue];
    }
}
