//! The threads of a run: one assigns sources to workers, and one for each source takes its records.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, mpsc::SyncSender},
    thread::{self, JoinHandle},
    time::Instant,
};

use moviola_media::source::SourceOptions;

use super::{
    BulkInput, Event, RunState,
    isolate::{Job, JobOutcome, RecordReceiver, WorkerSlot},
    schedule::{Assignment, Lease, RunningSource, Schedule},
    workers::Workers,
};
use crate::{
    error::BulkError,
    pipeline::PipelineHandle,
    records::{Record, Records, SourceTally},
    sink::images::SavedRecords,
    task::Tasks,
};

/// Assigns sources to free workers.
pub(super) struct Dispatcher {
    pub(super) state: Arc<RunState>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) sender: SyncSender<Result<Event, BulkError>>,
}

impl Dispatcher {
    pub(super) fn run(self, inputs: impl Iterator<Item = BulkInput>) {
        let mut inputs = (0..).zip(inputs);
        let mut readers: Vec<JoinHandle<()>> = Vec::new();
        while let Some((lease, assignment)) = self.schedule.next(|start| self.state.has_room(start))
        {
            let outcome = match assignment {
                Assignment::Join(number, pipeline) => self.join(number, &pipeline, lease),
                Assignment::Start => match inputs.next() {
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
                // Fails only if the caller has dropped the run.
                drop(self.sender.send(Err(BulkError::Thread(Arc::new(error)))));
                self.schedule.stop();
            }
            readers = join_finished(readers);
        }
        readers.into_iter().for_each(join_thread);
    }

    /// Adds a worker to those of a source. Only threads can join: a source that is read by a
    /// process has no pipeline here.
    fn join(&self, number: u64, pipeline: &PipelineHandle, lease: Lease) -> io::Result<()> {
        let Workers::Threads(tasks) = &self.state.workers else { return Ok(()) };
        if !pipeline.add_worker(&tasks.for_worker(lease.worker(), Arc::new(lease)))? {
            self.schedule.close_to_workers(number);
        }
        Ok(())
    }

    /// Starts the thread that takes a source's records.
    fn start(&self, number: u64, input: BulkInput, lease: Lease) -> io::Result<JoinHandle<()>> {
        let reader = SourceReader {
            state: Arc::clone(&self.state),
            schedule: Arc::clone(&self.schedule),
            sender: self.sender.clone(),
            number,
        };
        self.schedule.start_source(number);
        let builder = thread::Builder::new().name("moviola-source".into());
        builder
            .spawn(move || reader.run(input, lease))
            .inspect_err(|_| self.schedule.end_source(number))
    }
}

/// Joins the threads that have ended; returns the others.
fn join_finished(readers: Vec<JoinHandle<()>>) -> Vec<JoinHandle<()>> {
    let (ended, running): (Vec<_>, _) = readers.into_iter().partition(JoinHandle::is_finished);
    ended.into_iter().for_each(join_thread);
    running
}

/// Waits for a thread to end; propagates its panic.
fn join_thread(reader: JoinHandle<()>) {
    reader.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
}

/// Sends the events of one source.
struct SourceReader {
    state: Arc<RunState>,
    schedule: Arc<Schedule>,
    sender: SyncSender<Result<Event, BulkError>>,
    number: u64,
}

impl SourceReader {
    fn run(mut self, input: BulkInput, lease: Lease) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.read(input, lease)));
        self.schedule.end_source(self.number);
        if let Err(panic) = outcome {
            self.schedule.stop();
            panic::resume_unwind(panic);
        }
    }

    /// Reads the source and sends its events; returns early if the run was dropped.
    fn read(&mut self, input: BulkInput, lease: Lease) {
        let (number, source) = (self.number, input.name.clone());
        if !self.send(Ok(Event::Started { input: number, source })) {
            return;
        }
        let state = Arc::clone(&self.state);
        let tally = match &state.workers {
            Workers::Threads(tasks) => {
                self.read_in_threads(input, tasks.for_worker(lease.worker(), Arc::new(lease)))
            }
            Workers::Processes(processes) => {
                let process = processes.slot(lease.worker());
                let tally = self.read_in_process(input, &process);
                drop(lease);
                tally
            }
        };
        if let Some(tally) = tally {
            self.send(Ok(Event::Ended { input: number, tally }));
        }
    }

    /// Reads the source on threads of this process. `None` if it was cut short.
    fn read_in_threads(&self, input: BulkInput, tasks: Tasks) -> Option<SourceTally> {
        let RunState { plan, options, .. } = &*self.state;
        let options = SourceOptions { interrupt: self.schedule.interrupt(), ..options.clone() };
        let BulkInput { name, source, folders } = input;
        let records = match source {
            Ok(source) => SavedRecords::new(plan, &name, folders, || {
                Records::start(source, &options, plan, &tasks, None)
            }),
            Err(failure) => Records::failed(name, plan, failure).into(),
        };
        drop(tasks); // the worker holds its own clone, and with it the lease
        let opened = records.records();
        let pipeline = opened.pipeline_handle();
        let seconds_left = opened.seconds_left().unwrap_or_default();
        let running = RunningSource { pipeline, seconds_left, process: None };
        self.schedule.set_running(self.number, running);
        self.send_all(records)
    }

    /// Reads the source in a worker process. `None` if it was cut short.
    fn read_in_process(
        &mut self,
        input: BulkInput,
        process: &Arc<WorkerSlot>,
    ) -> Option<SourceTally> {
        let (began, state) = (Instant::now(), Arc::clone(&self.state));
        let (job, name) = match Job::of(input) {
            Ok(job) => job,
            Err((failure, name)) => {
                return self.send_all(Records::failed(name, &state.plan, failure).into());
            }
        };
        let running =
            RunningSource { process: Some(Arc::clone(process)), ..RunningSource::default() };
        self.schedule.set_running(self.number, running);
        match process.run_job(&job, self) {
            Ok(JobOutcome::Ended(tally)) => Some(tally),
            Ok(JobOutcome::Failed(tally, failure)) => {
                job.remove_unfinished();
                let rest = Records::failed(name, &state.plan, failure).add_earlier(tally, began);
                self.send_all(rest.into())
            }
            Ok(JobOutcome::Stopped) => {
                job.remove_unfinished();
                None
            }
            Err(error) => {
                self.send(Err(error));
                None
            }
        }
    }

    /// Sends all records; returns their tally, or `None` if the source was cut short.
    fn send_all(&self, mut records: SavedRecords) -> Option<SourceTally> {
        while let Some(record) = records.next() {
            let so_far = records.records();
            let (left, has_frame) =
                (so_far.seconds_left().unwrap_or_default(), so_far.tally().frames > 0);
            self.schedule.report_progress(self.number, left, has_frame);
            if let Some(reason) = records.hardware_fallback() {
                self.send(Ok(Event::Fallback { input: self.number, reason }));
            }
            let record = record.map(|record| self.event(record)).map_err(BulkError::Model);
            if !self.send(record) {
                return None;
            }
        }
        let records = records.records();
        (!records.is_cut_short()).then(|| records.tally())
    }

    fn event(&self, record: Record) -> Event {
        Event::Record { input: self.number, record: Box::new(record) }
    }

    /// Sends an event; returns whether more may follow. Stops the run after an error, or if it was
    /// dropped.
    fn send(&self, event: Result<Event, BulkError>) -> bool {
        let is_error = event.is_err();
        let is_sent = self.sender.send(event).is_ok();
        if is_error || !is_sent {
            self.schedule.stop();
        }
        is_sent && !is_error
    }
}

impl RecordReceiver for SourceReader {
    fn has_stopped(&self) -> bool {
        self.schedule.is_stopped()
    }

    fn take(&mut self, record: Record) -> bool {
        self.send(Ok(self.event(record)))
    }

    fn report_fallback(&mut self, reason: String) {
        self.send(Ok(Event::Fallback { input: self.number, reason }));
    }
}
