//! The threads of a run: one that hands out work, one for each source at work that takes its
//! records.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, mpsc::SyncSender},
    thread::{self, JoinHandle},
    time::Instant,
};

use super::{
    BulkInput, Event, Shared,
    isolate::{Job, Listener, Outcome, WorkerSlot},
    schedule::{Lease, Next, Running, Schedule},
    workers::Workers,
};
use crate::{
    error::BulkError,
    pipeline::Helper,
    records::{Record, Records, SourceTally},
    sink::images::SavedRecords,
    task::Tasks,
};

/// Hands sources to workers that are free.
pub(super) struct Dispatcher {
    pub(super) shared: Arc<Shared>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) sender: SyncSender<Result<Event, BulkError>>,
}

impl Dispatcher {
    pub(super) fn run(self, inputs: impl Iterator<Item = BulkInput>) {
        let mut inputs = (0..).zip(inputs);
        let mut readers: Vec<JoinHandle<()>> = Vec::new();
        while let Some((lease, next)) = self.schedule.next(|begin| self.shared.has_room(begin)) {
            let outcome = match next {
                Next::Join(number, helper) => self.join(number, &helper, lease),
                Next::Begin => match inputs.next() {
                    Some((number, input)) => {
                        self.start(number, input, lease).map(|reader| readers.push(reader))
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

    /// Lets a worker join those of a source: threads, for processes have no helper.
    fn join(&self, number: u64, helper: &Helper, lease: Lease) -> io::Result<()> {
        let Workers::Threads(tasks) = &self.shared.workers else { return Ok(()) };
        if !helper.join(&tasks.for_worker(lease.worker(), Arc::new(lease)))? {
            self.schedule.is_begun(number);
        }
        Ok(())
    }

    /// Starts the thread that takes a source's records.
    fn start(&self, number: u64, input: BulkInput, lease: Lease) -> io::Result<JoinHandle<()>> {
        let reader = Reader {
            shared: Arc::clone(&self.shared),
            schedule: Arc::clone(&self.schedule),
            sender: self.sender.clone(),
            number,
        };
        self.schedule.begin(number);
        let builder = thread::Builder::new().name("moviola-source".into());
        builder.spawn(move || reader.run(input, lease)).inspect_err(|_| self.schedule.end(number))
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
    fn run(mut self, input: BulkInput, lease: Lease) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.read(input, lease)));
        self.schedule.end(self.number);
        if let Err(panic) = outcome {
            self.schedule.stop();
            panic::resume_unwind(panic);
        }
    }

    /// Sends what happens; ends early when nobody listens.
    fn read(&mut self, input: BulkInput, lease: Lease) {
        let (number, source) = (self.number, input.name.clone());
        if !self.tell(Ok(Event::Started { input: number, source })) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let tally = match &shared.workers {
            Workers::Threads(tasks) => {
                self.read_here(input, tasks.for_worker(lease.worker(), Arc::new(lease)))
            }
            Workers::Processes(processes) => {
                let process = processes.slot(lease.worker());
                let tally = self.read_there(input, &process);
                drop(lease);
                tally
            }
        };
        if let Some(tally) = tally {
            self.tell(Ok(Event::Ended { input: number, tally }));
        }
    }

    /// Reads it on threads of this process.
    fn read_here(&self, input: BulkInput, tasks: Tasks) -> Option<SourceTally> {
        let Shared { plan, options, .. } = &*self.shared;
        let BulkInput { name, source, folders } = input;
        let records = match source {
            Ok(source) => SavedRecords::new(plan, &name, folders, || {
                Records::start(source, options, plan, &tasks, None)
            }),
            Err(failure) => Records::failed(name, plan, failure).into(),
        };
        drop(tasks); // the worker has its own, and gives them back when it is done
        let opened = records.records();
        let (helper, interrupt) = (opened.helper(), opened.interrupt());
        let left = opened.left().unwrap_or_default();
        self.schedule.open(self.number, Running { helper, interrupt, left, process: None });
        self.tell_all(records)
    }

    /// Lets a worker process read it.
    fn read_there(&mut self, input: BulkInput, process: &Arc<WorkerSlot>) -> Option<SourceTally> {
        let (began, shared) = (Instant::now(), Arc::clone(&self.shared));
        let (job, name) = match Job::of(input) {
            Ok(job) => job,
            Err((refusal, name)) => {
                return self.tell_all(Records::failed(name, &shared.plan, refusal).into());
            }
        };
        let running = Running { process: Some(Arc::clone(process)), ..Running::default() };
        self.schedule.open(self.number, running);
        match process.carry_out(&job, self) {
            Ok(Outcome::Ended(tally)) => Some(tally),
            Ok(Outcome::Cut(tally, refusal)) => {
                job.clear_up();
                let rest = Records::failed(name, &shared.plan, refusal).after(tally, began);
                self.tell_all(rest.into())
            }
            Ok(Outcome::Left) => {
                job.clear_up();
                None
            }
            Err(error) => {
                self.tell(Err(error));
                None
            }
        }
    }

    /// Sends the records; gives what they counted, unless nobody listens.
    fn tell_all(&self, mut records: SavedRecords) -> Option<SourceTally> {
        while let Some(record) = records.next() {
            let so_far = records.records();
            let (left, has_frame) = (so_far.left().unwrap_or_default(), so_far.tally().frames > 0);
            self.schedule.progress(self.number, left, has_frame);
            if let Some(reason) = records.hardware_fallback() {
                self.tell(Ok(Event::Fallback { input: self.number, reason }));
            }
            let record = record.map(|record| self.event(record)).map_err(BulkError::Model);
            if !self.tell(record) {
                return None;
            }
        }
        // One that was cut short has no end.
        let records = records.records();
        (!records.is_cut_short()).then(|| records.tally())
    }

    fn event(&self, record: Record) -> Event {
        Event::Record { input: self.number, record: Box::new(record) }
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

impl Listener for Reader {
    fn has_left(&self) -> bool {
        self.schedule.is_stopped()
    }

    fn take(&mut self, record: Record) -> bool {
        self.tell(Ok(self.event(record)))
    }

    fn fell_back(&mut self, reason: String) {
        self.tell(Ok(Event::Fallback { input: self.number, reason }));
    }
}
