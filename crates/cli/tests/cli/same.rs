//! One plan, one result: whatever carries it out, on however many cores, in whatever order.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    detect::runtime_is_here,
    support::{clip, run},
};

/// Clips of many kinds; some of them are broken.
const CLIPS: [&str; 14] = [
    "h264_bframes.mp4",
    "h264_opengop.ts",
    "vp9.webm",
    "av1.mkv",
    "mpeg4.avi",
    "mjpeg.avi",
    "rotated_90.mp4",
    "edit_list.mp4",
    "resolution_change.ts",
    "untimed_start.mkv",
    "damaged_keyframe.mp4",
    "truncated.mp4",
    "not_media.mp4",
    "demo.mp4",
];

/// The records of all clips, sorted, without what differs from run to run.
fn sorted(lines: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("elapsed");
        record
    };
    let records = lines.lines().map(line).filter(|record| record["type"] != "summary");
    let mut texts: Vec<_> = records.map(|record| record.to_string()).collect();
    texts.sort_unstable();
    texts
}

#[track_caller]
fn check(plan: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    fs::write(&file, plan).unwrap();
    let file = file.to_str().unwrap();
    let clips: Vec<_> = CLIPS.iter().map(|name| clip(name)).collect();
    let with = |words: &[&str], clips: &[&String]| {
        let clips = clips.iter().map(|clip| clip.as_str());
        let words = words.iter().copied().chain(["--plan", file]).chain(clips);
        sorted(&run(words).stdout)
    };
    let forwards: Vec<_> = clips.iter().collect();
    let backwards: Vec<_> = clips.iter().rev().collect();
    let want = with(&["run", "--mode", "fast"], &forwards);
    assert!(want.len() > 2 * CLIPS.len(), "{want:#?}");
    for (threads, order) in [("1", &forwards), ("2", &backwards), ("5", &forwards)] {
        let fast = with(&["run", "--mode", "fast", "--threads", threads], order);
        assert_eq!(fast, want, "fast, {threads} threads");
        for jobs in [&["run", "--threads"], &["bulk", "--jobs"]] {
            let bulk = with(&[jobs[0], jobs[1], threads], order);
            assert_eq!(bulk, want, "{jobs:?} {threads}");
        }
    }
    let reports = folder.path().join("reports");
    let debugged = clips.iter().map(|clip| debugged(clip, file, &reports)).collect::<String>();
    assert_eq!(sorted(&debugged), want, "debug");
}

/// The records of a report.
fn debugged(clip: &str, plan: &str, reports: &Path) -> String {
    let report = reports.to_str().unwrap();
    run(["debug", clip, "--plan", plan, "-o", report, "--overwrite"]);
    fs::read_to_string(reports.join("records.jsonl")).unwrap()
}

#[test]
fn keyframes() {
    check("[stills]\nhash = true");
}

#[test]
fn all_frames_without_the_damaged() {
    check("frames = 'all'\non_damage = 'skip'\n[stills]\nhash = true");
}

#[test]
fn frames_by_time_and_number() {
    check("frames = { every = '0.3s', range = '0.2s..1.5s' }\n[stills]\nhash = true");
    check("frames = { index = [3, 0, -1, 7] }\n[stills]\nhash = true");
    check("frames = { at = ['0.5s', '0.1s'] }\n[stills]\nhash = true");
}

#[test]
fn objects() {
    if runtime_is_here() {
        check("[detect]\nmodel = 'demo'\nprovider = 'cpu'\nconf = 0.05");
    }
}
