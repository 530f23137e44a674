//! A plan carried out on many inputs at once, and what is said of it.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::bail;
use indicatif::HumanBytes;
use moviola::{
    Bulk, Plan, budget,
    bulk::{
        BulkOptions, BulkRun, Event, Input, Wakeup,
        inputs::{self, ResolvedSource},
    },
    records::{Tally, seconds},
    results::{Record, SummaryRecord},
    sink::{
        dataset::{Dataset, DatasetError, Existing},
        images::Folders,
    },
};

use crate::{
    exit::Exit,
    interrupt,
    output::Output,
    progress::Progress,
    run::fast::{OutputDirs, ProviderNotice},
};

/// How often the user's wish to end is heeded, if nothing else happens.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long those at work are waited for when there is nothing more to do: longer than an image takes.
const LEAVING: Duration = Duration::from_millis(300);

/// What becomes of the results.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Results<'a> {
    /// Where images go.
    pub(crate) images: OutputDirs<'a>,
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

/// What is to be done on many inputs.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) plan: Plan,
    /// What the inputs are found by.
    pub(crate) words: Vec<OsString>,
    pub(crate) options: BulkOptions,
    pub(crate) results: Results<'a>,
}

/// Carries it out. An error is one of the plan, of its model, or of the output: it ends everything.
pub(crate) fn run(job: Job<'_>, out: &mut Output) -> anyhow::Result<Exit> {
    let Job { plan, words, options, results } = job;
    results.check(&words)?;
    plan.check()?;
    let folders = results.images.folders(&plan)?;
    let dataset = match results.target.map(|path| Dataset::open(path, &plan, results.existing)) {
        Some(Err(error @ DatasetError::Complete { .. })) => {
            out.note(error);
            return Ok(Exit::Done);
        }
        dataset => dataset.transpose()?,
    };
    if dataset.is_some() {
        out.records_go_elsewhere();
        interrupt::finishing(); // until the journal has what was stopped
    }
    let written = results.written(dataset.as_ref());
    let counted = (words.clone(), written.clone());
    let progress = Progress::new(plan.stills.is_some(), counted, out.bulk_pace());
    let memory = options.memory;
    let bulk = start(plan, options, out)?;
    let found = progress.ahead().watch(inputs::find(words, &written));
    let run = begin(&bulk, dataset.as_ref(), found, folders)?;
    let writer = Writer {
        bulk: &bulk,
        memory,
        dataset,
        fail_fast: results.fail_fast,
        started: Instant::now(),
        tally: Tally::default(),
        notice: ProviderNotice::default(),
        fallback: None,
        was_held_back: false,
        progress,
        out,
    };
    writer.write(run)
}

/// Starts to load what is needed; says so if there will be fewer workers than were asked for.
fn start(plan: Plan, options: BulkOptions, out: &Output) -> anyhow::Result<Bulk> {
    let (memory, jobs) = (options.memory, options.jobs);
    let bulk = Bulk::new(plan, options)?;
    if bulk.jobs() < jobs {
        let (allowed, started) = (HumanBytes(memory), bulk.jobs());
        out.note(format_args!("{allowed} of memory allow {started} of {jobs} worker processes"));
    }
    Ok(bulk)
}

/// Begins the work on what is found, but for what is done already.
fn begin(
    bulk: &Bulk,
    dataset: Option<&Dataset>,
    found: impl Iterator<Item = ResolvedSource> + Send + 'static,
    mut folders: Folders,
) -> io::Result<BulkRun> {
    match dataset {
        Some(dataset) => bulk.run(dataset.inputs(found, folders)),
        None => bulk.run(found.map(move |found| {
            let folders = folders.next(&found.name);
            Input::found(found, folders)
        })),
    }
}

impl Results<'_> {
    /// Refuses inputs that can't be right in a whole.
    fn check(&self, words: &[OsString]) -> anyhow::Result<()> {
        let from_stdin = |word: &&OsString| *word == "-" || *word == "@-";
        if words.iter().filter(from_stdin).count() > 1 {
            bail!("standard input (`-` or `@-`) can be read once only");
        }
        if self.existing == Existing::Resume && words.iter().any(|word| word == "-") {
            bail!("what came through standard input (`-`) can't be gone on with: name a file");
        }
        Ok(())
    }

    /// Where anything is written: no input.
    fn written(&self, dataset: Option<&Dataset>) -> Vec<PathBuf> {
        let images = [self.images.stills, self.images.annotated];
        let images = images.into_iter().flatten().map(Path::to_owned);
        images.chain(dataset.iter().flat_map(|dataset| dataset.places())).collect()
    }
}

struct Writer<'a> {
    bulk: &'a Bulk,
    /// Bytes that it may take.
    memory: u64,
    dataset: Option<Dataset>,
    fail_fast: bool,
    started: Instant,
    tally: Tally,
    notice: ProviderNotice,
    /// Why software decodes what hardware was to, as it was said last.
    fallback: Option<String>,
    /// Sources had to wait for memory.
    was_held_back: bool,
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
        if matches!(end, Ok(End::OfInputs)) {
            drop(run);
            self.tell_of_memory();
            return self.finish();
        }
        // Before the workers are waited for, which may take longer than there is time.
        run.stop();
        let is_kept = self.dataset.is_some();
        let before = self.dataset.as_ref().map(Dataset::done_before).unwrap_or_default();
        let stopped = self.dataset.take().map_or(Ok(()), Dataset::stop);
        run.shutdown_timeout(LEAVING);
        let end = end?;
        stopped?;
        self.out.end_progress();
        if is_kept {
            self.out.note("what is done is kept: go on with --resume");
        }
        match end {
            End::AtFailure => self.summarise(before),
            End::OfInputs | End::Interrupted => Ok(Exit::Interrupted),
        }
    }

    /// Takes what happens until there is an end.
    fn take_all(&mut self, run: &mut BulkRun) -> anyhow::Result<End> {
        loop {
            if interrupt::requested() {
                return Ok(End::Interrupted);
            }
            match run.next_within(PATIENCE) {
                Wakeup::Event(event) => self.take(event?)?,
                Wakeup::Nothing => {}
                Wakeup::End => {
                    self.was_held_back |= run.was_held_back();
                    match self.dataset.as_ref().and_then(Dataset::next_retry) {
                        Some(suspect) => *run = self.bulk.run([suspect])?,
                        None => break,
                    }
                }
            }
            self.progress.show(|| self.bulk.resident(), self.out);
            if self.fail_fast && self.tally.failed > 0 {
                return Ok(End::AtFailure);
            }
        }
        // Without a model, no source can be searched: that it can't be loaded is told now.
        self.notice.make(|| self.bulk.provider(), self.out)?;
        Ok(End::OfInputs)
    }

    /// Completes the results.
    fn finish(mut self) -> anyhow::Result<Exit> {
        let mut before = Tally::default();
        if let Some(dataset) = self.dataset.take() {
            before = dataset.done_before();
            let repeated = dataset.repeated();
            dataset.finish()?;
            if before.done + before.failed > 0 {
                self.out.note(format_args!("{} were done before", before.done + before.failed));
            }
            if repeated > 0 {
                self.out.note(format_args!("{repeated} were named again, and read once"));
            }
        }
        self.summarise(before)
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
                    self.notice.make(|| self.bulk.provider(), self.out)?;
                }
            }
            Event::Fallback { reason, .. } if self.fallback.as_ref() != Some(&reason) => {
                self.out.note(format_args!("decoding in software: {reason}"));
                self.fallback = Some(reason);
            }
            Event::Ended { tally, .. } => self.tally.add(tally),
            _ => {}
        }
        Ok(())
    }

    /// Says how it ended, with what became of the sources that were done before.
    fn summarise(self, before: Tally) -> anyhow::Result<Exit> {
        self.out.end_progress();
        let mut tally = self.tally;
        tally.add_all(before);
        let Tally { done, failed, frames, .. } = tally;
        let elapsed = seconds(self.started.elapsed());
        let sources = done + failed;
        let models_loaded = self.bulk.models_loaded();
        let summary = SummaryRecord { sources, done, failed, frames, elapsed, models_loaded };
        self.out.record(&Record::Summary(summary))?;
        Ok(Exit::of(&tally))
    }

    /// Says so if more memory was taken than was allowed, or if sources had to wait for it.
    fn tell_of_memory(&self) {
        let allowed = HumanBytes(self.memory);
        let peak = self.progress.most().max(budget::peak_resident().unwrap_or_default());
        if peak > self.memory {
            let peak = HumanBytes(peak);
            self.out.note(format_args!(
                "up to {peak} of memory were taken where {allowed} are allowed: a worker takes as much \
                 with its model and its file"
            ));
        } else if self.was_held_back {
            self.out.note(format_args!(
                "{allowed} of memory were too little for all {} workers at once: more --memory, or fewer \
                 --jobs",
                self.bulk.jobs()
            ));
        }
    }
}
