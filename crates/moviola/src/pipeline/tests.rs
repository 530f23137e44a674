//! Tests of a pipeline's outputs and of its calls to an observer.

use std::sync::Mutex;

use moviola_media::{
    frame::Frame,
    input::Purpose,
    source::{Source, SourceOptions},
};

use super::*;
use crate::task::TaskData;

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
