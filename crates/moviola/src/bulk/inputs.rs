//! What is meant by the words of a command line: files, folders, patterns, lists, addresses.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::Path,
    time::UNIX_EPOCH,
};

use moviola_media::source::Source;
use walkdir::WalkDir;

use crate::journal::Stamp;

/// A source that is meant, or why it can't be one.
#[derive(Debug)]
pub struct Found {
    /// How its user knows it.
    pub name: String,
    /// The source; or the reason, with the remedy.
    pub source: Result<Source, String>,
    /// Its size and age, if it is a file.
    pub stamp: Stamp,
}

/// The sources that `words` mean, one after another, as they are found.
///
/// A word is a file, an address, a folder, a pattern such as `clips/**/*.mp4`, or `@list`: a file with
/// a word in each line (`@-` is standard input; empty lines and those with `#` in front count for
/// nothing). Of a folder all files are meant, in those below it too, whatever they are called, in the
/// order of their names; not those whose name begins with a dot.
///
/// Whatever can't be a source is told in its place. Memory is bounded by the largest folder's names.
pub fn find(words: Vec<OsString>) -> impl Iterator<Item = Found> + Send {
    words.into_iter().flat_map(|word| match word.to_str() {
        // A name that isn't text can be nothing but a file's.
        None => one(file(Path::new(&word))),
        Some(text) => match text.strip_prefix('@') {
            Some(list) => in_list(list),
            None => meant(text.into()),
        },
    })
}

type Many = Box<dyn Iterator<Item = Found> + Send>;

fn one(found: Found) -> Many {
    Box::new(std::iter::once(found))
}

/// What a word means that is no list.
fn meant(word: String) -> Many {
    let path = Path::new(&word);
    if word == "-" || word.contains("://") {
        let (stamp, source) = (Stamp::default(), Ok(Source::parse(&word)));
        return one(Found { name: word, source, stamp });
    }
    if path.is_dir() {
        return Box::new(in_folder(path));
    }
    let is_pattern = !path.exists() && word.contains(['*', '?', '[']);
    if is_pattern { in_pattern(&word) } else { one(file(path)) }
}

/// The words of a list.
fn in_list(list: &str) -> Many {
    let lines: Box<dyn BufRead + Send> = match list {
        "-" => Box::new(BufReader::new(io::stdin())),
        path => match File::open(path) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => return one(unusable(path, format!("the list can't be read: {error}"))),
        },
    };
    let name = list.to_owned();
    let mut broken = false;
    // Behind an error there may be nothing but the same error.
    let lines =
        lines.lines().take_while(move |line| !std::mem::replace(&mut broken, line.is_err()));
    let found = lines.flat_map(move |line| match line {
        Ok(line) if line.is_empty() || line.starts_with('#') => Box::new(std::iter::empty()),
        Ok(line) => meant(line),
        Err(error) => one(unusable(&name, format!("the list can't be read on: {error}"))),
    });
    Box::new(found)
}

/// All files of a folder.
fn in_folder(folder: &Path) -> impl Iterator<Item = Found> + Send + use<> {
    let root = folder.to_owned();
    let walk = WalkDir::new(folder).min_depth(1).follow_links(true).sort_by_file_name();
    let is_plain =
        |entry: &walkdir::DirEntry| !entry.file_name().as_encoded_bytes().starts_with(b".");
    walk.into_iter().filter_entry(is_plain).filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) => Some(regular(entry.path())),
        Err(error) => {
            let path = error.path().unwrap_or(&root);
            let reason = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
            Some(unusable(&path.display().to_string(), reason))
        }
    })
}

/// The files, and files of the folders, that a pattern means.
fn in_pattern(pattern: &str) -> Many {
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(error) => return one(unusable(pattern, format!("the pattern is none: {error}"))),
    };
    let mut found = paths
        .flat_map(|path| match path {
            Ok(path) if path.is_dir() => Box::new(in_folder(&path)) as Many,
            Ok(path) => one(regular(&path)),
            Err(error) => {
                one(unusable(&error.path().display().to_string(), error.error().to_string()))
            }
        })
        .peekable();
    match found.peek() {
        Some(_) => Box::new(found),
        None => one(unusable(pattern, "no file matches the pattern".into())),
    }
}

/// A file that was named; a pipe will do.
fn file(path: &Path) -> Found {
    let stamp = fs::metadata(path).map(|metadata| stamp(&metadata)).unwrap_or_default();
    Found { name: path.display().to_string(), source: Ok(Source::path(path)), stamp }
}

/// A file that was found: of pipes and devices nobody knows whether they ever end.
fn regular(path: &Path) -> Found {
    let reason = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => return file(path),
        Ok(_) => "is no regular file; name it itself to read it".into(),
        Err(error) => error.to_string(),
    };
    unusable(&path.display().to_string(), reason)
}

fn unusable(name: &str, reason: String) -> Found {
    Found { name: name.into(), source: Err(reason), stamp: Stamp::default() }
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.and_then(|since| u64::try_from(since.as_nanos()).ok());
    Stamp { size: metadata.len(), changed: changed.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The names of what is found, relative to `folder`, and whether it can be a source.
    fn found(folder: &Path, words: &[&str]) -> Vec<(String, bool)> {
        let words = words.iter().map(|word| word.replace("DIR", folder.to_str().unwrap()));
        let strip = |name: &str| {
            Path::new(name)
                .strip_prefix(folder)
                .map_or(name.into(), |path| path.display().to_string())
        };
        find(words.map(Into::into).collect())
            .map(|one| (strip(&one.name), one.source.is_ok()))
            .collect()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("b/deep")).unwrap();
        fs::create_dir(path.join(".hidden")).unwrap();
        for file in ["c.mp4", "a", "b/z.txt", "b/deep/x.mkv", ".hidden/y", "b/.DS_Store"] {
            fs::write(path.join(file), "").unwrap();
        }
        folder
    }

    fn usable(names: &[&str]) -> Vec<(String, bool)> {
        names.iter().map(|&name| (name.into(), true)).collect()
    }

    #[test]
    fn all_files_of_a_folder_are_meant() {
        let folder = folder();
        let all = usable(&["a", "b/deep/x.mkv", "b/z.txt", "c.mp4"]);
        assert_eq!(found(folder.path(), &["DIR"]), all);
        assert_eq!(found(folder.path(), &["DIR/c.mp4", "DIR/b"])[0], all[3]);
    }

    #[test]
    fn patterns_mean_what_matches() {
        let folder = folder();
        let two = usable(&["b/deep/x.mkv", "c.mp4"]);
        assert_eq!(found(folder.path(), &["DIR/**/*.m[kp][v4]"]), two);
        assert_eq!(found(folder.path(), &["DIR/b*"]), usable(&["b/deep/x.mkv", "b/z.txt"]));
        assert_eq!(found(folder.path(), &["DIR/*.avi"]), [("*.avi".into(), false)]);
    }

    #[test]
    fn lists_have_a_word_in_each_line() {
        let folder = folder();
        let (list, path) = (folder.path().join("list"), folder.path().display());
        fs::write(&list, format!("# clips\n{path}/a\n\n{path}/b\nrtsp://camera/1\n")).unwrap();
        let want = usable(&["a", "b/deep/x.mkv", "b/z.txt", "rtsp://camera/1"]);
        assert_eq!(found(folder.path(), &["@DIR/list"]), want);
        assert_eq!(found(folder.path(), &["@DIR/none"]), [("none".into(), false)]);
    }

    #[test]
    fn what_can_be_no_source_is_told_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        symlink(".", folder.path().join("loop")).unwrap();
        fs::write(folder.path().join("video"), "").unwrap();
        let got = found(folder.path(), &["DIR"]);
        let want = [("dangling", false), ("loop", false), ("video", true)];
        assert_eq!(got, want.map(|(name, usable)| (name.to_owned(), usable)));
        assert_eq!(found(folder.path(), &["DIR/none.mp4"]), usable(&["none.mp4"]));
    }
}
