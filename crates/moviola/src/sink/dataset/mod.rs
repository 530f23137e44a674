//! The records of many sources in files: a part for each source, whole or not there at all.
//!
//! In a folder the parts are the result: `DIR/<stem>.jsonl`. For a single file, or for tables, they are
//! joined when all are done, in the order of the inputs, and removed. A journal beside the parts says
//! which are done, so that a run can go on where another ended, however that came to its end.

mod joined;
mod part;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moviola_media::{image::remedy, source::Source};

use crate::{
    bulk::{Event, Input, Refusal, inputs::Found},
    journal::{Journal, JournalError, Todo},
    plan::Plan,
    records::SourceTally,
    sink::{images::Folders, tables::TableError},
};
use joined::{join, sync_folder, tabulate};
use part::{EXTENSION, Part, beside, is_whole, place};

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

/// What becomes of the parts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// They are the result.
    Parts,
    /// One file of lines.
    Lines(PathBuf),
    /// A folder of tables.
    Tables(PathBuf),
}

/// What is also used where inputs are taken.
#[derive(Debug)]
struct Shared {
    journal: Journal,
    /// The sources that are begun, by their number.
    begun: BTreeMap<u64, Begun>,
    /// Number of the next source that is begun.
    next: u64,
    /// Names of all parts, in the order of the inputs, if they are to be joined.
    order: Option<Vec<String>>,
    /// How many were done before.
    done_before: u64,
    /// Why no more inputs are taken.
    broken: Option<JournalError>,
    /// No more sources are admitted.
    is_stopped: bool,
}

#[derive(Debug)]
struct Begun {
    source: String,
    part: String,
}

/// Why results can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// There are results already.
    #[error("{} is there already: go on with --resume, or begin anew with --overwrite", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// All was done by an earlier run.
    #[error("{} is complete", path.display())]
    Complete {
        /// The file.
        path: PathBuf,
    },
    /// A file can't be written.
    #[error("cannot write {}: {cause}; {}; what is done is kept: go on with --resume", path.display(), remedy(cause.kind()))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The records can't become tables.
    #[error("cannot write {}: {cause}; what is done is kept: go on with --resume", path.display())]
    Tables {
        /// The folder of the tables.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: TableError,
    },
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

type Result<T> = std::result::Result<T, DatasetError>;

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DatasetError {
    move |cause| DatasetError::Write { path: path.into(), cause }
}

impl Dataset {
    /// The files of what `plan` gives: `target` itself if its name ends in `.jsonl`, a folder of tables
    /// if it ends in `.parquet`, else those in the folder `target`.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`] for what `existing` refuses, [`DatasetError::Complete`] if there is
    /// nothing to go on with, [`DatasetError::Write`], [`DatasetError::Journal`].
    pub fn open(target: &Path, plan: &Plan, existing: Existing) -> Result<Self> {
        let extension = target.extension().and_then(|extension| extension.to_str());
        let kind = match extension {
            Some(EXTENSION) => Target::Lines(target.into()),
            Some("parquet") => Target::Tables(target.into()),
            _ => Target::Parts,
        };
        let is_joined = kind != Target::Parts;
        let parts = if is_joined { beside(target, ".parts") } else { target.into() };
        let journal = parts.join(JOURNAL);
        let is_there = is_joined && target.exists();
        match existing {
            Existing::Refuse if journal.exists() || is_there => {
                return Err(DatasetError::Exists { path: target.into() });
            }
            Existing::Resume if is_there && !journal.exists() => {
                return Err(DatasetError::Complete { path: target.into() });
            }
            Existing::Replace if journal.exists() => {
                // Without it, no part that is there counts; each is replaced when its turn comes.
                fs::remove_file(&journal).map_err(failed(&journal))?;
            }
            _ => {}
        }
        fs::create_dir_all(&parts).map_err(failed(&parts))?;
        let shared = Shared {
            journal: Journal::open(&journal, plan)?,
            begun: BTreeMap::new(),
            next: 0,
            order: is_joined.then(Vec::new),
            done_before: 0,
            broken: None,
            is_stopped: false,
        };
        let shared = Arc::new(Mutex::new(shared));
        Ok(Self { shared, parts, target: kind, open: BTreeMap::new() })
    }

    /// Of the sources that are `found`, those that aren't done, each with its place in `folders`.
    pub fn inputs(
        &self,
        found: impl Iterator<Item = Found> + Send + 'static,
        mut folders: Folders,
    ) -> impl Iterator<Item = Input> + Send + 'static {
        let (shared, parts) = (Arc::clone(&self.shared), self.parts.clone());
        let mut found = found;
        std::iter::from_fn(move || {
            loop {
                let found = found.next()?;
                let name = found.name.clone();
                let folders = folders.next(&name);
                let mut shared = lock(&shared);
                if shared.is_stopped {
                    return None;
                }
                match shared.admit(&parts, found) {
                    Ok(Some(source)) => return Some(Input { name, source, folders }),
                    Ok(None) => {}
                    Err(error) => {
                        shared.broken = Some(error);
                        return None;
                    }
                }
            }
        })
    }

    /// How many of the sources so far were done by an earlier run.
    pub fn done_before(&self) -> u64 {
        lock(&self.shared).done_before
    }

    /// Takes what happened to an input.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Journal`]: nothing of this source counts.
    pub fn take(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Started { input, .. } => self.begin(*input),
            Event::Record { input, record } => match self.open.get_mut(input) {
                Some(part) => part.write(record),
                None => Ok(()),
            },
            Event::Ended { input, tally } => self.end(*input, *tally),
        }
    }

    fn begin(&mut self, input: u64) -> Result<()> {
        let mut shared = lock(&self.shared);
        if let Some(Begun { source, part }) = shared.begun.get(&input) {
            self.open.insert(input, Part::create(source, &self.parts, part)?);
            shared.begun.remove(&input); // not before: what can't be written is given up, too
        }
        Ok(())
    }

    fn end(&mut self, input: u64, tally: SourceTally) -> Result<()> {
        let Some(part) = self.open.get_mut(&input) else { return Ok(()) };
        let bytes = part.finish()?;
        lock(&self.shared).journal.done(part.source(), bytes, tally)?;
        self.open.remove(&input);
        Ok(())
    }

    /// Ends a run that was stopped: what is in the making is given up, and is not at fault.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Journal`].
    pub fn stop(self) -> Result<()> {
        let mut shared = lock(&self.shared);
        shared.is_stopped = true;
        let begun = std::mem::take(&mut shared.begun);
        let begun = begun.into_values().map(|begun| begun.source);
        for source in begun.chain(self.open.into_values().map(Part::give_up)) {
            shared.journal.stop(&source)?;
        }
        Ok(())
    }

    /// Ends a run that took all inputs: joins the parts, if that is wanted.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Tables`], or why inputs were no longer taken.
    pub fn finish(self) -> Result<()> {
        let mut shared = lock(&self.shared);
        if let Some(broken) = shared.broken.take() {
            return Err(broken.into());
        }
        let Some(order) = shared.order.take() else { return Ok(()) };
        let parts = || order.iter().map(|part| place(&self.parts, part));
        let (target, partial) = match &self.target {
            Target::Parts => return Ok(()),
            Target::Lines(file) => {
                let partial = beside(file, ".partial");
                join(parts(), &partial).map_err(failed(&partial))?;
                (file, partial)
            }
            Target::Tables(folder) => {
                let partial = beside(folder, ".partial");
                let tables = tabulate(parts(), &partial);
                tables.map_err(|cause| DatasetError::Tables { path: partial.clone(), cause })?;
                if folder.exists() {
                    fs::remove_dir_all(folder).map_err(failed(folder))?; // a folder isn't replaced
                }
                (folder, partial)
            }
        };
        fs::rename(&partial, target).map_err(failed(target))?;
        sync_folder(target);
        fs::remove_dir_all(&self.parts).map_err(failed(&self.parts))
    }
}

impl Shared {
    /// What to read for a source that was found; `None` if nothing is to be done about it.
    fn admit(
        &mut self,
        parts: &Path,
        found: Found,
    ) -> std::result::Result<Option<std::result::Result<Source, Refusal>>, JournalError> {
        let Found { name, source, stamp } = found;
        let source = source.map_err(|message| Refusal { stage: "open", message });
        let (part, source) = match self.journal.begin(&name, stamp)? {
            Todo::Again => return Ok(None),
            Todo::Done(part, bytes) if is_whole(&place(parts, &part), bytes) => {
                self.done_before += 1;
                self.order.iter_mut().for_each(|order| order.push(part.clone()));
                return Ok(None);
            }
            Todo::Done(part, _) => {
                self.journal.begin_again(&name)?;
                (part, source)
            }
            Todo::Begin(part) => (part, source),
            Todo::Crashed(part) => (part, Err(Refusal::crashed())),
        };
        self.order.iter_mut().for_each(|order| order.push(part.clone()));
        self.begun.insert(self.next, Begun { source: name, part });
        self.next += 1;
        Ok(Some(source))
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
