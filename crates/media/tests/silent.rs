//! FFmpeg prints nothing unless it is asked to. Its log is of the whole process: this test is alone
//! in its own.
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Command};

use moviola_media::{
    audio::{AudioOptions, AudioReader},
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
    video::FrameReader,
};

/// Clips of which FFmpeg has something to say.
const CLIPS: [&str; 6] = [
    "damaged_keyframe.mp4",
    "moov_missing.mp4",
    "not_media.mp4",
    "truncated.mp4",
    "audio_damaged.m4a",
    "resolution_change.ts",
];

fn source(clip: &str) -> Source {
    Source::path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(clip))
}

#[test]
fn damaged_clips_can_be_read() {
    for clip in CLIPS {
        let options = SourceOptions::default;
        // What is damaged is an error: what counts here is what is printed about it.
        let keyframes = KeyframeReader::open(source(clip), options()).map(|all| all.count());
        let frames = FrameReader::open(source(clip), options()).map(|all| all.count());
        let audio = AudioReader::open(source(clip), options(), AudioOptions::default());
        let audio = audio.map(|all| all.count());
        assert!(keyframes.is_ok() == frames.is_ok() || audio.is_err(), "{clip}");
    }
}

#[test]
fn nothing_is_printed_about_damaged_clips() {
    let test = std::env::current_exe().unwrap();
    let output = Command::new(test)
        .args(["--exact", "damaged_clips_can_be_read", "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
