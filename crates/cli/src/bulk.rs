//! A plan carried out on many inputs at once, and what is said of it.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::HumanBytes;
use moviola::{
    Bulk, Plan, budget,
    bulk::{BulkOptions, BulkRun, Event, Input, Moment, inputs},
    image::Overwrite,
    records::seconds,
    results::{Record, SummaryRecord},
    sink::{
        dataset::{Dataset, DatasetError, Existing},
        images::Folders,
    },
};

use crate::{
    exit::{Exit, Tally},
    fast::{Introduction, Places},
    input::Inputs,
    interrupt,
    output::Output,
    progress::Progress,
};

/// How often the user's wish to end is heeded, if nothing else happens.
const PATIENCE: Duration = Duration::from_millis(100);

/// What becomes of the results.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Results<'a> {
    /// Where images go.
    pub(crate) images: Places<'a>,
    /// Where records go, if not to standard output.
    pub(crate) target: Option<&'a Path>,
    pub(crate) existing: Existing,
    /// Stop at the first source that fails.
    pub(crate) fail_fast: bool,
}

/// Whether a word of the command line may mean several sources.
pub(crate) fn means_many(word: &OsStr) -> bool {
    let path = Path::new(word);
    let text = word.to_str().unwrap_or_default();
    let is_address = text.contains("://");
    text.starts_with('@')
        || (!is_address && path.is_dir())
        || (!is_address && !path.exists() && text.contains(['*', '?', '[']))
}

/// Carries out `plan` on all that `words` mean. An error is one of the plan, of its model, or of the
/// output: it ends everything.
pub(crate) fn run(
    plan: Plan,
    words: Vec<OsString>,
    options: BulkOptions,
    results: Results<'_>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    Inputs::of(words.clone()).check()?;
    let places = results.images;
    let overwrite = if places.overwrite { Overwrite::Replace } else { Overwrite::Refuse };
    let mut folders = Folders::new(&plan, places.stills, places.annotated, overwrite)?;
    let dataset = match results.target.map(|path| Dataset::open(path, &plan, results.existing)) {
        Some(Err(error @ DatasetError::Complete { .. })) => {
            out.note(error);
            return Ok(Exit::Done);
        }
        dataset => dataset.transpose()?,
    };
    let progress = Progress::new(plan.stills.is_some(), words.clone(), out.bulk_pace());
    let (memory, jobs) = (options.memory, options.jobs);
    let bulk = Bulk::new(plan, options)?;
    if bulk.jobs() < jobs {
        let (allowed, started) = (HumanBytes(memory), bulk.jobs());
        out.note(format_args!("{allowed} of memory allow {started} of {jobs} worker processes"));
    }
    if dataset.is_some() {
        out.records_go_elsewhere();
    }
    let found = progress.ahead().watch(inputs::find(words));
    let run = match &dataset {
        Some(dataset) => bulk.run(dataset.inputs(found, folders))?,
        None => bulk.run(found.map(move |found| {
            let folders = folders.next(&found.name);
            Input::found(found, folders)
        }))?,
    };
    let writer = Writer {
        bulk: &bulk,
        memory,
        dataset,
        fail_fast: results.fail_fast,
        started: Instant::now(),
        tally: Tally::default(),
        introduction: Introduction::default(),
        progress,
        out,
    };
    writer.write(run)
}

struct Writer<'a> {
    bulk: &'a Bulk,
    /// Bytes that it may take.
    memory: u64,
    dataset: Option<Dataset>,
    fail_fast: bool,
    started: Instant,
    tally: Tally,
    introduction: Introduction,
    progress: Progress,
    out: &'a mut Output,
}

/// Why no more is taken.
enum End {
    /// All inputs have ended.
    OfInputs,
    /// One failed, and that is to be the end.
    AtFailure,
    /// The user wants no more.
    Interrupted,
}

impl Writer<'_> {
    fn write(mut self, mut run: BulkRun) -> anyhow::Result<Exit> {
        let end = self.take_all(&mut run);
        if !matches!(end, Ok(End::OfInputs)) {
            // Before the workers are waited for, which may take longer than there is time.
            run.stop();
            let stopped = self.dataset.take().map_or(Ok(()), Dataset::stop);
            if let (Ok(_), Err(error)) = (&end, stopped) {
                return Err(error.into());
            }
        }
        drop(run);
        match end? {
            End::OfInputs => self.finish(),
            End::AtFailure => self.summarise(),
            End::Interrupted => Ok(Exit::Interrupted),
        }
    }

    /// Takes what happens until there is an end.
    fn take_all(&mut self, run: &mut BulkRun) -> anyhow::Result<End> {
        loop {
            if interrupt::requested() {
                return Ok(End::Interrupted);
            }
            match run.next_within(PATIENCE) {
                Moment::Event(event) => self.take(event?)?,
                Moment::Nothing => {}
                Moment::End => break,
            }
            self.progress.show(|| self.bulk.resident(), self.out);
            if self.fail_fast && self.tally.failed > 0 {
                return Ok(End::AtFailure);
            }
        }
        // Without a model, no source can be searched: that it can't be loaded is told now.
        self.introduction.make(|| self.bulk.provider(), self.out)?;
        Ok(End::OfInputs)
    }

    /// Completes the results.
    fn finish(mut self) -> anyhow::Result<Exit> {
        if let Some(dataset) = self.dataset.take() {
            let before = dataset.done_before();
            dataset.finish()?;
            if before > 0 {
                self.out.note(format_args!("{before} were done before"));
            }
        }
        self.summarise()
    }

    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        if let Some(dataset) = &mut self.dataset {
            dataset.take(&event)?;
        }
        self.progress.take(&event);
        match event {
            Event::Record { record, .. } => {
                if let Record::Error(error) = &*record {
                    self.out.error(format_args!("{}: {}", error.source, error.message));
                }
                if self.dataset.is_none() {
                    self.out.record(&record)?;
                }
                if matches!(*record, Record::Detections(_)) {
                    self.introduction.make(|| self.bulk.provider(), self.out)?;
                }
            }
            Event::Ended { tally, .. } => self.tally.add(tally),
            _ => {}
        }
        Ok(())
    }

    fn summarise(self) -> anyhow::Result<Exit> {
        self.out.end_progress();
        self.tell_of_memory();
        let Tally { done, failed, frames, .. } = self.tally;
        let elapsed = seconds(self.started.elapsed());
        let sources = done + failed;
        let models_loaded = self.bulk.models_loaded();
        let summary = SummaryRecord { sources, done, failed, frames, elapsed, models_loaded };
        self.out.record(&Record::Summary(summary))?;
        Ok(self.tally.exit())
    }

    /// Says so if one worker with its model and its file took more than was allowed.
    fn tell_of_memory(&self) {
        let peak = budget::peak_resident().filter(|peak| *peak > self.memory);
        if let Some(peak) = peak {
            let (peak, allowed) = (HumanBytes(peak), HumanBytes(self.memory));
            self.out.note(format_args!(
                "up to {peak} of memory were taken where {allowed} are allowed: one worker takes as \
                 much with its model and its file"
            ));
        }
    }
}
