//! Errors of datasets.

use std::{
    io,
    path::{Path, PathBuf},
};

use moviola_av::{error::ErrorKind, remedy::Remedy};
use moviola_media::image::advice;

use crate::sink::{journal::JournalError, tables::TableError};

/// Why results can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Results exist already.
    #[error("{} is there already: go on with {}, or begin anew with {}", path.display(), Remedy::Resume, Remedy::Overwrite)]
    Exists {
        /// The existing file or folder.
        path: PathBuf,
    },
    /// A file that no run has written is where records go.
    #[error("{} exists already, and no run has written it: choose another output, or replace it with {}", path.display(), Remedy::Overwrite)]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The output path has something that results can't replace.
    #[error("{} is {what}: choose another output, or remove it yourself", path.display())]
    OtherKind {
        /// The existing file or folder.
        path: PathBuf,
        /// What it is, as a noun phrase.
        what: &'static str,
    },
    /// An earlier run has completed the output.
    #[error("{} is already complete; to add inputs later, write to a folder", path.display())]
    Complete {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the parts can't be created. No source was read.
    #[error("cannot make {}: {cause}; choose an output that you may write to", path.display())]
    Begin {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// A file can't be written.
    #[error("cannot write {}: {cause}; {}; what is done is kept: go on with {}", path.display(), advice(cause.kind()), Remedy::Resume)]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// Images can't be written; the source's error record has the reason.
    #[error(
        "images of {source_name} can't be written; what is done is kept: go on with {}",
        Remedy::Resume
    )]
    Images {
        /// The name of the source.
        source_name: String,
    },
    /// Sources that may have crashed an earlier process were not read.
    #[error("{count} sources that may have crashed an earlier run were not read")]
    Suspects {
        /// The number of sources.
        count: usize,
    },
    /// The records can't be written as tables.
    #[error("cannot write {}: {cause}; what is done is kept: go on with {}", path.display(), Remedy::Resume)]
    Tables {
        /// The folder of the tables.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: TableError,
    },
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl DatasetError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Exists { .. }
            | Self::Foreign { .. }
            | Self::OtherKind { .. }
            | Self::Complete { .. } => ErrorKind::Exists,
            Self::Begin { cause, .. } | Self::Write { cause, .. } => cause.kind().into(),
            Self::Images { .. } => ErrorKind::Io,
            Self::Suspects { .. } => ErrorKind::Worker,
            Self::Tables { cause, .. } => cause.kind(),
            Self::Journal(cause) => cause.kind(),
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Exists { .. }
            | Self::Write { .. }
            | Self::Images { .. }
            | Self::Tables { .. } => Some(Remedy::Resume),
            Self::Foreign { .. } => Some(Remedy::Overwrite),
            Self::Journal(cause) => cause.remedy(),
            _ => None,
        }
    }
}

pub(super) type Result<T> = std::result::Result<T, DatasetError>;

/// Converts an error of writing the file at `path`.
pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> DatasetError {
    move |cause| DatasetError::Write { path: path.into(), cause }
}
