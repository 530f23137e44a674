//! What was begun and what is done, in a file that outlives the process.
//!
//! It is JSON Lines: a header with the plan, then an entry for each source that is begun (`start`),
//! done (`done`) or given up unharmed because the run was stopped (`stop`). Entries are only ever
//! appended, each in one write. A line that a dying process left unfinished doesn't count.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{plan::Plan, records::SourceTally, sink::images::FolderNames};

/// Version of the journal; goes up if older ones can't be read any more.
const VERSION: u32 = 1;

/// Deaths of the process with a source in the making after which it is not begun again.
const MOST_DEATHS: u32 = 2;

/// The journal of a dataset, locked for this process.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    known: HashMap<String, Known>,
    /// Gives each part a name of its own.
    names: FolderNames,
}

/// What the journal says of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    part: String,
    stamp: Stamp,
    /// Bytes of its part, once it is done.
    done: Option<u64>,
    /// How often the process died while it was in the making.
    deaths: u32,
    /// It was asked for since the journal was opened.
    asked: bool,
}

/// What tells whether a file is still the same: its size and when it was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub changed: u64,
}

/// What is to be done about a source, and the name of its part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Nothing: its part is there and has so many bytes.
    Done(String, u64),
    /// Make the part.
    Begin(String),
    /// Say in the part that the process died of it, twice.
    Crashed(String),
    /// Nothing: it was asked for already.
    Again,
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    Journal { version: u32, plan: Box<Plan> },
    Start { source: String, part: String, stamp: Stamp },
    Done { source: String, bytes: u64, frames: u64, errors: u64 },
    Stop { source: String },
}

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system says no.
    #[error("cannot write the journal {}: {cause}", path.display())]
    Write {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Another process is at work on it.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// It is no journal, or damaged before its end.
    #[error("line {line} of the journal {} can't be understood; remove it to begin anew", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It is of another plan.
    #[error("{} is the journal of another plan: results would be mixed; use the same plan, or begin \
             anew with another output", path.display())]
    OtherPlan {
        /// The journal.
        path: PathBuf,
    },
}

type Result<T> = std::result::Result<T, JournalError>;

impl Journal {
    /// Opens the journal at `path`, or begins one, for `plan`.
    ///
    /// # Errors
    ///
    /// Any of [`JournalError`].
    pub fn open(path: &Path, plan: &Plan) -> Result<Self> {
        let failed = |cause| JournalError::Write { path: path.into(), cause };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path: path.into() }),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let (known, names) = (HashMap::new(), FolderNames::default());
        let mut journal = Self { path: path.into(), file, known, names };
        if !journal.read(plan)? {
            let plan = Box::new(plan.clone());
            journal.append(&Entry::Journal { version: VERSION, plan })?;
        }
        Ok(journal)
    }

    /// What is to be done about `source`. A part that is to be made is noted as begun.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub fn begin(&mut self, source: &str, stamp: Stamp) -> Result<Todo> {
        let known = match self.known.get(source) {
            Some(Known { asked: true, .. }) => return Ok(Todo::Again),
            Some(known) if known.stamp == stamp => known.clone(),
            Some(Known { part, .. }) => Known { part: part.clone(), stamp, ..Known::default() },
            None => Known { part: self.names.claim(source), stamp, ..Known::default() },
        };
        let part = known.part.clone();
        let todo = match known {
            Known { done: Some(bytes), .. } => Todo::Done(part, bytes),
            Known { deaths: MOST_DEATHS.., .. } => Todo::Crashed(part),
            _ => {
                let (source, part) = (source.into(), part.clone());
                self.append(&Entry::Start { source, part, stamp })?;
                Todo::Begin(known.part.clone())
            }
        };
        self.known.insert(source.into(), Known { asked: true, ..known });
        Ok(todo)
    }

    /// The part of `source`, which was done, isn't there: it has to be made again.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub fn begin_again(&mut self, source: &str) -> Result<()> {
        let Some(known) = self.known.get_mut(source) else { return Ok(()) };
        known.done = None;
        let (part, stamp) = (known.part.clone(), known.stamp);
        self.append(&Entry::Start { source: source.into(), part, stamp })
    }

    /// The part of `source` is whole and in its place.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub fn done(&mut self, source: &str, bytes: u64, tally: SourceTally) -> Result<()> {
        let Some(known) = self.known.get_mut(source) else { return Ok(()) };
        known.done = Some(bytes);
        let SourceTally { frames, errors, .. } = tally;
        self.append(&Entry::Done { source: source.into(), bytes, frames, errors })
    }

    /// `source` was given up because the run is stopped: it isn't at fault.
    ///
    /// # Errors
    ///
    /// [`JournalError::Write`].
    pub fn stop(&mut self, source: &str) -> Result<()> {
        self.append(&Entry::Stop { source: source.into() })
    }

    /// Reads what is there; `false` if there is nothing.
    fn read(&mut self, plan: &Plan) -> Result<bool> {
        let failed = |cause| JournalError::Write { path: self.path.clone(), cause };
        let (mut whole, mut lines) = (0, Vec::new());
        let mut reader = BufReader::new(&self.file);
        for line in 1.. {
            lines.clear();
            let len = reader.read_until(b'\n', &mut lines).map_err(failed)?;
            if lines.last() != Some(&b'\n') {
                break; // the end, or what a dying process left
            }
            let entry = serde_json::from_slice(&lines);
            let entry =
                entry.map_err(|_| JournalError::Damaged { path: self.path.clone(), line })?;
            match (line, entry) {
                (1, Entry::Journal { version: VERSION, plan: known }) if *known == *plan => {}
                (1, Entry::Journal { .. }) => {
                    return Err(JournalError::OtherPlan { path: self.path.clone() });
                }
                (1, _) | (_, Entry::Journal { .. }) => {
                    return Err(JournalError::Damaged { path: self.path.clone(), line });
                }
                (_, entry) => learn(&mut self.known, entry),
            }
            whole += len as u64;
        }
        self.file.set_len(whole).map_err(failed)?;
        self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        self.known.values().for_each(|known| self.names.take(&known.part));
        Ok(whole > 0)
    }

    fn append(&mut self, entry: &Entry) -> Result<()> {
        let failed = |cause| JournalError::Write { path: self.path.clone(), cause };
        let mut line = serde_json::to_vec(entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(failed)
    }
}

/// Adds what an entry of an earlier process says.
fn learn(known: &mut HashMap<String, Known>, entry: Entry) {
    match entry {
        Entry::Journal { .. } => {}
        Entry::Start { source, part, stamp } => {
            let before = known.get(&source).filter(|known| known.stamp == stamp);
            // As long as nothing else is said, the process died of it.
            let deaths = before.map_or(0, |known| known.deaths) + 1;
            known.insert(source, Known { part, stamp, deaths, ..Known::default() });
        }
        Entry::Done { source, bytes, .. } => {
            if let Some(known) = known.get_mut(&source) {
                (known.done, known.deaths) = (Some(bytes), 0);
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
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { size: 7, changed: 9 };

    fn plan() -> Plan {
        Plan::from_toml("[stills]").expect("a plan")
    }

    fn open(path: &Path) -> Journal {
        Journal::open(path, &plan()).expect("it can be opened")
    }

    fn begin(part: &str) -> Todo {
        Todo::Begin(part.into())
    }

    /// A journal in `folder` by which `a` is done.
    fn one_done(folder: &Path) -> PathBuf {
        let path = folder.join("journal");
        let mut journal = open(&path);
        journal.begin("a", STAMP).expect("it can be written");
        journal.done("a", 5, SourceTally::default()).expect("it can be written");
        path
    }

    #[test]
    fn what_is_done_stays_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = open(&path);
        assert_eq!(journal.begin("x/a.mp4", STAMP).unwrap(), begin("a"));
        assert_eq!(journal.begin("y/a.mp4", STAMP).unwrap(), begin("a-2"));
        assert_eq!(journal.begin("y/a.mp4", STAMP).unwrap(), Todo::Again);
        journal.done("y/a.mp4", 5, SourceTally::default()).unwrap();
        drop(journal);
        let mut journal = open(&path);
        assert_eq!(journal.begin("z/a.mp4", STAMP).unwrap(), begin("a-3"));
        assert_eq!(journal.begin("y/a.mp4", STAMP).unwrap(), Todo::Done("a-2".into(), 5));
        assert_eq!(journal.begin("x/a.mp4", STAMP).unwrap(), begin("a"));
        journal.begin_again("y/a.mp4").unwrap();
        drop(journal);
        assert_eq!(open(&path).begin("y/a.mp4", STAMP).unwrap(), begin("a-2"));
    }

    #[test]
    fn a_file_that_changed_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = one_done(folder.path());
        let changed = Stamp { size: 8, ..STAMP };
        assert_eq!(open(&path).begin("a", changed).unwrap(), begin("a"));
    }

    #[test]
    fn what_the_process_dies_of_twice_is_not_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        for _ in 0..2 {
            assert_eq!(open(&path).begin("a", STAMP).unwrap(), begin("a"));
        }
        assert_eq!(open(&path).begin("a", STAMP).unwrap(), Todo::Crashed("a".into()));
        let changed = Stamp { changed: 10, ..STAMP };
        assert_eq!(open(&path).begin("a", changed).unwrap(), begin("a"));
    }

    #[test]
    fn a_run_that_is_stopped_is_no_death() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        for _ in 0..5 {
            let mut journal = open(&path);
            assert_eq!(journal.begin("a", STAMP).unwrap(), begin("a"));
            journal.stop("a").unwrap();
        }
    }

    #[test]
    fn a_line_cut_short_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = one_done(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for len in 0..whole.len() {
            std::fs::write(&path, &whole[..len]).unwrap();
            assert_eq!(open(&path).begin("a", STAMP).unwrap(), begin("a"), "{len} bytes");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = open(&path);
        assert!(matches!(Journal::open(&path, &plan()), Err(JournalError::InUse { .. })));
        drop(journal);
        let other = Plan::from_toml("frames = 'all'\n[stills]").unwrap();
        assert!(matches!(Journal::open(&path, &other), Err(JournalError::OtherPlan { .. })));
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = Journal::open(&path, &plan()).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { line: 1, .. }), "{error}");
    }
}
