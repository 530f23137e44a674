//! Any range of audio: what it means, and how to get there.

use moviola_av::{
    demuxer::SeekDirection,
    time::{Pts, TimeBase},
};

use super::{AudioReader, Samples, Seeking, grid::Grid, marks::Landing};
use crate::error::{Error, Result};

/// Seconds of audio that a decoder gets to warm up before what is wanted.
const WARM_UP_SECONDS: i64 = 1;

impl AudioReader {
    /// The samples heard from `start_seconds` on and before `stop_seconds`, counted from the start
    /// of the presentation, both rounded to the nearest sample: ranges that follow on each other
    /// share no sample and leave none out. What lies before the audio begins or behind its end is
    /// left out; `f64::INFINITY` is the end.
    ///
    /// The samples are the same as in the audio as a whole ([`Seeking::Exact`]). Ranges in order of
    /// time cost one decoding of the whole; going back needs a source that can seek.
    ///
    /// # Errors
    ///
    /// [`Error::Range`] if the range ends before it starts, or lies before what a source that
    /// can't seek has given; else as the iterator.
    pub fn samples_played_in_range(
        &mut self,
        start_seconds: f64,
        stop_seconds: f64,
    ) -> Result<Samples> {
        if start_seconds.is_nan() || stop_seconds.is_nan() || start_seconds > stop_seconds {
            let reason = format!("no range goes from {start_seconds} s to {stop_seconds} s");
            return Err(self.refused(reason));
        }
        let Some(first) = self.learn()? else { return Ok(self.nothing(0)) };
        let rate = f64::from(self.audio.sample_rate().unwrap_or(1));
        // The cast keeps infinities inside i64.
        let number = |seconds: f64| ((seconds * rate).round() as i64).max(first);
        let (start, stop) = (number(start_seconds), number(stop_seconds));
        if start == stop {
            return Ok(self.nothing(start));
        }
        self.approach(start)?;
        if let Some(samples) = self.collect(start, stop)? {
            return Ok(samples);
        }
        self.restart()?;
        self.collect(start, stop)?.ok_or_else(|| self.cannot_go_back())
    }

    /// All samples, from the first on. They take four bytes each: 230 MB for ten minutes of
    /// stereo at 48 kHz.
    ///
    /// # Errors
    ///
    /// As [`samples_played_in_range`](Self::samples_played_in_range). What came before an error is
    /// lost: the iterator hands it out.
    pub fn all_samples(&mut self) -> Result<Samples> {
        self.samples_played_in_range(f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Decodes until the grid of samples is known. Gives the number of the first sample that comes
    /// out; `None` if there is no audio at all.
    pub(super) fn learn(&mut self) -> Result<Option<i64>> {
        if self.audio.grid().is_none() {
            self.rest = self.next_piece()?;
        }
        Ok(self.audio.grid().map(|grid| grid.output.first()))
    }

    /// Goes to where sample `start` is still to come, by the shortest way.
    fn approach(&mut self, start: i64) -> Result<()> {
        let Some(grid) = self.audio.grid() else { return Ok(()) };
        let reached = self.rest.as_ref().map_or(grid.output.next(), |rest| rest.start);
        let begin = grid.output.enough_for(start);
        let warm = begin - WARM_UP_SECONDS * i64::from(grid.rate);
        let (here, behind) = (grid.number(), start < reached);
        match self.wanted.seeking {
            Seeking::Fast if warm > grid.origin && (behind || warm > here) => {
                let ticks = self.ticks_of(grid, warm);
                self.jump(ticks, begin, Landing::ByTime)
            }
            Seeking::Exact if self.stream().decodes_alike_anywhere() => {
                match self.audio.marks().before(warm) {
                    Some(mark) if behind || mark.end > here => {
                        let landing = Landing::AtMark { latest: mark.ticks };
                        self.jump(mark.ticks, begin, landing)
                    }
                    _ if behind => self.restart(),
                    _ => Ok(()),
                }
            }
            _ if behind => self.restart(),
            _ => Ok(()),
        }
    }

    /// Decodes from the start again. Opening again comes before seeking: a seek to the start leaves
    /// out packets that only prime a decoder.
    fn restart(&mut self) -> Result<()> {
        let origin = self.audio.grid().map_or(0, |grid| grid.origin);
        if self.reopen()? {
            return self.land(origin, Landing::ByTime);
        }
        let Some(ticks) = self.audio.first_packet() else { return Err(self.cannot_go_back()) };
        self.jump(ticks, origin, Landing::AtMark { latest: ticks })
    }

    fn jump(&mut self, ticks: i64, begin: i64, landing: Landing) -> Result<()> {
        if !self.demuxer.can_seek() {
            return Err(
                self.refused("it can't go back in what is read once, such as a pipe".into())
            );
        }
        let index = self.stream().index;
        let sought = self.demuxer.seek(index, ticks, SeekDirection::Backward);
        sought.map_err(|cause| self.refused(format!("it can't seek: {cause}")))?;
        self.read_ahead.clear();
        self.land(begin, landing)
    }

    fn land(&mut self, begin: i64, landing: Landing) -> Result<()> {
        (self.rest, self.end, self.told) = (None, None, false);
        self.audio.jump(begin, landing)
    }

    /// Hands out what lies from `start` to `stop`, and keeps what comes next. `None` if the decoder
    /// is lost.
    fn collect(&mut self, start: i64, stop: i64) -> Result<Option<Samples>> {
        let mut wanted: Option<Samples> = None;
        while let Some(mut piece) = self.next_piece()? {
            let end = piece.end();
            let mut piece = piece.split_off(start);
            let rest = piece.split_off(stop);
            match &mut wanted {
                _ if piece.is_empty() => {}
                Some(wanted) => wanted.append(&piece),
                None => wanted = Some(piece),
            }
            if end >= stop {
                self.rest = Some(rest).filter(|rest| !rest.is_empty());
                break;
            }
        }
        let nothing = || self.nothing(start);
        Ok((!self.is_lost()).then(|| wanted.unwrap_or_else(nothing)))
    }

    /// The timestamp of a sample.
    fn ticks_of(&self, grid: &Grid, number: i64) -> i64 {
        let base = self.stream().time_base;
        let from_start = TimeBase::new(1, grid.rate)
            .and_then(|rate| Pts { ticks: number, base: rate }.rescale(base))
            .map_or(0, |pts| pts.ticks);
        from_start.saturating_add(grid.timeline.start_ticks())
    }

    fn nothing(&self, start: i64) -> Samples {
        let sample_rate = self.audio.sample_rate().unwrap_or(0);
        let channels = self.audio.grid().map_or(0, |grid| grid.output.channels());
        Samples { start, sample_rate, channels: vec![Vec::new(); channels] }
    }

    fn cannot_go_back(&self) -> Error {
        self.refused("it can't go back to its start exactly; open it again".into())
    }

    fn refused(&self, reason: String) -> Error {
        Error::Range { name: self.name.clone(), reason }
    }
}
