//! The records of many sources in files: a part for each source, whole or not there at all.
//!
//! In a folder the parts are the result: `DIR/<stem>.jsonl`. For a single file they are joined when
//! all are done, in the order of the inputs, and removed. A journal beside the parts says which are
//! done, so that a run can go on where another ended, however that came to its end.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moviola_media::source::Source;

use crate::{
    bulk::{Event, Input, Refusal, inputs::Found},
    journal::{Journal, JournalError, Todo},
    plan::Plan,
    records::SourceTally,
    results::Record,
    sink::images::Folders,
};

/// How files of records end.
const EXTENSION: &str = "jsonl";

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
    /// Begin anew.
    Replace,
}

/// The files of a run over many sources.
///
/// Memory grows by a few hundred bytes for each source that was ever asked for: the journal.
#[derive(Debug)]
pub struct Dataset {
    shared: Arc<Mutex<Shared>>,
    parts: PathBuf,
    /// The file that the parts are joined to, if one is wanted.
    file: Option<PathBuf>,
    /// The parts in the making, by the number of their input.
    open: BTreeMap<u64, Part>,
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
}

#[derive(Debug)]
struct Begun {
    source: String,
    part: String,
}

/// A part in the making, beside its place.
#[derive(Debug)]
struct Part {
    source: String,
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    bytes: u64,
    line: Vec<u8>,
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
    #[error("cannot write {}: {cause}; what is done is kept: make room, and go on with --resume", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
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
    /// The files of what `plan` gives: `target` itself if its name ends in `.jsonl`, else those in
    /// the folder `target`.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`] for what `existing` refuses, [`DatasetError::Complete`] if there is
    /// nothing to go on with, [`DatasetError::Write`], [`DatasetError::Journal`].
    pub fn open(target: &Path, plan: &Plan, existing: Existing) -> Result<Self> {
        let is_file = target.extension().is_some_and(|extension| extension == EXTENSION);
        let parts = if is_file { beside(target, ".parts") } else { target.into() };
        let journal = parts.join(JOURNAL);
        match existing {
            Existing::Refuse if journal.exists() || (is_file && target.exists()) => {
                return Err(DatasetError::Exists { path: target.into() });
            }
            Existing::Resume if is_file && target.exists() && !journal.exists() => {
                return Err(DatasetError::Complete { path: target.into() });
            }
            Existing::Replace if journal.exists() => {
                // Without it, no part that is there counts; each is replaced when its turn comes.
                fs::remove_file(&journal).map_err(failed(&journal))?;
            }
            _ => {}
        }
        fs::create_dir_all(&parts).map_err(failed(&parts))?;
        let journal = Journal::open(&journal, plan)?;
        let shared = Shared {
            journal,
            begun: BTreeMap::new(),
            next: 0,
            order: is_file.then(Vec::new),
            done_before: 0,
            broken: None,
        };
        Ok(Self {
            shared: Arc::new(Mutex::new(shared)),
            parts,
            file: is_file.then(|| target.into()),
            open: BTreeMap::new(),
        })
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
                match lock(&shared).admit(&parts, found) {
                    Ok(Some(source)) => return Some(Input { name, source, folders }),
                    Ok(None) => {}
                    Err(error) => {
                        lock(&shared).broken = Some(error);
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
        let begun = lock(&self.shared).begun.remove(&input);
        if let Some(Begun { source, part }) = begun {
            self.open.insert(input, Part::create(source, &self.parts, &part)?);
        }
        Ok(())
    }

    fn end(&mut self, input: u64, tally: SourceTally) -> Result<()> {
        let Some(part) = self.open.remove(&input) else { return Ok(()) };
        let (source, bytes) = part.finish()?;
        Ok(lock(&self.shared).journal.done(&source, bytes, tally)?)
    }

    /// Ends a run that was stopped: what is in the making is given up, and is not at fault.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Journal`].
    pub fn stop(self) -> Result<()> {
        let mut shared = lock(&self.shared);
        let begun = std::mem::take(&mut shared.begun);
        let begun = begun.into_values().map(|begun| begun.source);
        for source in begun.chain(self.open.into_values().map(Part::give_up)) {
            shared.journal.stop(&source)?;
        }
        Ok(())
    }

    /// Ends a run that took all inputs: joins the parts, if one file is wanted.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], or why inputs were no longer taken.
    pub fn finish(self) -> Result<()> {
        let mut shared = lock(&self.shared);
        if let Some(broken) = shared.broken.take() {
            return Err(broken.into());
        }
        let (Some(file), Some(order)) = (&self.file, shared.order.take()) else { return Ok(()) };
        let partial = beside(file, ".partial");
        join(&self.parts, &order, &partial).map_err(failed(&partial))?;
        fs::rename(&partial, file).map_err(failed(file))?;
        sync_folder(file);
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

impl Part {
    fn create(source: String, parts: &Path, part: &str) -> Result<Self> {
        let path = place(parts, part);
        let partial = beside(&path, ".partial");
        let out = BufWriter::new(File::create(&partial).map_err(failed(&partial))?);
        Ok(Self { source, path, partial, out, bytes: 0, line: Vec::new() })
    }

    fn write(&mut self, record: &Record) -> Result<()> {
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, record).map_err(io::Error::from);
        self.line.push(b'\n');
        self.bytes += self.line.len() as u64;
        written.and_then(|()| self.out.write_all(&self.line)).map_err(failed(&self.path))
    }

    /// Puts it in its place; gives its source and its bytes.
    fn finish(mut self) -> Result<(String, u64)> {
        let whole = self.out.flush().and_then(|()| self.out.get_ref().sync_data());
        whole.map_err(failed(&self.path))?;
        fs::rename(&self.partial, &self.path).map_err(failed(&self.path))?;
        Ok((self.source, self.bytes))
    }

    /// Takes it away; gives its source.
    fn give_up(self) -> String {
        // What stays is replaced when the source is begun again.
        drop(fs::remove_file(&self.partial));
        self.source
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a part is.
fn place(parts: &Path, part: &str) -> PathBuf {
    parts.join(format!("{part}.{EXTENSION}"))
}

/// A path of the same folder and name, with something added to that.
fn beside(path: &Path, added: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(added);
    name.into()
}

fn is_whole(path: &Path, bytes: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == bytes)
}

/// Writes the parts, one after the other, into a file.
fn join(parts: &Path, order: &[String], file: &Path) -> io::Result<()> {
    let mut out = File::create(file)?;
    for part in order {
        io::copy(&mut File::open(place(parts, part))?, &mut out)?;
    }
    out.sync_data()
}

/// Has the system keep a file's new name even if the power fails.
fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Not every system can; the file itself is whole either way.
    drop(File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()));
}
