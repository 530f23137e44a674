//! Reports on a run over many sources: its records, messages, progress and exit code.

use std::time::{Duration, Instant};

use indicatif::HumanBytes;
use moviola::{
    Bulk,
    bulk::{BulkRun, Event, Wakeup},
    records::{Record, SummaryRecord, Tally, seconds},
    sink::dataset::Dataset,
    system::budget,
};

use super::bulk::MemoryAdvice;
use crate::{
    console::Console, exit::Exit, interrupt, progress::Progress, provider_notice::ProviderNotice,
};

/// How often an interrupt is looked for, if nothing else happens.
const POLL: Duration = Duration::from_millis(100);

/// How long workers are waited for when the run is stopped: longer than an image takes.
const SHUTDOWN: Duration = Duration::from_millis(300);

/// What ends a run early, or is reported when it is passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunLimits {
    /// Bytes that the run may take.
    pub(super) memory: u64,
    pub(super) memory_advice: MemoryAdvice,
    /// Whether the first source that fails ends the run.
    pub(super) fail_fast: bool,
}

/// Takes the events of a run and passes them on to the console and the dataset.
pub(super) struct BulkReporter<'a> {
    bulk: &'a Bulk,
    limits: RunLimits,
    dataset: Option<Dataset>,
    started: Instant,
    tally: Tally,
    notice: ProviderNotice,
    /// The last reason given for decoding in software instead of on hardware.
    fallback: Option<String>,
    /// Whether sources had to wait for memory.
    was_held_back: bool,
    progress: Progress,
    out: &'a mut Console,
}

/// Why a run has ended.
enum Ending {
    /// All sources have ended.
    Complete,
    /// A source failed, and the run was to stop there.
    FirstFailure,
    /// The user interrupted it.
    Interrupted,
}

/// A number of sources as the start of a sentence.
fn sources(count: u64) -> String {
    if count == 1 { "1 source was".into() } else { format!("{count} sources were") }
}

impl<'a> BulkReporter<'a> {
    /// A reporter for a run of `bulk` that starts now.
    pub(super) fn new(
        bulk: &'a Bulk,
        limits: RunLimits,
        dataset: Option<Dataset>,
        progress: Progress,
        out: &'a mut Console,
    ) -> Self {
        Self {
            bulk,
            limits,
            dataset,
            started: Instant::now(),
            tally: Tally::default(),
            notice: ProviderNotice::default(),
            fallback: None,
            was_held_back: false,
            progress,
            out,
        }
    }

    /// Reports on the run to its end.
    pub(super) fn report(mut self, mut run: BulkRun) -> anyhow::Result<Exit> {
        let ending = self.take_events(&mut run);
        if matches!(ending, Ok(Ending::Complete)) {
            drop(run);
            self.note_memory();
            return self.finish();
        }
        // Before the workers are waited for, which may take longer than there is time.
        run.stop();
        let is_kept = self.dataset.is_some();
        let before = self.dataset.as_ref().map(Dataset::done_before).unwrap_or_default();
        let stopped = self.dataset.take().map_or(Ok(()), Dataset::stop);
        run.shutdown_timeout(SHUTDOWN);
        let ending = ending?;
        stopped?;
        self.out.end_progress();
        if is_kept {
            self.out.note("what is done is kept: --resume continues the run");
        }
        match ending {
            Ending::FirstFailure => self.summarize(before),
            Ending::Complete | Ending::Interrupted => Ok(Exit::Interrupted),
        }
    }

    /// Takes the run's events until it ends.
    fn take_events(&mut self, run: &mut BulkRun) -> anyhow::Result<Ending> {
        loop {
            if interrupt::is_requested() {
                return Ok(Ending::Interrupted);
            }
            match run.next_within(POLL) {
                Wakeup::Event(event) => self.take(event?)?,
                Wakeup::Nothing => {}
                Wakeup::End => {
                    self.was_held_back |= run.was_held_back();
                    match self.dataset.as_ref().and_then(Dataset::next_retry) {
                        Some(retry) => *run = self.bulk.run([retry])?,
                        None => break,
                    }
                }
            }
            self.progress.show(|| self.bulk.resident(), self.out);
            if self.limits.fail_fast && self.tally.failed > 0 {
                return Ok(Ending::FirstFailure);
            }
        }
        // A model that can't be loaded is an error even if no frame needed it.
        self.notice.give(|| self.bulk.provider(), self.out)?;
        Ok(Ending::Complete)
    }

    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        if let Some(dataset) = &mut self.dataset {
            dataset.take(&event)?;
        }
        self.progress.take(&event);
        match event {
            Event::Record { record, .. } => self.take_record(&record)?,
            Event::Fallback { reason, .. } if self.fallback.as_ref() != Some(&reason) => {
                self.out.note(format_args!("decoding in software: {reason}"));
                self.fallback = Some(reason);
            }
            Event::Ended { tally, .. } => self.tally.add(tally),
            _ => {}
        }
        Ok(())
    }

    fn take_record(&mut self, record: &Record) -> anyhow::Result<()> {
        self.out.source_record(record)?;
        if matches!(record, Record::Detections(_)) {
            self.notice.give(|| self.bulk.provider(), self.out)?;
        }
        Ok(())
    }

    /// Completes the records, and reports what was done before this run.
    fn finish(mut self) -> anyhow::Result<Exit> {
        let mut before = Tally::default();
        if let Some(dataset) = self.dataset.take() {
            before = dataset.done_before();
            let repeated = dataset.repeated();
            dataset.finish()?;
            if before.done + before.failed > 0 {
                let sources = sources(before.done + before.failed);
                self.out.note(format_args!("{sources} done in an earlier run"));
            }
            if repeated > 0 {
                let sources = sources(repeated);
                self.out.note(format_args!("{sources} named more than once, and read once"));
            }
        }
        self.summarize(before)
    }

    /// Writes the summary, of the sources that were done `before` too.
    fn summarize(self, before: Tally) -> anyhow::Result<Exit> {
        self.out.end_progress();
        let mut tally = self.tally;
        tally.add_all(before);
        let Tally { done, failed, frames, .. } = tally;
        let elapsed = seconds(self.started.elapsed());
        let sources = done + failed;
        let models_loaded = self.bulk.models_loaded();
        let summary = SummaryRecord { sources, done, failed, frames, elapsed, models_loaded };
        self.out.record(&Record::Summary(summary))?;
        Ok(Exit::from_tally(&tally))
    }

    /// Notes if more memory was taken than was allowed, or if sources had to wait for memory.
    fn note_memory(&self) {
        let allowed = HumanBytes(self.limits.memory);
        let peak = self.progress.peak().max(budget::peak_resident().unwrap_or_default());
        if peak > self.limits.memory {
            let peak = HumanBytes(peak);
            self.out.note(format_args!(
                "the run took up to {peak} of memory, and {allowed} are allowed: a single worker needs as \
                 much for its model and its file"
            ));
        } else if self.was_held_back {
            self.out.note(format_args!(
                "{allowed} of memory are too little for all {} workers at once: {}",
                self.bulk.jobs(),
                self.limits.memory_advice.to_use_all_workers
            ));
        }
    }
}
