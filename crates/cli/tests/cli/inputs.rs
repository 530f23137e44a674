//! Inputs that are wrong, each in its own way: an error record, a message, never a crash.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::support::{Run, clip, moviola, run, shared_clip};

/// Nothing can be done with `input`; `message` says why, in the record and to the user.
#[track_caller]
fn check_hopeless(input: &str, stage: &str, message: &str) {
    let run = run(["keyframes", input]).exits(2);
    let error = run.one("error");
    assert_eq!(error["source"], input);
    assert_eq!(error["stage"], stage, "{error}");
    assert!(error["time"].is_null());
    assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    assert!(!error["message"].as_str().unwrap().starts_with(input), "{error}");
    run.says(input);
    run.says(message);
    let end = run.one("end");
    assert_eq!((&end["frames"], &end["errors"]), (&0.into(), &1.into()));
}

#[test]
fn a_missing_file() {
    check_hopeless("no/such.mp4", "open", "no such file");
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    check_hopeless(folder.path().to_str().unwrap(), "open", "is a folder");
}

#[test]
fn an_empty_file() {
    check_hopeless(&clip("empty.mp4"), "open", "the file is empty");
}

#[test]
fn no_media() {
    check_hopeless(&clip("not_media.mp4"), "demux", "no media file");
}

#[test]
fn a_recording_that_was_never_finished() {
    check_hopeless(&clip("moov_missing.mp4"), "demux", "still being written");
}

#[test]
fn audio_alone() {
    check_hopeless(&clip("audio_only.m4a"), "demux", "only audio");
}

#[test]
fn cover_art_is_no_video() {
    check_hopeless(&clip("cover_art_only.mp3"), "demux", "only cover art");
}

/// Made with `ffmpeg -f lavfi -i testsrc2=size=128x72:rate=10:duration=1 -c:v libx264 -g 5 -crf 40
/// -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb
/// -encryption_kid a7e61c373e219033c21091fa607bf3b8 encrypted.mp4`.
pub(crate) const ENCRYPTED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/encrypted.mp4");

#[test]
fn encrypted_video_is_told_as_such() {
    for clip in [Some(ENCRYPTED.to_owned()), shared_clip("video/ax_sample_fragmented_clearkey.mp4")]
        .into_iter()
        .flatten()
    {
        let run = run(["keyframes", &clip, "--hash"]).exits(2);
        assert!(run.of("keyframe").is_empty(), "{run:?}");
        let message = run.one("error")["message"].to_string().to_lowercase();
        assert!(message.contains("encrypt") && message.contains("decrypt it first"), "{message}");
    }
}

#[test]
fn a_playlist_that_points_elsewhere() {
    let run = run(["keyframes", &clip("playlist_elsewhere.m3u8")]).exits(2);
    let error = run.one("error");
    assert!(error["message"].as_str().unwrap().contains("--allow-protocols"), "{error}");
}

#[test]
fn an_absurd_picture_size() {
    for name in ["huge_header.avi", "huge_header.ivf"] {
        let run = run(["keyframes", &clip(name)]).exits(2);
        assert!(!run.of("error").is_empty(), "{run:?}");
        assert!(run.of("keyframe").is_empty(), "{run:?}");
    }
}

#[test]
fn the_largest_picture_size_is_the_users_choice() {
    let clip = clip("h264_bframes.mp4");
    run(["keyframes", &clip, "--max-pixels", "57600"]).exits(0);
    for command in ["keyframes", "probe", "bulk"] {
        let run = run([command, &clip, "--max-pixels", "0"]).exits(2);
        run.says("'--max-pixels <N>'");
        assert_eq!(run.stdout, "", "bad options are told before any source is read");
    }
    let run = run(["keyframes", &clip, "--max-pixels", "57599"]).exits(2);
    assert!(run.of("keyframe").is_empty(), "{run:?}");
}

#[test]
fn a_truncated_clip_gives_what_is_there() {
    let run = run(["keyframes", &clip("truncated.mp4")]).exits(3);
    let message = run.one("error")["message"].to_string();
    assert!(message.contains("the file is truncated, "), "{message}");
    let keyframes = run.of("keyframe");
    assert!(keyframes.len() >= 3, "{run:?}");
    let records = run.records();
    assert_eq!(records.first().unwrap()["type"], "source");
    assert_eq!(records.last().unwrap()["type"], "end");
    assert_eq!(run.one("end")["keyframes"], keyframes.len());
}

#[test]
fn one_broken_input_costs_only_itself() {
    let (good, bad) = (clip("h264_bframes.mp4"), clip("not_media.mp4"));
    let run = run(["keyframes", &good, &bad, &good]).exits(3);
    assert_eq!(run.of("source").len(), 2);
    assert_eq!(run.of("end").len(), 3);
    let summary = run.one("summary");
    assert_eq!(summary["sources"], 3);
    assert_eq!(summary["done"], 2);
    assert_eq!(summary["failed"], 1);
    assert_eq!(summary["frames"], run.of("keyframe").len());
    assert_eq!(run.records().last().unwrap()["type"], "summary");
}

#[test]
fn a_single_input_has_no_summary() {
    assert!(run(["keyframes", &clip("gray.mp4")]).exits(0).of("summary").is_empty());
}

#[test]
fn inputs_that_all_fail_are_nothing_done() {
    let run = run(["keyframes", "none.mp4", &clip("empty.mp4")]).exits(2);
    assert_eq!(run.one("summary")["failed"], 2);
}

/// The records without what differs from run to run and from name to name.
#[track_caller]
fn results(run: &Run) -> Vec<serde_json::Value> {
    let mut records = run.of("keyframe");
    for record in &mut records {
        record.as_object_mut().unwrap().remove("source");
    }
    records
}

#[test]
fn a_pipe_gives_what_the_file_gives() {
    for name in ["h264_opengop.ts", "vp9.webm", "fragmented.mp4"] {
        let clip = clip(name);
        let input = Stdio::from(fs::File::open(&clip).unwrap());
        let piped = piped_keyframes(input);
        assert_eq!(piped.one("source")["source"], "-");
        assert_eq!(
            results(&piped),
            results(&run(["keyframes", &clip, "--hash"]).exits(0)),
            "{name}"
        );
    }
}

#[test]
fn an_mp4_whose_index_comes_last_needs_to_be_a_file() {
    let open = || Stdio::from(fs::File::open(clip("h264_bframes.mp4")).unwrap());
    let run = piped(open()).exits(2);
    assert!(run.one("error")["message"].as_str().unwrap().contains("name the file instead"));
    let output = moviola().args(["keyframes", "-"]).stdin(open()).output().unwrap();
    assert!(!Run::from(output).exits(0).of("keyframe").is_empty());
}

/// Reads keyframes through a real pipe, which can't seek.
fn piped_keyframes(input: Stdio) -> Run {
    piped(input).exits(0)
}

fn piped(input: Stdio) -> Run {
    let mut cat = Command::new("cat").stdin(input).stdout(Stdio::piped()).spawn().unwrap();
    let pipe = cat.stdout.take().unwrap();
    let output = moviola().args(["keyframes", "-", "--hash"]).stdin(pipe).output().unwrap();
    cat.wait().unwrap();
    Run::from(output)
}

#[test]
fn an_empty_pipe_is_an_error() {
    let run = run(["keyframes", "-"]).exits(2);
    assert_eq!(run.one("error")["source"], "-");
}

#[test]
fn every_way_of_reading_gives_the_same() {
    let clip = clip("h264_bframes.mp4");
    let read = results(&run(["keyframes", &clip, "--hash", "--io", "read"]).exits(0));
    assert!(!read.is_empty());
    for io in ["auto", "mmap"] {
        assert_eq!(results(&run(["keyframes", &clip, "--hash", "--io", io]).exits(0)), read);
    }
    let address = format!("file://{clip}");
    assert_eq!(results(&run(["keyframes", &address, "--hash"]).exits(0)), read);
}

#[cfg(target_os = "linux")] // elsewhere file names must be text
#[test]
fn a_name_that_is_no_text_is_a_name_too() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"cl\xffip.mp4"));
    fs::copy(clip("gray.mp4"), &path).unwrap();
    let run: Run = moviola().arg("keyframes").arg(&path).output().unwrap().into();
    assert_eq!(run.exits(0).of("keyframe").len(), 5);
}
