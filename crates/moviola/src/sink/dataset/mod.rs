//! The records of many sources in files: a part for each source, complete or absent.
//!
//! If the output is a folder, the parts are the result: `DIR/<stem>.jsonl`. If it is a file or
//! tables, the parts are joined in the order of the inputs after all sources have ended, and
//! removed. A journal in the folder of the parts lists the finished ones, so that a later run can
//! resume.

mod error;
mod joined;
mod part;
mod pending_inputs;
mod target;

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moviola_media::source::StreamSelection;

use crate::{
    inputs::ResolvedSource,
    plan::Plan,
    records::{Event, SourceTally, Tally},
    sink::BulkInput,
    sink::images::Folders,
    sink::journal::{FinishedPart, Header, Journal},
};
use error::Result;
use part::{Part, part_path};
use pending_inputs::{PendingInputs, PendingSource};
use target::Target;

pub use super::journal::JournalError;
pub use error::DatasetError;

/// The journal's file name, in the folder of the parts.
const JOURNAL: &str = ".moviola-journal.jsonl";

/// What to do about results that exist already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Return an error.
    #[default]
    Refuse,
    /// Resume: keep what is finished and add to it.
    Resume,
    /// Replace them. In a folder, files of sources that are not among the inputs are kept.
    Replace,
}

/// The output files of a run over many sources.
///
/// It takes a few hundred bytes of memory for each source in the journal.
#[derive(Debug)]
pub struct Dataset {
    shared: Arc<Mutex<DatasetState>>,
    parts: PathBuf,
    target: Target,
    /// The parts that are being written, by input number.
    open: BTreeMap<u64, Part>,
}

/// The state that a [`Dataset`] shares with its [`PendingInputs`].
#[derive(Debug)]
struct DatasetState {
    journal: Journal,
    /// The sources that were started and have no open part yet, by input number.
    started: BTreeMap<u64, StartedSource>,
    /// The input number of the next source of the current run.
    next_number: u64,
    /// The folders for images; `None` before the run starts.
    folders: Option<Folders>,
    /// Sources that an earlier process was reading when it crashed. Each crash adds as many as were
    /// read at once.
    suspects: VecDeque<PendingSource>,
    /// The names of all parts in the order of the inputs; `None` if the parts aren't joined.
    order: Option<Vec<String>>,
    /// Whether existing files at the paths of parts and images are replaced.
    replaces: bool,
    /// The counts of the inputs that earlier runs have finished.
    done_before: Tally,
    /// The number of inputs that named a source again.
    repeated: u64,
    /// The error that ended the inputs; [`Dataset::finish`] returns it.
    failure: Option<DatasetError>,
    /// Whether the run was stopped, so that no more sources are started.
    is_stopped: bool,
}

/// A source that was started.
#[derive(Clone, Debug)]
struct StartedSource {
    /// Its key in the journal.
    key: String,
    part: String,
    /// Whether the journal lists it as started.
    is_in_journal: bool,
}

impl Dataset {
    /// Opens the output files for the records of `plan` on these `streams` of each source.
    ///
    /// The output is the file `target` if its name ends in `.jsonl`, a folder of tables if it ends
    /// in `.parquet`, else a folder with a file for each source.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`] if results exist and `existing` is [`Existing::Refuse`],
    /// [`DatasetError::OtherKind`] if the output path has something that can't be replaced,
    /// [`DatasetError::Complete`] if an earlier run has completed the output,
    /// [`DatasetError::Begin`], [`DatasetError::Journal`].
    pub fn open(
        target: &Path,
        plan: &Plan,
        streams: &StreamSelection,
        existing: Existing,
    ) -> Result<Self> {
        let target = Target::of(target);
        let (parts, exists) = (target.parts(), target.exists()?);
        let path = parts.join(JOURNAL);
        if existing == Existing::Refuse && exists {
            return Err(DatasetError::Exists { path: target.path().into() });
        }
        if path.exists() && Journal::open(&path).is_ok_and(|journal| journal.is_complete()) {
            target.remove_parts(&path)?; // a run was killed just before it ended
        }
        if existing == Existing::Resume && exists && !path.exists() {
            return Err(DatasetError::Complete { path: target.path().into() });
        }
        target.reject_foreign_parts(&path)?;
        let unwritable = |cause| DatasetError::Begin { path: parts.clone(), cause };
        fs::create_dir_all(&parts).map_err(unwritable)?;
        let shared = DatasetState::new(
            open_journal(&path, Header::of(plan, streams), existing, &target)?,
            &target,
        );
        let shared = Arc::new(Mutex::new(shared));
        Ok(Self { shared, parts, target, open: BTreeMap::new() })
    }

    /// The sources among `sources` that are not finished, for one run, each with its folders.
    ///
    /// Sources that may have crashed an earlier process are not among them:
    /// [`next_retry`](Self::next_retry) returns those.
    pub fn inputs(
        &self,
        sources: impl Iterator<Item = ResolvedSource> + Send + 'static,
        folders: Folders,
    ) -> impl Iterator<Item = BulkInput> + Send + 'static {
        lock(&self.shared).folders = Some(folders);
        PendingInputs { shared: Arc::clone(&self.shared), parts: self.parts.clone(), sources }
    }

    /// The next source that may have crashed an earlier process; `None` after the last.
    ///
    /// To be called after the run over the [`inputs`](Self::inputs). Each source needs a run of its
    /// own, so that a crash can be attributed to it.
    pub fn next_retry(&self) -> Option<BulkInput> {
        let mut shared = lock(&self.shared);
        shared.next_number = 0; // input numbers start at 0 in each run
        let suspect = shared.suspects.pop_front()?;
        shared.start_source(&self.parts, suspect)
    }

    /// The paths that are written to during the run and at its end, which must not be read as
    /// inputs.
    pub fn output_paths(&self) -> Vec<PathBuf> {
        vec![self.target.path().into(), self.parts.clone()]
    }

    /// The counts of those inputs so far that an earlier run has finished.
    pub fn done_before(&self) -> Tally {
        lock(&self.shared).done_before
    }

    /// The number of inputs that named a source again. Each source is read once.
    pub fn repeated(&self) -> u64 {
        lock(&self.shared).repeated
    }

    /// Writes an event of a source.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Images`], [`DatasetError::Journal`]. After an error
    /// the source counts as unfinished.
    pub fn take(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Started { input, .. } => self.open_part(*input),
            Event::Record { input, record } => match self.open.get_mut(input) {
                Some(part) => part.write(record),
                None => Ok(()),
            },
            Event::Ended { input, tally } => self.finish_part(*input, *tally),
            Event::Fallback { .. } => Ok(()),
        }
    }

    fn open_part(&mut self, input: u64) -> Result<()> {
        let source = lock(&self.shared).started.get(&input).cloned();
        let Some(source) = source else { return Ok(()) };
        let path = part_path(&self.parts, &source.part);
        self.open.insert(input, Part::create(source, path)?);
        // Removed only now, so that `stop` lists a source whose part can't be created as given up.
        lock(&self.shared).started.remove(&input);
        Ok(())
    }

    fn finish_part(&mut self, input: u64, tally: SourceTally) -> Result<()> {
        let Some(part) = self.open.get_mut(&input) else { return Ok(()) };
        if tally.unwritten {
            return Err(DatasetError::Images { source_name: part.key().into() });
        }
        let bytes = part.finish()?;
        lock(&self.shared).journal.record_done(part.key(), FinishedPart { bytes, tally })?;
        self.open.remove(&input);
        Ok(())
    }

    /// Ends a run that was stopped. Unfinished parts are removed; their sources don't count as
    /// crashed.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Journal`].
    pub fn stop(self) -> Result<()> {
        // Before the journal is written, because it frees disk space.
        let open: Vec<_> = self.open.into_values().map(Part::discard).collect();
        let mut shared = lock(&self.shared);
        shared.is_stopped = true;
        let started = std::mem::take(&mut shared.started).into_values().chain(open);
        let keys = started.filter(|source| source.is_in_journal).map(|source| source.key);
        Ok(shared.journal.record_stop(keys)?)
    }

    /// Ends a run after all inputs and all retries: joins the parts, unless they are the result.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Tables`], [`DatasetError::Suspects`] if sources are
    /// left for [`next_retry`](Self::next_retry), or the error that ended the inputs.
    pub fn finish(self) -> Result<()> {
        let mut shared = lock(&self.shared);
        if let Some(failure) = shared.failure.take() {
            return Err(failure);
        }
        if let count @ 1.. = shared.suspects.len() {
            return Err(DatasetError::Suspects { count });
        }
        let Some(order) = shared.order.take() else { return Ok(()) };
        self.target.join_parts(order.iter().map(|part| part_path(&self.parts, part)))?;
        shared.journal.record_complete()?;
        self.target.remove_parts(&self.parts.join(JOURNAL))
    }
}

/// Opens the journal at `path`, or replaces it, depending on `existing`.
fn open_journal(
    path: &Path,
    header: Header,
    existing: Existing,
    target: &Target,
) -> Result<Journal> {
    if existing == Existing::Replace {
        return Ok(Journal::create(path, header.replacing())?);
    }
    let mut journal = Journal::open(path)?;
    if existing == Existing::Refuse && journal.has_results() {
        return Err(DatasetError::Exists { path: target.path().into() });
    }
    journal.resume(header)?;
    Ok(journal)
}

impl DatasetState {
    fn new(journal: Journal, target: &Target) -> Self {
        Self {
            replaces: journal.replaces(),
            journal,
            started: BTreeMap::new(),
            next_number: 0,
            folders: None,
            suspects: VecDeque::new(),
            order: target.is_joined().then(Vec::new),
            done_before: Tally::default(),
            repeated: 0,
            failure: None,
            is_stopped: false,
        }
    }
}

fn lock(shared: &Mutex<DatasetState>) -> MutexGuard<'_, DatasetState> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
