//! Atomic writing of files: a file appears complete or not at all.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::{ImageError, Result};

/// What to do if the file exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Keep it and fail with [`ImageError::Exists`].
    #[default]
    Refuse,
    /// Replace it.
    Replace,
}

/// The start of an unfinished file's name.
const PREFIX: &str = ".moviola-";

/// The end of an unfinished file's name.
const SUFFIX: &str = ".tmp";

/// Writes `bytes` to the file `path` atomically: a reader sees the complete file or none.
///
/// The bytes are written to a file beside `path` whose name starts with `.moviola-`, which is then
/// renamed; after a failure it is removed. It has the permissions of any new file.
/// [`Overwrite::Refuse`] holds even if another process creates the file at the same time, because
/// the rename itself fails then. If the file system can neither rename without replacing nor link,
/// the file is written in place: it still replaces nothing, but is visible while it grows.
///
/// The file is not synchronised to the disk, so a power failure may lose it.
///
/// # Errors
///
/// [`ImageError::Exists`], or [`ImageError::Write`] with the system's error and what to do.
pub fn write_atomic(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<()> {
    let exists = || ImageError::Exists { path: path.to_owned() };
    let failed = |cause: io::Error| match (cause.kind(), overwrite) {
        (ErrorKind::AlreadyExists, Overwrite::Refuse) => exists(),
        _ => ImageError::unwritable(path, cause),
    };
    // This only avoids useless writing: the rename below decides.
    if overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let mut file = beside(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    let renamed = match overwrite {
        Overwrite::Replace => file.persist(path),
        Overwrite::Refuse => file.persist_noclobber(path),
    };
    match renamed {
        Ok(_) => Ok(()),
        Err(error) if overwrite == Overwrite::Refuse && cannot_link(&error.error) => {
            write_in_place(path, bytes).map_err(failed)
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// A file that is written piece by piece and appears when it is [finished](Self::finish).
///
/// If it is dropped before, it is removed.
#[derive(Debug)]
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
    overwrite: Overwrite,
}

impl NewFile {
    /// Creates the unfinished file beside `path`.
    ///
    /// # Errors
    ///
    /// As [`write_atomic`].
    pub fn create(path: &Path, overwrite: Overwrite) -> Result<Self> {
        if overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok() {
            return Err(ImageError::Exists { path: path.into() });
        }
        let file = beside(path).map_err(|cause| ImageError::unwritable(path, cause))?;
        Ok(Self { file, path: path.into(), overwrite })
    }

    /// Renames the file to its path.
    ///
    /// # Errors
    ///
    /// As [`write_atomic`].
    pub fn finish(self) -> Result<()> {
        let Self { file, path, overwrite } = self;
        // `persist_noclobber` needs links, which some file systems lack. With this check alone, a
        // file that another process creates right now is replaced.
        let is_there = overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok();
        if is_there {
            return Err(ImageError::Exists { path });
        }
        file.persist(&path).map(drop).map_err(|error| ImageError::unwritable(&path, error.error))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes the unfinished files that a killed process has left in `folder`.
///
/// No other process may be writing to the folder.
pub fn remove_unfinished(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_unfinished = |name: &str| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
    for file in files.filter(|file| file.file_name().to_str().is_some_and(is_unfinished)) {
        if let Err(error) = fs::remove_file(file.path()) {
            tracing::debug!(%error, "an unfinished file can't be removed");
        }
    }
}

/// Creates an empty unfinished file in the folder of `path`.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // Temporary files are private by default; the umask still applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// Whether the file system can't rename without replacing (FAT and some network file systems).
fn cannot_link(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}

/// Writes a file that must not exist yet, and removes it if writing fails.
fn write_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes).inspect_err(|_| {
        // The error of writing is the one to report.
        let _ = fs::remove_file(path);
    })
}

/// What a user can do about a file that can't be written, by the kind of the system's error.
pub fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space or choose another place"
        }
        ErrorKind::PermissionDenied => "check the permissions of the folder",
        ErrorKind::ReadOnlyFilesystem => "choose a place that can be written to",
        ErrorKind::NotFound => "make the folder first",
        ErrorKind::NotADirectory => "a folder on the way is a file: choose another place",
        ErrorKind::IsADirectory => "it is a folder: choose another name",
        ErrorKind::InvalidFilename => "choose a shorter name",
        _ => "choose another place",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_pieces_appears_only_when_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let begin = |overwrite| {
            let mut file = NewFile::create(&path, overwrite).unwrap();
            file.write_all(b"whole").unwrap();
            file
        };
        drop(begin(Overwrite::Refuse));
        assert_eq!(names(folder.path()), [""; 0]);
        begin(Overwrite::Refuse).finish().unwrap();
        assert_eq!(names(folder.path()), ["a.json"]);
        let exists = |result: Result<_>| matches!(result, Err(ImageError::Exists { .. }));
        assert!(exists(NewFile::create(&path, Overwrite::Refuse).map(drop)));
        drop(begin(Overwrite::Replace));
        assert_eq!(fs::read(&path).unwrap(), b"whole", "the old file stays until then");
    }

    /// Names of all files in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let entries = fs::read_dir(folder).unwrap().map(name);
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    #[track_caller]
    fn check_refused(path: &Path, overwrite: Overwrite, want: &str) {
        let error = write_atomic(path, b"new", overwrite).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
        assert!(error.contains(&*path.to_string_lossy()), "the path is missing: {error}");
    }

    #[test]
    fn a_file_appears_complete_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        write_atomic(&path, b"first", Overwrite::Refuse).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["a.jpg"]);
    }

    #[test]
    fn files_are_replaced_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, b"old").unwrap();
        check_refused(&path, Overwrite::Refuse, "replace it with the option Replace");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_atomic(&path, b"new", Overwrite::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.jpg"]);
    }

    #[test]
    fn of_many_writers_exactly_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        let write = |i: u8| write_atomic(&path, &[i; 4096], Overwrite::Refuse).is_ok();
        let won = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|i| scope.spawn(move || write(i))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).filter(|&won| won).count()
        });
        assert_eq!(won, 1);
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() == 4096 && bytes.iter().all(|&byte| byte == bytes[0]));
        assert_eq!(names(folder.path()), ["a.jpg"]);
    }

    #[test]
    fn failures_name_the_file_and_the_remedy_and_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let directory = folder.path().join("directory");
        fs::write(&file, b"old").unwrap();
        fs::create_dir(&directory).unwrap();
        let missing = folder.path().join("missing").join("a.jpg");
        check_refused(&missing, Overwrite::Refuse, "make the folder first");
        check_refused(&file.join("a.jpg"), Overwrite::Replace, "is a file");
        check_refused(&directory, Overwrite::Replace, "it is a folder");
        check_refused(&directory, Overwrite::Refuse, "replace it with the option Replace");
        check_refused(&folder.path().join("n".repeat(300)), Overwrite::Refuse, "shorter name");
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["directory", "file"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        check_refused(&link, Overwrite::Refuse, "exists already");
        write_atomic(&link, b"new", Overwrite::Replace).unwrap();
        assert!(link.symlink_metadata().unwrap().is_file());
        assert!(!target.exists());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        write_atomic(&ours, b"", Overwrite::Refuse).unwrap();
        fs::write(&other, b"").unwrap();
        assert_eq!(ours.metadata().unwrap().mode(), other.metadata().unwrap().mode());
    }

    #[test]
    fn writing_in_place_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        write_in_place(&path, b"first").unwrap();
        assert_eq!(write_in_place(&path, b"2").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn a_full_disk_has_a_remedy() {
        assert!(advice(ErrorKind::StorageFull).contains("free some space"));
    }
}
