//! Errors that several layers share.

use std::{io, sync::Arc};

use moviola_av::{error::ErrorKind, remedy::Remedy};
use moviola_infer::error::Error as InferError;
use moviola_media::error::Error as MediaError;

use crate::plan::PlanError;

/// The stage at which images are written.
pub(crate) const WRITE: &str = "write";

/// Why a plan can't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The plan can't be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An option about sources is outside its range.
    #[error(transparent)]
    Options(#[from] MediaError),
    /// A thread can't be started.
    #[error("the system gives no thread: {0}")]
    Thread(#[from] io::Error),
    /// A worker process can't be started.
    #[error(transparent)]
    Worker(#[from] BulkError),
}

impl StartError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Plan(cause) => cause.kind(),
            Self::Options(cause) => cause.kind(),
            Self::Thread(_) => ErrorKind::Worker,
            Self::Worker(cause) => cause.kind(),
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Plan(cause) => cause.remedy(),
            Self::Options(cause) => cause.remedy(),
            Self::Thread(_) => None,
            Self::Worker(cause) => cause.remedy(),
        }
    }
}

/// Why a run over many sources ended early.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// A model can't be loaded.
    #[error(transparent)]
    Model(#[from] InferError),
    /// A thread can't be started.
    #[error("the system gives no thread: {0}")]
    Thread(Arc<io::Error>),
    /// A worker process can't be started or can't load a model; with its message.
    #[error("{0}")]
    Worker(Arc<str>),
}

impl BulkError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Model(cause) => cause.kind(),
            Self::Thread(_) | Self::Worker(_) => ErrorKind::Worker,
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Model(cause) => cause.remedy(),
            Self::Thread(_) | Self::Worker(_) => None,
        }
    }

    pub(crate) fn worker(message: String) -> Self {
        Self::Worker(message.into())
    }
}

/// Why a source isn't read, or not to its end. It becomes an error record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure {
    /// As [`ErrorRecord::stage`](crate::records::ErrorRecord::stage).
    pub stage: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl SourceFailure {
    /// The failure of a source that was being read when the process crashed, twice.
    pub fn crashed() -> Self {
        let message = "the process died twice while this was read: it is left out; name it alone to \
                       see why";
        Self { stage: "crash", message: message.into() }
    }

    /// The failure of a source whose images can't be written, which isn't an error of the source.
    pub(crate) fn unwritten(message: String) -> Self {
        Self { stage: WRITE, message }
    }
}
