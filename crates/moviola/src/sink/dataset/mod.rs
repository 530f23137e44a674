//! The records of many sources in files: a part for each source, whole or not there at all.
//!
//! In a folder the parts are the result: `DIR/<stem>.jsonl`. For a single file, or for tables, they are
//! joined when all are done, in the order of the inputs, and removed. A journal beside the parts says
//! which are done, so that a run can go on where another ended, however that came to its end.

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

/// The journal's name, among the parts.
const JOURNAL: &str = ".moviola-journal.jsonl";

/// What to do about results that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Refuse to touch them.
    #[default]
    Refuse,
    /// Go on where they end.
    Resume,
    /// Begin anew. In a folder, files of inputs that aren't asked for any more stay.
    Replace,
}

/// The files of a run over many sources.
///
/// Memory grows by a few hundred bytes for each source that was ever asked for: the journal.
#[derive(Debug)]
pub struct Dataset {
    shared: Arc<Mutex<Shared>>,
    parts: PathBuf,
    target: Target,
    /// The parts in the making, by the number of their input.
    open: BTreeMap<u64, Part>,
}

/// What is also used where inputs are taken.
#[derive(Debug)]
struct Shared {
    journal: Journal,
    /// The sources that are begun, by their number.
    begun: BTreeMap<u64, Begun>,
    /// Number of the next source that is begun, in its run.
    next: u64,
    /// Where images go, once that is known.
    folders: Option<Folders>,
    /// Sources that the process may have died of: no more than were at work at once, for each death.
    suspects: VecDeque<Admitted>,
    /// Names of all parts, in the order of the inputs, if they are to be joined.
    order: Option<Vec<String>>,
    /// Whatever is in the places of parts and images is replaced.
    replaces: bool,
    /// What became of those that were done before.
    before: Tally,
    /// How many were named more than once.
    repeated: u64,
    /// Why no more inputs are taken.
    broken: Option<DatasetError>,
    /// No more sources are admitted.
    is_stopped: bool,
}

/// A source that is begun.
#[derive(Clone, Debug)]
struct Begun {
    /// What the journal calls it.
    key: String,
    part: String,
    /// It is in the journal as started: whatever is in its places is ours.
    is_started: bool,
}

impl Dataset {
    /// The files of what `plan` gives of these `streams` of each source: `target` itself if its name ends in `.jsonl`, a folder of tables
    /// if it ends in `.parquet`, else those in the folder `target`.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`] for what `existing` refuses, [`DatasetError::OtherKind`] for what can't
    /// be replaced, [`DatasetError::Complete`] if there is nothing to go on with,
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
        let shared =
            Shared::new(journal(&path, Header::of(plan, streams), existing, &target)?, &target);
        let shared = Arc::new(Mutex::new(shared));
        Ok(Self { shared, parts, target, open: BTreeMap::new() })
    }

    /// Of the sources that are `found`, those that aren't done, each with its place in `folders`; for one
    /// run. Those that the process may have died of are left for [`next_retry`](Self::next_retry), and have to
    /// be asked for.
    pub fn inputs(
        &self,
        found: impl Iterator<Item = ResolvedSource> + Send + 'static,
        folders: Folders,
    ) -> impl Iterator<Item = BulkInput> + Send + 'static {
        lock(&self.shared).folders = Some(folders);
        PendingInputs { shared: Arc::clone(&self.shared), parts: self.parts.clone(), found }
    }

    /// Once the run over the [`inputs`](Self::inputs) has ended: a source that the process died with
    /// before, for a run of its own. What happens then is of its making.
    pub fn next_retry(&self) -> Option<BulkInput> {
        let mut shared = lock(&self.shared);
        shared.next = 0; // each run counts for itself
        let next_retry = shared.suspects.pop_front()?;
        shared.admit(&self.parts, next_retry)
    }

    /// Where it is written, now and when it is complete: none of it is an input.
    pub fn places(&self) -> Vec<PathBuf> {
        vec![self.target.path().into(), self.parts.clone()]
    }

    /// What became of the sources that were done by an earlier run, of those asked for so far.
    pub fn done_before(&self) -> Tally {
        lock(&self.shared).before
    }

    /// How many sources were named more than once, and read once.
    pub fn repeated(&self) -> u64 {
        lock(&self.shared).repeated
    }

    /// Takes what happened to an input.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Images`], [`DatasetError::Journal`]: nothing of this
    /// source counts.
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
        lock(&self.shared).begun.remove(&input); // not before: what can't be written is given up, too
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

    /// Ends a run that was stopped: what is in the making is given up, and is not at fault.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Journal`].
    pub fn stop(self) -> Result<()> {
        // First of all: it makes room for the journal.
        let open: Vec<_> = self.open.into_values().map(Part::give_up).collect();
        let mut shared = lock(&self.shared);
        shared.is_stopped = true;
        let begun = std::mem::take(&mut shared.begun).into_values().chain(open);
        let started = begun.filter(|begun| begun.is_started).map(|begun| begun.key);
        Ok(shared.journal.stop(started)?)
    }

    /// Ends a run that took all inputs, and then all suspects: joins the parts, if that is wanted.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Tables`], [`DatasetError::Suspects`] for those that
    /// weren't asked for, or why inputs were no longer taken.
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

/// The journal at `path`, begun or gone on with, as `existing` has it.
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

impl Shared {
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

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
