//! Taps: the input samples and weights of each output sample of a row.

/// One output sample's tap: two neighbouring input samples and their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Index of the left one of the two input samples.
    pub(crate) first: usize,
    /// Weights of the left and the right one.
    pub(crate) weights: [i16; 2],
}

/// Eight taps in the arrangement of vector loads, relative to their leftmost sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taps8 {
    /// Indices of the left samples, relative to the leftmost.
    pub(super) offsets: [u32; 8],
    pub(super) weights: [[i16; 2]; 8],
    /// The largest of `offsets`.
    pub(super) span: u32,
}

impl Taps8 {
    /// The last input sample that is read, so that byte offsets fit in 32 bits.
    const LAST: usize = 1 << 24;

    /// Up to eight taps, padded with copies of the last one with weight 0; and the index of their
    /// leftmost sample.
    fn new(taps: &[Tap]) -> (Self, usize) {
        let clamped = |tap: &Tap| tap.first.min(Self::LAST);
        let start = taps.iter().map(clamped).min().unwrap_or(0);
        let offset = |tap: &Tap| (clamped(tap) - start) as u32;
        let mut all = Self { offsets: [taps.last().map_or(0, offset); 8], ..Self::default() };
        for ((to, weights), tap) in all.offsets.iter_mut().zip(&mut all.weights).zip(taps) {
            (*to, *weights) = (offset(tap), tap.weights);
        }
        all.span = all.offsets.into_iter().max().unwrap_or(0);
        (all, start)
    }
}

/// Neighbouring lanes whose taps differ only in where they start.
///
/// If the scale is a simple fraction, all lanes but those at the edges are one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// The taps of each lane, in two groups of eight.
    pub(super) taps: [Taps8; 2],
    /// For each lane, the leftmost sample of each group.
    pub(super) starts: &'a [[usize; 2]],
}

/// The taps of a row.
///
/// Kernels gather without checking each index: they rely on [`Taps::reach`], which only
/// [`Taps::new`] sets.
#[derive(Clone, Debug)]
pub(crate) struct Taps {
    /// For each run, the taps of its lanes and the number of lanes.
    runs: Vec<([Taps8; 2], usize)>,
    /// For each lane, the leftmost sample of each of its two groups of eight.
    starts: Vec<[usize; 2]>,
    reach: usize,
}

#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX2 gathers"))]
impl Taps {
    /// The given taps, padded to whole lanes with taps of weight 0.
    pub(crate) fn new(taps: &[Tap]) -> Self {
        let mut all = Self { runs: Vec::new(), starts: Vec::new(), reach: 2 };
        for lane in taps.chunks(16) {
            let (low, high) = lane.split_at(lane.len().min(8));
            all.push([Taps8::new(low), Taps8::new(high)]);
        }
        all
    }

    /// Adds a lane: to the last run if it has the same taps, else as a new run.
    fn push(&mut self, lane: [(Taps8, usize); 2]) {
        for (eight, start) in lane {
            self.reach = self.reach.max(start + eight.span as usize + 2);
        }
        let taps = lane.map(|(eight, _)| eight);
        self.starts.push(lane.map(|(_, start)| start));
        match self.runs.last_mut() {
            Some((alike, lanes)) if *alike == taps => *lanes += 1,
            _ => self.runs.push((taps, 1)),
        }
    }

    /// Number of samples that an input row needs so that both samples of every tap are inside.
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    /// The runs of lanes, in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        let mut rest = self.starts.as_slice();
        self.runs.iter().map(move |&(taps, lanes)| {
            let (starts, after) = rest.split_at(lanes);
            rest = after;
            Run { taps, starts }
        })
    }

    /// The taps one by one: index of the left sample, and both weights.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, [i32; 2])> {
        let lanes = self.runs().flat_map(|run| run.starts.iter().map(move |&at| (run.taps, at)));
        let eights = lanes.flat_map(|(taps, starts)| taps.into_iter().zip(starts));
        eights.flat_map(|(taps, start)| {
            let taps = taps.offsets.into_iter().zip(taps.weights);
            taps.map(move |(offset, weights)| (start + offset as usize, weights.map(i32::from)))
        })
    }
}
