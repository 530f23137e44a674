//! Workers as processes: what kills one costs the source that it was at, and nothing else.
//!
//! Each worker is a process with one thread that works and models of its own, loaded once. It takes
//! one source after another, as lines on its standard input, and tells the records as lines on its
//! standard output; images it writes itself, into folders that were allotted here. When it dies, the
//! records of its source end with an error, and another process takes its place.
//!
//! A worker ends with its standard input: when this process ends, however that comes, the workers do.

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
pub(super) use slot::{Listener, Outcome, WorkerSlot};

/// How long a worker may take to finish the record at hand when it is to end: shorter than people
/// wait before they insist.
const GRACE: Duration = Duration::from_millis(250);

/// How workers become processes of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// The program that each of them runs: it has to call [`serve`], and nothing but that may write
    /// to its standard output. A command can name itself.
    pub program: PathBuf,
    /// What the program is told on its command line.
    pub arguments: Vec<OsString>,
    /// The longest that one source may take, from when it is handed over, but for the time in which its
    /// records wait to be taken, or loading the models: then its process is killed. `None` for no bound.
    pub deadline: Option<Duration>,
}

/// The worker processes of a [`Bulk`](super::Bulk). Dropping them ends them.
#[derive(Debug)]
pub(super) struct Processes {
    slots: Vec<Arc<WorkerSlot>>,
}

impl Processes {
    /// Starts so many, and doesn't wait for them.
    pub(super) fn start(
        isolation: Isolation,
        plan: &Plan,
        options: &SourceOptions,
        count: usize,
    ) -> Result<Self, BulkError> {
        let setup = InitMessage { plan: plan.clone(), options: WireOptions::of(options) };
        let (deadline, setup) = (isolation.deadline, Arc::from(slot::line(&setup)?));
        let launch: Arc<dyn Launch> = Arc::new(isolation);
        let start = |_| {
            let (launch, setup) = (Arc::clone(&launch), Arc::clone(&setup));
            WorkerSlot::start(launch, deadline, setup).map(Arc::new)
        };
        Ok(Self { slots: (0..count).map(start).collect::<Result<_, _>>()? })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// That of a worker.
    pub(super) fn slot(&self, worker: usize) -> Arc<WorkerSlot> {
        Arc::clone(&self.slots[worker % self.slots.len()])
    }

    /// Waits until all have loaded their models.
    pub(super) fn ready(&self) -> Result<(), BulkError> {
        self.slots.iter().try_for_each(|slot| slot.provider().map(drop))
    }

    /// How many models were loaded so far.
    pub(super) fn models_loaded(&self) -> u64 {
        self.slots.iter().map(|slot| slot.models_loaded()).sum()
    }

    /// Bytes that all of them take.
    pub(super) fn resident(&self) -> u64 {
        self.slots.iter().map(|slot| slot.resident()).sum()
    }
}
