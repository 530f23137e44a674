//! Bulk runs give the same records as each source alone, and stop, isolate and fail as documented.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::PathBuf,
    time::Duration,
};

use moviola_media::source::Source;
use serde_json::Value;

use super::*;
use crate::{Fast, records::Record};

/// Intact clips of several codecs, and damaged or unusable ones.
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

/// A record as JSON, without its elapsed time.
fn json_of(record: &Record) -> Value {
    let mut value = serde_json::to_value(record).expect("records can be written");
    if let Value::Object(fields) = &mut value {
        fields.remove("elapsed");
    }
    value
}

/// The records of each clip in a bulk run.
fn bulk_records(plan: &Plan, jobs: usize) -> BTreeMap<u64, Vec<Value>> {
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
                records.entry(input).or_default().push(json_of(&record));
            }
            Event::Ended { .. } => ended += 1,
            Event::Fallback { .. } => panic!("no hardware was asked for"),
        }
    }
    assert_eq!(ended, CLIPS.len());
    records
}

#[test]
fn bulk_gives_the_records_that_each_source_gives_alone() {
    for frames in ["'keyframes'", "'every:0.3s'", "'all'", "{ index = [3, 0, -1, 3] }"] {
        let plan = plan(frames);
        let fast = Fast::new(plan.clone(), SourceOptions::default()).unwrap();
        let alone = |name| fast.run(clip(name)).map(|record| json_of(&record.unwrap())).collect();
        let alone: Vec<Vec<_>> = CLIPS.into_iter().map(alone).collect();
        for jobs in [1, 2, 5, 20] {
            let together: Vec<_> = bulk_records(&plan, jobs).into_values().collect();
            assert_eq!(together, alone, "{frames}, {jobs} jobs");
        }
    }
}

#[test]
fn a_run_can_be_dropped_at_any_moment() {
    let bulk = Bulk::new(plan("'all'"), BulkOptions { jobs: 3, ..BulkOptions::default() }).unwrap();
    for taken in [0, 1, 7, 100] {
        let run = bulk.run(CLIPS.map(|name| clip(name).into())).unwrap();
        assert_eq!(run.take(taken).count(), taken);
    }
}

#[test]
fn a_source_that_was_cut_short_has_no_ended_event() {
    let bulk = Bulk::new(plan("'all'"), BulkOptions { jobs: 2, ..BulkOptions::default() }).unwrap();
    let mut run = bulk.run(std::iter::repeat_with(|| clip("demo.mp4").into()).take(4)).unwrap();
    let (mut last_records, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut record_event = |event: Event| match event {
        Event::Record { input, record } if matches!(*record, Record::End(_)) => {
            last_records.insert(input);
        }
        Event::Ended { input, .. } => {
            ended.insert(input);
        }
        _ => {}
    };
    run.by_ref().take(5).for_each(|event| record_event(event.unwrap()));
    run.stop();
    run.for_each(|event| record_event(event.unwrap()));
    assert_eq!(ended, last_records);
    assert!(ended.len() < 4, "it was stopped");
}

#[test]
fn the_interrupt_of_the_options_stops_the_run() {
    let options = BulkOptions { jobs: 2, ..BulkOptions::default() };
    let interrupt = options.source.interrupt.clone();
    let bulk = Bulk::new(plan("'all'"), options).unwrap();
    let mut run = bulk.run(std::iter::repeat_with(|| clip("demo.mp4").into())).unwrap();
    assert!(matches!(run.next(), Some(Ok(Event::Started { .. }))));
    interrupt.cancel();
    let unfinished = run.filter(|event| matches!(event, Ok(Event::Started { .. }))).count();
    assert!(unfinished < 100, "sources without end were given");
}

#[test]
fn dropping_a_run_ends_the_opening_of_a_source_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let network_timeout = Duration::from_secs(1 << 20);
    let source = SourceOptions { network_timeout, ..SourceOptions::default() };
    let bulk = Bulk::new(plan("'all'"), BulkOptions { source, ..BulkOptions::default() }).unwrap();
    let run = bulk.run([Source::parse(&url).into()]).unwrap();
    let _connection = listener.accept().unwrap();
    drop(run); // returns long before the timeout
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
        // A worker is free once it has decoded all; its source may still have records to send.
        assert!(started - ended <= 4, "{started} started, {ended} ended");
    }
    assert_eq!((started, ended), (9, 9));
}

/// A bulk whose worker processes run `program`, which isn't a worker.
fn isolated(program: &str) -> Result<Bulk, StartError> {
    let isolation = Isolation { program: program.into(), arguments: Vec::new(), deadline: None };
    let options = BulkOptions { jobs: 2, isolate: Some(isolation), ..BulkOptions::default() };
    Bulk::new(plan("'all'"), options)
}

#[test]
fn a_program_that_is_not_a_worker_is_an_error_after_three_starts() {
    for (program, reason) in [
        ("true", "3 worker processes ended before they could begin, the last with exit status 0"),
        ("false", "the last with exit status 1"),
        ("cat", "an unreadable message"),
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
