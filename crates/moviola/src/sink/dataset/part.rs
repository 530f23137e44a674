//! One source's records in a file, whole or not there.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{Result, failed};
use crate::results::Record;

/// How files of records end.
pub(super) const EXTENSION: &str = "jsonl";

/// A part in the making, beside its place.
#[derive(Debug)]
pub(super) struct Part {
    source: String,
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    bytes: u64,
    line: Vec<u8>,
}

impl Part {
    pub(super) fn create(source: &str, parts: &Path, part: &str) -> Result<Self> {
        let path = place(parts, part);
        let partial = beside(&path, ".partial");
        let out = BufWriter::new(File::create(&partial).map_err(failed(&partial))?);
        Ok(Self { source: source.into(), path, partial, out, bytes: 0, line: Vec::new() })
    }

    pub(super) fn write(&mut self, record: &Record) -> Result<()> {
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, record).map_err(io::Error::from);
        self.line.push(b'\n');
        self.bytes += self.line.len() as u64;
        written.and_then(|()| self.out.write_all(&self.line)).map_err(failed(&self.path))
    }

    /// Puts it in its place; gives its bytes.
    pub(super) fn finish(&mut self) -> Result<u64> {
        let whole = self.out.flush().and_then(|()| self.out.get_ref().sync_data());
        whole.map_err(failed(&self.path))?;
        fs::rename(&self.partial, &self.path).map_err(failed(&self.path))?;
        Ok(self.bytes)
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Takes it away; gives its source.
    pub(super) fn give_up(self) -> String {
        // What stays is replaced when the source is begun again.
        drop(fs::remove_file(&self.partial));
        self.source
    }
}

/// Where a part is.
pub(super) fn place(parts: &Path, part: &str) -> PathBuf {
    parts.join(format!("{part}.{EXTENSION}"))
}

/// A path of the same folder and name, with something added to that.
pub(super) fn beside(path: &Path, added: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(added);
    name.into()
}

pub(super) fn is_whole(path: &Path, bytes: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == bytes)
}
