//! The threads of a run: one that hands out work, one for each source at work that takes its records.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, mpsc::SyncSender},
    thread::{self, JoinHandle},
};

use super::{
    BulkError, Event, Input, Refusal, Shared,
    schedule::{Next, Running, Schedule},
};
use crate::{
    pipeline::{Engines, Helper},
    records::Records,
};

/// Hands sources to workers that are free.
pub(super) struct Dispatcher {
    pub(super) shared: Arc<Shared>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) sender: SyncSender<Result<Event, BulkError>>,
}

impl Dispatcher {
    pub(super) fn run(self, inputs: impl Iterator<Item = Input>) {
        let mut inputs = (0..).zip(inputs);
        let mut readers: Vec<JoinHandle<()>> = Vec::new();
        while let Some((lease, next)) = self.schedule.next(self.shared.memory) {
            let engines = self.shared.engines.only(lease.worker(), Arc::new(lease));
            let outcome = match next {
                Next::Join(number, helper) => self.join(number, &helper, &engines),
                Next::Begin => match inputs.next() {
                    Some((number, input)) => {
                        self.start(number, input, engines).map(|reader| readers.push(reader))
                    }
                    None => {
                        self.schedule.exhaust();
                        Ok(())
                    }
                },
            };
            if let Err(error) = outcome {
                // Whoever doesn't listen any more need not hear it.
                drop(self.sender.send(Err(BulkError::Thread(Arc::new(error)))));
                self.schedule.stop();
            }
            readers = wait_for_those_done(readers);
        }
        readers.into_iter().for_each(wait_for);
    }

    fn join(&self, number: u64, helper: &Helper, engines: &Engines) -> io::Result<()> {
        if !helper.join(engines)? {
            self.schedule.is_begun(number);
        }
        Ok(())
    }

    /// Starts the thread that takes a source's records.
    fn start(&self, number: u64, input: Input, engines: Engines) -> io::Result<JoinHandle<()>> {
        let reader = Reader {
            shared: Arc::clone(&self.shared),
            schedule: Arc::clone(&self.schedule),
            sender: self.sender.clone(),
            number,
        };
        self.schedule.begin(number);
        let builder = thread::Builder::new().name("moviola-source".into());
        builder.spawn(move || reader.run(input, engines)).inspect_err(|_| self.schedule.end(number))
    }
}

/// Those of the threads that are still at work.
fn wait_for_those_done(readers: Vec<JoinHandle<()>>) -> Vec<JoinHandle<()>> {
    let (done, at_work): (Vec<_>, _) = readers.into_iter().partition(JoinHandle::is_finished);
    done.into_iter().for_each(wait_for);
    at_work
}

/// Waits for a thread; its panic goes on here.
fn wait_for(reader: JoinHandle<()>) {
    reader.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
}

/// Takes the records of one source.
struct Reader {
    shared: Arc<Shared>,
    schedule: Arc<Schedule>,
    sender: SyncSender<Result<Event, BulkError>>,
    number: u64,
}

impl Reader {
    fn run(self, input: Input, engines: Engines) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.read(input, engines)));
        self.schedule.end(self.number);
        if let Err(panic) = outcome {
            self.schedule.stop();
            panic::resume_unwind(panic);
        }
    }

    /// Sends what happens; ends early when nobody listens.
    fn read(&self, input: Input, engines: Engines) {
        let Shared { plan, options, .. } = &*self.shared;
        let (number, Input { name, source, folders }) = (self.number, input);
        if !self.tell(Ok(Event::Started { input: number, source: name.clone() })) {
            return;
        }
        let mut records = match source {
            Ok(source) => Records::start(source, options, plan, &engines, folders),
            Err(Refusal { stage, message }) => Records::refused(name, plan, stage, message),
        };
        drop(engines); // the worker has what it needs, and gives it back when it is done
        let (helper, interrupt) = (records.helper(), records.interrupt());
        let left = records.left().unwrap_or_default();
        self.schedule.open(number, Running { helper, interrupt, left });
        while let Some(record) = records.next() {
            self.schedule.progress(number, records.left().unwrap_or_default());
            let event =
                record.map(|record| Event::Record { input: number, record: Box::new(record) });
            if !self.tell(event.map_err(BulkError::Model)) {
                return;
            }
        }
        self.tell(Ok(Event::Ended { input: number, tally: records.tally() }));
    }

    fn tell(&self, event: Result<Event, BulkError>) -> bool {
        let is_end = event.is_err();
        let told = self.sender.send(event).is_ok();
        if is_end || !told {
            self.schedule.stop();
        }
        told && !is_end
    }
}
