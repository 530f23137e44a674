//! The progress display of a run over many sources: one line that changes on a terminal, lines
//! elsewhere.

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::{FormattedDuration, HumanBytes, HumanCount};
use moviola::{bulk::Event, records::Record};

use crate::{
    console::{Console, OFTEN},
    input_count::InputCount,
    memory_warning::MemoryWarning,
    time_left::TimeLeft,
};

/// How often the memory that the run takes is measured.
const MEMORY_INTERVAL: Duration = Duration::from_secs(1);

/// Runs that are shorter than this don't count their sources.
const SHORT: Duration = Duration::from_secs(1);

/// The progress of a run: counts of its sources and frames, which are shown at intervals.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    shown: Instant,
    /// The interval at which it is shown; `None` for never.
    every: Option<Duration>,
    sources: u64,
    at_work: u64,
    /// Whether each frame has a record besides the record of its objects.
    has_stills: bool,
    frames: u64,
    time_left: TimeLeft,
    input_count: Arc<InputCount>,
    /// The arguments that name the sources; empty once counting has begun.
    words: Vec<OsString>,
    /// Paths that are written to, which are not read as sources.
    written: Vec<PathBuf>,
    /// The highest measured memory use of the run in bytes.
    peak: u64,
    /// When memory was last measured.
    measured: Instant,
    memory_warning: MemoryWarning,
}

impl Progress {
    /// The progress of a run that starts now; `words` name its sources, except for paths in
    /// `written`.
    pub(crate) fn new(
        has_stills: bool,
        words: Vec<OsString>,
        written: Vec<PathBuf>,
        every: Option<Duration>,
        memory_warning: MemoryWarning,
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
            input_count: Arc::default(),
            words,
            written,
            peak: 0,
            measured: now,
            memory_warning,
        }
    }

    /// Counts the sources as they are taken.
    pub(crate) fn input_count(&self) -> &Arc<InputCount> {
        &self.input_count
    }

    /// Counts an event.
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

    /// Shows the progress if it is time to, and warns if memory is short; `resident` measures the
    /// bytes of memory that the run takes.
    pub(crate) fn show(&mut self, resident: impl Fn() -> Option<u64>, out: &mut Console) {
        if self.measured.elapsed() >= MEMORY_INTERVAL {
            self.measured = Instant::now();
            let resident = resident().unwrap_or_default();
            self.peak = self.peak.max(resident);
        }
        self.memory_warning.check(out);
        if self.every.is_some() && !self.words.is_empty() && self.started.elapsed() >= SHORT {
            let written = std::mem::take(&mut self.written);
            self.input_count.count(std::mem::take(&mut self.words), written);
        }
        let Some(every) = self.every.filter(|&every| self.shown.elapsed() >= every) else { return };
        self.shown = Instant::now();
        let resident = resident().unwrap_or_default();
        let line = self.line(self.started.elapsed(), resident);
        if every == OFTEN { out.status(line, self.done()) } else { out.plain(line) }
    }

    /// The highest measured memory use of the run in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// How many sources are done, and how many there are, if that is known.
    fn done(&self) -> Option<(u64, u64)> {
        Some((self.sources, self.sources + self.at_work + self.input_count.left()?))
    }

    /// The line that is shown when so much time has passed.
    fn line(&self, elapsed: Duration, resident: u64) -> String {
        let to_come = self.input_count.left();
        let left = to_come.and_then(|count| self.time_left.estimate(count, elapsed));
        let to_come = to_come.map(|count| format!(", {} to come", HumanCount(count)));
        let left = left.map(|left| format!(", {} left", FormattedDuration(left)));
        let files = if self.sources == 1 { "file" } else { "files" };
        format!(
            "{} {files}, {} at work{}, {} frames, {:.1} a second{}, {}",
            HumanCount(self.sources),
            self.at_work,
            to_come.unwrap_or_default(),
            HumanCount(self.frames),
            self.frames as f64 / elapsed.as_secs_f64(),
            left.unwrap_or_default(),
            HumanBytes(resident),
        )
    }
}

#[cfg(test)]
mod tests {
    use moviola::records::SourceTally;

    use super::*;

    #[test]
    fn the_line_says_what_is_known() {
        let warning = MemoryWarning::new("");
        let mut progress = Progress::new(true, Vec::new(), Vec::new(), None, warning);
        let ten = Duration::from_secs(10);
        let nothing = "0 files, 0 at work, 0 frames, 0.0 a second, 2.00 MiB";
        assert_eq!(progress.line(ten, 2 << 20), nothing);
        let mut inputs = Arc::clone(progress.input_count()).watch(0..2);
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
