//! The positions of audio frames on the grid of samples: the rule for gaps, overlaps and jitter.

use moviola_av::time::{Pts, TimeBase};

/// The largest difference in seconds between a frame's timestamp and the end of the frame before
/// that is ignored.
///
/// It is less than the duration of most codecs' packets (20 ms and more), so that lost packets are
/// noticed. It is more than the jitter of recorders, and than the error of Vorbis' timestamps where
/// its block size changes.
const JITTER_SECONDS: f64 = 0.018;

/// The largest gap or overlap in seconds; a larger step is one of the clock. The first value is for
/// formats whose clock may restart, such as recordings of broadcasts, the second for others.
const CLOCK_STEP_SECONDS: (i64, i64) = (10, 24 * 60 * 60);

/// A frame's position on the grid, with silence before it or a cut at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SamplePlacement {
    /// Number of the first sample: of the silence, or else of the frame after the cut.
    pub start: i64,
    /// Samples of silence before the frame.
    pub silence: u64,
    /// Samples to cut off at the frame's start.
    pub cut: usize,
}

/// The sample numbers of a stream's frames, at its own rate, from the start of the presentation.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The start of the presentation.
    start: Pts,
    base: TimeBase,
    rate: TimeBase,
    /// Whether the stream's clock may restart.
    may_jump: bool,
    /// Sum of the clock's steps so far, in samples, which is added to positions.
    offset: i64,
    /// Number of the sample after the last placed frame.
    next: Option<i64>,
}

impl Timeline {
    /// A timeline for timestamps in ticks of `base` and `rate` samples a second. `None` if the
    /// rate is 0.
    pub(super) fn new(start: Pts, base: TimeBase, rate: u32, may_jump: bool) -> Option<Self> {
        let rate = TimeBase::new(1, rate)?;
        Some(Self { start, base, rate, may_jump, offset: 0, next: None })
    }

    /// Number of the sample after the last placed frame; `None` before the first.
    pub(super) fn next(&self) -> Option<i64> {
        self.next
    }

    /// The start of the presentation, in ticks of the stream.
    pub(super) fn start_ticks(&self) -> i64 {
        self.start.rescale(self.base).map_or(0, |pts| pts.ticks)
    }

    /// Sum of the clock's steps so far, in samples.
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// Continues at another position with the clock's `offset` there. `next` is the number of the
    /// next sample; without it the next frame's timestamp gives it.
    pub(super) fn resume(&mut self, next: Option<i64>, offset: i64) {
        (self.next, self.offset) = (next, offset);
    }

    /// Number of the sample nearest to a timestamp. Clamped, so that sums of positions can't
    /// overflow.
    pub(super) fn position(&self, ticks: i64) -> i64 {
        let scaled = |pts: Pts, other: TimeBase| {
            i128::from(pts.ticks) * i128::from(pts.base.num()) * i128::from(other.den())
        };
        let pts = Pts { ticks, base: self.base };
        let seconds = scaled(pts, self.start.base) - scaled(self.start, self.base);
        let num = seconds * i128::from(self.rate.den());
        let den = i128::from(self.base.den()) * i128::from(self.start.base.den());
        let half = if num < 0 { -den / 2 } else { den / 2 };
        let most = i128::from(i64::MAX / 8);
        ((num + half) / den).clamp(-most, most) as i64 + self.offset
    }

    /// Places the next frame of `samples` samples. Without a timestamp it follows the last frame.
    pub(super) fn place(&mut self, ticks: Option<i64>, samples: usize) -> SamplePlacement {
        let length = samples.cast_signed() as i64;
        let stamped = ticks.map(|ticks| self.position(ticks));
        let expected = self.next.or(stamped).unwrap_or(0);
        let off = self.off_by(stamped.unwrap_or(expected) - expected);
        let place = SamplePlacement {
            start: expected,
            silence: u64::try_from(off).unwrap_or(0),
            cut: usize::try_from((-off).min(length)).unwrap_or(0),
        };
        self.next = Some(expected + (off + length).max(0));
        place
    }

    /// By how many samples to move a frame whose timestamp is `off` samples after the end of the
    /// frame before; negative for an overlap.
    fn off_by(&mut self, off: i64) -> i64 {
        let two_ticks = 2.0 * f64::from(self.base.num()) / f64::from(self.base.den());
        let jitter = JITTER_SECONDS.max(two_ticks) * f64::from(self.rate.den());
        if off.unsigned_abs() as f64 <= jitter {
            return 0;
        }
        let (broadcast, elsewhere) = CLOCK_STEP_SECONDS;
        let step = if self.may_jump { broadcast } else { elsewhere };
        if off.abs() > step * i64::from(self.rate.den()) {
            self.offset -= off;
            return 0;
        }
        off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds and 8000 samples a second, as in Matroska: 8 samples a tick.
    fn timeline(may_jump: bool) -> Timeline {
        let base = TimeBase::new(1, 1000).unwrap();
        Timeline::new(Pts { ticks: 100, base }, base, 8000, may_jump).unwrap()
    }

    #[track_caller]
    fn check(frames: &[(Option<i64>, usize)], want: &[(i64, u64, usize)]) {
        let mut timeline = timeline(false);
        for (&(ticks, samples), &(start, silence, cut)) in frames.iter().zip(want) {
            assert_eq!(timeline.place(ticks, samples), SamplePlacement { start, silence, cut });
        }
    }

    #[test]
    fn time_is_counted_from_the_start_of_the_presentation() {
        check(&[(Some(140), 160), (None, 160)], &[(320, 0, 0), (480, 0, 0)]);
        check(&[(Some(90), 160)], &[(-80, 0, 0)]);
        check(&[(None, 160), (None, 160)], &[(0, 0, 0), (160, 0, 0)]);
    }

    #[test]
    fn rounded_timestamps_insert_nothing() {
        // Frames of 20.25 ms whose timestamps are whole milliseconds.
        let mut timeline = timeline(false);
        for number in 0..10_000 {
            let ticks = 100 + (number * 2025 + 50) / 100;
            let place = timeline.place(Some(ticks), 162);
            assert_eq!(place, SamplePlacement { start: number * 162, silence: 0, cut: 0 });
        }
    }

    #[test]
    fn a_lost_packet_is_silence() {
        check(&[(Some(100), 160), (Some(140), 160)], &[(0, 0, 0), (160, 160, 0)]);
    }

    #[test]
    fn overlaps_are_cut() {
        let frames = [(Some(100), 400), (Some(120), 400), (Some(170), 400)];
        check(&frames, &[(0, 0, 0), (400, 0, 240), (560, 0, 0)]);
        // A whole frame is repeated.
        let frames = [(Some(100), 160), (Some(100), 160), (Some(120), 160)];
        check(&frames, &[(0, 0, 0), (160, 0, 160), (160, 0, 0)]);
        // A smaller overlap is jitter.
        check(&[(Some(100), 160), (Some(102), 160)], &[(0, 0, 0), (160, 0, 0)]);
    }

    #[test]
    fn steps_of_the_clock_insert_nothing_where_the_clock_may_restart() {
        let mut jumps = timeline(true);
        jumps.place(Some(100), 160);
        assert_eq!(
            jumps.place(Some(-50_000), 160),
            SamplePlacement { start: 160, silence: 0, cut: 0 }
        );
        assert_eq!(
            jumps.place(Some(-49_960), 160),
            SamplePlacement { start: 320, silence: 160, cut: 0 }
        );
        let mut stays = timeline(false);
        stays.place(Some(100), 160);
        assert_eq!(stays.place(Some(20_120), 160).silence, 160_000);
    }

    #[test]
    fn extreme_timestamps_do_not_overflow() {
        for ticks in [i64::MIN, i64::MAX] {
            let mut timeline = timeline(false);
            timeline.place(Some(ticks), 160);
            timeline.place(Some(-ticks.saturating_add(1)), 160);
        }
    }
}
