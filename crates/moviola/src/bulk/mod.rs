//! Many sources, with the most work done on each core.
//!
//! There are as many workers as [`BulkOptions::jobs`] says, each with a model of its own, loaded
//! once. A worker takes the next source; when none is left it joins the others at the one that has
//! most before it, so the last long file doesn't run on one core. One more thread a source puts its
//! records into order, and does next to nothing.

mod dispatch;
pub mod inputs;
mod schedule;
#[cfg(test)]
mod tests;

use std::{
    io, panic,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use moviola_infer::error::Error as InferError;
use moviola_media::{
    budget, image,
    source::{Source, SourceOptions},
};

use crate::{
    fast::StartError, pipeline::Engines, plan::Plan, records::SourceTally, results::Record,
    sink::images::SourceFolders,
};
use dispatch::Dispatcher;
use inputs::Found;
use schedule::Schedule;

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
    /// Default: half of what the machine, or the control group, has.
    pub memory: u64,
}

impl Default for BulkOptions {
    fn default() -> Self {
        let (source, jobs) = (SourceOptions::default(), budget::cores());
        Self { source, jobs, memory: budget::memory() / 2 }
    }
}

/// One source of many.
#[derive(Debug)]
pub struct Input {
    /// How its user knows it.
    pub name: String,
    /// The source, or why it isn't read.
    pub source: Result<Source, Refusal>,
    /// Where its images go; that there is no place for them is told by its records.
    pub folders: image::Result<SourceFolders>,
}

impl From<Source> for Input {
    fn from(source: Source) -> Self {
        let (name, folders) = (source.name().into(), Ok(SourceFolders::default()));
        Self { name, source: Ok(source), folders }
    }
}

impl Input {
    /// A source that was found, with the folders for its images.
    pub fn found(found: Found, folders: image::Result<SourceFolders>) -> Self {
        let source = found.source.map_err(|message| Refusal { stage: "open", message });
        Self { name: found.name, source, folders }
    }
}

/// Why a source isn't read; its records say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As [`ErrorRecord::stage`](crate::results::ErrorRecord::stage).
    pub stage: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// The process died of it before.
    pub fn crashed() -> Self {
        let message = "the process died twice while this was read: it is left out; name it alone to \
                       see why";
        Self { stage: "crash", message: message.into() }
    }
}

/// What happens to the sources. Those of one source come in order; sources come mixed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A source is opened next.
    Started {
        /// Its place among the inputs, from 0.
        input: u64,
        /// The source as its user knows it.
        source: String,
    },
    /// One of its records.
    Record {
        /// Of which input.
        input: u64,
        /// The record.
        record: Box<Record>,
    },
    /// It had its last record.
    Ended {
        /// Which input.
        input: u64,
        /// What became of it.
        tally: SourceTally,
    },
}

/// Carries out a plan on many sources.
///
/// ```no_run
/// use moviola::{Bulk, Plan, Source, bulk::Event};
///
/// let plan = Plan::from_toml("[detect]\nmodel = 'yolov8n.onnx'")?;
/// let bulk = Bulk::new(plan, Default::default())?;
/// let files = ["a.mp4", "b.mkv"].map(|path| Source::path(path).into());
/// for event in bulk.run(files)? {
///     if let Event::Record { input, record } = event? {
///         println!("{input}: {record:?}");
///     }
/// }
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
    memory: u64,
    engines: Engines,
}

/// A run over many sources: what happens, as it happens. Dropping it stops the work.
///
/// An `Err` is one of a model, or of the system: nothing follows.
#[derive(Debug)]
pub struct BulkRun {
    schedule: Arc<Schedule>,
    events: Option<Receiver<Result<Event, BulkError>>>,
    dispatcher: Option<JoinHandle<()>>,
}

/// What ends all work.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// A model can't be loaded.
    #[error(transparent)]
    Model(#[from] InferError),
    /// The system gives no thread.
    #[error("the system gives no thread: {0}")]
    Thread(Arc<io::Error>),
}

impl Bulk {
    /// Starts to load what `plan` needs, once for each worker.
    ///
    /// # Errors
    ///
    /// As [`Fast::new`](crate::Fast::new).
    pub fn new(plan: Plan, options: BulkOptions) -> Result<Self, StartError> {
        plan.check()?;
        let jobs = options.jobs.max(1);
        let engines = Engines::load(&plan, jobs)?;
        let waiting = usize::try_from(options.memory / 4).unwrap_or(usize::MAX) / jobs;
        let memory = options.source.memory.min(waiting);
        let source = SourceOptions { decoders: 1, memory, ..options.source };
        let shared = Shared { plan, options: source, memory: options.memory, engines };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What the workers run models on.
    pub fn engines(&self) -> &Engines {
        &self.shared.engines
    }

    /// Carries out the plan on all of `inputs`, which are taken as workers become free.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn run<I>(&self, inputs: I) -> io::Result<BulkRun>
    where
        I: IntoIterator<Item = Input>,
        I::IntoIter: Send + 'static,
    {
        let schedule = Arc::new(Schedule::new(self.shared.engines.workers()));
        let (sender, events) = sync_channel(WAITING);
        let (inputs, shared) = (inputs.into_iter(), Arc::clone(&self.shared));
        let dispatcher = Dispatcher { shared, schedule: Arc::clone(&schedule), sender };
        let dispatcher = thread::Builder::new()
            .name("moviola-bulk".into())
            .spawn(move || dispatcher.run(inputs))?;
        Ok(BulkRun { schedule, events: Some(events), dispatcher: Some(dispatcher) })
    }
}

/// What a time of waiting brought.
#[derive(Debug)]
pub enum Moment {
    /// Something happened.
    Event(Result<Event, BulkError>),
    /// Nothing did.
    Nothing,
    /// Nothing more will.
    End,
}

impl BulkRun {
    /// As [`next`](Iterator::next), but waits so long at most.
    pub fn next_within(&mut self, time: Duration) -> Moment {
        let Some(events) = &self.events else { return Moment::End };
        match events.recv_timeout(time) {
            Ok(event) => {
                if event.is_err() {
                    self.events = None;
                }
                Moment::Event(event)
            }
            Err(RecvTimeoutError::Timeout) => Moment::Nothing,
            Err(RecvTimeoutError::Disconnected) => {
                self.events = None;
                if let Some(Err(panic)) = self.dispatcher.take().map(JoinHandle::join) {
                    panic::resume_unwind(panic);
                }
                Moment::End
            }
        }
    }
}

impl Iterator for BulkRun {
    type Item = Result<Event, BulkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_within(Duration::MAX) {
                Moment::Event(event) => return Some(event),
                Moment::Nothing => {}
                Moment::End => return None,
            }
        }
    }
}

impl Drop for BulkRun {
    fn drop(&mut self) {
        self.schedule.stop();
        self.events = None; // whoever sends learns that nobody listens
        if let Some(dispatcher) = self.dispatcher.take() {
            // A panic was meant for a caller who is gone.
            drop(dispatcher.join());
        }
    }
}
