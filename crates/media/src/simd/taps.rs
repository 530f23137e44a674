//! Where each output sample of a row reads its input, and with which weights.

use super::lanes;

/// One output sample: two neighbouring input samples and what they weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Index of the left one of the two input samples.
    pub(crate) first: usize,
    /// Weights of the left and the right one.
    pub(crate) weights: [i16; 2],
}

/// Eight taps, as vector loads want them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taps8 {
    pub(super) first: [u32; 8],
    pub(super) weights: [[i16; 2]; 8],
    /// The smallest of `first`.
    pub(super) start: u32,
    /// How far the largest of `first` is from it.
    pub(super) span: u32,
}

impl Taps8 {
    /// Input samples past this one are never read, so that byte offsets fit in 32 bits.
    const LAST: usize = 1 << 24;

    /// Up to eight taps, filled up with the last one, weighing nothing.
    fn new(taps: &[Tap]) -> Self {
        let clamped = |tap: &Tap| tap.first.min(Self::LAST) as u32;
        let mut all = Self { first: [taps.last().map_or(0, clamped); 8], ..Self::default() };
        for ((first, weights), tap) in all.first.iter_mut().zip(&mut all.weights).zip(taps) {
            (*first, *weights) = (clamped(tap), tap.weights);
        }
        let (start, end) = all
            .first
            .iter()
            .fold((u32::MAX, 0), |(start, end), &first| (start.min(first), end.max(first)));
        Self { start, span: end - start, ..all }
    }
}

/// The taps of a row.
///
/// Kernels gather without looking at each index: they rely on [`Taps::reach`], which only
/// [`Taps::new`] sets.
#[derive(Clone, Debug)]
pub(crate) struct Taps {
    lanes: Vec<[Taps8; 2]>,
    reach: usize,
}

#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "nothing else gathers"))]
impl Taps {
    /// A row that reads the given taps, filled up to whole lanes with taps that weigh nothing.
    pub(crate) fn new(taps: &[Tap]) -> Self {
        let mut table = vec![[Taps8::default(); 2]; lanes(taps.len())];
        let mut reach = 2;
        for (eight, taps) in table.as_flattened_mut().iter_mut().zip(taps.chunks(8)) {
            *eight = Taps8::new(taps);
            reach = reach.max((eight.start + eight.span) as usize + 2);
        }
        Self { lanes: table, reach }
    }

    /// How many samples an input row needs, so that both samples of every tap are inside.
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    /// The taps by sixteens.
    pub(super) fn lanes(&self) -> &[[Taps8; 2]] {
        &self.lanes
    }

    /// The taps one by one: index of the left sample, and both weights.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, [i32; 2])> {
        let eights = self.lanes.as_flattened().iter();
        let taps = eights.flat_map(|taps| taps.first.iter().zip(&taps.weights));
        taps.map(|(&first, weights)| (first as usize, weights.map(i32::from)))
    }
}
