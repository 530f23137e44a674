//! The records of many sources in files: a part for each source, complete or absent.
//!
//! In a folder the parts are the result: `DIR/<stem>.jsonl`. For a single file, or for tables, they
//! are joined when all sources have ended, in the order of the inputs, and removed. A journal beside
//! the parts lists the finished ones, so that a run can continue after any end of an earlier one.

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
    sink::journal::{Done, Header, Journal},
};
use error::Result;
use part::{Part, place};
use pending_inputs::{Admitted, PendingInputs};
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
    /// Continue them.
    Resume,
    /// Replace them. In a folder, files of sources that are not among the inputs stay.
    Replace,
}

/// The files of a run over many sources.
///
/// Memory grows by a few hundred bytes for each source in the journal.
#[derive(Debug)]
pub struct Dataset {
    shared: Arc<Mutex<DatasetState>>,
    parts: PathBuf,
    target: Target,
    /// The parts that are being written, by the number of their input.
    open: BTreeMap<u64, Part>,
}

/// The state that [`PendingInputs`] shares.
#[derive(Debug)]
struct DatasetState {
    journal: Journal,
    /// The sources that were started and have no part yet, by their number.
    begun: BTreeMap<u64, StartedSource>,
    /// The number of the next source of the current run.
    next: u64,
    /// Where images go; known once the run starts.
    folders: Option<Folders>,
    /// Sources that an earlier process was reading when it crashed: as many as were read at once, for
    /// each crash.
    suspects: VecDeque<Admitted>,
    /// The names of all parts in the order of the inputs, if they will be joined.
    order: Option<Vec<String>>,
    /// Existing files at the paths of parts and images are replaced.
    replaces: bool,
    /// The counts of the sources that earlier runs finished.
    before: Tally,
    /// How many inputs named a source again.
    repeated: u64,
    /// Why no more inputs are taken.
    broken: Option<DatasetError>,
    /// No more sources are started.
    is_stopped: bool,
}

/// A source that was started.
#[derive(Clone, Debug)]
struct StartedSource {
    /// Its key in the journal.
    key: String,
    part: String,
    /// The journal lists it as started, so files at its paths are from a run and may be replaced.
    is_started: bool,
}

impl Dataset {
    /// The files for the records of `plan` on these `streams` of each source: `target` itself if its
    /// name ends in `.jsonl`, a folder of tables if it ends in `.parquet`, else a file for each source
    /// in the folder `target`.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`] for results that `existing` refuses, [`DatasetError::OtherKind`] for
    /// files that can't be replaced, [`DatasetError::Complete`] if there is nothing to continue,
    /// [`DatasetError::Begin`], [`DatasetError::Journal`].
    pub fn open(
        target: &Path,
        plan: &Plan,
        streams: &StreamSelection,
        existing: Existing,
    ) -> Result<Self> {
        let target = Target::of(target);
        let (parts, exists) = (target.parts(), target.is_there()?);
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
        target.refuse_foreign_parts(&path)?;
        let unwritable = |cause| DatasetError::Begin { path: parts.clone(), cause };
        fs::create_dir_all(&parts).map_err(unwritable)?;
        let shared = DatasetState::new(
            journal(&path, Header::of(plan, streams), existing, &target)?,
            &target,
        );
        let shared = Arc::new(Mutex::new(shared));
        Ok(Self { shared, parts, target, open: BTreeMap::new() })
    }

    /// The sources in `found` that are not finished, for one run, each with its folders. Sources that
    /// may have crashed an earlier process are left out: [`next_retry`](Self::next_retry) returns them.
    pub fn inputs(
        &self,
        found: impl Iterator<Item = ResolvedSource> + Send + 'static,
        folders: Folders,
    ) -> impl Iterator<Item = BulkInput> + Send + 'static {
        lock(&self.shared).folders = Some(folders);
        PendingInputs { shared: Arc::clone(&self.shared), parts: self.parts.clone(), found }
    }

    /// After the run over the [`inputs`](Self::inputs): a source that may have crashed an earlier
    /// process, for a run of its own. A crash of that run is its fault.
    pub fn next_retry(&self) -> Option<BulkInput> {
        let mut shared = lock(&self.shared);
        shared.next = 0; // each run counts for itself
        let next_retry = shared.suspects.pop_front()?;
        shared.admit(&self.parts, next_retry)
    }

    /// The paths that are written to, now and at the end: none of them is an input.
    pub fn places(&self) -> Vec<PathBuf> {
        vec![self.target.path().into(), self.parts.clone()]
    }

    /// The counts of the inputs so far that an earlier run has finished.
    pub fn done_before(&self) -> Tally {
        lock(&self.shared).before
    }

    /// How many inputs named a source again, which is read once.
    pub fn repeated(&self) -> u64 {
        lock(&self.shared).repeated
    }

    /// Writes an event of a source.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Images`], [`DatasetError::Journal`]: the source
    /// then counts as unfinished.
    pub fn take(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Started { input, .. } => self.begin(*input),
            Event::Record { input, record } => match self.open.get_mut(input) {
                Some(part) => part.write(record),
                None => Ok(()),
            },
            Event::Ended { input, tally } => self.end(*input, *tally),
            Event::Fallback { .. } => Ok(()),
        }
    }

    fn begin(&mut self, input: u64) -> Result<()> {
        let begun = lock(&self.shared).begun.get(&input).cloned();
        let Some(begun) = begun else { return Ok(()) };
        let path = place(&self.parts, &begun.part);
        self.open.insert(input, Part::create(begun, path)?);
        // Only now: a source whose part can't be created is given up in `stop`.
        lock(&self.shared).begun.remove(&input);
        Ok(())
    }

    fn end(&mut self, input: u64, tally: SourceTally) -> Result<()> {
        let Some(part) = self.open.get_mut(&input) else { return Ok(()) };
        if tally.unwritten {
            return Err(DatasetError::Images { source_name: part.key().into() });
        }
        let bytes = part.finish()?;
        lock(&self.shared).journal.done(part.key(), Done { bytes, tally })?;
        self.open.remove(&input);
        Ok(())
    }

    /// Ends a run that was stopped. Unfinished parts are removed, and their sources are not blamed.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Journal`].
    pub fn stop(self) -> Result<()> {
        // First, because it frees disk space for the journal.
        let open: Vec<_> = self.open.into_values().map(Part::give_up).collect();
        let mut shared = lock(&self.shared);
        shared.is_stopped = true;
        let begun = std::mem::take(&mut shared.begun).into_values().chain(open);
        let started = begun.filter(|begun| begun.is_started).map(|begun| begun.key);
        Ok(shared.journal.stop(started)?)
    }

    /// Ends a run that took all inputs and all retries: joins the parts, unless they are the result.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Tables`], [`DatasetError::Suspects`] if
    /// retries are left, or the error that ended the inputs.
    pub fn finish(self) -> Result<()> {
        let mut shared = lock(&self.shared);
        if let Some(broken) = shared.broken.take() {
            return Err(broken);
        }
        if let count @ 1.. = shared.suspects.len() {
            return Err(DatasetError::Suspects { count });
        }
        let Some(order) = shared.order.take() else { return Ok(()) };
        self.target.complete(order.iter().map(|part| place(&self.parts, part)))?;
        shared.journal.complete()?;
        self.target.remove_parts(&self.parts.join(JOURNAL))
    }
}

/// The journal at `path`: a new one or the existing one, as `existing` says.
fn journal(path: &Path, header: Header, existing: Existing, target: &Target) -> Result<Journal> {
    if existing == Existing::Replace {
        return Ok(Journal::begin_anew(path, header.replacing())?);
    }
    let mut journal = Journal::open(path)?;
    if existing == Existing::Refuse && journal.has_results() {
        return Err(DatasetError::Exists { path: target.path().into() });
    }
    journal.go_on(header)?;
    Ok(journal)
}

impl DatasetState {
    fn new(journal: Journal, target: &Target) -> Self {
        Self {
            replaces: journal.replaces(),
            journal,
            begun: BTreeMap::new(),
            next: 0,
            folders: None,
            suspects: VecDeque::new(),
            order: target.is_joined().then(Vec::new),
            before: Tally::default(),
            repeated: 0,
            broken: None,
            is_stopped: false,
        }
    }
}

fn lock(shared: &Mutex<DatasetState>) -> MutexGuard<'_, DatasetState> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
