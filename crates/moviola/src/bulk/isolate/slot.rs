//! A worker's slot, which replaces its process when it ends.

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
    process::{Launch, MessageOutcome, MessageSource, ProcessExit},
    protocol::{Job, WorkerMessage},
};
use crate::{
    error::{BulkError, SourceFailure},
    records::{Record, SourceTally},
};

/// How many processes may fail in a row before they accept a source; then the run fails.
const MAX_FAILURES: u32 = 3;

/// A worker's slot. It has one process at a time, and starts another when that has ended.
pub(in crate::bulk) struct WorkerSlot {
    launch: Arc<dyn Launch>,
    /// The longest that loading the models or reading a source may take.
    deadline: Option<Duration>,
    /// The first message to each process.
    init_line: Arc<[u8]>,
    /// Held while a source is read: a process reads one at a time.
    turn: Mutex<()>,
    idle: Mutex<Idle>,
    /// The standard input of the process. Locked apart from its output, because
    /// [`stop`](Self::stop) must not wait for messages.
    input: Mutex<Option<Box<dyn Write + Send>>>,
    /// The provider of the model, once it is loaded; `None` inside if there is no model.
    provider: OnceLock<Option<ProviderReport>>,
    /// The process id, 0 for none.
    process: Arc<AtomicU32>,
    /// How many models all its processes have loaded.
    models: AtomicU64,
}

/// What the slot keeps while no source is read.
#[derive(Debug, Default)]
struct Idle {
    process: Option<RunningProcess>,
    /// How many processes failed in a row before they accepted a source.
    failures: u32,
}

/// A started process. Dropping it ends it.
#[derive(Debug)]
struct RunningProcess {
    messages: Box<dyn MessageSource>,
    /// Whether it has loaded its models.
    is_ready: bool,
    /// How many models it has loaded.
    models: u64,
}

/// How a job ended.
#[derive(Debug)]
pub(in crate::bulk) enum JobOutcome {
    /// The source was read to its end or its error.
    Ended(SourceTally),
    /// The process died or took too long: the tally so far, and the failure.
    Failed(SourceTally, SourceFailure),
    /// The receiver has stopped.
    Stopped,
}

/// Receives the records of a source.
pub(in crate::bulk) trait RecordReceiver {
    /// Whether the receiver takes no more records.
    fn has_stopped(&self) -> bool;
    /// Receives a record; returns `false` if it takes no more.
    fn take(&mut self, record: Record) -> bool;
    /// Receives the reason why software decodes instead of the requested hardware.
    fn report_fallback(&mut self, reason: String);
}

/// A receiver for waiting without a source: it never stops and receives no records.
struct NullSink;

impl RecordReceiver for NullSink {
    fn has_stopped(&self) -> bool {
        false
    }

    fn take(&mut self, _: Record) -> bool {
        true
    }

    fn report_fallback(&mut self, _: String) {}
}

impl WorkerSlot {
    /// Starts a process without waiting until it is ready.
    pub(super) fn start(
        launch: Arc<dyn Launch>,
        deadline: Option<Duration>,
        init_line: Arc<[u8]>,
    ) -> Result<Self, BulkError> {
        let slot = Self {
            launch,
            deadline,
            init_line,
            turn: Mutex::default(),
            idle: Mutex::default(),
            input: Mutex::default(),
            provider: OnceLock::new(),
            process: Arc::default(),
            models: AtomicU64::new(0),
        };
        let process = slot.start_process()?;
        lock(&slot.idle).process = Some(process);
        Ok(slot)
    }

    /// Waits until the model is loaded; gives the provider that runs it.
    pub(in crate::bulk) fn provider(&self) -> Result<Option<ProviderReport>, BulkError> {
        let mut idle = lock(&self.idle);
        // If another thread has taken the process, it was ready and the provider is known.
        if self.provider.get().is_none() {
            self.wait_until_ready(&mut idle, &NullSink)?;
        }
        Ok(self.provider.get().cloned().flatten())
    }

    /// How many models all its processes have loaded.
    pub(super) fn models_loaded(&self) -> u64 {
        self.models.load(Ordering::Relaxed)
    }

    /// Resident memory of the process in bytes.
    pub(super) fn resident(&self) -> u64 {
        budget::resident_of(self.process.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Closes the standard input of the process, which ends it and the source that it reads.
    pub(in crate::bulk) fn stop(&self) {
        drop(lock(&self.input).take());
    }

    /// Lets the process read a source; `receiver` gets its records. Waits for other jobs of this
    /// slot.
    ///
    /// # Errors
    ///
    /// [`BulkError::Worker`] if a model can't be loaded, or processes fail repeatedly before they
    /// accept the source.
    pub(in crate::bulk) fn run_job(
        &self,
        job: &Job,
        receiver: &mut impl RecordReceiver,
    ) -> Result<JobOutcome, BulkError> {
        let job = line(job)?;
        let _turn = lock(&self.turn);
        loop {
            let Some(mut process) = self.take_process(receiver)? else {
                return Ok(JobOutcome::Stopped);
            };
            self.send(&job);
            let deadline = self.deadline();
            match process.messages.receive(deadline) {
                MessageOutcome::Message(WorkerMessage::Accepted) => {
                    lock(&self.idle).failures = 0;
                    return self.receive_records(process, deadline, receiver);
                }
                MessageOutcome::TimedOut => {
                    return Ok(self.end_late(process, SourceTally::default()));
                }
                // It hadn't opened the source yet, so another process may read it.
                MessageOutcome::Exited(end) => self.record_failure(&mut lock(&self.idle), &end)?,
                MessageOutcome::Message(_) => {
                    self.record_failure(&mut lock(&self.idle), &ProcessExit::unexpected_message())?
                }
            }
        }
    }

    /// Receives the records of a source from the process that reads it.
    fn receive_records(
        &self,
        mut process: RunningProcess,
        mut deadline: Option<Instant>,
        receiver: &mut impl RecordReceiver,
    ) -> Result<JobOutcome, BulkError> {
        let mut so_far = SourceTally::default();
        loop {
            match process.messages.receive(deadline) {
                MessageOutcome::Message(WorkerMessage::Recorded { record, tally }) => {
                    so_far = tally;
                    let received = Instant::now();
                    if !receiver.take(*record) {
                        self.end_gracefully(process);
                        return Ok(JobOutcome::Stopped);
                    }
                    if receiver.has_stopped() {
                        self.stop();
                    }
                    // The time that the receiver takes doesn't count for the source.
                    deadline = deadline.and_then(|time| time.checked_add(received.elapsed()));
                }
                MessageOutcome::Message(WorkerMessage::Ended { tally, models }) => {
                    self.count_models(&mut process, models);
                    lock(&self.idle).process = Some(process);
                    return Ok(JobOutcome::Ended(tally));
                }
                MessageOutcome::Message(WorkerMessage::ModelFailed { message }) => {
                    return Err(BulkError::worker(message));
                }
                MessageOutcome::Message(WorkerMessage::Fallback { reason }) => {
                    receiver.report_fallback(reason)
                }
                MessageOutcome::Message(WorkerMessage::Ready { .. } | WorkerMessage::Accepted) => {}
                MessageOutcome::TimedOut => return Ok(self.end_late(process, so_far)),
                MessageOutcome::Exited(_) if receiver.has_stopped() => {
                    return Ok(JobOutcome::Stopped);
                }
                MessageOutcome::Exited(end) => {
                    return Ok(JobOutcome::Failed(so_far, SourceFailure::process_died(&end)));
                }
            }
        }
    }

    /// Waits for a ready process and takes it; `None` if the receiver has stopped.
    fn take_process(
        &self,
        receiver: &impl RecordReceiver,
    ) -> Result<Option<RunningProcess>, BulkError> {
        let mut idle = lock(&self.idle);
        self.wait_until_ready(&mut idle, receiver)?;
        Ok(idle.process.take().filter(|process| process.is_ready && !receiver.has_stopped()))
    }

    /// Waits until a process is ready for a source, or the receiver has stopped.
    fn wait_until_ready(
        &self,
        idle: &mut Idle,
        receiver: &impl RecordReceiver,
    ) -> Result<(), BulkError> {
        loop {
            if receiver.has_stopped() {
                return Ok(());
            }
            let mut process = match idle.process.take() {
                Some(process) => process,
                None => self.start_process()?,
            };
            if process.is_ready {
                idle.process = Some(process);
                return Ok(());
            }
            match process.messages.receive(self.deadline()) {
                MessageOutcome::Message(WorkerMessage::Ready { provider, models }) => {
                    process.is_ready = true;
                    self.count_models(&mut process, models);
                    self.provider.get_or_init(|| provider);
                    idle.process = Some(process);
                }
                MessageOutcome::Message(WorkerMessage::ModelFailed { message }) => {
                    return Err(BulkError::worker(message));
                }
                MessageOutcome::Exited(end) => self.record_failure(idle, &end)?,
                MessageOutcome::TimedOut => {
                    self.record_failure(idle, &ProcessExit::deadline_passed())?
                }
                MessageOutcome::Message(_) => {
                    self.record_failure(idle, &ProcessExit::unexpected_message())?
                }
            }
        }
    }

    /// Starts a process and sends it the first message.
    fn start_process(&self) -> Result<RunningProcess, BulkError> {
        let (messages, input) = self.launch.launch(&self.process).map_err(BulkError::worker)?;
        *lock(&self.input) = Some(input);
        self.send(&self.init_line);
        Ok(RunningProcess { messages, is_ready: false, models: 0 })
    }

    /// Writes a line to the process. If it has died, the next wait for a message reports that.
    fn send(&self, line: &[u8]) {
        if let Some(input) = &mut *lock(&self.input)
            && let Err(error) = input.write_all(line)
        {
            tracing::debug!(%error, "cannot write to a worker process");
        }
    }

    /// The deadline of a step that begins now.
    fn deadline(&self) -> Option<Instant> {
        self.deadline.and_then(|limit| Instant::now().checked_add(limit))
    }

    /// Adds the models that the process has loaded since the last call; it reports `models` in all.
    fn count_models(&self, process: &mut RunningProcess, models: u64) {
        self.models.fetch_add(models.saturating_sub(process.models), Ordering::Relaxed);
        process.models = models;
    }

    /// Ends a process that takes too long.
    fn end_late(&self, process: RunningProcess, so_far: SourceTally) -> JobOutcome {
        drop(process);
        JobOutcome::Failed(
            so_far,
            SourceFailure::deadline_passed(self.deadline.unwrap_or_default()),
        )
    }

    /// Lets the process finish its current record, then ends it.
    fn end_gracefully(&self, mut process: RunningProcess) {
        self.stop();
        let deadline = Instant::now() + GRACE;
        while matches!(process.messages.receive(Some(deadline)), MessageOutcome::Message(_)) {}
    }

    /// Counts a process that failed before it accepted a source; an error after [`MAX_FAILURES`].
    fn record_failure(&self, idle: &mut Idle, end: &ProcessExit) -> Result<(), BulkError> {
        idle.failures += 1;
        if idle.failures < MAX_FAILURES {
            return Ok(());
        }
        let (failures, exit) = (std::mem::take(&mut idle.failures), &end.description);
        Err(BulkError::worker(format!(
            "{failures} worker processes ended before they could begin, the last with {exit}: \
             try without isolation"
        )))
    }
}

impl SourceFailure {
    /// The failure of a source whose process has crashed.
    fn process_died(ProcessExit { description, was_killed }: &ProcessExit) -> Self {
        let remedy = if *was_killed {
            "unless it was killed by hand, memory ran out: use fewer jobs"
        } else {
            "read it alone to see why, or leave it out"
        };
        let message = format!("the process that read it ended with {description}; {remedy}");
        Self { stage: "crash", message }
    }

    /// The failure of a source whose reading took too long.
    fn deadline_passed(deadline: Duration) -> Self {
        let seconds = deadline.as_secs_f64();
        let message =
            format!("it wasn't read within {seconds} s; allow more time, or leave it out");
        Self { stage: "deadline", message }
    }

    /// The failure of a source that another process can't open.
    pub(super) fn not_transferable() -> Self {
        let message = "this source can't be handed to another process: name a file or a URL, or work \
                       without isolation";
        Self { stage: "open", message: message.into() }
    }
}

/// A message as a line of JSON.
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
