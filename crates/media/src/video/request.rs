//! Resolves requests by number, time or range to the numbers of frames.

use std::ops::Range;

use moviola_av::time::{Pts, TimeBase};

use super::Video;
use crate::error::{Error, Result};

/// A policy for requested frames that don't exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutOfRange {
    /// Return an error.
    #[default]
    Fail,
    /// Skip them.
    Skip,
    /// Return the nearest frame that exists.
    Clamp,
}

/// The most times that a range may be divided into: 32 MiB, and as much for their frames' numbers.
const MOST_TIMES: u32 = 1 << 22;

impl Video {
    /// The number, from 0, of the frame that a user calls `number`; negative numbers count from the
    /// end.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrame`] if there is none; as [`index`](Self::index).
    pub fn resolve(&mut self, number: impl Into<i128>) -> Result<u64> {
        let (number, count) = (number.into(), self.len()?);
        u64::try_from(from_start(number, count))
            .ok()
            .filter(|&resolved| resolved < count)
            .ok_or_else(|| self.no_frame(number.to_string(), count))
    }

    /// The number of the frame that is shown at a time, in seconds from the start of the
    /// presentation: the last that begins at or before it.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrame`] if there is none; as [`index`](Self::index).
    pub fn resolve_time(&mut self, seconds: f64) -> Result<u64> {
        let instant = self.instant(seconds);
        let index = self.index()?;
        let number = instant.and_then(|instant| index.frame_played_at(instant));
        let count = index.len();
        number.ok_or_else(|| self.no_frame(format!("at {seconds} s"), count))
    }

    /// Sets the policy for frames that don't exist, in lists of numbers and of times, and at
    /// the times of a range with a rate.
    pub fn out_of_range(&mut self, policy: OutOfRange) -> &mut Self {
        self.out_of_range = policy;
        self
    }

    /// The numbers, from 0, of the frames that a user calls by these numbers.
    /// [`out_of_range`](Self::out_of_range) applies to frames that don't exist.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), for the first that fails.
    pub fn resolve_all(&mut self, numbers: &[impl Into<i128> + Copy]) -> Result<Vec<u64>> {
        let last = self.len()?.checked_sub(1);
        let nearest = |&number: &_| if is_from_end(number) { Some(0) } else { last };
        self.under_policy(numbers, |video, &number| video.resolve(number), nearest)
    }

    /// The numbers of the frames that are shown at these times, in seconds from the start of the
    /// presentation. [`out_of_range`](Self::out_of_range) applies to times at which nothing is
    /// shown.
    ///
    /// # Errors
    ///
    /// As [`resolve_time`](Self::resolve_time), for the first that fails.
    pub fn resolve_times(&mut self, seconds: &[f64]) -> Result<Vec<u64>> {
        let last = self.len()?.checked_sub(1);
        let start = self.index()?.start();
        let start = start.map_or(0.0, |start| self.time_of(start));
        let nearest = |seconds: &f64| if *seconds < start { Some(0) } else { last };
        self.under_policy(seconds, |video, &seconds| video.resolve_time(seconds), nearest)
    }

    fn under_policy<A>(
        &mut self,
        asked: &[A],
        resolve: impl Fn(&mut Self, &A) -> Result<u64>,
        nearest: impl Fn(&A) -> Option<u64>,
    ) -> Result<Vec<u64>> {
        let policy = self.out_of_range;
        let resolved = asked.iter().map(|one| match (resolve(self, one), policy) {
            (Err(Error::NoFrame { .. }), OutOfRange::Skip) => Ok(None),
            (Err(error @ Error::NoFrame { .. }), OutOfRange::Clamp) => {
                nearest(one).map(Some).ok_or(error)
            }
            (resolved, _) => resolved.map(Some),
        });
        resolved.filter_map(Result::transpose).collect()
    }

    /// The numbers of the frames that
    /// [`frames_played_in_range`](Self::frames_played_in_range) gives.
    ///
    /// # Errors
    ///
    /// As there, but for those of decoding.
    pub fn resolve_range(&mut self, range: Range<f64>, rate: Option<f64>) -> Result<Vec<u64>> {
        if let Some(rate) = rate {
            let times = self.times_in(range, rate)?;
            return self.resolve_times(&times);
        }
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let (first, stop) = (self.first_of(range.start)?, self.first_after(range.end)?);
        Ok((first..stop).collect())
    }

    /// The frame that is shown at a time, or else the first after it.
    fn first_of(&mut self, seconds: f64) -> Result<u64> {
        if seconds == f64::NEG_INFINITY {
            return Ok(0);
        }
        let instant = self.known_instant(seconds)?;
        let index = self.index()?;
        Ok(index.frame_played_at(instant).unwrap_or_else(|| index.first_from(instant)))
    }

    /// The first frame that begins at or after a time; the number of frames if none does.
    fn first_after(&mut self, seconds: f64) -> Result<u64> {
        if seconds == f64::INFINITY {
            return self.len();
        }
        let instant = self.known_instant(seconds)?;
        Ok(self.index()?.first_from(instant))
    }

    fn known_instant(&mut self, seconds: f64) -> Result<Pts> {
        let count = self.len()?;
        self.instant(seconds).ok_or_else(|| self.no_frame(format!("at {seconds} s"), count))
    }

    /// Every 1/`rate` of a second of a range.
    fn times_in(&self, range: Range<f64>, rate: f64) -> Result<Vec<f64>> {
        let count = (range.end - range.start) * rate;
        if !(rate > 0.0 && count <= f64::from(MOST_TIMES)) {
            let Range { start, end } = range;
            let reason = format!(
                "{rate} frames a second from {start} s to {end} s are none, or more than \
                 {MOST_TIMES}: ask for another rate, or for less at a time"
            );
            return Err(Error::Range { name: self.name.clone(), reason });
        }
        // Each time is computed from its number: sums of 1/rate would drift.
        let times = (0_u32..).map(|n| range.start + f64::from(n) / rate);
        Ok(times.take_while(|&time| time < range.end).collect())
    }

    /// The instant so many seconds after the start of the presentation, to the nanosecond.
    ///
    /// A frame's time that was rounded to `f64` must find that frame again: a time within a
    /// nanosecond of a tick of the stream is that tick.
    pub(super) fn instant(&self, seconds: f64) -> Option<Pts> {
        let base = self.stream.time_base;
        let start = self.start.seconds();
        let exact = Pts::from_seconds(start + seconds, base)?;
        let off = self.time_of(exact) - seconds;
        if off.abs() < 1e-9 {
            return Some(exact);
        }
        let fine = TimeBase::NANOSECONDS;
        let offset = Pts::from_seconds(seconds, fine)?;
        self.start.rescale(fine)?.checked_add(offset.ticks)
    }

    fn no_frame(&self, what: String, count: u64) -> Error {
        let last = self.index.as_ref().map_or(0.0, |index| self.time_of(index.end()));
        let extent = format!("there are {count}, up to {last:.3} s");
        Error::NoFrame { name: self.name.clone(), what, extent }
    }
}

/// The number from 0; still negative if there are fewer frames than that from the end.
fn from_start(number: i128, count: u64) -> i128 {
    number + if is_from_end(number) { i128::from(count) } else { 0 }
}

fn is_from_end(number: impl Into<i128>) -> bool {
    number.into() < 0
}

/// The part of a range that lies in a video of `count` frames.
pub(super) fn clamp(range: Range<impl Into<i128>>, count: u64) -> Range<u64> {
    let resolve = |number: i128| {
        let number = from_start(number, count).max(0);
        u64::try_from(number).map_or(count, |number| number.min(count))
    };
    resolve(range.start.into())..resolve(range.end.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_video() {
        for (range, want) in [
            (0..5, 0..5),
            (8..20, 8..10),
            (-3..10, 7..10),
            (-30..-8, 0..2),
            (0..i64::MAX, 0..10),
            (i64::MIN..0, 0..0),
        ] {
            assert_eq!(clamp(range.clone(), 10), want, "{range:?}");
        }
        let backwards = std::ops::Range { start: 7, end: 3 };
        assert!(clamp(backwards, 10).is_empty());
    }
}
