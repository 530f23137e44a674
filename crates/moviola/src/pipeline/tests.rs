//! Tests of a pipeline's outputs and of its calls to an observer.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex},
    time::Duration,
};

use moviola_media::{
    frame::Frame,
    input::Purpose,
    source::{Source, SourceOptions},
    video::OnDamage,
};

use super::*;
use crate::{hash::frame_md5, task::TaskData};

/// An observer that records its calls.
#[derive(Debug, Default)]
struct FakeObserver {
    before: Mutex<Vec<u64>>,
    after: Mutex<Vec<(u64, usize, bool)>>,
    taken: Mutex<Vec<(u64, Option<u64>)>>,
}

fn number(frame: &Frame) -> u64 {
    frame.number.expect("the container has frame numbers")
}

impl FrameObserver for FakeObserver {
    fn before(&self, frame: &Frame) -> Observation {
        self.before.lock().unwrap().push(number(frame));
        Observation {
            ticket: number(frame),
            ordinal: 100 + number(frame),
            keeps_input: number(frame) == 0,
        }
    }

    fn after(
        &self,
        frame: &Frame,
        observation: Observation,
        outputs: &[std::result::Result<TaskOutput, TaskError>],
    ) {
        assert_eq!(observation.ordinal, 100 + number(frame));
        let has_input = outputs.iter().flatten().any(|output| output.model_input.is_some());
        self.after.lock().unwrap().push((number(frame), outputs.len(), has_input));
    }

    fn taken(&self, observation: Observation, index: Option<u64>) {
        self.taken.lock().unwrap().push((observation.ticket, index));
    }
}

fn input() -> OpenInput {
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
    let input = OpenInput::open(Source::path(clip), SourceOptions::default(), Purpose::Video);
    input.expect("it can be opened")
}

fn plan(frames: &str, tasks: &str) -> Plan {
    Plan::from_toml(&format!("frames = {frames}\n{tasks}")).expect("a plan")
}

fn outputs(
    plan: &Plan,
    workers: usize,
    observer: Option<Arc<dyn FrameObserver>>,
) -> Vec<FrameOutput> {
    let tasks = Tasks::load(plan, workers).expect("there are threads");
    let pipeline = Pipeline::start(input(), plan, &tasks, observer).expect("it can be decoded");
    pipeline.map(|output| output.expect("the clip is whole")).collect()
}

const TASKS: &str = "[stills]\nhash = true\n[detect]\nmodel = 'demo'\nprovider = 'cpu'";

#[test]
fn every_task_has_an_output_for_every_frame_in_the_plans_order() {
    for (frames, count) in [("'keyframes'", 10), ("'every:1s'", 10), ("{ index = [5, 0, 5] }", 3)] {
        let made = outputs(&plan(frames, TASKS), 3, None);
        assert_eq!(made.len(), count, "{frames}");
        for output in &made {
            let [Ok(still), Ok(detected)] = output.outputs.as_slice() else { panic!("{output:?}") };
            assert!(matches!(still.data, TaskData::Still { md5: Some(_) }));
            assert!(matches!(detected.data, TaskData::Detect { .. }));
            assert_eq!(still.info.number, detected.info.number);
        }
    }
    let requested = outputs(&plan("{ index = [5, 0, 5] }", TASKS), 2, None);
    let numbers: Vec<_> = requested.iter().map(FrameOutput::number).collect();
    assert_eq!(numbers, [Some(5), Some(0), Some(5)]);
}

#[test]
fn keyframes_are_numbered_in_order() {
    let made = outputs(&plan("'keyframes'", TASKS), 3, None);
    let numbers: Vec<_> = made.iter().map(|output| output.index).collect();
    assert_eq!(numbers, (0..10).map(Some).collect::<Vec<_>>());
    assert!(outputs(&plan("'every:1s'", TASKS), 3, None)[0].index.is_none());
}

#[test]
fn observer_is_told_which_frame_is_taken_in_the_plans_order() {
    for (frames, numbers) in [
        ("'every:1s'", (0..10).map(|second| (30 * second, None)).collect()),
        ("'keyframes'", (0..10).map(|second| (30 * second, Some(second))).collect()),
        ("{ index = [5, 0, 5] }", vec![(5, None), (0, None), (5, None)]),
    ] {
        let observer = Arc::new(FakeObserver::default());
        outputs(&plan(frames, TASKS), 3, Some(observer.clone()));
        assert_eq!(*observer.taken.lock().unwrap(), numbers, "{frames}");
    }
}

#[test]
fn observer_is_called_before_and_after_the_tasks_of_each_frame() {
    let observer = Arc::new(FakeObserver::default());
    let plan = plan("'every:1s'", TASKS);
    let made = outputs(&plan, 3, Some(observer.clone()));
    let sorted = |mut numbers: Vec<u64>| {
        numbers.sort_unstable();
        numbers
    };
    let want: Vec<_> = made.iter().map(|output| output.number().unwrap()).collect();
    assert_eq!(sorted(observer.before.lock().unwrap().clone()), want);
    let after = observer.after.lock().unwrap().clone();
    assert_eq!(sorted(after.iter().map(|(number, ..)| *number).collect()), want);
    for (number, tasks, has_input) in after {
        assert_eq!((tasks, has_input), (2, number == 0), "inputs are kept for requested frames");
    }
    let mut outputs = made.iter().flat_map(|output| output.outputs.iter().flatten());
    assert!(
        outputs.all(|output| output.model_input.is_none()),
        "inputs are kept only for the observer"
    );
}

/// An observer that keeps the hash of each frame under its ticket, until the frame is taken.
#[derive(Debug, Default)]
struct HashObserver {
    /// The hashes in the plan's order, if each frame at an even position finishes after the next.
    swapped: Option<Vec<String>>,
    state: Mutex<HashState>,
    has_finished: Condvar,
}

#[derive(Debug, Default)]
struct HashState {
    tickets: u64,
    finished: Vec<String>,
    waiting: HashMap<u64, String>,
    taken: Vec<String>,
}

impl FrameObserver for HashObserver {
    fn before(&self, _: &Frame) -> Observation {
        let mut state = self.state.lock().unwrap();
        state.tickets += 1;
        Observation { ticket: state.tickets, ..Observation::default() }
    }

    fn after(
        &self,
        frame: &Frame,
        observation: Observation,
        _: &[std::result::Result<TaskOutput, TaskError>],
    ) {
        let hash = frame_md5(&frame.decoded);
        let mut pairs = self.swapped.iter().flat_map(|hashes| hashes.chunks_exact(2));
        let next = pairs.find(|pair| pair[0] == hash).map(|pair| &pair[1]);
        let mut state = self.state.lock().unwrap();
        if let Some(next) = next {
            let is_first = |state: &mut HashState| !state.finished.contains(next);
            let limit = Duration::from_secs(30);
            let wait = self.has_finished.wait_timeout_while(state, limit, is_first).unwrap();
            assert!(!wait.1.timed_out(), "another worker has the next frame");
            state = wait.0;
        }
        state.finished.push(hash.clone());
        state.waiting.insert(observation.ticket, hash);
        self.has_finished.notify_all();
    }

    fn taken(&self, observation: Observation, _: Option<u64>) {
        let mut state = self.state.lock().unwrap();
        let hash = state.waiting.remove(&observation.ticket).expect("it is taken once");
        state.taken.push(hash);
    }
}

/// The hashes in the outputs of a clip. Checks that the observer has each under its own ticket.
#[track_caller]
fn check_tickets(clip: &str, frames: &str, workers: usize, observer: HashObserver) -> Vec<String> {
    let path = format!("{}/../../testdata/{clip}", env!("CARGO_MANIFEST_DIR"));
    let options = SourceOptions { on_damage: OnDamage::Skip, ..Default::default() };
    let input = OpenInput::open(Source::path(path), options, Purpose::Video).unwrap();
    let plan = plan(frames, "[stills]\nhash = true");
    let (tasks, observer) = (Tasks::load(&plan, workers).unwrap(), Arc::new(observer));
    let pipeline = Pipeline::start(input, &plan, &tasks, Some(observer.clone())).unwrap();
    let hash = |output: FrameOutput| match output.outputs.as_slice() {
        [Ok(TaskOutput { data: TaskData::Still { md5 }, .. })] => md5.clone().expect("a hash"),
        other => panic!("{other:?}"),
    };
    let hashes: Vec<_> = pipeline.flatten().map(hash).collect();
    let state = observer.state.lock().unwrap();
    assert_eq!(state.taken, hashes, "{clip}: {frames}");
    assert!(state.waiting.is_empty(), "{clip}: {frames}: a frame is never taken");
    hashes
}

#[test]
fn frames_that_finish_out_of_order_have_their_own_tickets() {
    for clip in ["untimed_start.mkv", "same_times.mkv", "demo.mp4"] {
        let hashes = check_tickets(clip, "'keyframes'", 1, HashObserver::default());
        assert!(hashes.len() > 3, "{clip}: {}", hashes.len());
        let swapped = HashObserver { swapped: Some(hashes.clone()), ..Default::default() };
        assert_eq!(check_tickets(clip, "'keyframes'", 2, swapped), hashes, "{clip}");
    }
}

#[test]
fn every_observed_frame_is_taken() {
    let clips = ["damaged_keyframe.mp4", "truncated.mp4", "same_times.mkv", "mpeg2_field.ts"];
    for clip in clips {
        for frames in ["'keyframes'", "'all'", "'every:0.2s'", "{ index = [1, 0, 1] }"] {
            check_tickets(clip, frames, 3, HashObserver::default());
        }
    }
}
