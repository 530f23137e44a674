//! What `probe` says of a source.

use serde_json::json;

use crate::support::{Run, clip, moviola, run};

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
    assert_eq!((&record["frames"], &record["keyframes"]), (&json!(50), &json!(5)));
    assert_eq!(record["video"]["rotation"], 90);
    assert_eq!((&record["video"]["width"], &record["video"]["height"]), (&json!(180), &json!(320)));
    assert_eq!(records[1]["audio"]["codec"], "aac");
    assert_eq!(records[1]["streams"].as_array().unwrap().len(), 2);
}

/// Numbers of frames and keyframes.
#[track_caller]
fn check_counts(name: &str, frames: u64, keyframes: u64) {
    let record = run(["probe", "--json", &clip(name)]).exits(0).one("probe");
    let got = (record["frames"].as_u64(), record["keyframes"].as_u64());
    assert_eq!(got, (Some(frames), Some(keyframes)), "{name}");
    let table = run(["probe", &clip(name)]).exits(0).stdout;
    let row = |name: &str, count: u64| {
        table.lines().any(|line| line.split_whitespace().eq([name, &count.to_string()]))
    };
    assert!(row("frames", frames) && row("keyframes", keyframes), "{table}");
}

/// The numbers are those of `ffprobe -show_frames`.
#[test]
fn frames_are_counted_in_every_container() {
    check_counts("demo.mp4", 300, 10);
    check_counts("h264_bframes.mp4", 75, 7);
    check_counts("fragmented.mp4", 75, 8);
    check_counts("h264_opengop.ts", 50, 5);
    check_counts("vp9.webm", 75, 4);
    check_counts("parameter_sets_once.h264", 50, 5);
    check_counts("mpeg4.avi", 50, 6);
    check_counts("edit_list.mp4", 43, 1);
}

#[test]
fn a_pipe_is_not_counted() {
    let file = std::fs::read(clip("h264_opengop.ts")).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let feeder = std::thread::spawn(move || drop(std::io::Write::write_all(&mut writer, &file)));
    let output = moviola().args(["probe", "--json", "-"]).stdin(reader).output().unwrap();
    feeder.join().unwrap();
    let record = Run::from(output).exits(0).one("probe");
    assert_eq!(record["video"]["codec"], "h264");
    assert!(record.get("frames").is_none() && record.get("keyframes").is_none(), "{record}");
}

#[test]
fn an_unknown_codec_is_described_without_a_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unknown.mp4");
    let mut bytes = std::fs::read(clip("demo.mp4")).unwrap();
    let places: Vec<_> = (0..bytes.len() - 4).filter(|&at| &bytes[at..at + 4] == b"avc1").collect();
    places.into_iter().for_each(|at| bytes[at..at + 4].copy_from_slice(b"zzzz"));
    std::fs::write(&path, bytes).unwrap();
    let record = run(["probe", "--json", path.to_str().unwrap()]).exits(0).one("probe");
    assert_eq!((&record["video"]["width"], &record["keyframes"]), (&json!(640), &json!(10)));
    assert!(record.get("frames").is_none(), "{record}");
}

#[test]
fn audio_alone_is_a_source_too() {
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
