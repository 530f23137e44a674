//! The journal of a dataset: which sources were started and which are done.
//!
//! It is a file of JSON Lines: a [`Header`], then an entry for each source that is started (`start`),
//! done (`done`) or given up because the run was stopped (`stop`). A last entry (`complete`) says that
//! the output is complete. Entries are only appended, each in one write; a partial write is cut off
//! again. An unfinished last line is ignored.
//!
//! A source starts only if its output paths are unused or listed here, so files of started sources may
//! be replaced.

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

/// How many crashes while a source was read until it is left out.
const MOST_DEATHS: u32 = 2;

/// The journal of a dataset, locked for this process.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of complete lines.
    len: u64,
    /// Its first line; `None` if the file is empty.
    header: Option<Header>,
    known: HashMap<String, Known>,
    /// Gives each part a unique name.
    names: FolderNames,
    is_complete: bool,
}

/// What the journal says about a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    part: String,
    stamp: Stamp,
    done: Option<Done>,
    /// Whether it was started at least once.
    begun: bool,
    /// How often the process died while it was read.
    deaths: u32,
    /// Whether it was named since the journal was opened.
    asked: bool,
}

/// A finished part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// The tally of its source.
    pub(crate) tally: SourceTally,
}

/// What to do with a source, and the name of its part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Keep its part, which is done.
    Nothing(String, Done),
    /// Read the source and write its part.
    Make(String, History),
    /// Skip it: it was named before.
    Again,
}

/// What happened to a source in earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    /// Nothing.
    New,
    /// It was started and given up, through no fault of its own.
    Begun,
    /// The process died once while it was read, perhaps because of it.
    Died,
    /// The process died twice while it was read: it is left out.
    Crashed,
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    Journal(Header),
    Start { source: String, part: String, stamp: Stamp },
    Done { source: String, done: Done },
    Stop { source: String },
    Complete {},
}

type Result<T> = std::result::Result<T, JournalError>;

impl Journal {
    /// Opens and locks the journal at `path`, or an empty one.
    ///
    /// # Errors
    ///
    /// Any of [`JournalError`] but `Other`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut journal = Self::lock(path)?;
        journal.read()?;
        Ok(journal)
    }

    /// Creates a journal at `path`, replacing one that is there.
    ///
    /// # Errors
    ///
    /// [`JournalError::InUse`], [`JournalError::Write`].
    pub(crate) fn begin_anew(path: &Path, header: Header) -> Result<Self> {
        let mut journal = Self::lock(path)?;
        journal.start_over(header, [])?;
        Ok(journal)
    }

    /// Continues the journal with `header`. One without results is restarted if its header differs;
    /// files of its started sources may still be replaced.
    ///
    /// # Errors
    ///
    /// [`JournalError::Other`], [`JournalError::Write`].
    pub(crate) fn go_on(&mut self, header: Header) -> Result<()> {
        let what = match &self.header {
            Some(before) => before.difference(&header),
            None => Some("program"),
        };
        match what {
            None => Ok(()),
            Some(_) if !self.has_results() => {
                let begun = std::mem::take(&mut self.known).into_iter();
                let begun: Vec<_> = begun.filter(|(_, known)| known.begun).collect();
                self.start_over(header, begun)
            }
            Some(what) => Err(JournalError::Other { path: self.path.clone(), what }),
        }
    }

    /// Whether anything is done.
    pub(crate) fn has_results(&self) -> bool {
        self.known.values().any(|known| known.done.is_some())
    }

    /// Whether the output is complete. The parts may still be there.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether earlier results are replaced when their sources are read.
    pub(crate) fn replaces(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.replaces)
    }

    /// What to do with `source`, whose part is named after `name` if it is new. A source to read has to
    /// be [`start`](Self::start)ed.
    pub(crate) fn plan_source(&mut self, source: &str, name: &str, stamp: Stamp) -> Action {
        let known = match self.known.get(source) {
            Some(Known { asked: true, .. }) => return Action::Again,
            Some(known) if known.stamp == stamp => known.clone(),
            Some(Known { part, begun, .. }) => {
                Known { part: part.clone(), begun: *begun, stamp, ..Known::default() }
            }
            None => Known { part: self.names.claim(name), stamp, ..Known::default() },
        };
        let part = known.part.clone();
        let todo = match (known.done, known.deaths) {
            (Some(done), _) => Action::Nothing(part, done),
            (None, MOST_DEATHS..) => Action::Make(part, History::Crashed),
            (None, 1..) => Action::Make(part, History::Died),
            (None, 0) if known.begun => Action::Make(part, History::Begun),
            (None, 0) => Action::Make(part, History::New),
        };
        self.known.insert(source.into(), Known { asked: true, ..known });
        todo
    }

    /// Records that `source` is started. An earlier part of it no longer counts.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn start(&mut self, source: &str) -> Result<()> {
        let Some(known) = self.known.get_mut(source) else { return Ok(()) };
        (known.done, known.begun) = (None, true);
        let (part, stamp) = (known.part.clone(), known.stamp);
        self.append([Entry::Start { source: source.into(), part, stamp }])
    }

    /// Records that the part of `source` is complete and at its final path.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn done(&mut self, source: &str, done: Done) -> Result<()> {
        let Some(known) = self.known.get_mut(source) else { return Ok(()) };
        known.done = Some(done);
        self.append([Entry::Done { source: source.into(), done }])
    }

    /// Records that started `sources` were given up because the run was stopped.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn stop(&mut self, sources: impl IntoIterator<Item = String>) -> Result<()> {
        self.append(sources.into_iter().map(|source| Entry::Stop { source }))
    }

    /// Records that the output is complete and the parts are no longer needed.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub(crate) fn complete(&mut self) -> Result<()> {
        self.is_complete = true;
        self.append([Entry::Complete {}])
    }

    /// Opens and locks the file.
    fn lock(path: &Path) -> Result<Self> {
        let failed = |cause| JournalError::Write { path: path.into(), cause };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path: path.into() }),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let (known, names) = (HashMap::new(), FolderNames::default());
        let (path, header, is_complete) = (path.into(), None, false);
        Ok(Self { path, file, len: 0, header, known, names, is_complete })
    }

    /// Empties the journal, except for the sources in `begun`, of which none is done.
    fn start_over(
        &mut self,
        header: Header,
        begun: impl IntoIterator<Item = (String, Known)>,
    ) -> Result<()> {
        let emptied = self.file.set_len(0);
        emptied.map_err(|cause| JournalError::Write { path: self.path.clone(), cause })?;
        (self.len, self.known, self.names) = (0, HashMap::new(), FolderNames::default());
        (self.header, self.is_complete) = (Some(header.clone()), false);
        let mut entries = vec![Entry::Journal(header)];
        for (source, Known { part, stamp, .. }) in begun {
            self.names.take(&part);
            let known = Known { part: part.clone(), stamp, begun: true, ..Known::default() };
            self.known.insert(source.clone(), known);
            entries.push(Entry::Start { source: source.clone(), part, stamp });
            entries.push(Entry::Stop { source });
        }
        self.append(entries)
    }

    /// Reads all entries and cuts off an unfinished last line.
    fn read(&mut self) -> Result<()> {
        let failed = |cause| JournalError::Read { path: self.path.clone(), cause };
        let (mut whole, mut text) = (0, Vec::new());
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
                (_, entry) => learn(&mut self.known, entry),
            }
            whole += len as u64;
        }
        self.file.set_len(whole).map_err(failed)?;
        self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        self.len = whole;
        self.known.values().for_each(|known| self.names.take(&known.part));
        Ok(())
    }

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
                    tracing::warn!(%error, "the end of the journal can't be taken back");
                }
                Err(failed(cause))
            }
        }
    }
}

/// Applies an entry of an earlier run.
fn learn(known: &mut HashMap<String, Known>, entry: Entry) {
    match entry {
        Entry::Journal(_) | Entry::Complete {} => {}
        Entry::Start { source, part, stamp } => {
            let before = known.get(&source).filter(|known| known.stamp == stamp);
            // Counts as a crash until a later entry says otherwise.
            let deaths = before.map_or(0, |known| known.deaths) + 1;
            known.insert(source, Known { part, stamp, begun: true, deaths, ..Known::default() });
        }
        Entry::Done { source, done } => {
            if let Some(known) = known.get_mut(&source) {
                (known.done, known.deaths) = (Some(done), 0);
            }
        }
        Entry::Stop { source } => {
            if let Some(known) = known.get_mut(&source) {
                known.deaths = known.deaths.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
