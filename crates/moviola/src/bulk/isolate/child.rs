//! The code that runs in a worker process: it receives sources and sends records.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use moviola_av::interrupt::Interrupt;
use moviola_media::source::SourceOptions;

use super::{
    GRACE,
    protocol::{InitMessage, Job, WorkerMessage},
};
use crate::{
    plan::Plan,
    records::Records,
    sink::{images::SavedRecords, jsonl::JsonLines},
    task::Tasks,
};

/// Runs a worker of an [`Isolation`](super::Isolation) until `input` ends: reads sources from
/// `input` and writes their records to `output`.
///
/// `exit` has to end this process at once, from any thread. It is called if `input` has ended and
/// the current source can't be interrupted, such as a silent pipe.
///
/// # Errors
///
/// An error of `output`, a thread that can't be started, or a message that can't be parsed.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    exit: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let stop_signal = Arc::new(StopSignal::default());
    let (lines, received) = sync_channel(1);
    // Dropped when this function returns, which makes `exit` unnecessary.
    let (_running, done) = sync_channel::<()>(0);
    let reader_signal = Arc::clone(&stop_signal);
    thread::Builder::new().name("moviola-input".into()).spawn(move || {
        forward_lines(input, &lines);
        drop(lines);
        reader_signal.end();
        if done.recv_timeout(GRACE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            exit();
        }
    })?;
    let Ok(init) = received.recv() else { return Ok(()) };
    let InitMessage { plan, options } = serde_json::from_str(&init)?;
    let (tasks, options) = (Tasks::load(&plan, 1)?, options.options()?);
    Worker { plan, options, tasks, stop_signal, output: JsonLines::new(output) }.run(&received)
}

/// Sends each line of `input` until it ends or can't be read.
fn forward_lines(input: impl Read, lines: &SyncSender<String>) {
    for line in BufReader::new(input).lines() {
        if line.map_or(true, |line| lines.send(line).is_err()) {
            return;
        }
    }
}

/// Stops the worker thread once the input has ended.
#[derive(Debug, Default)]
struct StopSignal {
    has_ended: AtomicBool,
    /// Interrupts the open source.
    interrupt: Mutex<Option<Interrupt>>,
}

impl StopSignal {
    fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
        self.lock().iter().for_each(Interrupt::cancel);
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    /// Sets the interrupt of the open source; uses it at once if the input has ended.
    fn set_interrupt(&self, interrupt: Option<Interrupt>) {
        let mut open = self.lock();
        *open = interrupt;
        if self.has_ended() {
            open.iter().for_each(Interrupt::cancel);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Interrupt>> {
        self.interrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker process: the plan, options and models for all its sources.
struct Worker<W> {
    plan: Plan,
    options: SourceOptions,
    tasks: Tasks,
    stop_signal: Arc<StopSignal>,
    output: JsonLines<W>,
}

impl<W: Write> Worker<W> {
    /// Loads the models, then reads one source after another until the input ends.
    fn run(mut self, jobs: &Receiver<String>) -> io::Result<()> {
        let models = || self.tasks.models_loaded();
        match self.tasks.provider() {
            Ok(provider) => {
                self.output.write(&WorkerMessage::Ready { provider, models: models() })?
            }
            Err(error) => {
                return self
                    .output
                    .write(&WorkerMessage::ModelFailed { message: error.to_string() });
            }
        }
        for job in jobs {
            self.run_job(serde_json::from_str(&job)?)?;
        }
        Ok(())
    }

    fn run_job(&mut self, job: Job) -> io::Result<()> {
        self.output.write(&WorkerMessage::Accepted)?;
        let (source, folders) = job.open();
        let Self { plan, options, tasks, .. } = &*self;
        let name = source.name().to_owned();
        let start = || Records::start(source, options, plan, tasks, None);
        let mut records = SavedRecords::new(plan, &name, Ok(folders), start);
        self.stop_signal.set_interrupt(records.records().interrupt());
        while let Some(record) = records.next() {
            if self.stop_signal.has_ended() {
                return Ok(());
            }
            if let Some(reason) = records.hardware_fallback() {
                self.output.write(&WorkerMessage::Fallback { reason })?;
            }
            match record {
                Ok(record) => {
                    let (record, tally) = (Box::new(record), records.records().tally());
                    self.output.write(&WorkerMessage::Recorded { record, tally })?;
                }
                Err(error) => {
                    return self
                        .output
                        .write(&WorkerMessage::ModelFailed { message: error.to_string() });
                }
            }
        }
        let records = records.records();
        if records.is_cut_short() {
            return Ok(());
        }
        let (tally, models) = (records.tally(), self.tasks.models_loaded());
        self.output.write(&WorkerMessage::Ended { tally, models })
    }
}
