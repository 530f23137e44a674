//! Row kernels of the conversion to JFIF planes: safe loops, compiled for AVX2 as well.
//!
//! A kernel is one loop over one row. [`run`] runs the copy that was compiled for AVX2 if the CPU
//! has it, else the one for the build's own target (SSE2, NEON). Both come from one source, so they
//! give the same bits. They take at most a fifth longer than copying the planes.
//!
//! # Arithmetic
//!
//! A sample of any depth is first *centred*: half of the range is subtracted from its code, and the
//! result is shifted up to the sixteen bits of an `i16`. A weight is `gain × 2^14`, so gains lie
//! within ±2; the high half of centred sample × weight is then `gain × sample` in 64ths of an 8-bit
//! code, rounded down. A row's constant term compensates for this rounding and contains the half
//! code that rounds the result. The result is within 0.6 of the exact value; 0.5 is unavoidable.

/// A loop over one row that runs faster if it is compiled for wider registers.
pub(crate) trait Kernel {
    /// Runs the loop. Implementations are `#[inline(always)]`, so that they are compiled with the
    /// target features of the calling function.
    fn run(self);
}

/// Runs `kernel` with the widest registers that this CPU has.
pub(crate) fn run(kernel: impl Kernel) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2, all that the function asks for, was found on the line above.
        return unsafe { run_avx2(kernel) };
    }
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(kernel: impl Kernel) {
    kernel.run();
}

/// A sample that can be centred.
pub(crate) trait Sample: Copy {
    /// The code minus half of the range, shifted up to 16 bits.
    fn centred(self) -> i16;
}

impl Sample for u8 {
    #[inline(always)]
    fn centred(self) -> i16 {
        i16::from(self ^ 0x80) << 8
    }
}

/// A sample that a widening kernel has centred already.
impl Sample for i16 {
    #[inline(always)]
    fn centred(self) -> i16 {
        self
    }
}

/// Centres a little-endian word whose code fills 16 bits once it is shifted up by `up`.
#[inline(always)]
fn centre_word(bytes: [u8; 2], up: u32) -> i16 {
    ((u16::from_le_bytes(bytes) << up) ^ 0x8000).cast_signed()
}

/// `sample × gain` in 64ths of an 8-bit code, rounded down.
#[inline(always)]
fn scale(sample: i16, weight: i16) -> i16 {
    ((i32::from(sample) * i32::from(weight)) >> 16) as i16
}

/// A sum of 64ths as an 8-bit code.
#[inline(always)]
#[expect(clippy::cast_sign_loss, reason = "clamped to a byte's range")]
fn byte(sixty_fourths: i16) -> u8 {
    (sixty_fourths >> 6).clamp(0, 255) as u8
}

/// Weights that convert centred chroma to JFIF chroma and to its share of JFIF luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChromaWeights {
    /// Cb from the source's Cb and Cr.
    pub(crate) cb: [i16; 2],
    /// Cr from the source's Cb and Cr.
    pub(crate) cr: [i16; 2],
    /// Contributions of the source's Cb and Cr to luma.
    pub(crate) luma: [i16; 2],
    /// Constant term of chroma, in 64ths of a code.
    pub(crate) chroma_constant: i16,
    /// Constant term of luma, in 64ths of a code.
    pub(crate) luma_constant: i16,
}

/// A row of JFIF luma from a row of luma and its `tint`: the contribution of chroma and constants.
pub(crate) struct LumaRow<'a, T> {
    pub(crate) luma: &'a [T],
    /// As many values as `out`, in 64ths of a code.
    pub(crate) tint: &'a [i16],
    pub(crate) weight: i16,
    pub(crate) out: &'a mut [u8],
}

impl<T: Sample> Kernel for LumaRow<'_, T> {
    #[inline(always)]
    fn run(self) {
        for ((out, &luma), &tint) in self.out.iter_mut().zip(self.luma).zip(self.tint) {
            *out = byte(scale(luma.centred(), self.weight).saturating_add(tint));
        }
    }
}

/// A row of JFIF Cb and Cr and the tint of the luma that they cover, from a row of Cb and Cr.
pub(crate) struct ChromaRow<'a, T> {
    pub(crate) cb: &'a [T],
    pub(crate) cr: &'a [T],
    pub(crate) weights: &'a ChromaWeights,
    /// Binary logarithm of the number of luma columns that a chroma sample covers: 0, 1 or 2.
    pub(crate) log2_across: u8,
    pub(crate) out_cb: &'a mut [u8],
    pub(crate) out_cr: &'a mut [u8],
    /// One value for each column of luma, in whole chroma samples, in 64ths of a code.
    pub(crate) tint: &'a mut [i16],
}

impl<T: Sample> Kernel for ChromaRow<'_, T> {
    #[inline(always)]
    fn run(self) {
        match self.log2_across {
            0 => self.row::<1>(),
            1 => self.row::<2>(),
            _ => self.row::<4>(),
        }
    }
}

impl<T: Sample> ChromaRow<'_, T> {
    #[inline(always)]
    fn row<const ACROSS: usize>(self) {
        let tint = self.tint.as_chunks_mut::<ACROSS>().0;
        let rows = [self.cb.len(), self.cr.len(), self.out_cb.len(), self.out_cr.len()];
        let len = rows.into_iter().fold(tint.len(), usize::min);
        // Slices of one known length need no bounds checks in the loop.
        let (cb, cr, tint) = (&self.cb[..len], &self.cr[..len], &mut tint[..len]);
        let (out_cb, out_cr) = (&mut self.out_cb[..len], &mut self.out_cr[..len]);
        let weigh = |cb, cr, weights: [i16; 2], constant: i16| {
            scale(cb, weights[0]).saturating_add(scale(cr, weights[1])).saturating_add(constant)
        };
        let weights = *self.weights;
        for x in 0..len {
            let (b, r) = (cb[x].centred(), cr[x].centred());
            out_cb[x] = byte(weigh(b, r, weights.cb, weights.chroma_constant));
            out_cr[x] = byte(weigh(b, r, weights.cr, weights.chroma_constant));
            tint[x] = [weigh(b, r, weights.luma, weights.luma_constant); ACROSS];
        }
    }
}

/// Weights that convert centred R, G and B to JFIF's Y, Cb and Cr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RgbWeights {
    /// Y, Cb and Cr, each from R, G and B.
    pub(crate) rows: [[i16; 3]; 3],
    /// Constant terms of Y, Cb and Cr, in 64ths of a code.
    pub(crate) constants: [i16; 3],
}

/// A row of Y, Cb or Cr from rows of centred R, G and B.
pub(crate) struct RgbRow<'a> {
    pub(crate) rgb: [&'a [i16]; 3],
    pub(crate) weights: [i16; 3],
    pub(crate) constant: i16,
    pub(crate) out: &'a mut [u8],
}

impl Kernel for RgbRow<'_> {
    #[inline(always)]
    fn run(self) {
        let [red, green, blue] = self.rgb;
        let [to_r, to_g, to_b] = self.weights;
        for (((out, &r), &g), &b) in self.out.iter_mut().zip(red).zip(green).zip(blue) {
            let sum = scale(r, to_r).saturating_add(scale(g, to_g));
            *out = byte(sum.saturating_add(scale(b, to_b)).saturating_add(self.constant));
        }
    }
}

/// Centres a row of bytes.
pub(crate) struct WidenBytes<'a> {
    pub(crate) row: &'a [u8],
    pub(crate) out: &'a mut [i16],
}

impl Kernel for WidenBytes<'_> {
    #[inline(always)]
    fn run(self) {
        for (out, sample) in self.out.iter_mut().zip(self.row) {
            *out = sample.centred();
        }
    }
}

/// Centres a row of 16-bit little-endian words.
pub(crate) struct WidenWords<'a> {
    pub(crate) row: &'a [u8],
    /// How far a code must be shifted up to fill its word.
    pub(crate) up: u32,
    pub(crate) out: &'a mut [i16],
}

impl Kernel for WidenWords<'_> {
    #[inline(always)]
    fn run(self) {
        for (out, &word) in self.out.iter_mut().zip(self.row.as_chunks::<2>().0) {
            *out = centre_word(word, self.up);
        }
    }
}

/// Centres a row of interleaved pairs of bytes and splits it into two rows.
pub(crate) struct WidenBytePairs<'a> {
    pub(crate) row: &'a [u8],
    pub(crate) out: [&'a mut [i16]; 2],
}

impl Kernel for WidenBytePairs<'_> {
    #[inline(always)]
    fn run(self) {
        let [first, second] = self.out;
        let pairs = self.row.as_chunks::<2>().0;
        for ((pair, first), second) in pairs.iter().zip(first).zip(second) {
            (*first, *second) = (pair[0].centred(), pair[1].centred());
        }
    }
}

/// Centres a row of interleaved pairs of 16-bit little-endian words and splits it into two rows.
pub(crate) struct WidenWordPairs<'a> {
    pub(crate) row: &'a [u8],
    /// How far a code must be shifted up to fill its word.
    pub(crate) up: u32,
    pub(crate) out: [&'a mut [i16]; 2],
}

impl Kernel for WidenWordPairs<'_> {
    #[inline(always)]
    fn run(self) {
        let [first, second] = self.out;
        let pairs = self.row.as_chunks::<4>().0;
        for ((&[a, b, c, d], first), second) in pairs.iter().zip(first).zip(second) {
            *first = centre_word([a, b], self.up);
            *second = centre_word([c, d], self.up);
        }
    }
}

/// Centres a row of pixels of `BYTES` bytes and splits it into three rows.
pub(crate) struct WidenPixels<'a, const BYTES: usize> {
    pub(crate) row: &'a [u8],
    /// Offsets of red, green and blue in a pixel; larger offsets are read as its last byte.
    pub(crate) offsets: [u8; 3],
    pub(crate) out: [&'a mut [i16]; 3],
}

impl<const BYTES: usize> Kernel for WidenPixels<'_, BYTES> {
    #[inline(always)]
    fn run(self) {
        let [red, green, blue] = self.out;
        let [at_r, at_g, at_b] = self.offsets.map(|at| usize::from(at).min(BYTES - 1));
        let pixels = self.row.as_chunks::<BYTES>().0;
        for (((pixel, r), g), b) in pixels.iter().zip(red).zip(green).zip(blue) {
            (*r, *g, *b) = (pixel[at_r].centred(), pixel[at_g].centred(), pixel[at_b].centred());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Runs a kernel directly and through [`run`], each time into a fresh copy of `$out`.
    macro_rules! check_same {
        ($out:ident, $kernel:expr) => {{
            let (mut plain, mut fast) = ($out.clone(), $out.clone());
            let $out = &mut plain;
            $kernel.run();
            let $out = &mut fast;
            run($kernel);
            prop_assert_eq!(plain, fast);
        }};
    }

    proptest! {
        #[test]
        fn rows_of_colour_are_the_same_with_every_instruction_set(
            (a, b) in (vec(any::<u8>(), 0..200), vec(any::<u8>(), 200)),
            (d, e, f) in (vec(any::<i16>(), 0..200), vec(any::<i16>(), 200), vec(any::<i16>(), 800)),
            (cb, cr, luma, rgb) in any::<([i16; 2], [i16; 2], [i16; 2], [i16; 3])>(),
            (weight, chroma_constant, luma_constant) in any::<(i16, i16, i16)>(),
            log2_across in 0_u8..3,
        ) {
            let weights = &ChromaWeights { cb, cr, luma, chroma_constant, luma_constant };
            let out = vec![0_u8; 200];
            check_same!(out, LumaRow { luma: &a, tint: &f, weight, out });
            check_same!(out, LumaRow { luma: &d, tint: &f, weight, out });
            let (rows, weights_of_y, constant) = ([&d[..], &e, &f], rgb, luma_constant);
            check_same!(out, RgbRow { rgb: rows, weights: weights_of_y, constant, out });
            let out = (vec![0_u8; 200], vec![0_u8; 200], vec![0_i16; 800]);
            check_same!(out, ChromaRow {
                cb: &a, cr: &b, weights, log2_across,
                out_cb: &mut out.0, out_cr: &mut out.1, tint: &mut out.2,
            });
            check_same!(out, ChromaRow {
                cb: &d, cr: &e, weights, log2_across,
                out_cb: &mut out.0, out_cr: &mut out.1, tint: &mut out.2,
            });
        }

        #[test]
        fn widened_rows_are_the_same_with_every_instruction_set(
            row in vec(any::<u8>(), 0..800),
            up in 0_u32..8,
            offsets in any::<[u8; 3]>(),
        ) {
            let row = &row[..];
            let out = vec![0_i16; 300];
            check_same!(out, WidenBytes { row, out });
            check_same!(out, WidenWords { row, up, out });
            let out = [vec![0_i16; 300], vec![0; 300]];
            check_same!(out, WidenBytePairs { row, out: out.each_mut().map(|row| &mut row[..]) });
            check_same!(out, WidenWordPairs { row, up, out: out.each_mut().map(|row| &mut row[..]) });
            let out = [vec![0_i16; 300], vec![0; 300], vec![0; 300]];
            check_same!(out, WidenPixels::<3> {
                row, offsets, out: out.each_mut().map(|row| &mut row[..]),
            });
            check_same!(out, WidenPixels::<4> {
                row, offsets, out: out.each_mut().map(|row| &mut row[..]),
            });
        }
    }

    #[test]
    fn samples_are_centred_whatever_their_depth() {
        assert_eq!([0_u8, 128, 255].map(Sample::centred), [-32_768, 0, 127 * 256]);
        let mut out = [0; 3];
        let row: Vec<u8> = [0_u16, 512, 1023].iter().flat_map(|code| code.to_le_bytes()).collect();
        run(WidenWords { row: &row, up: 6, out: &mut out });
        assert_eq!(out, [-32_768, 0, 511 * 64]);
    }
}
