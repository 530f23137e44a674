//! The journal of a dataset: which sources were started and which are done.
//!
//! The journal is a file of JSON Lines. The first line is a [`Header`]; the others are entries. A
//! source gets an entry when it is started (`start`), when it is done (`done`), and when it is
//! given up because the run was stopped (`stop`). A last entry (`complete`) says that the output is
//! complete. Entries are only appended, each in one write; a partial write is truncated. An
//! unfinished last line is ignored.
//!
//! A source starts only if its output paths are unused or its journal lists it as started. So files
//! at the output paths of started sources may be replaced.

mod error;
mod header;

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{inputs::Stamp, records::SourceTally, sink::images::FolderNames};

pub use error::JournalError;
pub(crate) use header::Header;

/// The number of crashes after which a source isn't read again.
const MAX_CRASHES: u32 = 2;

/// The journal of a dataset, locked for this process.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of complete lines.
    len: u64,
    /// The first line; `None` if the file is empty.
    header: Option<Header>,
    /// The state of each source, by its key.
    sources: HashMap<String, SourceState>,
    /// The names of all parts, so that each is unique.
    names: FolderNames,
    is_complete: bool,
}

/// The state of a source, by the journal's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SourceState {
    part: String,
    stamp: Stamp,
    done: Option<FinishedPart>,
    /// Whether it was started at least once.
    was_started: bool,
    /// The number of times that the process crashed while the source was read.
    crashes: u32,
    /// Whether [`Journal::plan_source`] was called for it since the journal was opened.
    is_planned: bool,
}

/// The size and the counts of a finished part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedPart {
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// The tally of its source.
    pub(crate) tally: SourceTally,
}

/// What a run does with a source; `part` is the name of its part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceAction {
    /// Keeps the part, which is done.
    Keep { part: String, done: FinishedPart },
    /// Reads the source and writes its part.
    Read { part: String, history: SourceHistory },
    /// Skips the source, because an earlier input names it too.
    SkipRepeated,
}

/// What happened to a source in earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceHistory {
    /// It was not started.
    New,
    /// It was started. The process did not crash while it was read, or the source has changed
    /// since.
    Started,
    /// The process crashed once while it was read, perhaps because of it.
    CrashedOnce,
    /// The process crashed [`MAX_CRASHES`] times while it was read: it isn't read again.
    CrashedRepeatedly,
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    Journal(Header),
    Start { source: String, part: String, stamp: Stamp },
    Done { source: String, done: FinishedPart },
    Stop { source: String },
    Complete {},
}

type Result<T> = std::result::Result<T, JournalError>;

impl Journal {
    /// Opens and locks the journal at `path`; creates an empty one if there is none.
    ///
    /// # Errors
    ///
    /// Any of [`JournalError`] but `Other`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut journal = Self::lock(path)?;
        journal.read()?;
        Ok(journal)
    }

    /// Creates and locks a journal at `path`. An existing one is emptied.
    ///
    /// # Errors
    ///
    /// [`JournalError::InUse`], [`JournalError::Write`].
    pub(crate) fn create(path: &Path, header: Header) -> Result<Self> {
        let mut journal = Self::lock(path)?;
        journal.reset(header, [])?;
        Ok(journal)
    }

    /// Continues the journal in a run with `header`.
    ///
    /// If the journal's header differs and no source is done, the journal is emptied except for the
    /// sources that were started, so that their files may still be replaced.
    ///
    /// # Errors
    ///
    /// [`JournalError::Other`], [`JournalError::Write`].
    pub(crate) fn resume(&mut self, header: Header) -> Result<()> {
        let difference = match &self.header {
            Some(earlier) => earlier.difference(&header),
            None => Some("program"),
        };
        match difference {
            None => Ok(()),
            Some(_) if !self.has_results() => {
                let sources = std::mem::take(&mut self.sources).into_iter();
                let started: Vec<_> = sources.filter(|(_, state)| state.was_started).collect();
                self.reset(header, started)
            }
            Some(what) => Err(JournalError::Other { path: self.path.clone(), what }),
        }
    }

    /// Whether any source is done.
    pub(crate) fn has_results(&self) -> bool {
        self.sources.values().any(|state| state.done.is_some())
    }

    /// Whether the output is complete. Its parts may not be removed yet.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether existing files at the output paths are replaced when their sources are read.
    pub(crate) fn replaces(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.replaces)
    }

    /// Decides what is done with `source`. If it is new, its part is named after `name`. The caller
    /// must call [`record_start`](Self::record_start) before it reads a source.
    pub(crate) fn plan_source(&mut self, source: &str, name: &str, stamp: Stamp) -> SourceAction {
        let state = match self.sources.get(source) {
            Some(SourceState { is_planned: true, .. }) => return SourceAction::SkipRepeated,
            Some(state) if state.stamp == stamp => state.clone(),
            Some(SourceState { part, was_started, .. }) => SourceState {
                part: part.clone(),
                was_started: *was_started,
                stamp,
                ..SourceState::default()
            },
            None => SourceState { part: self.names.claim(name), stamp, ..SourceState::default() },
        };
        let part = state.part.clone();
        let action = match (state.done, state.crashes) {
            (Some(done), _) => SourceAction::Keep { part, done },
            (None, MAX_CRASHES..) => {
                SourceAction::Read { part, history: SourceHistory::CrashedRepeatedly }
            }
            (None, 1..) => SourceAction::Read { part, history: SourceHistory::CrashedOnce },
            (None, 0) if state.was_started => {
                SourceAction::Read { part, history: SourceHistory::Started }
            }
            (None, 0) => SourceAction::Read { part, history: SourceHistory::New },
        };
        self.sources.insert(source.into(), SourceState { is_planned: true, ..state });
        action
    }

    /// Appends that `source` is started. An earlier part of it no longer counts as done.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn record_start(&mut self, source: &str) -> Result<()> {
        let Some(state) = self.sources.get_mut(source) else { return Ok(()) };
        (state.done, state.was_started) = (None, true);
        let (part, stamp) = (state.part.clone(), state.stamp);
        self.append([Entry::Start { source: source.into(), part, stamp }])
    }

    /// Appends that the part of `source` is complete and at its final path.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn record_done(&mut self, source: &str, done: FinishedPart) -> Result<()> {
        let Some(state) = self.sources.get_mut(source) else { return Ok(()) };
        state.done = Some(done);
        self.append([Entry::Done { source: source.into(), done }])
    }

    /// Appends that started `sources` were given up because the run was stopped.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn record_stop(&mut self, sources: impl IntoIterator<Item = String>) -> Result<()> {
        self.append(sources.into_iter().map(|source| Entry::Stop { source }))
    }

    /// Appends that the output is complete and its parts are no longer needed.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn record_complete(&mut self) -> Result<()> {
        self.is_complete = true;
        self.append([Entry::Complete {}])
    }

    /// Opens or creates the file and locks it; its entries are not read.
    fn lock(path: &Path) -> Result<Self> {
        let failed = |cause| JournalError::Write { path: path.into(), cause };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path: path.into() }),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let (sources, names) = (HashMap::new(), FolderNames::default());
        let (path, header, is_complete) = (path.into(), None, false);
        Ok(Self { path, file, len: 0, header, sources, names, is_complete })
    }

    /// Empties the journal, except for the sources in `started`, of which none is done.
    fn reset(
        &mut self,
        header: Header,
        started: impl IntoIterator<Item = (String, SourceState)>,
    ) -> Result<()> {
        let emptied = self.file.set_len(0);
        emptied.map_err(|cause| JournalError::Write { path: self.path.clone(), cause })?;
        (self.len, self.sources, self.names) = (0, HashMap::new(), FolderNames::default());
        (self.header, self.is_complete) = (Some(header.clone()), false);
        let mut entries = vec![Entry::Journal(header)];
        for (source, SourceState { part, stamp, .. }) in started {
            self.names.reserve(&part);
            let state = SourceState {
                part: part.clone(),
                stamp,
                was_started: true,
                ..SourceState::default()
            };
            self.sources.insert(source.clone(), state);
            entries.push(Entry::Start { source: source.clone(), part, stamp });
            entries.push(Entry::Stop { source });
        }
        self.append(entries)
    }

    /// Reads all entries and truncates an unfinished last line.
    fn read(&mut self) -> Result<()> {
        let failed = |cause| JournalError::Read { path: self.path.clone(), cause };
        let (mut complete_len, mut text) = (0, Vec::new());
        let mut reader = BufReader::new(&self.file);
        for line in 1.. {
            text.clear();
            let len = reader.read_until(b'\n', &mut text).map_err(failed)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            let entry = serde_json::from_slice(&text);
            let damaged = || JournalError::Damaged { path: self.path.clone(), line };
            match (line, entry.map_err(|_| damaged())?) {
                (1, Entry::Journal(header)) => self.header = Some(header),
                (1, _) | (_, Entry::Journal(_)) => return Err(damaged()),
                (_, Entry::Complete {}) => self.is_complete = true,
                (_, entry) => apply_entry(&mut self.sources, entry),
            }
            complete_len += len as u64;
        }
        self.file.set_len(complete_len).map_err(failed)?;
        self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        self.len = complete_len;
        self.sources.values().for_each(|state| self.names.reserve(&state.part));
        Ok(())
    }

    /// Appends entries in one write.
    fn append(&mut self, entries: impl IntoIterator<Item = Entry>) -> Result<()> {
        let failed = |cause| JournalError::Write { path: self.path.clone(), cause };
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &entry).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        match self.file.write_all(&lines) {
            Ok(()) => {
                self.len += lines.len() as u64;
                Ok(())
            }
            Err(cause) => {
                // The next entry would continue a partial line.
                if let Err(error) = self.file.set_len(self.len) {
                    tracing::warn!(%error, "the journal's partial last line can't be truncated");
                }
                Err(failed(cause))
            }
        }
    }
}

/// Applies an entry of an earlier run.
fn apply_entry(sources: &mut HashMap<String, SourceState>, entry: Entry) {
    match entry {
        Entry::Journal(_) | Entry::Complete {} => {}
        Entry::Start { source, part, stamp } => {
            let earlier = sources.get(&source).filter(|state| state.stamp == stamp);
            // Counts as a crash until a later entry says otherwise.
            let crashes = earlier.map_or(0, |state| state.crashes) + 1;
            let state =
                SourceState { part, stamp, was_started: true, crashes, ..SourceState::default() };
            sources.insert(source, state);
        }
        Entry::Done { source, done } => {
            if let Some(state) = sources.get_mut(&source) {
                (state.done, state.crashes) = (Some(done), 0);
            }
        }
        Entry::Stop { source } => {
            if let Some(state) = sources.get_mut(&source) {
                state.crashes = state.crashes.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
