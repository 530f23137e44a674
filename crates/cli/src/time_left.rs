//! An estimate of the time that a run over many sources still takes, based on seconds of video
//! because files differ in length.

use std::{collections::BTreeMap, time::Duration};

use moviola::{bulk::Event, records::Record};

/// The share that must be done before there is an estimate, unless a source has ended.
const ENOUGH: f64 = 0.01;

/// The measure of how much of a run is done and how much is left.
#[derive(Debug, Default)]
pub(crate) struct TimeLeft {
    open: BTreeMap<u64, Open>,
    /// Sources that have ended.
    ended: u64,
    /// The seconds of video in the ended sources.
    seconds: f64,
}

/// A source that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    /// `None` until its container is open; then the container's duration in seconds, if it has one.
    stated: Option<Option<f64>>,
    /// Seconds that are done.
    time: f64,
}

impl Open {
    fn duration(&self) -> Option<f64> {
        self.stated.flatten()
    }

    /// The seconds that are left; `None` if unknown. A source that isn't open yet counts as `mean`.
    fn left(&self, mean: f64) -> Option<f64> {
        match self.stated {
            Some(duration) => Some((duration? - self.time).max(0.0)),
            None => Some(mean), // not open yet
        }
    }
}

impl TimeLeft {
    /// Counts an event.
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Started { input, .. } => drop(self.open.insert(*input, Open::default())),
            Event::Record { input, record } => {
                let Some(open) = self.open.get_mut(input) else { return };
                if let Record::Source(source) = &**record {
                    open.stated = Some(source.duration);
                }
                open.time = record.time().unwrap_or(open.time).max(open.time);
            }
            Event::Ended { input, tally } => {
                let open = self.open.remove(input).unwrap_or_default();
                self.ended += 1;
                let whole = open.duration().filter(|_| !tally.failed);
                self.seconds += whole.unwrap_or(open.time);
            }
            _ => {}
        }
    }

    /// The time that the run still takes if it continues at the rate so far. `elapsed` is the time
    /// so far, `to_come` the number of sources that haven't started. `None` while there is no
    /// estimate.
    pub(crate) fn estimate(&self, to_come: u64, elapsed: Duration) -> Option<Duration> {
        let times = self.rest(to_come)?;
        Duration::try_from_secs_f64(elapsed.as_secs_f64() * times).ok()
    }

    /// The amount of work that is left, in multiples of what is done.
    fn rest(&self, to_come: u64) -> Option<f64> {
        let known: Vec<_> = self.open.values().filter_map(Open::duration).collect();
        let opened = self.ended + known.len() as u64;
        let mean = (self.seconds + known.iter().sum::<f64>()) / opened as f64;
        if self.ended > 0 && mean <= 0.0 {
            // Images have no duration: each counts for as much as another.
            return Some((to_come + self.open.len() as u64) as f64 / self.ended as f64);
        }
        let done = self.seconds + self.open.values().map(|open| open.time).sum::<f64>();
        let open: f64 = self.open.values().map(|open| open.left(mean)).sum::<Option<f64>>()?;
        let left = to_come as f64 * mean + open;
        let is_enough = done > 0.0 && (self.ended > 0 || done >= ENOUGH * (done + left));
        is_enough.then(|| left / done)
    }
}

#[cfg(test)]
mod tests {
    use moviola::records::{ErrorRecord, SCHEMA, SourceRecord, SourceTally};

    use super::*;

    /// What happens to sources, one word each: `+` for started, their length when they are opened,
    /// `@` and how far they have come, `.` for ended, `!` for ended as failed.
    fn after(words: &[(u64, &str)]) -> TimeLeft {
        let mut left = TimeLeft::default();
        for &(input, word) in words {
            left.take(&event(input, word));
        }
        left
    }

    fn event(input: u64, word: &str) -> Event {
        let record = |record| Event::Record { input, record: Box::new(record) };
        let ended = |failed| Event::Ended {
            input,
            tally: SourceTally { failed, ..SourceTally::default() },
        };
        match word {
            "+" => Event::Started { input, source: String::new() },
            "." => ended(false),
            "!" => ended(true),
            _ => match word.strip_prefix('@') {
                Some(time) => record(Record::Error(ErrorRecord {
                    source: String::new(),
                    stage: String::new(),
                    time: time.parse().ok(),
                    message: String::new(),
                })),
                None => record(Record::Source(SourceRecord {
                    schema: SCHEMA,
                    source: String::new(),
                    container: String::new(),
                    duration: word.parse().ok(),
                    video: None,
                    audio: None,
                })),
            },
        }
    }

    /// Seconds that are left after 10 of them.
    #[track_caller]
    fn check(words: &[(u64, &str)], ahead: u64, want: Option<f64>) {
        let got = after(words).estimate(ahead, Duration::from_secs(10));
        assert_eq!(got.map(|left| left.as_secs_f64()), want, "{words:?}");
    }

    #[test]
    fn later_sources_are_assumed_to_take_as_long_as_earlier_ones() {
        let one = [(0, "+"), (0, "60"), (0, ".")];
        check(&one, 0, Some(0.0));
        check(&one, 3, Some(30.0));
        let two = [&one[..], &[(1, "+"), (1, "20"), (1, ".")]].concat();
        check(&two, 4, Some(20.0));
    }

    #[test]
    fn of_an_open_source_a_part_is_left() {
        check(&[(0, "+"), (0, "60"), (0, "@20")], 0, Some(20.0));
        check(&[(0, "+"), (0, "60"), (0, "@20")], 1, Some(50.0));
        let beside = [(0, "+"), (0, "60"), (0, "."), (1, "+"), (1, "120"), (1, "@60")];
        check(&beside, 0, Some(5.0));
        check(&beside, 2, Some(20.0));
        let begun = [(0, "+"), (0, "60"), (0, "."), (1, "+")];
        check(&begun, 0, Some(10.0));
        // Frames out of order, or after the end that the container states.
        check(&[(0, "+"), (0, "60"), (0, "@30"), (0, "@10")], 0, Some(10.0));
        check(&[(0, "+"), (0, "60"), (0, "@80")], 0, Some(0.0));
    }

    #[test]
    fn nothing_is_said_while_nothing_is_known() {
        check(&[], 0, None);
        check(&[(0, "+")], 5, None);
        check(&[(0, "+"), (0, "60")], 5, None);
        check(&[(0, "+"), (0, "60"), (0, "@1")], 5, None);
        check(&[(0, "+"), (0, "60"), (0, "@4")], 5, Some(890.0));
        let live = [(0, "+"), (0, "60"), (0, "."), (1, "+"), (1, "?"), (1, "@7")];
        check(&live, 0, None);
    }

    #[test]
    fn a_source_that_failed_counts_for_what_was_read_of_it() {
        let broken = [(0, "+"), (0, "60"), (0, "."), (1, "+"), (1, "!")];
        check(&broken, 2, Some(10.0));
        let cut = [(0, "+"), (0, "60"), (0, "@20"), (0, "!")];
        check(&cut, 2, Some(20.0));
    }

    #[test]
    fn pictures_count_by_the_piece() {
        let pictures =
            [(0, "+"), (0, "?"), (0, "."), (1, "+"), (1, "?"), (1, "."), (2, "+"), (2, "?")];
        check(&pictures, 5, Some(30.0));
    }
}
