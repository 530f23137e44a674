//! Worker slots with fake processes that answer, die or fall silent.

use std::{collections::VecDeque, io, path::Path};

use moviola_media::{image, source::Source};

use super::*;
use crate::{
    bulk::isolate::process::Launched,
    records::EndRecord,
    sink::{BulkInput, images::SourceFolders},
};

/// Starts fake processes: the messages of each, in order, and how many were started.
#[derive(Debug, Default)]
struct Fakes {
    processes: Mutex<VecDeque<Vec<MessageOutcome>>>,
    started: AtomicU64,
    written: Arc<Mutex<Vec<u8>>>,
}

#[derive(Debug)]
struct FakeProcess(VecDeque<MessageOutcome>);

impl Launch for Fakes {
    fn launch(&self, _: &Arc<AtomicU32>) -> Result<Launched, String> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let script = lock(&self.processes).pop_front().ok_or("there are no more")?;
        Ok((Box::new(FakeProcess(script.into())), Box::new(FakeInput(Arc::clone(&self.written)))))
    }
}

impl MessageSource for FakeProcess {
    fn receive(&mut self, _: Option<Instant>) -> MessageOutcome {
        self.0.pop_front().unwrap_or_else(died)
    }
}

struct FakeInput(Arc<Mutex<Vec<u8>>>);

impl Write for FakeInput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A receiver that stops after `enough` records.
struct FakeReceiver {
    taken: Vec<Record>,
    enough: usize,
}

impl RecordReceiver for FakeReceiver {
    fn has_stopped(&self) -> bool {
        self.taken.len() >= self.enough
    }

    fn take(&mut self, record: Record) -> bool {
        self.taken.push(record);
        !self.has_stopped()
    }

    fn report_fallback(&mut self, _: String) {}
}

fn died() -> MessageOutcome {
    MessageOutcome::Exited(ProcessExit {
        description: "signal 11 (SIGSEGV)".into(),
        was_killed: false,
    })
}

fn ready() -> MessageOutcome {
    MessageOutcome::Message(WorkerMessage::Ready { provider: None, models: 1 })
}

fn accepted() -> MessageOutcome {
    MessageOutcome::Message(WorkerMessage::Accepted)
}

fn recorded(frames: u64) -> MessageOutcome {
    let tally = SourceTally { frames, ..SourceTally::default() };
    let (source, damaged) = (String::from("a"), Vec::new());
    let end = EndRecord { source, frames, keyframes: 0, errors: 0, damaged, elapsed: 0.0 };
    MessageOutcome::Message(WorkerMessage::Recorded { record: Box::new(Record::End(end)), tally })
}

fn ended(frames: u64) -> MessageOutcome {
    let tally = SourceTally { frames, ..SourceTally::default() };
    MessageOutcome::Message(WorkerMessage::Ended { tally, models: 1 })
}

fn slot(processes: impl IntoIterator<Item = Vec<MessageOutcome>>) -> (WorkerSlot, Arc<Fakes>) {
    let processes = Mutex::new(processes.into_iter().collect());
    let fakes = Arc::new(Fakes { processes, ..Fakes::default() });
    let launch: Arc<dyn Launch> = fakes.clone();
    let slot = WorkerSlot::start(launch, None, Arc::from(&b"setup\n"[..]));
    (slot.expect("the first can be started"), fakes)
}

fn job() -> Job {
    let (name, folders) = ("a".into(), image::Result::Ok(SourceFolders::default()));
    let input = BulkInput { name, source: Ok(Source::path(Path::new("a.mp4"))), folders };
    Job::of(input).expect("another process can open a path").0
}

fn run_job(slot: &WorkerSlot, enough: usize) -> (Result<JobOutcome, BulkError>, usize) {
    let mut receiver = FakeReceiver { taken: Vec::new(), enough };
    let outcome = slot.run_job(&job(), &mut receiver);
    (outcome, receiver.taken.len())
}

#[test]
fn one_process_reads_one_source_after_another() {
    let (slot, fakes) =
        slot([vec![ready(), accepted(), recorded(1), ended(1), accepted(), recorded(2), ended(2)]]);
    for frames in [1, 2] {
        let (outcome, records) = run_job(&slot, 9);
        let Ok(JobOutcome::Ended(tally)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((tally.frames, records), (frames, 1));
    }
    assert_eq!((fakes.started.load(Ordering::SeqCst), slot.models_loaded()), (1, 1));
    let written = String::from_utf8(lock(&fakes.written).clone()).unwrap();
    assert!(written.starts_with("setup\n{") && written.lines().count() == 3, "{written}");
}

#[test]
fn a_process_that_dies_costs_the_source_that_it_read() {
    let (slot, fakes) =
        slot([vec![ready(), accepted(), recorded(4), died()], vec![ready(), accepted(), ended(0)]]);
    let (outcome, records) = run_job(&slot, 9);
    let Ok(JobOutcome::Failed(tally, failure)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((tally.frames, records, failure.stage), (4, 1, "crash"));
    assert!(failure.message.contains("SIGSEGV"), "{}", failure.message);
    assert!(matches!(run_job(&slot, 9).0, Ok(JobOutcome::Ended(_))), "the next process reads on");
    assert_eq!(fakes.started.load(Ordering::SeqCst), 2);
}

#[test]
fn a_process_that_dies_before_it_takes_the_source_costs_nothing() {
    let (slot, fakes) = slot([vec![ready(), died()], vec![ready(), accepted(), ended(3)]]);
    let Ok(JobOutcome::Ended(tally)) = run_job(&slot, 9).0 else { panic!("it was read") };
    assert_eq!((tally.frames, fakes.started.load(Ordering::SeqCst)), (3, 2));
}

#[test]
fn three_failures_before_a_source_end_the_run() {
    let (slot, fakes) =
        slot([vec![died()], vec![ready(), died()], vec![ready(), ended(0)], vec![ready()]]);
    let error = run_job(&slot, 9).0.unwrap_err().to_string();
    assert!(error.starts_with("3 worker processes ended before they could begin"), "{error}");
    assert_eq!(fakes.started.load(Ordering::SeqCst), 3);
}

#[test]
fn a_source_that_takes_too_long_fails() {
    let (slot, _) = slot([vec![ready(), accepted(), recorded(2), MessageOutcome::TimedOut]]);
    let Ok(JobOutcome::Failed(tally, failure)) = run_job(&slot, 9).0 else { panic!("it is late") };
    assert_eq!((tally.frames, failure.stage), (2, "deadline"));
}

#[test]
fn a_receiver_that_stops_ends_the_source() {
    let (slot, _) = slot([vec![ready(), accepted(), recorded(1), recorded(2), ended(2)]]);
    let (outcome, records) = run_job(&slot, 1);
    assert!(matches!(outcome, Ok(JobOutcome::Stopped)), "{outcome:?}");
    assert_eq!(records, 1);
}

#[test]
fn a_model_that_cannot_be_loaded_is_an_error_of_the_run() {
    let broken =
        || MessageOutcome::Message(WorkerMessage::ModelFailed { message: "no runtime".into() });
    let (slot, _) = slot([vec![broken()]]);
    assert_eq!(slot.provider().unwrap_err().to_string(), "no runtime");
}
