//! The library gives what the command gives: images and flat rows with the records, and records
//! into a caller's channel.

use std::{path::Path, sync::mpsc::sync_channel, thread};

use moviola::{Fast, Plan, Record, Records, Source, send::SendOutcome, source::SourceOptions};

fn demo() -> Source {
    Source::path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo.mp4"))
}

fn run(plan: &str) -> Records {
    let plan = Plan::from_toml(plan).expect("a plan");
    Fast::new(plan, SourceOptions::default()).expect("the plan can be run").run(demo())
}

/// Number and file format of a record's image.
fn image(record: &Record) -> Option<(u64, &'static str)> {
    let image = match record {
        Record::Keyframe(keyframe) => keyframe.image.as_ref()?,
        Record::Frame(frame) => frame.image.as_ref()?,
        Record::Detections(detections) => detections.image.as_ref()?,
        _ => return None,
    };
    let format = match image.bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, .., 0xff, 0xd9] => "jpeg",
        _ => "neither",
    };
    Some((image.number, format))
}

#[test]
fn records_carry_the_images_of_each_task() {
    let plan = "frames = { index = [0, 30] }\n[stills]\nformat = 'png'\n\
        [detect]\nmodel = 'demo'\nprovider = 'cpu'\nannotate = 90";
    let records: Vec<_> = run(plan).map(|record| record.expect("the model loads")).collect();
    let images: Vec<_> = records.iter().filter_map(image).collect();
    assert_eq!(images, [(0, "png"), (0, "jpeg"), (30, "png"), (30, "jpeg")]);
}

#[test]
fn detections_have_a_flat_row_for_each_object() {
    let plan = "frames = { index = [0, 30] }\n[detect]\nmodel = 'demo'\nprovider = 'cpu'";
    let mut objects = 0;
    for record in run(plan) {
        let Record::Detections(found) = record.expect("the model loads") else { continue };
        let rows: Vec<_> = found.rows().collect();
        assert_eq!(rows.len(), found.objects.len());
        for (row, object) in rows.iter().zip(&found.objects) {
            assert_eq!([row.x1, row.y1, row.x2, row.y2], object.bbox);
            assert_eq!((row.frame, row.time), (found.position.frame, found.position.time));
            assert_eq!((&row.class, row.confidence), (&object.class, object.confidence));
        }
        objects += rows.len();
    }
    assert!(objects > 0, "the demo model finds objects in the demo clip");
}

#[test]
fn records_go_to_a_channel_of_the_caller() {
    let (sender, receiver) = sync_channel(1);
    let sending = thread::spawn(move || run("frames = 'all'\n[stills]").send_to(&sender));
    let frames = receiver.iter().filter(|record| matches!(record, Ok(Record::Frame(_)))).count();
    assert_eq!(frames, 300);
    // With the `source` and the `end` record.
    assert_eq!(sending.join().expect("it doesn't panic"), SendOutcome::All(302));
}

#[test]
fn sending_ends_when_the_receiver_is_dropped() {
    let (sender, receiver) = sync_channel(1);
    drop(receiver);
    assert_eq!(run("frames = 'all'\n[stills]").send_to(&sender), SendOutcome::ReceiverGone(0));
}

#[test]
fn an_interrupted_opening_is_no_failure_of_the_source() {
    let options = SourceOptions::default();
    options.interrupt.cancel();
    let plan = Plan::from_toml("[stills]").expect("a plan");
    let mut records = Fast::new(plan, options).expect("the plan can be run").run(demo());
    assert_eq!(records.by_ref().count(), 0);
    assert!(records.is_cut_short());
    assert_eq!(records.tally().errors, 0);
}
