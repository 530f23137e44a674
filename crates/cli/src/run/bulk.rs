//! Carries out a plan on many sources at once.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};

use anyhow::bail;
use indicatif::HumanBytes;
use moviola::{
    Bulk, Plan,
    bulk::{BulkInput, BulkOptions, BulkRun},
    inputs::{self, ResolvedSource},
    sink::{
        dataset::{Dataset, DatasetError, Existing},
        images::Folders,
    },
    source::StreamSelection,
};

use super::bulk_report::{BulkReporter, RunLimits};
use crate::{
    console::Console, exit::Exit, interrupt, memory_warning::MemoryWarning,
    output_dirs::OutputDirs, progress::Progress,
};

/// What to do with many sources.
#[derive(Debug)]
pub(crate) struct BulkRequest<'a> {
    pub(crate) plan: Plan,
    /// What the sources are found by: paths, folders, patterns, lists, URLs.
    pub(crate) words: Vec<OsString>,
    pub(crate) options: BulkOptions,
    pub(crate) destination: Destination<'a>,
    /// Stop at the first source that fails.
    pub(crate) fail_fast: bool,
    pub(crate) memory_advice: MemoryAdvice,
}

/// What the command's flags can do about memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryAdvice {
    /// If the machine's memory is short.
    pub(crate) to_take_less: &'static str,
    /// If the memory that is allowed is too little for all workers.
    pub(crate) to_use_all_workers: &'static str,
}

/// Where images and records go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Destination<'a> {
    pub(crate) images: OutputDirs<'a>,
    /// A file or folder of records; `None` is standard output.
    pub(crate) records: Option<&'a Path>,
    /// What to do about records that are there already.
    pub(crate) existing: Existing,
}

/// Whether a word of the command line may name several sources: a folder, a pattern or a list.
pub(crate) fn means_many(word: &OsStr) -> bool {
    let path = Path::new(word);
    let text = word.to_str().unwrap_or_default();
    let is_url = text.contains("://");
    text.starts_with('@')
        || (!is_url && path.is_dir())
        || (!is_url && !path.exists() && text.contains(['*', '?', '[']))
}

/// Carries out the request. An error is one of the plan, of its model, or of the output: it ends
/// the run.
pub(crate) fn run(request: BulkRequest<'_>, out: &mut Console) -> anyhow::Result<Exit> {
    let BulkRequest { plan, words, options, destination, fail_fast, memory_advice } = request;
    destination.check(&words)?;
    plan.check()?;
    let folders = destination.images.folders(&plan)?;
    let dataset = match destination.dataset(&plan, &options.source.streams) {
        Some(Err(error @ DatasetError::Complete { .. })) => {
            out.note(error);
            return Ok(Exit::Done);
        }
        dataset => dataset.transpose()?,
    };
    if dataset.is_some() {
        out.records_go_elsewhere();
        interrupt::let_finish(); // until the journal says what was stopped
    }
    let written = destination.written(dataset.as_ref());
    let has_stills = plan.still().is_some();
    let warning = MemoryWarning::new(memory_advice.to_take_less);
    let progress =
        Progress::new(has_stills, words.clone(), written.clone(), out.bulk_pace(), warning);
    let limits = RunLimits { memory: options.memory, memory_advice, fail_fast };
    let bulk = start_workers(plan, options, out)?;
    let found = progress.input_count().watch(inputs::find(words, &written));
    let run = start(&bulk, dataset.as_ref(), found, folders)?;
    BulkReporter::new(&bulk, limits, dataset, progress, out).report(run)
}

/// Starts the workers; prints a note if there are fewer than requested.
fn start_workers(plan: Plan, options: BulkOptions, out: &Console) -> anyhow::Result<Bulk> {
    let (memory, jobs) = (options.memory, options.jobs);
    let bulk = Bulk::new(plan, options)?;
    if bulk.jobs() < jobs {
        let (allowed, started) = (HumanBytes(memory), bulk.jobs());
        out.note(format_args!("{allowed} of memory allow {started} of {jobs} worker processes"));
    }
    Ok(bulk)
}

/// Starts the run over the resolved sources, without those that an earlier run has finished.
fn start(
    bulk: &Bulk,
    dataset: Option<&Dataset>,
    found: impl Iterator<Item = ResolvedSource> + Send + 'static,
    mut folders: Folders,
) -> io::Result<BulkRun> {
    match dataset {
        Some(dataset) => bulk.run(dataset.inputs(found, folders)),
        None => bulk.run(found.map(move |found| {
            let folders = folders.next(&found.name);
            BulkInput::resolved(found, folders)
        })),
    }
}

impl Destination<'_> {
    /// Refuses words that can't be right together.
    fn check(&self, words: &[OsString]) -> anyhow::Result<()> {
        let from_stdin = |word: &&OsString| *word == "-" || *word == "@-";
        if words.iter().filter(from_stdin).count() > 1 {
            bail!("standard input (`-` or `@-`) can be read once only");
        }
        if self.existing == Existing::Resume && words.iter().any(|word| word == "-") {
            bail!(
                "standard input (`-`) can't be resumed, because it can't be read again: name a file"
            );
        }
        Ok(())
    }

    /// The records' file or folder, if they don't go to standard output.
    fn dataset(
        &self,
        plan: &Plan,
        streams: &StreamSelection,
    ) -> Option<Result<Dataset, DatasetError>> {
        self.records.map(|path| Dataset::open(path, plan, streams, self.existing))
    }

    /// Every path that is written to: none of them is a source.
    fn written(&self, dataset: Option<&Dataset>) -> Vec<PathBuf> {
        let images = [self.images.stills, self.images.annotated];
        let images = images.into_iter().flatten().map(Path::to_owned);
        images.chain(dataset.iter().flat_map(|dataset| dataset.output_paths())).collect()
    }
}
