//! Where frames of audio belong on the grid of samples: the rule for gaps, overlaps and jitter.

use moviola_av::time::{Pts, TimeBase};

/// A frame that is off by no more than this many seconds stands where counting puts it: less than
/// the packets of most codecs last (20 ms and more), so that a lost one is seen, and more than
/// recorders jitter and Vorbis' timestamps are off where its blocks change size.
const JITTER_SECONDS: f64 = 0.018;

/// A larger step is one of the clock: in recordings of broadcasts, whose clocks may be set anew,
/// and elsewhere.
const CLOCK_STEP_SECONDS: (i64, i64) = (10, 24 * 60 * 60);

/// How a frame is put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the first sample of all that is to be heard next: of the silence if there is any.
    pub start: i64,
    /// Samples of silence before the frame.
    pub silence: u64,
    /// Samples to cut off its front.
    pub cut: usize,
}

/// The grid of samples of one stream, at its own rate, from the start of the presentation.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The sample at which the presentation starts.
    start: Pts,
    base: TimeBase,
    rate: TimeBase,
    may_jump: bool,
    /// What was added to the stream's times when its clock was set anew, in samples.
    offset: i64,
    /// The sample that follows on what was placed.
    next: Option<i64>,
}

impl Timeline {
    /// A timeline for timestamps in ticks of `base` and `rate` samples a second. `None` if the
    /// rate is 0.
    pub(super) fn new(start: Pts, base: TimeBase, rate: u32, may_jump: bool) -> Option<Self> {
        let rate = TimeBase::new(1, rate)?;
        Some(Self { start, base, rate, may_jump, offset: 0, next: None })
    }

    /// The sample that follows on what was placed.
    pub(super) fn next(&self) -> Option<i64> {
        self.next
    }

    /// The start of the presentation, in ticks of the stream.
    pub(super) fn start_ticks(&self) -> i64 {
        self.start.rescale(self.base).map_or(0, |pts| pts.ticks)
    }

    /// What was added to the stream's times, in samples.
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// Goes on at another place, where the clock has run on by `offset`; without `next` it is
    /// where the next frame says.
    pub(super) fn resume(&mut self, next: Option<i64>, offset: i64) {
        (self.next, self.offset) = (next, offset);
    }

    /// The sample nearest to a timestamp. Absurd timestamps give the nearest that can be told.
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

    /// Places the next frame of `samples` samples. Without a timestamp it follows on.
    pub(super) fn place(&mut self, ticks: Option<i64>, samples: usize) -> Place {
        let length = samples.cast_signed() as i64;
        let told = ticks.map(|ticks| self.position(ticks));
        let follows_on = self.next.or(told).unwrap_or(0);
        let off = self.off_by(told.unwrap_or(follows_on) - follows_on);
        let place = Place {
            start: follows_on,
            silence: u64::try_from(off).unwrap_or(0),
            cut: usize::try_from((-off).min(length)).unwrap_or(0),
        };
        self.next = Some(follows_on + (off + length).max(0));
        place
    }

    /// By how many samples to move a frame that is told to start `off` samples behind the place at
    /// which it would follow on.
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
            assert_eq!(timeline.place(ticks, samples), Place { start, silence, cut });
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
        // Frames of 20.25 ms, whose times are told in whole milliseconds.
        let mut timeline = timeline(false);
        for number in 0..10_000 {
            let ticks = 100 + (number * 2025 + 50) / 100;
            let place = timeline.place(Some(ticks), 162);
            assert_eq!(place, Place { start: number * 162, silence: 0, cut: 0 });
        }
    }

    #[test]
    fn a_lost_packet_is_silence() {
        check(&[(Some(100), 160), (Some(140), 160)], &[(0, 0, 0), (160, 160, 0)]);
    }

    #[test]
    fn what_comes_twice_is_cut() {
        let frames = [(Some(100), 400), (Some(120), 400), (Some(170), 400)];
        check(&frames, &[(0, 0, 0), (400, 0, 240), (560, 0, 0)]);
        // A whole frame, and then what follows on.
        let frames = [(Some(100), 160), (Some(100), 160), (Some(120), 160)];
        check(&frames, &[(0, 0, 0), (160, 0, 160), (160, 0, 0)]);
        // A little less is jitter.
        check(&[(Some(100), 160), (Some(102), 160)], &[(0, 0, 0), (160, 0, 0)]);
    }

    #[test]
    fn a_clock_that_is_set_anew_counts_on_where_clocks_may_be() {
        let mut jumps = timeline(true);
        jumps.place(Some(100), 160);
        assert_eq!(jumps.place(Some(-50_000), 160), Place { start: 160, silence: 0, cut: 0 });
        assert_eq!(jumps.place(Some(-49_960), 160), Place { start: 320, silence: 160, cut: 0 });
        let mut stays = timeline(false);
        stays.place(Some(100), 160);
        assert_eq!(stays.place(Some(20_120), 160).silence, 160_000);
    }

    #[test]
    fn absurd_timestamps_overflow_nothing() {
        for ticks in [i64::MIN, i64::MAX] {
            let mut timeline = timeline(false);
            timeline.place(Some(ticks), 160);
            timeline.place(Some(-ticks.saturating_add(1)), 160);
        }
    }
}
