//! Which sources are read, and in which order.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use moviola_media::source::Source;

use super::{
    DatasetError, DatasetState, StartedSource, lock,
    part::{is_whole, place},
};
use crate::{
    error::SourceFailure,
    inputs::ResolvedSource,
    sink::BulkInput,
    sink::images::SourceFolders,
    sink::journal::{Action, History},
};

/// An iterator over the found sources that aren't done.
pub(super) struct PendingInputs<I> {
    pub(super) shared: Arc<Mutex<DatasetState>>,
    pub(super) parts: PathBuf,
    pub(super) found: I,
}

/// A source that is to be read.
#[derive(Debug)]
pub(super) struct Admitted {
    name: String,
    key: String,
    part: String,
    source: Result<Source, SourceFailure>,
    past: History,
}

/// When a source is read.
enum Admission {
    Now(Admitted),
    /// After all others: it may have crashed an earlier process.
    Last(Admitted),
    Never,
}

impl<I: Iterator<Item = ResolvedSource>> Iterator for PendingInputs<I> {
    type Item = BulkInput;

    fn next(&mut self) -> Option<BulkInput> {
        loop {
            // May block, so the lock isn't held.
            let found = self.found.next()?;
            let mut shared = lock(&self.shared);
            match shared.classify(&self.parts, found) {
                Admission::Now(admitted) => return shared.admit(&self.parts, admitted),
                Admission::Last(next_retry) => shared.suspects.push_back(next_retry),
                Admission::Never => {}
            }
        }
    }
}

impl DatasetState {
    /// When to read a source. Adds its part to the order of the output.
    fn classify(&mut self, parts: &Path, found: ResolvedSource) -> Admission {
        let ResolvedSource { name, key, source, stamp } = found;
        let (part, past) = match self.journal.plan_source(&key, &name, stamp) {
            Action::Again => {
                self.repeated += 1;
                return Admission::Never;
            }
            Action::Nothing(part, done) if is_whole(&place(parts, &part), done.bytes) => {
                self.before.add(done.tally);
                self.order.iter_mut().for_each(|order| order.push(part.clone()));
                return Admission::Never;
            }
            Action::Nothing(part, _) => (part, History::Begun), // its part is gone
            Action::Make(part, past) => (part, past),
        };
        self.order.iter_mut().for_each(|order| order.push(part.clone()));
        let source = match past {
            History::Crashed => Err(SourceFailure::crashed()),
            _ => source.map_err(|message| SourceFailure { stage: "open", message }),
        };
        let admitted = Admitted { name, key, part, source, past };
        if past == History::Died { Admission::Last(admitted) } else { Admission::Now(admitted) }
    }

    /// Starts a source; `None` if the run was stopped, or on an error, which is kept for `finish`.
    pub(super) fn admit(&mut self, parts: &Path, admitted: Admitted) -> Option<BulkInput> {
        if self.is_stopped {
            return None;
        }
        self.begin(parts, admitted).map_err(|error| self.broken = Some(error)).ok()
    }

    /// Records the start of a source and gives it the next number. Its output files may be replaced from
    /// then on, so it doesn't start if files that no run has written are there.
    fn begin(&mut self, parts: &Path, admitted: Admitted) -> Result<BulkInput, DatasetError> {
        let Admitted { name, key, part, source, past } = admitted;
        let is_ours = self.replaces || past != History::New;
        let path = place(parts, &part);
        if !is_ours && self.order.is_none() && path.exists() {
            return Err(DatasetError::Exists { path });
        }
        let folders = match &self.folders {
            Some(folders) => folders.of(&part, is_ours),
            None => Ok(SourceFolders::default()),
        };
        let is_started = past != History::Crashed && folders.is_ok();
        if is_started {
            self.journal.start(&key)?;
        }
        self.begun.insert(self.next, StartedSource { key, part, is_started });
        self.next += 1;
        Ok(BulkInput { name, source, folders })
    }
}
