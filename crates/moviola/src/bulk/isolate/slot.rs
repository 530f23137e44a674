//! A worker's slot: its process, and the next one when that has ended.

use std::{
    fmt,
    io::Write,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moviola_infer::provider::ProviderReport;
use moviola_media::budget;

use super::{
    GRACE,
    process::{End, Launch, MessageSource, Received},
    protocol::{Job, WorkerMessage},
};
use crate::{
    error::{BulkError, SourceFailure},
    records::{Record, SourceTally},
};

/// How many processes may end in a row without a source before no further one is started.
const MOST_DEATHS: u32 = 3;

/// A worker's slot: it has one process at a time, and starts another when that has ended.
pub(in crate::bulk) struct WorkerSlot {
    launch: Arc<dyn Launch>,
    /// The longest that a source may take.
    deadline: Option<Duration>,
    /// The first message to each process.
    setup: Arc<[u8]>,
    /// Held while a source is read: one after another.
    turn: Mutex<()>,
    waiting: Mutex<Waiting>,
    /// The standard input of the process, apart from its output: [`stop`](Self::stop) must not wait for messages.
    input: Mutex<Option<Box<dyn Write + Send>>>,
    /// What runs the model, if there is one, once it is loaded.
    provider: OnceLock<Option<ProviderReport>>,
    /// The number of the process, 0 for none.
    process: Arc<AtomicU32>,
    models: AtomicU64,
}

/// What the slot keeps while no source is read.
#[derive(Debug, Default)]
struct Waiting {
    process: Option<RunningProcess>,
    /// How many processes ended in a row without a source.
    deaths: u32,
}

/// A process that was started. Dropping it ends it.
#[derive(Debug)]
struct RunningProcess {
    messages: Box<dyn MessageSource>,
    /// Whether it has reported that sources may come.
    is_ready: bool,
    /// How many models it has loaded.
    models: u64,
}

/// How a source came to its end in a worker process.
#[derive(Debug)]
pub(in crate::bulk) enum Outcome {
    /// As its last record says.
    Ended(SourceTally),
    /// The process didn't bring it to its end: what had been counted, and what happened.
    Cut(SourceTally, SourceFailure),
    /// Nobody wants its records any more.
    Left,
}

/// Who takes a source's records.
pub(in crate::bulk) trait Listener {
    /// Whether no more records are wanted.
    fn has_left(&self) -> bool;
    /// Takes a record; `false` if no more are wanted.
    fn take(&mut self, record: Record) -> bool;
    /// Hears why software decodes what hardware was asked to.
    fn fell_back(&mut self, reason: String);
}

/// Someone who waits, and wants no records.
struct NullSink;

impl Listener for NullSink {
    fn has_left(&self) -> bool {
        false
    }

    fn take(&mut self, _: Record) -> bool {
        true
    }

    fn fell_back(&mut self, _: String) {}
}

impl WorkerSlot {
    /// Starts a process, and doesn't wait for it.
    pub(super) fn start(
        launch: Arc<dyn Launch>,
        deadline: Option<Duration>,
        setup: Arc<[u8]>,
    ) -> Result<Self, BulkError> {
        let slot = Self {
            launch,
            deadline,
            setup,
            turn: Mutex::default(),
            waiting: Mutex::default(),
            input: Mutex::default(),
            provider: OnceLock::new(),
            process: Arc::default(),
            models: AtomicU64::new(0),
        };
        let process = slot.start_process()?;
        lock(&slot.waiting).process = Some(process);
        Ok(slot)
    }

    /// Waits until its model is loaded; says what runs it.
    pub(in crate::bulk) fn provider(&self) -> Result<Option<ProviderReport>, BulkError> {
        let mut waiting = lock(&self.waiting);
        // Whoever has taken the process away had heard of its models before.
        if self.provider.get().is_none() {
            self.ready(&mut waiting, &NullSink)?;
        }
        Ok(self.provider.get().cloned().flatten())
    }

    /// How many models its processes have loaded.
    pub(super) fn models_loaded(&self) -> u64 {
        self.models.load(Ordering::Relaxed)
    }

    /// Bytes that its process takes.
    pub(super) fn resident(&self) -> u64 {
        budget::resident_of(self.process.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Lets its process come to its end, which gives up the source that it is at.
    pub(in crate::bulk) fn stop(&self) {
        drop(lock(&self.input).take());
    }

    /// Lets the process read a source.
    ///
    /// # Errors
    ///
    /// [`BulkError::Worker`] if it can't load a model, or no process lives long enough to begin.
    pub(in crate::bulk) fn carry_out(
        &self,
        job: &Job,
        listener: &mut impl Listener,
    ) -> Result<Outcome, BulkError> {
        let job = line(job)?;
        let _turn = lock(&self.turn);
        loop {
            let Some(mut process) = self.take(listener)? else { return Ok(Outcome::Left) };
            self.send(&job);
            let late = self.deadline();
            match process.messages.receive(late) {
                Received::Message(WorkerMessage::Taken) => {
                    lock(&self.waiting).deaths = 0;
                    return self.listen(process, late, listener);
                }
                Received::TimedOut => return Ok(self.late(process, SourceTally::default())),
                // It died of nothing that this source did, and another process may read it.
                Received::Gone(end) => self.record_failure(&mut lock(&self.waiting), &end)?,
                Received::Message(_) => {
                    self.record_failure(&mut lock(&self.waiting), &End::out_of_turn())?
                }
            }
        }
    }

    /// Takes the records of a source from the process that reads it.
    fn listen(
        &self,
        mut process: RunningProcess,
        mut late: Option<Instant>,
        listener: &mut impl Listener,
    ) -> Result<Outcome, BulkError> {
        let mut so_far = SourceTally::default();
        loop {
            match process.messages.receive(late) {
                Received::Message(WorkerMessage::Told { record, tally }) => {
                    so_far = tally;
                    let told = Instant::now();
                    if !listener.take(*record) {
                        self.leave(process);
                        return Ok(Outcome::Left);
                    }
                    // Whoever takes records slowly isn't the source's fault.
                    late = late.and_then(|late| late.checked_add(told.elapsed()));
                }
                Received::Message(WorkerMessage::Ended { tally, models }) => {
                    self.count_models(&mut process, models);
                    lock(&self.waiting).process = Some(process);
                    return Ok(Outcome::Ended(tally));
                }
                Received::Message(WorkerMessage::Broken { message }) => {
                    return Err(BulkError::worker(message));
                }
                Received::Message(WorkerMessage::Fallback { reason }) => listener.fell_back(reason),
                Received::Message(WorkerMessage::Ready { .. } | WorkerMessage::Taken) => {}
                Received::TimedOut => return Ok(self.late(process, so_far)),
                Received::Gone(_) if listener.has_left() => return Ok(Outcome::Left),
                Received::Gone(end) => return Ok(Outcome::Cut(so_far, SourceFailure::died(&end))),
            }
        }
    }

    /// Takes the process that waits, or another, as soon as it is ready; `None` if none is wanted any
    /// more.
    fn take(&self, listener: &impl Listener) -> Result<Option<RunningProcess>, BulkError> {
        let mut waiting = lock(&self.waiting);
        self.ready(&mut waiting, listener)?;
        Ok(waiting.process.take().filter(|process| process.is_ready && !listener.has_left()))
    }

    /// Waits until a process can take a source, unless that isn't wanted any more.
    fn ready(&self, waiting: &mut Waiting, listener: &impl Listener) -> Result<(), BulkError> {
        loop {
            if listener.has_left() {
                return Ok(());
            }
            let mut process = match waiting.process.take() {
                Some(process) => process,
                None => self.start_process()?,
            };
            if process.is_ready {
                waiting.process = Some(process);
                return Ok(());
            }
            match process.messages.receive(self.deadline()) {
                Received::Message(WorkerMessage::Ready { provider, models }) => {
                    process.is_ready = true;
                    self.count_models(&mut process, models);
                    self.provider.get_or_init(|| provider);
                    waiting.process = Some(process);
                }
                Received::Message(WorkerMessage::Broken { message }) => {
                    return Err(BulkError::worker(message));
                }
                Received::Gone(end) => self.record_failure(waiting, &end)?,
                Received::TimedOut => self.record_failure(waiting, &End::late())?,
                Received::Message(_) => self.record_failure(waiting, &End::out_of_turn())?,
            }
        }
    }

    /// Starts a process and tells it what to do with every source.
    fn start_process(&self) -> Result<RunningProcess, BulkError> {
        let (messages, input) = self.launch.launch(&self.process).map_err(BulkError::worker)?;
        *lock(&self.input) = Some(input);
        self.send(&self.setup);
        Ok(RunningProcess { messages, is_ready: false, models: 0 })
    }

    /// Says something to the process. That it doesn't live any more is heard.
    fn send(&self, line: &[u8]) {
        if let Some(input) = &mut *lock(&self.input)
            && let Err(error) = input.write_all(line)
        {
            tracing::debug!(%error, "a worker process doesn't listen");
        }
    }

    /// When what begins now takes too long.
    fn deadline(&self) -> Option<Instant> {
        self.deadline.and_then(|most| Instant::now().checked_add(most))
    }

    fn count_models(&self, process: &mut RunningProcess, models: u64) {
        self.models.fetch_add(models.saturating_sub(process.models), Ordering::Relaxed);
        process.models = models;
    }

    /// Ends the process, which takes too long.
    fn late(&self, process: RunningProcess, so_far: SourceTally) -> Outcome {
        drop(process);
        Outcome::Cut(so_far, SourceFailure::late(self.deadline.unwrap_or_default()))
    }

    /// Lets the process finish the record at hand, and ends it.
    fn leave(&self, mut process: RunningProcess) {
        self.stop();
        let late = Instant::now() + GRACE;
        while matches!(process.messages.receive(Some(late)), Received::Message(_)) {}
    }

    /// A process died without a source: the next may do better, but not many will.
    fn record_failure(&self, waiting: &mut Waiting, end: &End) -> Result<(), BulkError> {
        waiting.deaths += 1;
        if waiting.deaths < MOST_DEATHS {
            return Ok(());
        }
        let (deaths, how) = (std::mem::take(&mut waiting.deaths), &end.how);
        Err(BulkError::worker(format!(
            "{deaths} worker processes ended before they could begin, the last with {how}: work \
             without isolation to see whether that is better"
        )))
    }
}

impl SourceFailure {
    /// The process that read it died.
    fn died(End { how, was_killed }: &End) -> Self {
        let remedy = if *was_killed {
            "if nobody killed it, memory ran out: fewer jobs take less"
        } else {
            "read it alone to see why, or leave it out"
        };
        let message = format!("the process that read it ended with {how}; {remedy}");
        Self { stage: "crash", message }
    }

    /// It took too long.
    fn late(deadline: Duration) -> Self {
        let seconds = deadline.as_secs_f64();
        let message = format!("it wasn't read within {seconds} s; allow more, or leave it out");
        Self { stage: "deadline", message }
    }

    /// No other process can read it.
    pub(super) fn not_elsewhere() -> Self {
        let message = "this can't be handed to another process, as files and addresses can: name a \
                       file, or work without isolation";
        Self { stage: "open", message: message.into() }
    }
}

/// A message as it is written.
pub(super) fn line(message: &impl serde::Serialize) -> Result<Vec<u8>, BulkError> {
    let mut line = serde_json::to_vec(message)
        .map_err(|error| BulkError::worker(format!("a message can't be written: {error}")))?;
    line.push(b'\n');
    Ok(line)
}

impl fmt::Debug for WorkerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerSlot").field("launch", &self.launch).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
