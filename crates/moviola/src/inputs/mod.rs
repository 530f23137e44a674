//! Resolves the arguments of a command line to sources: files, folders, patterns, lists, URLs.

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

/// A source that an argument names, or the reason why it names none.
#[derive(Debug)]
pub struct ResolvedSource {
    /// The source's name in records and messages.
    pub name: String,
    /// A text that identifies the source, also if its path isn't valid UTF-8.
    pub key: String,
    /// The source, or what is wrong and what to do.
    pub source: Result<Source, String>,
    /// Its size and modification time, if it is a file.
    pub stamp: Stamp,
}

/// A file's size and modification time. Files with equal ones are assumed to have the same content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// Modification time, in nanoseconds since 1970.
    pub changed: u64,
}

/// How patterns match: like folders, they leave out names that begin with a dot.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The sources that the arguments in `words` name, in order, as they are found.
///
/// An argument is a file, a URL, a folder, a pattern such as `clips/**/*.mp4`, or `@list`: a file
/// with an argument in each line (`@-` is standard input; empty lines and lines that begin with `#`
/// are ignored). A folder names all files in it and in the folders below, in the order of
/// their names; names that begin with a dot are left out, and so is everything at or below a path
/// in `results`, where the run writes. Patterns match only names that are valid UTF-8.
///
/// An argument that names no source becomes an error in its place. Memory is bounded by the
/// names in the largest folder.
pub fn find(
    words: Vec<OsString>,
    results: &[PathBuf],
) -> impl Iterator<Item = ResolvedSource> + Send + use<> {
    let search = Search { results: results.iter().map(|path| real(path)).collect() };
    words.into_iter().flat_map(move |word| match word.to_str() {
        // Patterns, lists and URLs are valid UTF-8, so this is a path.
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

/// The sources found, or an error if there are none.
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

/// How arguments are resolved.
#[derive(Clone)]
struct Search {
    /// The paths that the run writes to.
    results: Arc<[PathBuf]>,
}

impl Search {
    /// The sources of an argument that is not a list.
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

    /// The sources of the arguments in a list.
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
        // Reading may return the same error for ever.
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

    /// All files in a folder and below it.
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

    /// The files that a pattern matches, and the files in folders that it matches; each once.
    fn in_pattern(&self, pattern: &str) -> Many {
        let whole = if pattern.ends_with("**") { format!("{pattern}/*") } else { pattern.into() };
        let paths = match glob::glob_with(&whole, MATCHING) {
            Ok(paths) => paths,
            Err(error) => return one(unusable(pattern, format!("the pattern is none: {error}"))),
        };
        // With `**`, a pattern matches folders and the files in them: only the files count.
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

    /// The same search, without the results that contain `folder`: in it, the pattern chooses files
    /// by their names.
    fn beside(&self, folder: &Path) -> Self {
        let folder = real(folder);
        let below = self.results.iter().filter(|result| !folder.starts_with(result));
        Self { results: below.cloned().collect() }
    }

    /// Whether the path is at or below a path that the run writes to.
    fn is_result(&self, path: &Path) -> bool {
        let real = || real(path);
        !self.results.is_empty()
            && real().ancestors().any(|one| self.results.iter().any(|r| r == one))
    }
}

/// The folder that a pattern starts in: the path before its first wildcard.
fn fixed(pattern: &str) -> PathBuf {
    let parts = Path::new(pattern).components();
    let fixed: PathBuf = parts
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    if fixed.as_os_str().is_empty() { ".".into() } else { fixed }
}

/// The path with links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
            real(Path::new(".")).join(name)
        }
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.into(),
    })
}

/// A file that was named; it may be a pipe.
fn file(path: &Path) -> ResolvedSource {
    let stamp = fs::metadata(path).map(|metadata| stamp(&metadata)).unwrap_or_default();
    let (name, key) = (path.display().to_string(), key(path));
    ResolvedSource { name, key, source: Ok(Source::path(path)), stamp }
}

/// A file that was found in a folder: pipes and devices are refused, because they may never end.
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

/// A text for the path that no other path has: without `./`, and with bytes that are not UTF-8
/// escaped.
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
