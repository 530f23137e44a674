//! Why a journal can't be used.

use std::{io, path::PathBuf};

use moviola_media::image::remedy;

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system doesn't let it be read.
    #[error("cannot read the journal {}: {cause}", path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The system doesn't let it be written.
    #[error("cannot write the journal {}: {cause}; {}", path.display(), remedy(cause.kind()))]
    Write {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Another process is at work on it.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// It is no journal, or damaged before its end.
    #[error("line {line} of the journal {} can't be understood; begin anew with --overwrite", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It is of another plan, or what carries that out has changed.
    #[error("{} is the journal of another {what}: results would be mixed; use the same, or begin anew with \
             another output or --overwrite", path.display())]
    Other {
        /// The journal.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}
