//! The workers of a run: threads or processes.

use moviola_infer::provider::ProviderReport;
use moviola_media::budget;

use super::isolate::Processes;
use crate::{error::BulkError, task::Tasks};

/// The workers of a run.
#[derive(Debug)]
pub(super) enum Workers {
    /// Threads of this process, started for each source. Their models are kept between sources.
    Threads(Tasks),
    /// Processes that live as long as the run.
    Processes(Processes),
}

impl Workers {
    /// The number of workers.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Threads(tasks) => tasks.workers(),
            Self::Processes(processes) => processes.len(),
        }
    }

    /// Waits until one worker has loaded its model; gives the provider that runs it.
    pub(super) fn provider(&self) -> Result<Option<ProviderReport>, BulkError> {
        match self {
            Self::Threads(tasks) => Ok(tasks.provider()?),
            Self::Processes(processes) => processes.slot(0).provider(),
        }
    }

    /// Waits until all workers have loaded their models.
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

    /// Resident memory of this process and its workers in bytes; `None` if the system doesn't
    /// report it.
    pub(super) fn resident(&self) -> Option<u64> {
        let own = budget::resident()?;
        match self {
            Self::Threads(_) => Some(own),
            Self::Processes(processes) => Some(own + processes.resident()),
        }
    }
}
