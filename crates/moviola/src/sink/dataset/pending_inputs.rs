//! The inputs of a run: the sources that aren't finished, in the order in which they are read.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use moviola_media::source::Source;

use super::{
    DatasetError, DatasetState, StartedSource, lock,
    part::{has_length, part_path},
};
use crate::{
    error::SourceFailure,
    inputs::ResolvedSource,
    sink::BulkInput,
    sink::images::SourceFolders,
    sink::journal::{SourceAction, SourceHistory},
};

/// An iterator over the sources that aren't finished. It starts each source that it returns.
pub(super) struct PendingInputs<I> {
    pub(super) shared: Arc<Mutex<DatasetState>>,
    pub(super) parts: PathBuf,
    pub(super) sources: I,
}

/// A source that is read in the run.
#[derive(Debug)]
pub(super) struct PendingSource {
    name: String,
    key: String,
    part: String,
    source: Result<Source, SourceFailure>,
    history: SourceHistory,
}

/// When a source is read.
enum ReadOrder {
    Now(PendingSource),
    /// After all others, because it may have crashed an earlier process.
    Last(PendingSource),
    /// Not in this run.
    Never,
}

impl<I: Iterator<Item = ResolvedSource>> Iterator for PendingInputs<I> {
    type Item = BulkInput;

    fn next(&mut self) -> Option<BulkInput> {
        loop {
            // May block, so the lock isn't held.
            let source = self.sources.next()?;
            let mut shared = lock(&self.shared);
            match shared.classify(&self.parts, source) {
                ReadOrder::Now(pending) => return shared.start_source(&self.parts, pending),
                ReadOrder::Last(suspect) => shared.suspects.push_back(suspect),
                ReadOrder::Never => {}
            }
        }
    }
}

impl DatasetState {
    /// Decides when a source is read. Adds its part to the order of the output.
    fn classify(&mut self, parts: &Path, source: ResolvedSource) -> ReadOrder {
        let ResolvedSource { name, key, source, stamp } = source;
        let (part, history) = match self.journal.plan_source(&key, &name, stamp) {
            SourceAction::SkipRepeated => {
                self.repeated += 1;
                return ReadOrder::Never;
            }
            SourceAction::Keep { part, done }
                if has_length(&part_path(parts, &part), done.bytes) =>
            {
                self.done_before.add(done.tally);
                self.order.iter_mut().for_each(|order| order.push(part.clone()));
                return ReadOrder::Never;
            }
            SourceAction::Keep { part, .. } => (part, SourceHistory::Started), // its part is missing
            SourceAction::Read { part, history } => (part, history),
        };
        self.order.iter_mut().for_each(|order| order.push(part.clone()));
        let source = match history {
            SourceHistory::CrashedRepeatedly => Err(SourceFailure::crashed()),
            _ => source.map_err(|message| SourceFailure { stage: "open", message }),
        };
        let pending = PendingSource { name, key, part, source, history };
        if history == SourceHistory::CrashedOnce {
            ReadOrder::Last(pending)
        } else {
            ReadOrder::Now(pending)
        }
    }

    /// Starts a source. Returns `None` if the run was stopped, or on an error, which is kept for
    /// [`Dataset::finish`](super::Dataset::finish).
    pub(super) fn start_source(
        &mut self,
        parts: &Path,
        pending: PendingSource,
    ) -> Option<BulkInput> {
        if self.is_stopped {
            return None;
        }
        self.try_start_source(parts, pending).map_err(|error| self.failure = Some(error)).ok()
    }

    /// Adds the start of a source to the journal and assigns the next input number.
    ///
    /// From then on files at its output paths may be replaced. So it is an error if such files
    /// exist that no run has written.
    fn try_start_source(
        &mut self,
        parts: &Path,
        pending: PendingSource,
    ) -> Result<BulkInput, DatasetError> {
        let PendingSource { name, key, part, source, history } = pending;
        let is_ours = self.replaces || history != SourceHistory::New;
        let path = part_path(parts, &part);
        if !is_ours && self.order.is_none() && path.exists() {
            return Err(DatasetError::Foreign { path });
        }
        let folders = match &self.folders {
            Some(folders) => folders.of(&part, is_ours),
            None => Ok(SourceFolders::default()),
        };
        let is_in_journal = history != SourceHistory::CrashedRepeatedly && folders.is_ok();
        if is_in_journal {
            self.journal.record_start(&key)?;
        }
        self.started.insert(self.next_number, StartedSource { key, part, is_in_journal });
        self.next_number += 1;
        Ok(BulkInput { name, source, folders })
    }
}
