//! `--video-stream`, `--audio-stream`, and which streams `probe` marks.

use serde_json::{Value, json};

use crate::support::{clip, run};

/// What `probe` says of the clip of many streams, with these flags.
#[track_caller]
fn probe(flags: &[&str]) -> Value {
    let clip = clip("streams.mkv");
    run(["probe", "--json", &clip].iter().chain(flags)).exits(0).one("probe")
}

/// Numbers of the streams that are marked as selected, and those that the record describes.
#[track_caller]
fn check_selected(flags: &[&str], video: usize, audio: usize) {
    let record = probe(flags);
    let streams = record["streams"].as_array().expect("a list");
    assert_eq!(streams.len(), 5);
    let marked = streams.iter().filter(|stream| stream.get("selected") == Some(&json!(true)));
    let marked: Vec<_> = marked.map(|stream| stream["index"].clone()).collect();
    assert_eq!(marked, [json!(video), json!(audio)], "{flags:?}");
    assert_eq!((&record["video"]["stream"], &record["audio"]["stream"]), (&marked[0], &marked[1]));
}

#[test]
fn the_best_of_each_kind_is_selected_unless_another_is_named() {
    check_selected(&[], 0, 2);
    check_selected(&["--video-stream", "best", "--audio-stream", "best"], 0, 2);
    check_selected(&["--video-stream", "1"], 1, 2);
    check_selected(&["--audio-stream", "4"], 0, 4);
    check_selected(&["--audio-stream", "lang:eng"], 0, 3);
    check_selected(&["--audio-stream", "lang:FRE", "--video-stream", "1"], 1, 4);
}

#[test]
fn the_counts_are_those_of_the_selected_video() {
    let counts = |flags: &[&str]| {
        let record = probe(flags);
        (record["frames"].clone(), record["keyframes"].clone(), record["video"]["codec"].clone())
    };
    assert_eq!(counts(&[]), (json!(4), json!(2), json!("h264")));
    assert_eq!(counts(&["--video-stream", "1"]), (json!(50), json!(5), json!("hevc")));
}

#[test]
fn the_table_marks_what_is_selected() {
    let table = run(["probe", &clip("streams.mkv"), "--video-stream", "1"]).exits(0).stdout;
    for stream in ["0 video h264", "*1 video hevc", "*2 audio opus (ger)", "3 audio aac (eng)"] {
        assert!(table.contains(stream), "{stream} is not in {table}");
    }
    assert!(!table.contains("*0") && !table.contains("*3"), "{table}");
}

#[test]
fn audio_alone_is_described_and_marked() {
    let record = run(["probe", "--json", &clip("audio_only.m4a")]).exits(0).one("probe");
    assert_eq!(record["streams"][0]["selected"], json!(true));
    assert_eq!(record["audio"]["stream"], 0);
    assert!(record.get("video").is_none(), "{record}");
    let table = run(["probe", &clip("audio_only.m4a")]).exits(0).stdout;
    assert!(table.contains("*0 audio aac"), "{table}");
}

/// The size of each keyframe's record, and how many there are.
#[track_caller]
fn check_keyframes(command: &[&str], flags: &[&str], size: (u32, u32), count: usize) {
    let clip = clip("streams.mkv");
    let run = run(command.iter().chain(&[clip.as_str()]).chain(flags)).exits(0);
    let keyframes = run.of("keyframe");
    assert_eq!(keyframes.len(), count, "{run:#?}");
    let sizes = keyframes.iter().map(|frame| (frame["width"].clone(), frame["height"].clone()));
    assert!(sizes.into_iter().all(|got| got == (json!(size.0), json!(size.1))), "{run:#?}");
}

#[test]
fn the_selected_video_is_read() {
    check_keyframes(&["keyframes"], &[], (320, 192), 2);
    check_keyframes(&["keyframes"], &["--video-stream", "1"], (192, 108), 5);
}

#[test]
fn isolated_workers_read_the_selected_video_too() {
    let command = ["bulk", "--keyframes", "--isolate"];
    check_keyframes(&command, &["--video-stream", "1"], (192, 108), 5);
}

#[test]
fn a_stream_that_is_not_there_is_an_error_that_lists_those_that_are() {
    let clip = clip("streams.mkv");
    let video = "there is no video stream 2; its video streams: 0 (h264), 1 (hevc)";
    run(["keyframes", &clip, "--video-stream", "2"]).exits(2).says(video);
    run(["probe", &clip, "--video-stream", "2"]).exits(3).says(video);
    let audio = "its audio streams: 2 (opus, ger), 3 (aac, eng), 4 (mp3, fre)";
    for (choice, what) in [("9", "audio stream 9"), ("lang:spa", "audio stream lang:spa")] {
        let run = run(["probe", &clip, "--audio-stream", choice]).exits(3);
        run.says(what);
        run.says(audio);
    }
}

#[test]
fn the_streams_are_listed_if_a_chosen_one_is_not_there() {
    let clip = clip("streams.mkv");
    let flags = ["--video-stream", "7", "--audio-stream", "7"];
    let table = run(["probe", &clip].iter().chain(&flags)).exits(3).stdout;
    assert!(table.contains("0 video h264") && table.contains("3 audio aac (eng)"), "{table}");
    assert!(!table.contains("selected"), "{table}");
    let json = run(["probe", "--json", &clip].iter().chain(&flags)).exits(3);
    assert_eq!(json.one("probe")["streams"].as_array().map(Vec::len), Some(5));
    assert!(!json.stdout.contains("selected"), "{json:#?}");
    assert_eq!(json.of("error").len(), 2, "{json:#?}");
}

#[test]
fn an_absent_choice_of_audio_is_no_matter_where_only_video_is_read() {
    for choice in ["9", "lang:spa"] {
        let run = run(["keyframes", &clip("streams.mkv"), "--audio-stream", choice]).exits(0);
        assert_eq!(run.of("keyframe").len(), 2);
        assert!(run.one("source").get("audio").is_none(), "{run:#?}");
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn what_is_no_choice_is_wrong_usage() {
    let clip = clip("streams.mkv");
    run(["probe", &clip, "--video-stream", "lang:eng"]).exits(2).says("the number of a stream");
    run(["probe", &clip, "--audio-stream", "eng"]).exits(2).says("such as `lang:eng`");
}
