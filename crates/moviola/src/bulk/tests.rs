//! What many sources give is what each gives alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use moviola_media::source::Source;
use serde_json::Value;

use super::*;
use crate::{Fast, records::Record};

/// Some that are whole, of several codecs, and some that aren't.
const CLIPS: [&str; 10] = [
    "h264_bframes.mp4",
    "demo.mp4",
    "truncated.mp4",
    "vp9.webm",
    "empty.mp4",
    "mpeg4.avi",
    "not_media.mp4",
    "hevc_cra.mp4",
    "audio_only.m4a",
    "still.jpg",
];

fn clip(name: &str) -> Source {
    Source::path(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name))
}

fn plan(frames: &str) -> Plan {
    Plan::from_toml(&format!("frames = {frames}\n[stills]\nhash = true")).expect("a plan")
}

/// A record as it is written, but for the time it took.
fn written(record: &Record) -> Value {
    let mut value = serde_json::to_value(record).expect("records can be written");
    if let Value::Object(fields) = &mut value {
        fields.remove("elapsed");
    }
    value
}

/// The records of each input, all ended.
fn bulk(plan: &Plan, jobs: usize) -> BTreeMap<u64, Vec<Value>> {
    let options = BulkOptions { jobs, ..BulkOptions::default() };
    let bulk = Bulk::new(plan.clone(), options).expect("it can be carried out");
    let run = bulk.run(CLIPS.map(|name| clip(name).into())).expect("there are threads");
    let (mut records, mut ended) = (BTreeMap::<_, Vec<_>>::new(), 0);
    for event in run {
        match event.expect("there is no model") {
            Event::Started { input, source } => {
                assert!(source.ends_with(CLIPS[input as usize]));
            }
            Event::Record { input, record } => {
                records.entry(input).or_default().push(written(&record));
            }
            Event::Ended { .. } => ended += 1,
            Event::Fallback { .. } => panic!("no hardware was asked for"),
        }
    }
    assert_eq!(ended, CLIPS.len());
    records
}

#[test]
fn many_give_what_each_gives_alone() {
    for frames in ["'keyframes'", "'every:0.3s'", "'all'", "{ index = [3, 0, -1, 3] }"] {
        let plan = plan(frames);
        let fast = Fast::new(plan.clone(), SourceOptions::default()).unwrap();
        let alone = |name| fast.run(clip(name)).map(|record| written(&record.unwrap())).collect();
        let alone: Vec<Vec<_>> = CLIPS.into_iter().map(alone).collect();
        for jobs in [1, 2, 5, 20] {
            let together: Vec<_> = bulk(&plan, jobs).into_values().collect();
            assert_eq!(together, alone, "{frames}, {jobs} jobs");
        }
    }
}

#[test]
fn a_run_may_be_left_at_any_moment() {
    let bulk = Bulk::new(plan("'all'"), BulkOptions { jobs: 3, ..BulkOptions::default() }).unwrap();
    for taken in [0, 1, 7, 100] {
        let run = bulk.run(CLIPS.map(|name| clip(name).into())).unwrap();
        assert_eq!(run.take(taken).count(), taken);
    }
}

#[test]
fn a_source_that_was_cut_short_has_not_ended() {
    let bulk = Bulk::new(plan("'all'"), BulkOptions { jobs: 2, ..BulkOptions::default() }).unwrap();
    let mut run = bulk.run(std::iter::repeat_with(|| clip("demo.mp4").into()).take(4)).unwrap();
    let (mut last_records, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut note = |event: Event| match event {
        Event::Record { input, record } if matches!(*record, Record::End(_)) => {
            last_records.insert(input);
        }
        Event::Ended { input, .. } => {
            ended.insert(input);
        }
        _ => {}
    };
    run.by_ref().take(5).for_each(|event| note(event.unwrap()));
    run.stop();
    run.for_each(|event| note(event.unwrap()));
    assert_eq!(ended, last_records);
    assert!(ended.len() < 4, "it was stopped");
}

#[test]
fn sources_are_taken_no_sooner_than_workers_are_free() {
    let bulk = Bulk::new(plan("'all'"), BulkOptions { jobs: 2, ..BulkOptions::default() }).unwrap();
    let (mut started, mut ended) = (0, 0);
    for event in bulk.run(std::iter::repeat_with(|| clip("vp9.webm").into()).take(9)).unwrap() {
        match event.unwrap() {
            Event::Started { .. } => started += 1,
            Event::Ended { .. } => ended += 1,
            Event::Record { .. } | Event::Fallback { .. } => {}
        }
        // A worker is free when it has nothing left to decode: its source may have records left.
        assert!(started - ended <= 4, "{started} started, {ended} ended");
    }
    assert_eq!((started, ended), (9, 9));
}

/// Workers that are a program which is none of ours.
fn isolated(program: &str) -> Result<Bulk, StartError> {
    let isolation = Isolation { program: program.into(), arguments: Vec::new(), deadline: None };
    let options = BulkOptions { jobs: 2, isolate: Some(isolation), ..BulkOptions::default() };
    Bulk::new(plan("'all'"), options)
}

#[test]
fn programs_that_are_no_workers_are_an_error_and_not_tried_for_ever() {
    for (program, reason) in [
        ("true", "3 worker processes ended before they could begin, the last with exit status 0"),
        ("false", "the last with exit status 1"),
        ("cat", "words that can't be understood"),
    ] {
        let bulk = isolated(program).expect("it can be started");
        let error = bulk.provider().unwrap_err().to_string();
        assert!(error.contains(reason), "{program}: {error}");
        let mut run = bulk.run(CLIPS.map(|name| clip(name).into())).unwrap();
        let errors: Vec<_> = run.by_ref().filter_map(Result::err).collect();
        assert_eq!(errors.len(), 1, "{program}: {errors:?}");
        assert!(errors[0].to_string().contains(reason), "{program}: {errors:?}");
        assert_eq!(bulk.models_loaded(), 0);
    }
    let error = isolated("/nowhere/moviola").unwrap_err().to_string();
    assert!(error.contains("no worker process can be started from /nowhere/moviola"), "{error}");
}
