//! How far a run over many inputs has come: a line that changes on a terminal, lines elsewhere.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount};
use moviola::{budget, bulk::Event, results::Record};

use crate::output::Output;

/// How often a line is written where it stays.
const SELDOM: Duration = Duration::from_secs(10);

/// How often a line changes on a terminal.
const OFTEN: Duration = Duration::from_millis(200);

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
    /// What memory there is, in bytes.
    memory: u64,
    warned: bool,
}

impl Progress {
    pub(crate) fn new(has_stills: bool, is_seen: bool, on_terminal: bool) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            shown: now,
            every: is_seen.then_some(if on_terminal { OFTEN } else { SELDOM }),
            sources: 0,
            at_work: 0,
            has_stills,
            frames: 0,
            memory: budget::memory(),
            warned: false,
        }
    }

    /// Counts what happened.
    pub(crate) fn take(&mut self, event: &Event) {
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

    /// Shows it, if it is time to.
    pub(crate) fn show(&mut self, out: &mut Output) {
        let Some(every) = self.every.filter(|&every| self.shown.elapsed() >= every) else { return };
        self.shown = Instant::now();
        let resident = budget::resident().unwrap_or_default();
        self.warn(resident, out);
        let rate = self.frames as f64 / self.started.elapsed().as_secs_f64();
        let line = format!(
            "{} files, {} at work, {} frames, {rate:.1} a second, {}",
            HumanCount(self.sources),
            self.at_work,
            HumanCount(self.frames),
            HumanBytes(resident),
        );
        if every == OFTEN { out.status(line) } else { out.plain(line) }
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
