//! The worker's side: sources come in, records go out.

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

/// Works for the process at the other end of `input` and `output`, as
/// [`Isolation`](super::Isolation) has it, until `input` ends.
///
/// `leave` has to end this process at once, from any thread: it is called when `input` has ended and
/// what is being done can't be, such as reading a pipe that is silent.
///
/// # Errors
///
/// What `output` says, or a thread that the system doesn't give; a message that can't be understood.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    leave: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let watch = Arc::new(Watch::default());
    let (lines, heard) = sync_channel(1);
    // Dropped when all is done: then nobody need be thrown out.
    let (_at_work, done) = sync_channel::<()>(0);
    let listener = Arc::clone(&watch);
    thread::Builder::new().name("moviola-input".into()).spawn(move || {
        hear(input, &lines);
        drop(lines);
        listener.end();
        if done.recv_timeout(GRACE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            leave();
        }
    })?;
    let Ok(setup) = heard.recv() else { return Ok(()) };
    let InitMessage { plan, options } = serde_json::from_str(&setup)?;
    let (tasks, options) = (Tasks::load(&plan, 1)?, options.options()?);
    Worker { plan, options, tasks, watch, output: JsonLines::new(output) }.work(&heard)
}

/// Hands on the lines of `input`, until it ends.
fn hear(input: impl Read, lines: &SyncSender<String>) {
    for line in BufReader::new(input).lines() {
        // A pipe that can't be read has come to its end too.
        if line.map_or(true, |line| lines.send(line).is_err()) {
            return;
        }
    }
}

/// Tells whoever works that there is nobody to work for.
#[derive(Debug, Default)]
struct Watch {
    ended: AtomicBool,
    /// Ends reading the source that is open.
    interrupt: Mutex<Option<Interrupt>>,
}

impl Watch {
    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.lock().iter().for_each(Interrupt::cancel);
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Notes how reading the source is ended.
    fn open(&self, interrupt: Option<Interrupt>) {
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

/// What a worker needs for all sources.
struct Worker<W> {
    plan: Plan,
    options: SourceOptions,
    tasks: Tasks,
    watch: Arc<Watch>,
    output: JsonLines<W>,
}

impl<W: Write> Worker<W> {
    fn work(mut self, jobs: &Receiver<String>) -> io::Result<()> {
        let models = || self.tasks.models_loaded();
        match self.tasks.provider() {
            Ok(provider) => {
                self.output.write(&WorkerMessage::Ready { provider, models: models() })?
            }
            Err(error) => {
                return self.output.write(&WorkerMessage::Broken { message: error.to_string() });
            }
        }
        for job in jobs {
            self.carry_out(serde_json::from_str(&job)?)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, job: Job) -> io::Result<()> {
        self.output.write(&WorkerMessage::Taken)?;
        let (source, folders) = job.open();
        let Self { plan, options, tasks, .. } = &*self;
        let name = source.name().to_owned();
        let start = || Records::start(source, options, plan, tasks, None);
        let mut records = SavedRecords::new(plan, &name, Ok(folders), start);
        self.watch.open(records.records().interrupt());
        while let Some(record) = records.next() {
            if self.watch.has_ended() {
                return Ok(());
            }
            if let Some(reason) = records.hardware_fallback() {
                self.output.write(&WorkerMessage::Fallback { reason })?;
            }
            match record {
                Ok(record) => {
                    let (record, tally) = (Box::new(record), records.records().tally());
                    self.output.write(&WorkerMessage::Told { record, tally })?;
                }
                Err(error) => {
                    return self
                        .output
                        .write(&WorkerMessage::Broken { message: error.to_string() });
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
