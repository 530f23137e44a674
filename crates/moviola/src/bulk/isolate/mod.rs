//! Worker processes. If one crashes, only the source that it was reading ends with an error.
//!
//! Each worker is a process with one working thread and models of its own, loaded once. It receives
//! one source after another as lines on its standard input and sends the records as lines on its
//! standard output. It writes images itself, into folders that the parent process chose. When it
//! dies, the records of its source end with an error, and another process replaces it.
//!
//! A worker ends when its standard input ends, so no worker outlives the parent process.

mod child;
mod lines;
mod process;
mod protocol;
mod slot;

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use moviola_media::source::SourceOptions;

use crate::{error::BulkError, plan::Plan};
use process::Launch;
use protocol::{InitMessage, WireOptions};

pub use child::serve;
pub(super) use protocol::Job;
pub(super) use slot::{JobOutcome, RecordReceiver, WorkerSlot};

/// How long a worker may take to finish its current record when it has to end. Shorter than the
/// time after which people press Ctrl-C again.
const GRACE: Duration = Duration::from_millis(250);

/// How worker processes are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// The program that each worker runs. It must call [`serve`] and write nothing else to its
    /// standard output. A command can use its own program.
    pub program: PathBuf,
    /// The program's command-line arguments.
    pub arguments: Vec<OsString>,
    /// The longest that loading the models or reading one source may take; then the process is
    /// killed. The time in which records wait to be taken isn't counted. `None` for no limit.
    pub deadline: Option<Duration>,
}

/// The worker processes of a [`Bulk`](super::Bulk). Dropping them ends them.
#[derive(Debug)]
pub(super) struct Processes {
    slots: Vec<Arc<WorkerSlot>>,
}

impl Processes {
    /// Starts `count` processes without waiting until they are ready.
    pub(super) fn start(
        isolation: Isolation,
        plan: &Plan,
        options: &SourceOptions,
        count: usize,
    ) -> Result<Self, BulkError> {
        let init_line = InitMessage { plan: plan.clone(), options: WireOptions::of(options) };
        let (deadline, init_line) = (isolation.deadline, Arc::from(slot::line(&init_line)?));
        let launch: Arc<dyn Launch> = Arc::new(isolation);
        let start = |_| {
            let (launch, init_line) = (Arc::clone(&launch), Arc::clone(&init_line));
            WorkerSlot::start(launch, deadline, init_line).map(Arc::new)
        };
        Ok(Self { slots: (0..count).map(start).collect::<Result<_, _>>()? })
    }

    /// The number of processes.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a worker, by its number.
    pub(super) fn slot(&self, worker: usize) -> Arc<WorkerSlot> {
        Arc::clone(&self.slots[worker % self.slots.len()])
    }

    /// Waits until all processes have loaded their models.
    pub(super) fn ready(&self) -> Result<(), BulkError> {
        self.slots.iter().try_for_each(|slot| slot.provider().map(drop))
    }

    /// How many models were loaded so far, by all processes together.
    pub(super) fn models_loaded(&self) -> u64 {
        self.slots.iter().map(|slot| slot.models_loaded()).sum()
    }

    /// Resident memory of all processes in bytes.
    pub(super) fn resident(&self) -> u64 {
        self.slots.iter().map(|slot| slot.resident()).sum()
    }
}
