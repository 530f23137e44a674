//! One axis of resampling: the position of each output sample among the input samples.
//!
//! The geometry is that of OpenCV's `INTER_LINEAR`: centres half a sample in, two taps, no wider
//! filter when shrinking, edges repeated: `input = (output + 0.5) * scale - 0.5`.

use super::geometry::halved;
use crate::{
    frame_view::{ChromaSiting, Orientation},
    simd::{Tap, Taps},
};

/// The luma columns or rows of a frame and their mapping to the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// Samples of the input.
    pub(super) input: usize,
    /// Start and length, in input samples, of the part that the output shows.
    pub(super) part: (f64, f64),
    /// Samples of the output.
    pub(super) output: usize,
    /// Whether the output runs from the input's end to its start.
    pub(super) is_flipped: bool,
}

/// The positions of a plane's samples along an axis of luma samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Siting {
    /// How many times the axis is halved.
    log2: u8,
    /// Position of the first sample, in luma samples from the first luma sample.
    start: f64,
}

/// One output row: two input rows and the weight of the second in 2^15ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowTap {
    pub(super) rows: [usize; 2],
    pub(super) weight: i16,
}

/// One output row as OpenCV blends it: two input rows and their weights in 2^11ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedRowTap {
    pub(super) rows: [usize; 2],
    pub(super) weights: [i16; 2],
}

/// The axes along a frame's rows and columns, for an upright output of the given size.
///
/// `part` is the rectangle of the upright frame to show, as fractions of its width and height:
/// left, top, right and bottom. After a quarter turn the frame's rows become columns of the
/// output, so the first axis then runs down the output.
pub(super) fn axes(
    (width, height): (usize, usize),
    orientation: Orientation,
    part: [f64; 4],
    (out_width, out_height): (usize, usize),
) -> [Axis; 2] {
    let turns = orientation.quarter_turns;
    let [left, top, right, bottom] = part;
    let (across, down) = match orientation.swaps_axes() {
        true => ((out_height, top, bottom), (out_width, left, right)),
        false => ((out_width, left, right), (out_height, top, bottom)),
    };
    let flip_across = orientation.is_mirrored != (turns >= 2);
    let flip_down = turns == 1 || turns == 2;
    [Axis::new(width, across, flip_across), Axis::new(height, down, flip_down)]
}

impl Siting {
    /// How many times the axis is halved.
    pub(super) fn log2(self) -> u8 {
        self.log2
    }

    /// Luma, or chroma that isn't subsampled.
    pub(super) const LUMA: Self = Self { log2: 0, start: 0.0 };

    /// Chroma at every other luma sample, starting with the first.
    pub(super) const EVERY_OTHER: Self = Self { log2: 1, start: 0.0 };

    /// The sitings across and down of chroma that is halved so many times.
    pub(super) fn chroma(siting: ChromaSiting, [across, down]: [u8; 2]) -> [Self; 2] {
        let first = |log2| Self { log2, start: 0.0 };
        let middle = |log2| Self { log2, start: f64::from((1_u32 << log2) - 1) / 2.0 };
        let last = |log2| Self { log2, start: f64::from((1_u32 << log2) - 1) };
        match siting {
            ChromaSiting::Left => [first(across), middle(down)],
            ChromaSiting::Center => [middle(across), middle(down)],
            ChromaSiting::TopLeft => [first(across), first(down)],
            ChromaSiting::Top => [middle(across), first(down)],
            ChromaSiting::BottomLeft => [first(across), last(down)],
            ChromaSiting::Bottom => [middle(across), last(down)],
        }
    }
}

impl Axis {
    /// An axis of `input` samples whose part between the fractions `from` and `to` is shown.
    fn new(input: usize, (output, from, to): (usize, f64, f64), is_flipped: bool) -> Self {
        let start = if is_flipped { 1.0 - to } else { from };
        let samples = input as f64;
        Self { input, part: (start * samples, (to - from) * samples), output, is_flipped }
    }

    /// Whether every output sample is the input sample of the same index.
    pub(super) fn is_identity(&self) -> bool {
        self.part == (0.0, self.input as f64) && self.input == self.output && !self.is_flipped
    }

    /// Taps for the levels of a plane, in 2^14ths.
    pub(super) fn taps(&self, siting: Siting) -> Taps {
        let taps: Vec<Tap> = self
            .positions(siting)
            .map(|(first, fraction)| {
                let second = (fraction * 16384.0).round() as i16;
                Tap { first, weights: [16384 - second, second] }
            })
            .collect();
        Taps::new(&taps)
    }

    /// Row taps for the levels of a plane.
    pub(super) fn row_taps(&self, siting: Siting) -> Vec<RowTap> {
        self.positions(siting)
            .map(|(first, fraction)| {
                let weight = (fraction * 32768.0).round() as i16; // saturates at 32767
                RowTap { rows: [first, first + usize::from(weight != 0)], weight }
            })
            .collect()
    }

    /// Taps for packed pixels, in OpenCV's 2^11ths.
    pub(super) fn packed_taps(&self) -> Taps {
        let (start, last) = self.edges();
        let taps: Vec<Tap> = self
            .opencv_positions()
            .map(|(first, fraction)| match usize::try_from(first) {
                Ok(first) if first < start => (start, 0.0),
                Ok(first) if first < last => (first, fraction),
                Ok(_) => (last, 0.0),
                Err(_) => (start, 0.0),
            })
            .map(|(first, fraction)| Tap { first, weights: opencv_weights(fraction) })
            .collect();
        Taps::new(&taps)
    }

    /// Row taps for packed pixels. Unlike columns, rows outside keep their weights, as in OpenCV.
    pub(super) fn packed_row_taps(&self) -> Vec<PackedRowTap> {
        let (start, last) = self.edges();
        let inside = |row: i64| usize::try_from(row).unwrap_or(0).clamp(start, last);
        self.opencv_positions()
            .map(|(first, fraction)| PackedRowTap {
                rows: [inside(first), inside(first + 1)],
                weights: opencv_weights(fraction),
            })
            .collect()
    }

    /// The indices of the output samples, last first if the axis is flipped.
    fn outputs(&self) -> impl Iterator<Item = usize> {
        let Self { output, is_flipped, .. } = *self;
        (0..output).map(move |index| if is_flipped { output - 1 - index } else { index })
    }

    /// For each output sample, the index of the plane's sample at or before it and its distance
    /// from that sample (0 to 1).
    ///
    /// The distance from the last sample is always 0, so no sample after it is needed.
    fn positions(&self, siting: Siting) -> impl Iterator<Item = (usize, f64)> {
        let (from, span) = self.part;
        let scale = span / self.output as f64;
        let last_luma = (from + span - 1.0).max(from);
        let last = halved(self.input, siting.log2).saturating_sub(1) as f64;
        self.outputs().map(move |index| {
            let luma = (from + (index as f64 + 0.5) * scale - 0.5).clamp(from, last_luma);
            let own = (luma - siting.start) / f64::from(1_u32 << siting.log2);
            let own = own.clamp(0.0, last);
            (usize::try_from(own.floor() as i64).unwrap_or(0), own.fract())
        })
    }

    /// Start and length of the part in whole samples: packed pixels are cropped at whole samples.
    fn whole_part(&self) -> (i64, f64) {
        let (from, span) = self.part;
        (from.round() as i64, span.round().max(1.0))
    }

    /// Indices of the first and the last packed sample of the part.
    fn edges(&self) -> (usize, usize) {
        let (from, span) = self.whole_part();
        let last = self.input.saturating_sub(1);
        let inside = |sample: i64| usize::try_from(sample).unwrap_or(0).min(last);
        (inside(from), inside(from + span as i64 - 1))
    }

    /// The positions as OpenCV computes them: in `f32` after scaling, not yet limited to the input.
    fn opencv_positions(&self) -> impl Iterator<Item = (i64, f32)> {
        let (from, span) = self.whole_part();
        let scale = 1.0 / (self.output as f64 / span);
        self.outputs().map(move |index| {
            let position = ((index as f64 + 0.5) * scale - 0.5) as f32;
            let first = position.floor();
            (from + first as i64, position - first)
        })
    }
}

/// Weights in 2^11ths, each rounded separately, halves to even.
fn opencv_weights(fraction: f32) -> [i16; 2] {
    [1.0 - fraction, fraction].map(|weight| (weight * 2048.0).round_ties_even() as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(input: usize, output: usize, siting: Siting) -> Vec<f64> {
        let axis = Axis::new(input, (output, 0.0, 1.0), false);
        axis.positions(siting).map(|(first, fraction)| first as f64 + fraction).collect()
    }

    #[test]
    fn a_third_samples_the_middle_of_three() {
        assert_eq!(positions(9, 3, Siting::LUMA), [1.0, 4.0, 7.0]);
    }

    #[test]
    fn a_part_is_sampled_as_if_it_were_all() {
        let part = Axis::new(8, (2, 0.25, 0.75), false);
        let places: Vec<_> =
            part.positions(Siting::LUMA).map(|(first, fraction)| first as f64 + fraction).collect();
        assert_eq!(places, [2.5, 4.5]);
        let flipped = Axis::new(8, (3, 0.0, 0.375), true);
        let places: Vec<_> = flipped.positions(Siting::LUMA).map(|(first, _)| first).collect();
        assert_eq!(places, [7, 6, 5]);
    }

    #[test]
    fn edges_repeat() {
        assert_eq!(positions(2, 4, Siting::LUMA), [0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn chroma_is_read_where_it_sits() {
        let [left, between] = Siting::chroma(ChromaSiting::Left, [1, 1]);
        assert_eq!(positions(4, 4, left), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(positions(4, 4, between), [0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn chroma_as_dense_as_luma_has_no_siting() {
        let [across, down] = Siting::chroma(ChromaSiting::Center, [0, 0]);
        assert_eq!((across, down), (Siting::LUMA, Siting::LUMA));
    }

    #[test]
    fn a_flipped_axis_reads_the_same_places_from_the_end() {
        let axis = Axis::new(7, (5, 0.0, 1.0), false);
        let forth: Vec<_> = axis.row_taps(Siting::LUMA);
        let mut back = Axis { is_flipped: true, ..axis }.row_taps(Siting::LUMA);
        back.reverse();
        assert_eq!(forth, back);
    }

    #[test]
    fn an_input_of_no_samples_does_not_panic() {
        let axis = Axis::new(0, (2, 0.0, 1.0), false);
        assert_eq!(axis.row_taps(Siting::LUMA).len(), 2);
    }
}
