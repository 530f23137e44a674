//! Parts become one result.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use crate::sink::tables::{TableError, Tables};

/// Writes the parts, one after the other, into a file.
pub(super) fn join(parts: impl Iterator<Item = PathBuf>, file: &Path) -> io::Result<()> {
    let mut out = File::create(file)?;
    for part in parts {
        io::copy(&mut File::open(part)?, &mut out)?;
    }
    out.sync_data()
}

/// Makes tables of the parts, in a folder of their own.
pub(super) fn tabulate(
    parts: impl Iterator<Item = PathBuf>,
    folder: &Path,
) -> std::result::Result<(), TableError> {
    if folder.exists() {
        fs::remove_dir_all(folder)?; // what an earlier run left
    }
    fs::create_dir_all(folder)?;
    let mut tables = Tables::create(folder)?;
    let mut line = Vec::new();
    for part in parts {
        let mut lines = BufReader::new(File::open(part)?);
        while lines.read_until(b'\n', &mut line)? > 0 {
            tables.take(&line)?;
            line.clear();
        }
    }
    tables.finish()
}

/// Has the system keep a file's new name even if the power fails.
pub(super) fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Not every system can; the file itself is whole either way.
    drop(File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()));
}
