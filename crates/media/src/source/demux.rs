//! Opening of a source's container.

use std::{fs::File, io, path::Path};

use moviola_av::{
    demuxer::{Demuxer, DemuxerOptions},
    error::{Error as AvError, ErrorKind},
    interrupt::Interrupt,
    io::Io,
};

use super::{ByteSource, IoMode, Source, SourceOptions};
use crate::error::{Error, Result};

/// Files larger than this are mapped under [`IoMode::Auto`].
const MAP_ABOVE_BYTES: u64 = 1 << 30;

impl Source {
    /// Opens the container; returns the source's name and the demuxer. `interrupt` ends blocking
    /// reads, also later ones.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] or [`Error::Demux`] if it can't be read.
    pub(crate) fn demuxer(
        self,
        options: &SourceOptions,
        interrupt: Interrupt,
    ) -> Result<(String, Demuxer)> {
        let Self { name, bytes } = self;
        let (url, io) = match bytes {
            ByteSource::Url(url) => (url, None),
            ByteSource::Path(path) => {
                let file = open_path(&name, &path)?;
                (name.clone(), Some(open(&name, file, options.io)?))
            }
            ByteSource::Bytes(bytes) => (name.clone(), Some(Io::bytes(bytes))),
            ByteSource::SharedReader(reader) => (name.clone(), Some(Io::read_seek(reader))),
            ByteSource::Reader(reader) => (name.clone(), Some(Io::read(reader))),
            ByteSource::File(file) => (name.clone(), Some(open(&name, file, options.io)?)),
        };
        let demuxer = Demuxer::open(DemuxerOptions {
            url,
            io,
            allow_protocols: options.allow_protocols.clone(),
            interrupt,
            network_timeout: Some(options.network_timeout),
            ..DemuxerOptions::default()
        });
        let demuxer = demuxer.map_err(|cause| cannot_read(&name, cause))?;
        Ok((name, demuxer))
    }
}

pub(super) fn open_path(name: &str, path: &Path) -> Result<File> {
    File::open(path).map_err(|error| refused(name, explain_open(&error), error.kind().into()))
}

fn open(name: &str, file: File, mode: IoMode) -> Result<Io> {
    let failed = |error: io::Error| refused(name, error.to_string(), error.kind().into());
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        let reason = "is a folder; name the files in it".into();
        return Err(refused(name, reason, ErrorKind::InvalidArgument));
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(refused(name, "the file is empty".into(), ErrorKind::NotMedia));
    }
    let mapped = match mode {
        IoMode::Read => false,
        IoMode::Map => true,
        IoMode::Auto => metadata.len() > MAP_ABOVE_BYTES,
    };
    match (metadata.is_file(), mapped) {
        (true, true) => Io::map(file),
        _ => Io::file(file), // or a pipe, or a device
    }
    .map_err(|error| refused(name, error.to_string(), error.kind()))
}

fn refused(name: &str, reason: String, kind: ErrorKind) -> Error {
    Error::Open { name: name.into(), reason, kind }
}

fn explain_open(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file; check the path".into(),
        io::ErrorKind::PermissionDenied => "permission denied; check who may read it".into(),
        _ => error.to_string(),
    }
}

/// Says in the user's words why a container can't be read.
pub(crate) fn cannot_read(name: &str, cause: AvError) -> Error {
    let reason = match (&cause, cause.kind()) {
        (AvError::Ffmpeg { message, .. }, _) if message.contains("encryption info") => {
            format!("its encryption can't be read: {message}. Decrypt it first")
        }
        (AvError::Ffmpeg { message, .. }, ErrorKind::Corrupt) => format!(
            "not readable as video: {message}. It may be truncated, still being written, or no \
             media file"
        ),
        (AvError::Io { message, .. }, _) if name.contains("://") => {
            format!("{message}; check the address, and whether its server can be reached")
        }
        (other, _) => other.to_string(),
    };
    Error::Demux { name: name.into(), reason, cause }
}
