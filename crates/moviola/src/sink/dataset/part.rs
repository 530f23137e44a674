//! A part: the file of one source's records, complete or absent.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{
    StartedSource,
    error::{Result, failed},
};
use crate::records::Record;

/// The extension of parts.
pub(super) const EXTENSION: &str = "jsonl";

/// A part that is being written, under a temporary name beside its path.
#[derive(Debug)]
pub(super) struct Part {
    source: StartedSource,
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    bytes: u64,
    line: Vec<u8>,
}

impl Part {
    /// Creates a part under a temporary name; [`finish`](Self::finish) moves it to `path`.
    pub(super) fn create(source: StartedSource, path: PathBuf) -> Result<Self> {
        let partial = with_suffix(&path, ".partial");
        let out = BufWriter::new(File::create(&partial).map_err(failed(&partial))?);
        Ok(Self { source, path, partial, out, bytes: 0, line: Vec::new() })
    }

    pub(super) fn write(&mut self, record: &Record) -> Result<()> {
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, record).map_err(io::Error::from);
        self.line.push(b'\n');
        self.bytes += self.line.len() as u64;
        written.and_then(|()| self.out.write_all(&self.line)).map_err(failed(&self.path))
    }

    /// Syncs the complete part and moves it to its path; returns its length in bytes.
    pub(super) fn finish(&mut self) -> Result<u64> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_data());
        synced.map_err(failed(&self.path))?;
        fs::rename(&self.partial, &self.path).map_err(failed(&self.path))?;
        Ok(self.bytes)
    }

    /// The journal's key of its source.
    pub(super) fn key(&self) -> &str {
        &self.source.key
    }

    /// Removes the unfinished part; returns its source.
    pub(super) fn discard(self) -> StartedSource {
        // A file that can't be removed is replaced when the source is read again.
        drop(fs::remove_file(&self.partial));
        self.source
    }
}

/// The path of a part.
pub(super) fn part_path(parts: &Path, part: &str) -> PathBuf {
    parts.join(format!("{part}.{EXTENSION}"))
}

/// `path` with `suffix` appended to its file name. `path` must end in a name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether a file exists and has this length.
pub(super) fn has_length(path: &Path, bytes: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == bytes)
}
