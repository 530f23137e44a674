//! Errors of journals.

use std::{io, path::PathBuf};

use moviola_av::{error::ErrorKind, remedy::Remedy};
use moviola_media::image::advice;

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The journal can't be read.
    #[error("cannot read the journal {}: {cause}", path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// The journal can't be written.
    #[error("cannot write the journal {}: {cause}; {}", path.display(), advice(cause.kind()))]
    Write {
        /// The journal.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// Another process uses the journal.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// The file isn't a journal, or is damaged before its last line.
    #[error("line {line} of the journal {} can't be understood; begin anew with {}", path.display(), Remedy::Overwrite)]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
    },
    /// The journal belongs to a run with another plan, model, selection of streams or version.
    #[error("{} is the journal of another {what}: results would be mixed; use the same, or begin anew with \
             another output or {}", path.display(), Remedy::Overwrite)]
    Other {
        /// The journal.
        path: PathBuf,
        /// The first difference, as a noun.
        what: &'static str,
    },
}

impl JournalError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { cause, .. } | Self::Write { cause, .. } => cause.kind().into(),
            Self::InUse { .. } => ErrorKind::InUse,
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Other { .. } => ErrorKind::Exists,
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Damaged { .. } | Self::Other { .. } => Some(Remedy::Overwrite),
            Self::Read { .. } | Self::Write { .. } | Self::InUse { .. } => None,
        }
    }
}
