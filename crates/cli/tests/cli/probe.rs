//! What `probe` says of a source.

use serde_json::json;

use crate::support::{clip, run};

#[test]
fn a_table_for_people() {
    let table = run(["probe", &clip("h264_bframes.mp4")]).exits(0).stdout;
    for fact in ["mov,mp4", "h264", "320x180", "25", "aac", "48000", "7"] {
        assert!(table.contains(fact), "{fact} is not in {table}");
    }
    assert!(!table.contains('\x1b'));
}

#[test]
fn one_record_each() {
    let (first, second) = (clip("rotated_90.mp4"), clip("h264_bframes.mp4"));
    let run = run(["probe", "--json", &first, &second]).exits(0);
    let records = run.records();
    assert_eq!(records.len(), 2, "{run:#?}");
    let record = &records[0];
    assert_eq!(record["type"], "probe");
    assert_eq!(record["schema"], 1);
    assert_eq!(record["source"], first.as_str());
    assert_eq!(record["container"], "mov,mp4,m4a,3gp,3g2,mj2");
    assert_eq!(record["duration"], 2.0);
    assert_eq!(record["keyframes"], 5);
    assert_eq!(record["video"]["rotation"], 90);
    assert_eq!((&record["video"]["width"], &record["video"]["height"]), (&json!(180), &json!(320)));
    assert_eq!(records[1]["audio"]["codec"], "aac");
    assert_eq!(records[1]["streams"].as_array().unwrap().len(), 2);
}

#[test]
fn sound_alone_is_a_source_too() {
    let record = run(["probe", "--json", &clip("audio_only.m4a")]).exits(0).records().remove(0);
    assert_eq!(record["audio"]["codec"], "aac");
    assert!(record.get("video").is_none());
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let run1 = run(["probe", "none.mp4"]).exits(2);
    run1.says("no such file");
    assert_eq!(run1.stdout, "");
    let run2 = run(["probe", "--json", &clip("gray.mp4"), &clip("not_media.mp4")]).exits(3);
    assert_eq!(run2.of("probe").len(), 1);
    assert_eq!(run2.one("error")["stage"], "demux");
}
