//! What is meant by the words of a command line: files, folders, patterns, lists, addresses.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    iter,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use glob::MatchOptions;
use moviola_media::source::Source;
use serde::{Deserialize, Serialize};
use walkdir::{DirEntry, WalkDir};

use crate::hash::hexadecimal;

/// A source that is meant, or why it can't be one.
#[derive(Debug)]
pub struct ResolvedSource {
    /// How its user knows it.
    pub name: String,
    /// What tells it from all others, whatever bytes its path has.
    pub key: String,
    /// The source; or the reason, with the remedy.
    pub source: Result<Source, String>,
    /// Its size and age, if it is a file.
    pub stamp: Stamp,
}

/// What tells whether a file is still the same: its size and when it was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub changed: u64,
}

/// How patterns match: as folders do, they leave out what begins with a dot.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The sources that `words` mean, one after another, as they are found.
///
/// A word is a file, an address, a folder, a pattern such as `clips/**/*.mp4`, or `@list`: a file with
/// a word in each line (`@-` is standard input; empty lines and those with `#` in front count for
/// nothing). Of a folder all files are meant, in those below it too, whatever they are called, in the
/// order of their names; not those whose name begins with a dot, nor what lies at or below a path of
/// `results`: what a run writes is no source of it. Patterns match names that are text.
///
/// Whatever can't be a source is told in its place, and so is a word that means nothing. Memory is
/// bounded by the largest folder's names.
pub fn find(
    words: Vec<OsString>,
    results: &[PathBuf],
) -> impl Iterator<Item = ResolvedSource> + Send + use<> {
    let search = Search { results: results.iter().map(|path| real(path)).collect() };
    words.into_iter().flat_map(move |word| match word.to_str() {
        // A name that isn't text can be nothing but a file's.
        None => one(file(Path::new(&word))),
        Some(text) => match text.strip_prefix('@') {
            Some(list) => search.in_list(list),
            None => search.meant(text.into()),
        },
    })
}

type Many = Box<dyn Iterator<Item = ResolvedSource> + Send>;

fn one(found: ResolvedSource) -> Many {
    Box::new(iter::once(found))
}

/// What is found; or, if nothing is, why not.
fn some(
    found: impl Iterator<Item = ResolvedSource> + Send + 'static,
    word: &str,
    reason: &str,
) -> Many {
    let mut found = found.peekable();
    match found.peek() {
        Some(_) => Box::new(found),
        None => one(unusable(word, reason.into())),
    }
}

/// How words are understood.
#[derive(Clone)]
struct Search {
    /// Where results go.
    results: Arc<[PathBuf]>,
}

impl Search {
    /// What a word means that is no list.
    fn meant(&self, word: String) -> Many {
        let path = Path::new(&word);
        if word == "-" || word.contains("://") {
            let (stamp, source) = (Stamp::default(), Ok(Source::parse(&word)));
            return one(ResolvedSource { name: word.clone(), key: word, source, stamp });
        }
        if path.is_dir() && self.is_result(path) {
            let reason = "results go here: name the files, or another output";
            return one(unusable_path(path, reason.into()));
        }
        if path.is_dir() {
            return some(self.in_folder(path), &word, "no file is in it");
        }
        let is_pattern = !path.exists() && word.contains(['*', '?', '[']);
        if is_pattern { self.in_pattern(&word) } else { one(file(path)) }
    }

    /// The words of a list.
    fn in_list(&self, list: &str) -> Many {
        let lines: Box<dyn BufRead + Send> = match list {
            "-" => Box::new(BufReader::new(io::stdin())),
            path => match File::open(path) {
                Ok(file) => Box::new(BufReader::new(file)),
                Err(error) => {
                    return one(unusable(path, format!("the list can't be read: {error}")));
                }
            },
        };
        let (search, name, mut broken) = (self.clone(), list.to_owned(), false);
        // Behind an error there may be nothing but the same error.
        let lines =
            lines.lines().take_while(move |line| !std::mem::replace(&mut broken, line.is_err()));
        let found = lines.flat_map(move |line| match line {
            Ok(line) if line.is_empty() || line.starts_with('#') => Box::new(iter::empty()),
            Ok(line) if line == "-" => {
                one(unusable("-", "standard input can't be named in a list".into()))
            }
            Ok(line) => search.meant(line),
            Err(error) => one(unusable(&name, format!("the list can't be read on: {error}"))),
        });
        some(found, list, "the list names nothing")
    }

    /// All files of a folder.
    fn in_folder(&self, folder: &Path) -> impl Iterator<Item = ResolvedSource> + Send + use<> {
        let (search, root, real_root) = (self.clone(), folder.to_owned(), real(folder));
        let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
        let is_meant = move |entry: &DirEntry| {
            let below = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            let is_hidden =
                entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
            let is_linked = entry.path_is_symlink();
            let path = if is_linked { real(entry.path()) } else { real_root.join(below) };
            !is_hidden && !search.results.contains(&path)
        };
        let root = folder.to_owned();
        walk.into_iter().filter_entry(is_meant).filter_map(move |entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => Some(regular(entry.path())),
            Err(error) => {
                let path = error.path().unwrap_or(&root);
                let reason =
                    error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                Some(unusable_path(path, reason))
            }
        })
    }

    /// The files, and files of the folders, that a pattern means; each once.
    fn in_pattern(&self, pattern: &str) -> Many {
        let whole = if pattern.ends_with("**") { format!("{pattern}/*") } else { pattern.into() };
        let paths = match glob::glob_with(&whole, MATCHING) {
            Ok(paths) => paths,
            Err(error) => return one(unusable(pattern, format!("the pattern is none: {error}"))),
        };
        // Of folders at any depth all of whose files match, too, none is meant as a whole.
        let goes_deep = whole.ends_with("**/*");
        let search = self.beside(&fixed(pattern));
        let found = paths.flat_map(move |path| match path {
            Ok(path) if search.is_result(&path) || (goes_deep && path.is_dir()) => {
                Box::new(iter::empty()) as Many
            }
            Ok(path) if path.is_dir() => Box::new(search.in_folder(&path)),
            Ok(path) => one(regular(&path)),
            Err(error) => one(unusable_path(error.path(), error.error().to_string())),
        });
        some(found, pattern, "no file matches the pattern")
    }

    /// The same, but for results that go into `folder` itself, or around it: there files are chosen by
    /// their names.
    fn beside(&self, folder: &Path) -> Self {
        let folder = real(folder);
        let below = self.results.iter().filter(|result| !folder.starts_with(result));
        Self { results: below.cloned().collect() }
    }

    /// Whether it lies where results go.
    fn is_result(&self, path: &Path) -> bool {
        let real = || real(path);
        !self.results.is_empty()
            && real().ancestors().any(|one| self.results.iter().any(|r| r == one))
    }
}

/// The folder that a pattern begins in: what stands before its first wild part.
fn fixed(pattern: &str) -> PathBuf {
    let parts = Path::new(pattern).components();
    let fixed: PathBuf = parts
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    if fixed.as_os_str().is_empty() { ".".into() } else { fixed }
}

/// The path without links; as far as it is there.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
            real(Path::new(".")).join(name)
        }
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.into(),
    })
}

/// A file that was named; a pipe will do.
fn file(path: &Path) -> ResolvedSource {
    let stamp = fs::metadata(path).map(|metadata| stamp(&metadata)).unwrap_or_default();
    let (name, key) = (path.display().to_string(), key(path));
    ResolvedSource { name, key, source: Ok(Source::path(path)), stamp }
}

/// A file that was found: of pipes and devices nobody knows whether they ever end.
fn regular(path: &Path) -> ResolvedSource {
    let reason = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => return file(path),
        Ok(_) => "is no regular file; name it itself to read it".into(),
        Err(error) => error.to_string(),
    };
    unusable_path(path, reason)
}

fn unusable_path(path: &Path, reason: String) -> ResolvedSource {
    ResolvedSource { key: key(path), ..unusable(&path.display().to_string(), reason) }
}

fn unusable(name: &str, reason: String) -> ResolvedSource {
    ResolvedSource {
        name: name.into(),
        key: name.into(),
        source: Err(reason),
        stamp: Stamp::default(),
    }
}

/// The path as text that no other file has: without what says nothing (`./`), and byte by byte if it
/// isn't text.
fn key(path: &Path) -> String {
    let plain: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    match plain.to_str() {
        Some("-") => "./-".into(), // else it would be standard input
        Some(text) => text.to_owned(),
        None => format!("\0{}", hexadecimal(plain.as_os_str().as_bytes())),
    }
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.and_then(|since| u64::try_from(since.as_nanos()).ok());
    Stamp { size: metadata.len(), changed: changed.unwrap_or_default() }
}

#[cfg(test)]
mod tests;
