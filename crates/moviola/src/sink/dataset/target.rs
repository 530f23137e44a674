//! The output of a dataset: the parts themselves, or one result that they are joined into.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    DatasetError,
    error::{Result, failed},
    joined::{join_lines, sync_folder, write_tables},
    part::{EXTENSION, with_suffix},
};

/// The name of an unfinished joined result, in the folder of the parts.
const PARTIAL: &str = ".joined";

/// The name of a replaced result until it is removed, in the folder of the parts.
const OLD: &str = ".replaced";

/// The kind and path of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A folder of parts.
    Parts(PathBuf),
    /// A file that the parts are joined into.
    Lines(PathBuf),
    /// A folder of tables that the parts are joined into.
    Tables(PathBuf),
}

impl Target {
    /// The kind of output by the extension of `path`.
    pub(super) fn of(path: &Path) -> Self {
        let path: PathBuf = path.components().collect(); // removes a slash at its end
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(EXTENSION) => Self::Lines(path),
            Some("parquet") => Self::Tables(path),
            _ => Self::Parts(path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        let (Self::Parts(path) | Self::Lines(path) | Self::Tables(path)) = self;
        path
    }

    /// Whether the parts are joined.
    pub(super) fn is_joined(&self) -> bool {
        !matches!(self, Self::Parts(_))
    }

    /// The folder of the parts.
    pub(super) fn parts(&self) -> PathBuf {
        match self {
            Self::Parts(folder) => folder.clone(),
            Self::Lines(path) | Self::Tables(path) => with_suffix(path, ".parts"),
        }
    }

    /// Whether a joined result exists. Always `false` for a folder of parts.
    ///
    /// # Errors
    ///
    /// [`DatasetError::OtherKind`] if the path has something that the result can't replace.
    pub(super) fn exists(&self) -> Result<bool> {
        let other_kind = |what| Err(DatasetError::OtherKind { path: self.path().into(), what });
        let Ok(metadata) = fs::metadata(self.path()) else { return Ok(false) };
        match self {
            Self::Parts(_) if !metadata.is_dir() => other_kind("no folder"),
            Self::Lines(_) if metadata.is_dir() => other_kind("a folder"),
            Self::Tables(_) if !metadata.is_dir() => other_kind("no folder, as tables need"),
            Self::Tables(folder) if !has_only_tables(folder) => {
                other_kind("a folder that holds more than tables")
            }
            Self::Parts(_) => Ok(false),
            Self::Lines(_) | Self::Tables(_) => Ok(true),
        }
    }

    /// Checks that a folder of parts that will be joined is empty or was created by an earlier run,
    /// because it is removed at the end.
    ///
    /// # Errors
    ///
    /// [`DatasetError::OtherKind`] if it isn't.
    pub(super) fn reject_foreign_parts(&self, journal: &Path) -> Result<()> {
        let parts = self.parts();
        let is_ours = !self.is_joined() || journal.exists();
        let is_not_empty =
            || fs::read_dir(&parts).is_ok_and(|mut entries| entries.next().is_some());
        match is_ours || !is_not_empty() {
            true => Ok(()),
            false => {
                let what = "a folder of files that no run has left";
                Err(DatasetError::OtherKind { path: parts, what })
            }
        }
    }

    /// Joins the parts, unless they are the result. An earlier result is replaced once the new one
    /// is complete. Unfinished files are in the folder of the parts.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Tables`].
    pub(super) fn join_parts(&self, parts: impl Iterator<Item = PathBuf>) -> Result<()> {
        let (path, partial) = (self.path(), self.parts().join(PARTIAL));
        let joined = match self {
            Self::Parts(_) => return Ok(()),
            Self::Lines(_) => join_lines(parts, &partial).map_err(failed(&partial)),
            Self::Tables(_) => write_tables(parts, &partial)
                .map_err(|cause| DatasetError::Tables { path: partial.clone(), cause }),
        };
        if let Err(error) = joined {
            remove(&partial); // frees its disk space
            return Err(error);
        }
        let old = self.parts().join(OLD);
        let is_replaced = path.is_dir();
        if is_replaced {
            remove(&old); // left by a run that was killed at this point
            fs::rename(path, &old).map_err(failed(path))?; // a folder can't be replaced by renaming
        }
        let renamed = fs::rename(&partial, path);
        if let (Err(_), true) = (&renamed, is_replaced) {
            fs::rename(&old, path).map_err(failed(path))?;
        }
        renamed.map_err(failed(path))?;
        sync_folder(path);
        Ok(())
    }

    /// Removes the parts after they were joined. The journal is removed last, because an
    /// interrupted removal must be recognised by the next run.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`].
    pub(super) fn remove_parts(&self, journal: &Path) -> Result<()> {
        let parts = self.parts();
        let entries = fs::read_dir(&parts).map_err(failed(&parts))?;
        entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path != journal)
            .for_each(|path| remove(&path));
        remove(journal);
        fs::remove_dir(&parts).map_err(failed(&parts))
    }
}

/// Removes a file or folder if it exists; a failure is only logged.
fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let (Err(error), true) = (removed, path.exists()) {
        tracing::warn!(%error, path = %path.display(), "a file that is no longer needed can't be removed");
    }
}

fn has_only_tables(folder: &Path) -> bool {
    let is_table =
        |entry: fs::DirEntry| Path::new(&entry.file_name()).extension() == Some("parquet".as_ref());
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().all(is_table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_is_ignored() {
        for (path, parts) in
            [("a/x.parquet", "a/x.parquet.parts"), ("x.jsonl", "x.jsonl.parts"), ("./x", "./x")]
        {
            for path in [path.to_owned(), format!("{path}/")] {
                // As text: as paths they are equal anyway.
                assert_eq!(Target::of(Path::new(&path)).parts().as_os_str(), parts);
            }
        }
    }

    #[test]
    fn only_results_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file.parquet"), "").unwrap();
        fs::create_dir(path("folder.jsonl")).unwrap();
        fs::create_dir(path("mixed.parquet")).unwrap();
        fs::write(path("mixed.parquet/notes.txt"), "").unwrap();
        fs::write(path("file"), "").unwrap();
        for name in ["file.parquet", "folder.jsonl", "mixed.parquet", "file"] {
            let exists = Target::of(&path(name)).exists();
            assert!(matches!(exists, Err(DatasetError::OtherKind { .. })), "{name}: {exists:?}");
        }
        fs::create_dir(path("tables.parquet")).unwrap();
        fs::write(path("tables.parquet/end.parquet"), "").unwrap();
        assert!(Target::of(&path("tables.parquet")).exists().unwrap());
        assert!(!Target::of(&path("none.jsonl")).exists().unwrap());
    }
}
