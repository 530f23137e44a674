//! Functions that join the parts into one file, or into tables.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use crate::sink::tables::{TableError, Tables};

/// Concatenates the parts into a file and syncs it.
pub(super) fn join_lines(parts: impl Iterator<Item = PathBuf>, file: &Path) -> io::Result<()> {
    let mut out = File::create(file)?;
    for part in parts {
        io::copy(&mut File::open(part)?, &mut out)?;
    }
    out.sync_data()
}

/// Writes the records of the parts as tables into `folder`, which is replaced if it exists.
pub(super) fn write_tables(
    parts: impl Iterator<Item = PathBuf>,
    folder: &Path,
) -> std::result::Result<(), TableError> {
    if folder.exists() {
        fs::remove_dir_all(folder)?; // left by an earlier run
    }
    fs::create_dir_all(folder)?;
    let mut tables = Tables::create(folder)?;
    let mut line = Vec::new();
    for part in parts {
        let mut lines = BufReader::new(File::open(part)?);
        while lines.read_until(b'\n', &mut line)? > 0 {
            tables.add(&line)?;
            line.clear();
        }
    }
    tables.finish()
}

/// Syncs the folder of a file, so that a rename survives a power failure.
pub(super) fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Errors are ignored: not every file system supports it, and the file itself is complete.
    drop(File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()));
}
