//! What becomes of the parts: they are the result, or are joined into one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    DatasetError,
    error::{Result, failed},
    joined::{join, sync_folder, tabulate},
    part::{EXTENSION, beside},
};

/// What is joined is called so among the parts until it is whole.
const PARTIAL: &str = ".joined";

/// What it replaces is called so, until it is removed.
const OLD: &str = ".replaced";

/// What becomes of the parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// They are the result, in that folder.
    Parts(PathBuf),
    /// One file of lines.
    Lines(PathBuf),
    /// A folder of tables.
    Tables(PathBuf),
}

impl Target {
    /// What a path means by its name.
    pub(super) fn of(path: &Path) -> Self {
        let path: PathBuf = path.components().collect(); // a slash at its end says nothing
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

    /// Whether the parts are joined into it.
    pub(super) fn is_joined(&self) -> bool {
        !matches!(self, Self::Parts(_))
    }

    /// Where the parts are.
    pub(super) fn parts(&self) -> PathBuf {
        match self {
            Self::Parts(folder) => folder.clone(),
            Self::Lines(path) | Self::Tables(path) => beside(path, ".parts"),
        }
    }

    /// Whether a joined result is there already.
    ///
    /// # Errors
    ///
    /// [`DatasetError::OtherKind`] for what could never be replaced by the result.
    pub(super) fn is_there(&self) -> Result<bool> {
        let other = |what| Err(DatasetError::OtherKind { path: self.path().into(), what });
        let Ok(metadata) = fs::metadata(self.path()) else { return Ok(false) };
        match self {
            Self::Parts(_) if !metadata.is_dir() => other("no folder"),
            Self::Lines(_) if metadata.is_dir() => other("a folder"),
            Self::Tables(_) if !metadata.is_dir() => other("no folder, as tables need"),
            Self::Tables(folder) if !holds_tables_only(folder) => {
                other("a folder that holds more than tables")
            }
            Self::Parts(_) => Ok(false),
            Self::Lines(_) | Self::Tables(_) => Ok(true),
        }
    }

    /// Refuses a folder for parts to be joined that holds what no run has left: it is removed at the
    /// end.
    ///
    /// # Errors
    ///
    /// [`DatasetError::OtherKind`].
    pub(super) fn refuse_foreign_parts(&self, journal: &Path) -> Result<()> {
        let parts = self.parts();
        let is_ours = !self.is_joined() || journal.exists();
        let holds_any = || fs::read_dir(&parts).is_ok_and(|mut entries| entries.next().is_some());
        match is_ours || !holds_any() {
            true => Ok(()),
            false => {
                let what = "a folder of files that no run has left";
                Err(DatasetError::OtherKind { path: parts, what })
            }
        }
    }

    /// Joins the parts, if that is wanted; what was there goes when the new is whole. All that is
    /// unfinished lies among the parts.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Write`], [`DatasetError::Tables`].
    pub(super) fn complete(&self, parts: impl Iterator<Item = PathBuf>) -> Result<()> {
        let (path, partial) = (self.path(), self.parts().join(PARTIAL));
        let made = match self {
            Self::Parts(_) => return Ok(()),
            Self::Lines(_) => join(parts, &partial).map_err(failed(&partial)),
            Self::Tables(_) => tabulate(parts, &partial)
                .map_err(|cause| DatasetError::Tables { path: partial.clone(), cause }),
        };
        if let Err(error) = made {
            remove(&partial); // it takes room that is needed
            return Err(error);
        }
        let old = self.parts().join(OLD);
        let is_replaced = path.is_dir();
        if is_replaced {
            remove(&old); // of a run that was killed right here
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

    /// Removes the parts that were joined, the journal last: as long as that is there, they are known.
    ///
    /// # Errors
    ///
    /// What the system says.
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

/// Removes what is only in the way, if it is there.
fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let (Err(error), true) = (removed, path.exists()) {
        tracing::warn!(%error, path = %path.display(), "this stays");
    }
}

fn holds_tables_only(folder: &Path) -> bool {
    let is_table =
        |entry: fs::DirEntry| Path::new(&entry.file_name()).extension() == Some("parquet".as_ref());
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().all(is_table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_says_nothing() {
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
    fn what_is_no_result_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file.parquet"), "").unwrap();
        fs::create_dir(path("folder.jsonl")).unwrap();
        fs::create_dir(path("mixed.parquet")).unwrap();
        fs::write(path("mixed.parquet/notes.txt"), "").unwrap();
        fs::write(path("file"), "").unwrap();
        for name in ["file.parquet", "folder.jsonl", "mixed.parquet", "file"] {
            let there = Target::of(&path(name)).is_there();
            assert!(matches!(there, Err(DatasetError::OtherKind { .. })), "{name}: {there:?}");
        }
        fs::create_dir(path("tables.parquet")).unwrap();
        fs::write(path("tables.parquet/end.parquet"), "").unwrap();
        assert!(Target::of(&path("tables.parquet")).is_there().unwrap());
        assert!(!Target::of(&path("none.jsonl")).is_there().unwrap());
    }
}
