//! The code that runs in a worker process: it receives sources and sends records.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
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
    let interrupt = Interrupt::new();
    let (lines, received) = sync_channel(1);
    // Dropped when this function returns, which makes `exit` unnecessary.
    let (_running, done) = sync_channel::<()>(0);
    let at_end = interrupt.clone();
    thread::Builder::new().name("moviola-input".into()).spawn(move || {
        forward_lines(input, &lines);
        drop(lines);
        at_end.cancel();
        if done.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            exit();
        }
    })?;
    let Ok(init) = received.recv() else { return Ok(()) };
    let InitMessage { plan, options } = serde_json::from_str(&init)?;
    let (tasks, options) = (Tasks::load(&plan, 1)?, options.options()?);
    let options = SourceOptions { interrupt, ..options };
    Worker { plan, options, tasks, output: JsonLines::new(output) }.run(&received)
}

/// Sends each line of `input` until it ends or can't be read.
fn forward_lines(input: impl Read, lines: &SyncSender<String>) {
    for line in BufReader::new(input).lines() {
        if line.map_or(true, |line| lines.send(line).is_err()) {
            return;
        }
    }
}

/// A worker process: the plan, options and models for all its sources.
struct Worker<W> {
    plan: Plan,
    /// Their interrupt is used when the input ends.
    options: SourceOptions,
    tasks: Tasks,
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
        while let Some(record) = records.next() {
            if self.options.interrupt.reason().is_some() {
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
