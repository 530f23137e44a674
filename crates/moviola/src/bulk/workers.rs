//! The workers of a run: threads of this process, or processes of their own.

use moviola_infer::provider::ProviderReport;
use moviola_media::budget;

use super::isolate::Processes;
use crate::{error::BulkError, task::Tasks};

/// The workers of a run.
#[derive(Debug)]
pub(super) enum Workers {
    /// Threads, that begin with their source; their models stay.
    Threads(Tasks),
    /// Processes.
    Processes(Processes),
}

impl Workers {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Threads(tasks) => tasks.workers(),
            Self::Processes(processes) => processes.len(),
        }
    }

    /// Waits until a model is loaded; says what runs it, and why.
    pub(super) fn provider(&self) -> Result<Option<ProviderReport>, BulkError> {
        match self {
            Self::Threads(tasks) => Ok(tasks.provider()?),
            Self::Processes(processes) => processes.slot(0).provider(),
        }
    }

    /// Loads the models that aren't yet.
    pub(super) fn ready(&self) -> Result<(), BulkError> {
        match self {
            Self::Threads(tasks) => Ok(tasks.load_models()?),
            Self::Processes(processes) => processes.ready(),
        }
    }

    /// How many models were loaded so far.
    pub(super) fn models_loaded(&self) -> u64 {
        match self {
            Self::Threads(tasks) => tasks.models_loaded(),
            Self::Processes(processes) => processes.models_loaded(),
        }
    }

    /// Bytes that this process and its workers take; `None` where that can't be known.
    pub(super) fn resident(&self) -> Option<u64> {
        let own = budget::resident()?;
        match self {
            Self::Threads(_) => Some(own),
            Self::Processes(processes) => Some(own + processes.resident()),
        }
    }
}
