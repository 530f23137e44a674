//! How far a run over many inputs has come: a line that changes on a terminal, lines elsewhere.

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::{FormattedDuration, HumanBytes, HumanCount};
use moviola::{budget, bulk::Event, results::Record};

use crate::{input_count::InputCount, output::Output, time_left::TimeLeft};

/// How often a line is written where it stays.
pub(crate) const SELDOM: Duration = Duration::from_secs(10);

/// How often a line changes on a terminal.
pub(crate) const OFTEN: Duration = Duration::from_millis(200);

/// How often it is looked whether memory is short.
const LOOKING: Duration = Duration::from_secs(1);

/// Runs that are shorter than this don't count their inputs.
const SHORT: Duration = Duration::from_secs(1);

/// The share of what memory there is that is worth a warning.
const WARNED: f64 = 0.8;

/// What was counted, and when it was shown.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    shown: Instant,
    /// How often to show it; `None` for never.
    every: Option<Duration>,
    sources: u64,
    at_work: u64,
    /// Whether each frame has a record of its own, beside that of its objects.
    has_stills: bool,
    frames: u64,
    time_left: TimeLeft,
    ahead: Arc<InputCount>,
    /// What the inputs are found by, until they are counted, and where results go.
    words: Vec<OsString>,
    results: Vec<PathBuf>,
    /// The most bytes that all of it took, as far as it was looked.
    most: u64,
    /// What memory there is, in bytes.
    memory: u64,
    /// When it was looked whether that is short.
    looked: Instant,
    warned: bool,
}

impl Progress {
    /// Of a run over what `words` mean beside `results`, which is shown so often; `None` for never.
    pub(crate) fn new(
        has_stills: bool,
        (words, results): (Vec<OsString>, Vec<PathBuf>),
        every: Option<Duration>,
    ) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            shown: now,
            every,
            sources: 0,
            at_work: 0,
            has_stills,
            frames: 0,
            time_left: TimeLeft::default(),
            ahead: Arc::default(),
            words,
            results,
            most: 0,
            memory: budget::memory(),
            looked: now,
            warned: false,
        }
    }

    /// Where inputs are counted as they are taken.
    pub(crate) fn ahead(&self) -> &Arc<InputCount> {
        &self.ahead
    }

    /// Counts what happened.
    pub(crate) fn take(&mut self, event: &Event) {
        self.time_left.take(event);
        match event {
            Event::Started { .. } => self.at_work += 1,
            Event::Record { record, .. } => {
                let counts = match **record {
                    Record::Keyframe(_) | Record::Frame(_) => true,
                    Record::Detections(_) => !self.has_stills,
                    _ => false,
                };
                self.frames += u64::from(counts);
            }
            Event::Ended { .. } => {
                self.at_work -= 1;
                self.sources += 1;
            }
            _ => {}
        }
    }

    /// Shows it, if it is time to, and warns if memory is short, shown or not; `resident` tells the bytes
    /// that all of it takes.
    pub(crate) fn show(&mut self, resident: impl Fn() -> Option<u64>, out: &mut Output) {
        if self.looked.elapsed() >= LOOKING {
            self.looked = Instant::now();
            let resident = resident().unwrap_or_default();
            self.most = self.most.max(resident);
            self.warn(resident, out);
        }
        if self.every.is_some() && !self.words.is_empty() && self.started.elapsed() >= SHORT {
            let results = std::mem::take(&mut self.results);
            self.ahead.count(std::mem::take(&mut self.words), results);
        }
        let Some(every) = self.every.filter(|&every| self.shown.elapsed() >= every) else { return };
        self.shown = Instant::now();
        let resident = resident().unwrap_or_default();
        let line = self.line(self.started.elapsed(), resident);
        if every == OFTEN { out.status(line, self.done()) } else { out.plain(line) }
    }

    /// The most bytes that all of it took, as far as it was looked.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// How many files are done, of all there are, if those are known.
    fn done(&self) -> Option<(u64, u64)> {
        Some((self.sources, self.sources + self.at_work + self.ahead.left()?))
    }

    /// What is shown after so much time.
    fn line(&self, elapsed: Duration, resident: u64) -> String {
        let ahead = self.ahead.left();
        let left = ahead.and_then(|ahead| self.time_left.estimate(ahead, elapsed));
        let ahead = ahead.map(|ahead| format!(", {} to come", HumanCount(ahead)));
        let left = left.map(|left| format!(", {} left", FormattedDuration(left)));
        let files = if self.sources == 1 { "file" } else { "files" };
        format!(
            "{} {files}, {} at work{}, {} frames, {:.1} a second{}, {}",
            HumanCount(self.sources),
            self.at_work,
            ahead.unwrap_or_default(),
            HumanCount(self.frames),
            self.frames as f64 / elapsed.as_secs_f64(),
            left.unwrap_or_default(),
            HumanBytes(resident),
        )
    }

    /// Says once that memory is short.
    fn warn(&mut self, resident: u64, out: &Output) {
        let all = self.memory;
        if !self.warned && resident as f64 > WARNED * all as f64 {
            self.warned = true;
            let (resident, all) = (HumanBytes(resident), HumanBytes(all));
            out.note(format_args!(
                "{resident} of {all} of memory are in use: fewer --jobs take less"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use moviola::records::SourceTally;

    use super::*;

    #[test]
    fn the_line_says_what_is_known() {
        let mut progress = Progress::new(true, Default::default(), None);
        let ten = Duration::from_secs(10);
        let nothing = "0 files, 0 at work, 0 frames, 0.0 a second, 2.00 MiB";
        assert_eq!(progress.line(ten, 2 << 20), nothing);
        let mut inputs = Arc::clone(progress.ahead()).watch(0..2);
        for input in 0..2 {
            inputs.next();
            progress.take(&Event::Started { input, source: "a.jpg".into() });
        }
        progress.take(&Event::Ended { input: 0, tally: SourceTally::default() });
        let unknown = "1 file, 1 at work, 0 frames, 0.0 a second, 2.00 MiB";
        assert_eq!(progress.line(ten, 2 << 20), unknown);
        assert_eq!(inputs.next(), None);
        let known = "1 file, 1 at work, 0 to come, 0 frames, 0.0 a second, 00:00:10 left, 2.00 MiB";
        assert_eq!(progress.line(ten, 2 << 20), known);
    }
}
