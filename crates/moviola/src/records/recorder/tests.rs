//! Tests of a recorder with outputs and errors, without a source.

use moviola_av::{
    color::Color,
    error::ErrorKind,
    pixel::PixelFormat,
    time::{Pts, TimeBase},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    frame_info::FrameInfo,
    pipeline::Observation,
    plan::TaskKind,
    records::{ImageFields, SCHEMA},
    task::TaskData,
};

fn info(number: u64) -> FrameInfo {
    let base = TimeBase::new(1, 25).expect("a time base");
    FrameInfo {
        number: Some(number),
        keyframe: number == 0,
        pts: Some(Pts { ticks: number.cast_signed(), base }),
        time: Some(number as f64 / 25.0),
        width: 64,
        height: 48,
        format: PixelFormat::from_name("yuv420p").expect("it is known"),
        color: Color::default(),
        damaged: false,
    }
}

fn still(number: u64) -> Result<TaskOutput, TaskError> {
    let (image, data) = (Some(vec![7; 3]), TaskData::Still { md5: None });
    Ok(TaskOutput { info: info(number), image, data, model_input: None })
}

fn objects(number: u64) -> Result<TaskOutput, TaskError> {
    let data = TaskData::Detect { objects: Vec::new() };
    Ok(TaskOutput { info: info(number), image: None, data, model_input: None })
}

fn failed(kind: TaskKind) -> Result<TaskOutput, TaskError> {
    Err(TaskError::Frame { kind, time: Some(0.5), reason: "no".into() })
}

fn recorder(frames: &str) -> Recorder {
    let plan = crate::Plan::from_toml(&format!("frames = {frames}\n[stills]")).expect("a plan");
    let mut recorder = Recorder::new("a".into(), &plan.frames);
    let (container, duration) = ("mov".into(), None);
    let source = SourceRecord {
        schema: SCHEMA,
        source: "a".into(),
        container,
        duration,
        video: None,
        audio: None,
    };
    recorder.open(source, Damage::default());
    recorder
}

fn no_such_file() -> Error {
    let (name, reason) = ("a".into(), "no such file".into());
    Error::Open { name, reason, kind: ErrorKind::NotFound }
}

/// The ready records, each as its type with the fields that the tests compare.
fn ready(recorder: &mut Recorder) -> Vec<Value> {
    let brief = |record: Record| {
        let value = serde_json::to_value(&record).expect("it can be written");
        match record {
            Record::Error(_) => json!([value["type"], value["stage"]]),
            Record::End(_) => json!(["end", value["frames"], value["keyframes"], value["errors"]]),
            _ => json!([value["type"], value["frame"]]),
        }
    };
    std::iter::from_fn(|| recorder.pop()).map(brief).collect()
}

fn record(
    recorder: &mut Recorder,
    index: Option<u64>,
    outputs: Vec<Result<TaskOutput, TaskError>>,
) {
    recorder
        .record_frame(FrameOutput { index, outputs, observation: Observation::default() })
        .expect("there is no model");
}

#[test]
fn each_task_has_a_record_and_the_source_comes_first() {
    let mut recorder = recorder("'all'");
    assert!(recorder.pop().is_none(), "the first frame completes the source's record");
    record(&mut recorder, None, vec![still(0), objects(0)]);
    record(&mut recorder, None, vec![still(1), objects(1)]);
    recorder.end();
    let want = json!([
        ["source", null],
        ["frame", 0],
        ["detections", 0],
        ["frame", 1],
        ["detections", 1],
        ["end", 2, 1, 0]
    ]);
    assert_eq!(Value::from(ready(&mut recorder)), want);
    assert!(recorder.has_ended());
}

#[test]
fn failed_task_loses_only_its_own_record() {
    let mut recorder = recorder("'all'");
    record(&mut recorder, None, vec![failed(TaskKind::Still), objects(0)]);
    record(&mut recorder, None, vec![failed(TaskKind::Still), failed(TaskKind::Detect)]);
    recorder.end();
    let want = json!([
        ["source", null],
        ["error", "image"],
        ["detections", 0],
        ["error", "image"],
        ["error", "infer"],
        ["end", 1, 1, 3]
    ]);
    assert_eq!(Value::from(ready(&mut recorder)), want);
    assert!(!recorder.tally().failed);
}

#[test]
fn images_are_numbered_by_keyframe_by_frame_or_by_count() {
    for (index, number, want) in [(Some(4), Some(30), 4), (None, Some(30), 30), (None, None, 1)] {
        let mut recorder = recorder("'all'");
        record(&mut recorder, None, vec![failed(TaskKind::Still)]);
        let mut output = still(0).expect("it is one");
        output.info.number = number;
        record(&mut recorder, index, vec![Ok(output)]);
        let mut records: Vec<_> = std::iter::from_fn(|| recorder.pop()).collect();
        let last = records.last_mut().and_then(Record::image);
        let Some(ImageFields { image: Some(image), .. }) = last else { panic!("{records:?}") };
        assert_eq!((image.number, image.bytes.len()), (want, 3));
    }
}

#[test]
fn unwritable_image_replaces_its_record_by_an_error() {
    for (outputs, frames) in [(vec![still(0)], 0), (vec![still(0), objects(0)], 1)] {
        let mut recorder = recorder("'all'");
        record(&mut recorder, None, outputs);
        assert!(matches!(recorder.pop(), Some(Record::Source(_))));
        assert!(matches!(recorder.pop(), Some(Record::Frame(_))));
        recorder.fail_writing("the disk is full".into());
        let Some(Record::Error(error)) = recorder.pop() else { panic!("an error comes next") };
        assert_eq!((error.stage.as_str(), error.message.as_str()), ("write", "the disk is full"));
        let tally = recorder.tally();
        assert_eq!(
            (tally.frames, tally.errors, tally.failed, tally.unwritten),
            (frames, 1, true, true)
        );
    }
}

#[test]
fn errors_of_single_frames_do_not_end_the_source() {
    let mut recorder = recorder("'all'");
    let decode = Error::Decode {
        name: "a".into(),
        place: "1 s".into(),
        time: Some(1.0),
        reason: "bits".into(),
        cause: None,
    };
    assert!(!recorder.media_error(&decode));
    let open = no_such_file();
    assert!(recorder.media_error(&open));
    let records = ready(&mut recorder);
    assert_eq!(
        Value::from(records),
        json!([["source", null], ["error", "decode"], ["error", "open"]])
    );
    assert!(recorder.tally().failed);
}

#[test]
fn error_messages_do_not_repeat_the_source() {
    let mut recorder = Recorder::new("a".into(), &Frames::All);
    recorder.media_error(&no_such_file());
    let Some(Record::Error(error)) = recorder.pop() else { panic!("an error comes first") };
    assert_eq!(error.message, "no such file");
}

#[test]
fn an_empty_range_is_an_error() {
    let mut recorder = recorder("{ range = '9s..10s' }");
    recorder.end();
    assert_eq!(
        Value::from(ready(&mut recorder)),
        json!([["source", null], ["error", "demux"], ["end", 0, 0, 1]])
    );
}

#[test]
fn earlier_counts_are_added() {
    let mut recorder = recorder("'all'");
    let earlier = SourceTally { frames: 3, keyframes: 1, errors: 2, ..SourceTally::default() };
    recorder.add_earlier(earlier, Instant::now());
    recorder.fail(SourceFailure { stage: "crash", message: "it died".into() });
    recorder.end();
    let last = ready(&mut recorder).pop();
    assert_eq!(last, Some(json!(["end", 3, 1, 3])));
}

#[test]
fn model_that_cannot_be_loaded_is_returned_as_an_error() {
    let mut recorder = recorder("'all'");
    let error = InferError::RuntimeMissing { looked: Vec::new() };
    let outputs = vec![still(0), Err(TaskError::Model(error.clone()))];
    assert_eq!(
        recorder.record_frame(FrameOutput {
            index: None,
            outputs,
            observation: Observation::default()
        }),
        Err(error)
    );
}
