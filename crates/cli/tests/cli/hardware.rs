//! `--hwaccel` and what `doctor` says of it. Whatever a machine has, the pictures are the same.

use crate::support::{Run, clip, run};

const KINDS: [&str; 6] = ["cuda", "vaapi", "qsv", "videotoolbox", "d3d11va", "vulkan"];

fn keyframes(clip: &str, hwaccel: &str, more: &[&str]) -> Run {
    run(["keyframes", clip, "--hash", "--hwaccel", hwaccel].iter().chain(more)).exits(0)
}

#[track_caller]
fn hashes(run: &Run) -> Vec<String> {
    run.of("keyframe").iter().map(|record| record["md5"].as_str().unwrap().to_owned()).collect()
}

/// The kinds that `doctor` calls good.
fn working() -> Vec<&'static str> {
    let doctor = run(["doctor"]).stdout;
    let works = |kind: &&str| {
        let words = format!("{kind} decodes");
        doctor.lines().any(|line| line.starts_with("ok") && line.ends_with(&words))
    };
    KINDS.into_iter().filter(works).collect()
}

#[test]
fn every_kind_gives_the_same_pictures_and_tells_why_it_falls_back() {
    let working = working();
    for name in ["h264_bframes.mp4", "av1.mkv"] {
        let clip = clip(name);
        let want = keyframes(&clip, "none", &[]);
        assert_eq!(want.stderr, "");
        for kind in KINDS {
            let got = keyframes(&clip, kind, &[]);
            assert_eq!(hashes(&got), hashes(&want), "{name} on {kind}");
            let told = got.stderr.matches("decoding in software: ").count();
            if name == "h264_bframes.mp4" {
                assert_eq!(told, usize::from(!working.contains(&kind)), "{got:#?}");
            }
            assert!(told <= 1 && got.stderr.lines().count() == told, "{got:#?}");
        }
    }
}

#[test]
fn a_kind_without_a_device_says_what_is_missing() {
    if working().contains(&"cuda") {
        return;
    }
    let clip = clip("h264_trial.mp4");
    let run = keyframes(&clip, "cuda", &[]);
    run.says(&format!("{clip}: decoding in software: "));
    run.says("cuda");
    assert_eq!(keyframes(&clip, "cuda", &["--quiet"]).stderr, "");
}

#[test]
fn each_source_is_told_of() {
    let clips = [clip("h264_trial.mp4"), clip("av1.mkv")];
    // Apple's decoder is never in a build for another system.
    let kind = if cfg!(target_os = "macos") { "d3d11va" } else { "videotoolbox" };
    let run = run(["keyframes", &clips[0], &clips[1], "--hwaccel", kind]).exits(0);
    let reason = format!("decoding in software: {kind} is not in this build");
    assert_eq!(run.stderr.matches(&reason).count(), 2, "{run:#?}");
}

#[test]
fn auto_is_quiet_and_gives_the_same_pictures() {
    let clip = clip("h264_trial.mp4");
    let auto = keyframes(&clip, "auto", &[]);
    assert_eq!(hashes(&auto), hashes(&keyframes(&clip, "none", &[])));
    assert_eq!(auto.stderr, "");
}

#[test]
fn the_doctor_has_a_line_for_every_kind() {
    let doctor = run(["doctor"]).stdout;
    for kind in KINDS {
        let lines = doctor.lines().filter(|line| line.contains("hardware") && line.contains(kind));
        let lines: Vec<_> = lines.collect();
        assert!(!lines.is_empty(), "{kind} is not in {doctor}");
    }
    assert!(doctor.contains("it is for Windows"), "{doctor}");
}
