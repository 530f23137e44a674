//! Many sources, with the most work done on each core.
//!
//! There are as many workers as [`BulkOptions::jobs`] says, each with a model of its own, loaded
//! once. A worker takes the next source; when none is left it joins the others at the one that has
//! most before it, so the last long file doesn't run on one core. One more thread a source puts its
//! records into order, and does next to nothing.
//!
//! Workers may be processes ([`isolate`]): then a source that kills its reader costs only itself. They
//! don't join each other.

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
use memory_budget::{Begin, MemoryBudget};
use schedule::Schedule;
use workers::Workers;

pub use crate::{records::Event, sink::BulkInput};
pub use run::{BulkRun, Wakeup};

/// Records that may wait for whoever takes them: more would only be memory.
const WAITING: usize = 64;

/// How to work on many sources.
#[derive(Clone, Debug)]
pub struct BulkOptions {
    /// How sources are opened, but for what the plan and this says.
    pub source: SourceOptions,
    /// Workers, at least 1: as many threads decode and infer. Default: one for each core.
    pub jobs: usize,
    /// Bytes that all of it may take together. No further source is opened while the process takes
    /// three quarters of it; a quarter is what decoded pictures may take that wait for their turn.
    /// Where it is less than 512 MiB for each worker and there are models, one worker begins, and
    /// others as far as there is room for what that one takes; of worker processes, no more are started
    /// than 512 MiB each allow.
    /// Default: half of what the machine, or the control group, has.
    ///
    /// Worker processes count, all together; each has the same share of that quarter for pictures.
    pub memory: u64,
    /// Let the workers be processes of their own. They read files and addresses; any other source
    /// (memory, a reader, standard input) is an error. Default: threads.
    pub isolate: Option<Isolation>,
}

impl Default for BulkOptions {
    fn default() -> Self {
        let (source, jobs) = (SourceOptions::default(), budget::cores());
        Self { source, jobs, memory: budget::memory() / 2, isolate: None }
    }
}

/// Carries out a plan on many sources.
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
    shared: Arc<Shared>,
}

/// What the threads of a run share.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    options: SourceOptions,
    budget: MemoryBudget,
    workers: Workers,
}

impl Shared {
    fn has_room(&self, begin: Begin) -> bool {
        self.budget.has(begin, &self.workers)
    }
}

impl Bulk {
    /// Starts to load what `plan` needs, once for each worker.
    ///
    /// # Errors
    ///
    /// As [`Fast::new`](crate::Fast::new); [`StartError::Worker`] if a worker process can't be started.
    pub fn new(plan: Plan, options: BulkOptions) -> Result<Self, StartError> {
        plan.check()?;
        if options.jobs == 0 {
            let reason = "no job can work on the sources: ask for 1 or more";
            return Err(PlanError::Impossible(reason).into());
        }
        let jobs = options.jobs;
        let waiting = usize::try_from(options.memory / 4).unwrap_or(usize::MAX) / jobs;
        let memory = options.source.memory.min(waiting);
        let source = SourceOptions { decoders: 1, memory, ..options.source };
        let budget = MemoryBudget::new(options.memory, plan.tasks.iter().any(Task::has_model));
        let workers = match options.isolate {
            None => Workers::Threads(Tasks::load(&plan, jobs)?),
            Some(isolation) => {
                let jobs = budget.processes(jobs);
                Workers::Processes(Processes::start(isolation, &plan, &source, jobs)?)
            }
        };
        let shared = Shared { plan, options: source, budget, workers };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Waits until a model is loaded; says what runs it, and why. `None` if the plan needs none.
    ///
    /// # Errors
    ///
    /// What loading it met.
    pub fn provider(&self) -> Result<Option<ProviderReport>, BulkError> {
        self.shared.workers.provider()
    }

    /// Loads the models that aren't yet: for whoever wants to know how long the rest takes.
    ///
    /// # Errors
    ///
    /// The first error that loading met.
    pub fn ready(&self) -> Result<(), BulkError> {
        self.shared.workers.ready()
    }

    /// How many work at once: fewer processes than were asked for where memory is short.
    pub fn jobs(&self) -> usize {
        self.shared.workers.len()
    }

    /// How many models were loaded so far: at most one for each worker, however many sources there are, and
    /// one for each process that took the place of another.
    pub fn models_loaded(&self) -> u64 {
        self.shared.workers.models_loaded()
    }

    /// Bytes that this process and its workers have in memory, mapped files included; `None` where
    /// that can't be known.
    pub fn resident(&self) -> Option<u64> {
        self.shared.workers.resident()
    }

    /// Carries out the plan on all of `inputs`, which are taken as workers become free.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn run<I>(&self, inputs: I) -> io::Result<BulkRun>
    where
        I: IntoIterator<Item = BulkInput>,
        I::IntoIter: Send + 'static,
    {
        let schedule = Arc::new(Schedule::new(self.shared.workers.len()));
        let (sender, events) = sync_channel(WAITING);
        let (inputs, shared) = (inputs.into_iter(), Arc::clone(&self.shared));
        let dispatcher = Dispatcher { shared, schedule: Arc::clone(&schedule), sender };
        let dispatcher = thread::Builder::new()
            .name("moviola-bulk".into())
            .spawn(move || dispatcher.run(inputs))?;
        Ok(BulkRun { schedule, events: Some(events), dispatcher: Some(dispatcher) })
    }
}
