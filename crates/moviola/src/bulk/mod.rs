//! Bulk runs: one plan on many sources, several at a time.
//!
//! [`BulkOptions::jobs`] workers run at once, each with a model of its own that is loaded once. A
//! free worker takes the next source. When no source is left, it joins the workers of the source
//! with most left to read, so that a long last file uses all cores. Each source has one more
//! thread, which puts its records into order and takes little CPU time.
//!
//! Workers can be processes ([`isolate`]): then a crash ends only the source that was being read.
//! Worker processes don't join each other.

mod dispatch;
pub mod isolate;
mod memory_budget;
mod run;
mod schedule;
#[cfg(test)]
mod tests;
mod workers;

use std::{
    io,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use moviola_infer::provider::ProviderReport;
use moviola_media::{budget, source::SourceOptions};

use crate::{
    error::{BulkError, StartError},
    plan::{Plan, PlanError, Task},
    task::Tasks,
};
use dispatch::Dispatcher;
use isolate::{Isolation, Processes};
use memory_budget::{MemoryBudget, StartKind};
use schedule::Schedule;
use workers::Workers;

pub use crate::{records::Event, sink::BulkInput};
pub use run::{BulkRun, Wakeup};

/// How many events may wait for the caller: a longer queue only takes memory.
const MAX_QUEUED_EVENTS: usize = 64;

/// Options of a bulk run.
#[derive(Clone, Debug)]
pub struct BulkOptions {
    /// How sources are opened. The plan and the fields below take precedence. Its interrupt stops the
    /// run, as [`BulkRun::stop`] does; worker processes heed it when they send the next record.
    pub source: SourceOptions,
    /// The number of workers, at least 1. Each decodes and infers on one thread. Default: one for
    /// each core.
    pub jobs: usize,
    /// Memory for the whole run, in bytes, worker processes included. Default: half of the memory
    /// of the machine or of the control group.
    ///
    /// No further source is opened while more than three quarters are in use. Decoded frames that
    /// wait for their turn may take one quarter, shared equally by the workers. If the plan has
    /// models and this is less than 512 MiB for each worker, one worker thread starts, and others
    /// follow once the first one's use shows that they fit; worker processes are limited to one for
    /// each 512 MiB.
    pub memory: u64,
    /// Runs each worker as a process of its own. These read files and URLs; any other source
    /// (memory, a reader, standard input) gives an error record. Images come only as files: a process
    /// sends its records without their bytes. Each process loads its own models, on a device too.
    /// Default: `None`, workers are threads.
    pub isolate: Option<Isolation>,
}

impl Default for BulkOptions {
    fn default() -> Self {
        let (source, jobs) = (SourceOptions::default(), budget::cores());
        Self { source, jobs, memory: budget::memory() / 2, isolate: None }
    }
}

/// Runs a plan on many sources.
///
/// ```
/// use moviola::{Bulk, Plan, Source, bulk::Event};
///
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata");
/// let bulk = Bulk::new(Plan::from_toml("[stills]")?, Default::default())?;
/// let files = ["demo.mp4", "vp9.webm"].map(|name| Source::path(format!("{folder}/{name}")).into());
/// let mut frames = 0;
/// for event in bulk.run(files)? {
///     match event? {
///         Event::Record { input, record } => println!("{input}: {record:?}"),
///         Event::Ended { tally, .. } => frames += tally.frames,
///         _ => {}
///     }
/// }
/// assert!(frames > 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Bulk {
    state: Arc<RunState>,
}

/// The plan, options and workers that all threads of a run share.
#[derive(Debug)]
struct RunState {
    plan: Plan,
    options: SourceOptions,
    budget: MemoryBudget,
    workers: Workers,
}

impl RunState {
    fn has_room(&self, start: StartKind) -> bool {
        self.budget.has_room(start, &self.workers)
    }
}

impl Bulk {
    /// Starts the workers, which load the models of `plan`. Doesn't wait for them.
    ///
    /// # Errors
    ///
    /// As [`Fast::new`](crate::Fast::new); [`StartError::Worker`] if a worker process can't be
    /// started.
    pub fn new(plan: Plan, options: BulkOptions) -> Result<Self, StartError> {
        plan.check()?;
        if options.jobs == 0 {
            let reason = "no job can work on the sources: ask for 1 or more";
            return Err(PlanError::Impossible(reason).into());
        }
        let jobs = options.jobs;
        let frame_memory = usize::try_from(options.memory / 4).unwrap_or(usize::MAX) / jobs;
        let memory = options.source.memory.min(frame_memory);
        let source = SourceOptions { decoders: 1, memory, ..options.source };
        source.check()?;
        let budget = MemoryBudget::new(options.memory, plan.tasks.iter().any(Task::has_model));
        let workers = match options.isolate {
            None => Workers::Threads(Tasks::load(&plan, jobs)?),
            Some(isolation) => {
                let jobs = budget.max_processes(jobs);
                Workers::Processes(Processes::start(isolation, &plan, &source, jobs)?)
            }
        };
        let state = RunState { plan, options: source, budget, workers };
        Ok(Self { state: Arc::new(state) })
    }

    /// Waits until one worker has loaded its model; returns the provider that runs it and why it
    /// was chosen. `None` if the plan has no model.
    ///
    /// # Errors
    ///
    /// The error of loading the model.
    pub fn provider(&self) -> Result<Option<ProviderReport>, BulkError> {
        self.state.workers.provider()
    }

    /// Waits until all workers have loaded their models, so that the run can be timed without it.
    ///
    /// # Errors
    ///
    /// The first error of loading a model.
    pub fn ready(&self) -> Result<(), BulkError> {
        self.state.workers.ready()
    }

    /// The number of workers. May be less than [`BulkOptions::jobs`] with worker processes and
    /// little memory.
    pub fn jobs(&self) -> usize {
        self.state.workers.len()
    }

    /// How often a model was loaded so far: at most once for each worker, and once more for each
    /// replaced worker process. It doesn't depend on the number of sources.
    pub fn models_loaded(&self) -> u64 {
        self.state.workers.models_loaded()
    }

    /// Resident memory of this process and its workers in bytes, mapped files included. `None` if
    /// the system doesn't report it.
    pub fn resident(&self) -> Option<u64> {
        self.state.workers.resident()
    }

    /// Starts the plan on all of `inputs`. The next one is taken when a worker is free.
    ///
    /// # Errors
    ///
    /// The system's error if a thread can't be started.
    pub fn run<I>(&self, inputs: I) -> io::Result<BulkRun>
    where
        I: IntoIterator<Item = BulkInput>,
        I::IntoIter: Send + 'static,
    {
        let interrupt = self.state.options.interrupt.child();
        let schedule = Arc::new(Schedule::new(self.state.workers.len(), interrupt));
        let (sender, events) = sync_channel(MAX_QUEUED_EVENTS);
        let (inputs, state) = (inputs.into_iter(), Arc::clone(&self.state));
        let dispatcher = Dispatcher { state, schedule: Arc::clone(&schedule), sender };
        let dispatcher = thread::Builder::new()
            .name("moviola-bulk".into())
            .spawn(move || dispatcher.run(inputs))?;
        Ok(BulkRun { schedule, events: Some(events), dispatcher: Some(dispatcher) })
    }
}
