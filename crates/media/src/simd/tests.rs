//! Every kernel gives the same bits as the scalar one.

use proptest::{collection::vec, prelude::*};

use super::{Isa, Lanes, LumaGain, Tap, Taps, YuvGains, lanes};
use crate::frame_view::Depth;

/// A row of levels.
fn levels(samples: usize) -> impl Strategy<Value = Vec<Lanes<i16>>> {
    vec(prop::array::uniform16(0..=i16::MAX), lanes(samples))
}

/// Taps into a row of `input` samples whose weights add up to `whole`.
fn taps(input: usize, whole: i16) -> impl Strategy<Value = Vec<Tap>> {
    let taps = move |from: usize, to: usize| {
        let tap = (from..to, 0..=whole)
            .prop_map(move |(first, second)| Tap { first, weights: [whole - second, second] });
        vec(tap, 1..70)
    };
    // Taps from anywhere, and taps from one short stretch.
    prop_oneof![
        taps(0, input),
        (0..input).prop_flat_map(move |from| taps(from, (from + 6).min(input)))
    ]
}

/// A row of levels and taps into it, of which the last may reach past the row's end.
fn row_and_taps(group: usize) -> impl Strategy<Value = (Vec<Lanes<i16>>, Vec<Tap>)> {
    (1_usize..100).prop_flat_map(move |samples| (levels(samples * group), taps(samples, 1 << 14)))
}

/// Depths of two bytes and their shifts.
fn depth() -> impl Strategy<Value = Depth> {
    (9_u8..=16)
        .prop_flat_map(|bits| (Just(bits), 0..=16 - bits))
        .prop_map(|(bits, shift)| Depth { bits, shift })
}

fn gains() -> impl Strategy<Value = YuvGains> {
    let luma = (0..=i16::MAX / 8, 0..=i16::MAX);
    let chroma = prop::array::uniform3(prop::array::uniform2(-16383..=16383_i16));
    (luma, chroma)
        .prop_map(|((offset, gain), chroma)| YuvGains { luma: LumaGain { offset, gain }, chroma })
}

/// The output of a kernel: the scalar version's and the CPU's fastest one's.
fn both<T>(kernel: impl Fn(Isa) -> T) -> [T; 2] {
    [kernel(Isa::scalar()), kernel(Isa::detect())]
}

proptest! {
    #[test]
    fn blend8(
        a in vec(any::<u8>(), 0..80),
        b in vec(any::<u8>(), 0..80),
        weight in prop_oneof![Just(0), 0..=i16::MAX],
    ) {
        let [want, got] = both(|isa| {
            let mut out = [-1; 75];
            isa.blend8([&a, &b], weight, &mut out);
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn blend16(
        a in vec(any::<u8>(), 0..160),
        b in vec(any::<u8>(), 0..160),
        depth in depth(),
        weight in 0..=i16::MAX,
    ) {
        let [want, got] = both(|isa| {
            let mut out = [-1; 75];
            isa.blend16([&a, &b], depth, weight, &mut out);
            out
        });
        prop_assert_eq!(want, got);
        prop_assert!(want.iter().all(|&level| level >= -1));
    }

    #[test]
    fn resample((row, taps) in row_and_taps(1)) {
        let taps = Taps::new(&taps);
        let [want, got] = both(|isa| {
            let mut out = vec![[-1; 16]; 6];
            isa.resample(&row, &taps, &mut out);
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn resample_pairs((row, taps) in row_and_taps(2)) {
        let taps = Taps::new(&taps);
        let [want, got] = both(|isa| {
            let (mut even, mut odd) = (vec![[-1; 16]; 6], vec![[-1; 16]; 6]);
            isa.resample_pairs(&row, &taps, [&mut even, &mut odd]);
            [even, odd]
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn resample_packed(
        row in vec(any::<u8>(), 0..200),
        taps in taps(50, 1 << 11),
        (bytes, rgb) in (3_u8..=4).prop_flat_map(|n| (Just(n), prop::array::uniform3(0..n))),
    ) {
        let taps = Taps::new(&taps);
        let [want, got] = both(|isa| {
            let mut out = [const { [[-1; 16]; 6] }; 3];
            isa.resample_packed(&row, (bytes, rgb), &taps, out.each_mut().map(|row| &mut row[..]));
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn blend_packed(a in levels(48), b in levels(48), second in 0_i16..=1 << 11) {
        let [want, got] = both(|isa| {
            let mut out = [[1; 16]; 3];
            isa.blend_packed([&a, &b], [(1 << 11) - second, second], &mut out);
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn yuv_to_rgb(
        yuv in prop::array::uniform3(levels(48)),
        gains in gains(),
    ) {
        let [want, got] = both(|isa| {
            let mut out = [[[1; 16]; 3]; 3];
            let yuv = yuv.each_ref().map(Vec::as_slice);
            isa.yuv_to_rgb(yuv, &gains, out.each_mut().map(|row| &mut row[..]));
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn yuv_to_packed(
        luma in vec(any::<u8>(), 0..140),
        chroma in prop::array::uniform2(vec(0..=i16::MAX, 0..80)),
        gains in gains(),
        room in 0_usize..420,
    ) {
        let [want, got] = both(|isa| {
            let mut out = vec![7; room];
            isa.yuv_to_packed(&luma, chroma.each_ref().map(Vec::as_slice), &gains, &mut out);
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn level_to_u8(row in levels(48), offset in 0..=i16::MAX / 8, gain in 0..=i16::MAX) {
        let [want, got] = both(|isa| {
            let mut out = [[1; 16]; 3];
            isa.level_to_u8(&row, LumaGain { offset, gain }, &mut out);
            out
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn transpose(samples in vec(any::<u8>(), 256)) {
        let rows: [Lanes<u8>; 16] = std::array::from_fn(|y| {
            std::array::from_fn(|x| samples[16 * y + x])
        });
        let [want, got] = both(|isa| isa.transpose(&rows));
        prop_assert_eq!(want, got);
    }

    #[test]
    fn normalise(row in vec(any::<u8>(), 0..80), scale in -9.0_f32..9.0, bias in -9.0_f32..9.0) {
        let [want, got] = both(|isa| {
            let mut out = [7.0; 75];
            isa.normalise(&row, (scale, bias), &mut out);
            out.map(f32::to_bits)
        });
        prop_assert_eq!(want, got);
    }

    #[test]
    fn interleave(rgb in prop::array::uniform3(vec(any::<u8>(), 0..80)), room in 0_usize..240) {
        let [want, got] = both(|isa| {
            let mut out = vec![7; room];
            isa.interleave(rgb.each_ref().map(Vec::as_slice), &mut out);
            out
        });
        prop_assert_eq!(want, got);
    }
}

#[test]
fn taps_after_the_largest_frame_read_zeros() {
    let taps = Taps::new(&[Tap { first: usize::MAX, weights: [1 << 14, 0] }]);
    let mut out = [[1; 16]; 1];
    Isa::detect().resample(&[[5; 16]; 4], &taps, &mut out);
    assert_eq!(out[0][0], 0);
}
