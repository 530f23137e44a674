//! Detection and models. Where there is no ONNX Runtime, what needs it is left out, and said.

use std::{collections::HashSet, fs};

use serde_json::Value;

use crate::support::{Run, clip, files_in, moviola, run};

/// Whether the command finds ONNX Runtime here.
pub(crate) fn runtime_is_here() -> bool {
    let version = run(["--version"]).exits(0).stdout;
    let here = !version.contains("ONNX Runtime not available");
    if !here {
        eprintln!("skipped: {version}");
    }
    here
}

/// Runs the demo model on its clip on the CPU, which every machine has.
fn detect(options: &[&str]) -> Run {
    let clip = clip("demo.mp4");
    let args = ["detect", &clip, "-m", "demo", "--provider", "cpu"];
    run(args.iter().chain(options))
}

/// All objects of a run.
#[track_caller]
fn objects(run: &Run) -> Vec<Value> {
    let of_one = |record: &Value| record["objects"].as_array().unwrap().clone();
    run.of("detections").iter().flat_map(of_one).collect()
}

#[test]
fn a_missing_model_is_an_error_before_any_input_is_read() {
    for args in [vec!["detect", "none.mp4", "-m", "none.onnx"], vec!["inspect", "none.onnx"]] {
        let run = run(args).exits(2);
        run.says("none.onnx");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_file_that_is_no_model_is_an_error() {
    let (text, video) = (clip("not_media.mp4"), clip("demo.mp4"));
    let detect_nothing = run(["detect", "a.mp4", "-m", &text]).exits(2);
    detect_nothing.says("no such file");
    detect_nothing.says("not_media.mp4");
    let detect = vec!["detect", &video, "-m", &text];
    for args in [detect, vec!["inspect", &text]] {
        let run = run(args).exits(2);
        run.says("not_media.mp4");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_missing_runtime_says_what_was_looked_for() {
    let run = |args: &[&str]| -> Run {
        moviola().env("ORT_DYLIB_PATH", "/no/where.so").args(args).output().unwrap().into()
    };
    let version = run(&["--version"]).exits(0).stdout;
    assert!(version.contains("ONNX Runtime not available: /no/where.so"), "{version}");
    let doctor = run(&["doctor"]).exits(3).stdout;
    let line = doctor.lines().find(|line| line.contains("ONNX Runtime")).unwrap();
    assert!(line.starts_with("no") && line.contains("/no/where.so"), "{doctor}");
    run(&["detect", &clip("demo.mp4"), "-m", "demo"]).exits(2).says("/no/where.so");
}

#[test]
fn the_doctor_says_what_is_here() {
    if !runtime_is_here() {
        return;
    }
    let doctor = run(["doctor"]).exits(0).stdout;
    for part in ["FFmpeg", "decoders", "CPU", "ONNX Runtime", "provider"] {
        let here = doctor.lines().any(|line| line.starts_with("ok") && line.contains(part));
        assert!(here, "{part} is not ok in {doctor}");
    }
    assert!(doctor.contains("cpu runs"), "{doctor}");
}

#[test]
fn inspect_describes_the_demo_model() {
    let text = run(["inspect", "demo"]).exits(0).stdout;
    for fact in ["input", "images f32[1, 3, 320, 320]", "head", "classes", "circle", "NMS"] {
        assert!(text.contains(fact), "{fact} is not in {text}");
    }
}

#[test]
fn the_demo_model_finds_the_shapes_of_its_clip() {
    if !runtime_is_here() {
        return;
    }
    let run = detect(&[]).exits(0);
    run.says("the model runs on cpu in f32");
    let records = run.of("detections");
    assert_eq!(records.len(), 10);
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["keyframe"], index);
        assert_eq!((record["width"].as_u64(), record["height"].as_u64()), (Some(640), Some(360)));
        assert!(!record["objects"].as_array().unwrap().is_empty(), "{record}");
    }
    for object in objects(&run) {
        let sides: Vec<f64> =
            object["box"].as_array().unwrap().iter().map(|side| side.as_f64().unwrap()).collect();
        let inside = 0.0 <= sides[0] && sides[0] < sides[2] && sides[2] <= 640.0;
        assert!(inside && 0.0 <= sides[1] && sides[1] < sides[3] && sides[3] <= 360.0, "{object}");
        assert!((0.25..=1.0).contains(&object["confidence"].as_f64().unwrap()), "{object}");
    }
    assert_eq!(run.one("source")["video"]["color"]["matrix"], "bt709");
    assert_eq!(run.one("end")["frames"], 10);
}

#[test]
fn any_frames_can_be_searched() {
    if !runtime_is_here() {
        return;
    }
    let keyframes = detect(&[]).exits(0).of("detections");
    let run = detect(&["--on", "every:0.5s"]).exits(0);
    let records = run.of("detections");
    let frames: Vec<_> = records.iter().map(|record| record["frame"].as_u64().unwrap()).collect();
    assert_eq!(frames, (0..20).map(|n| n * 15).collect::<Vec<_>>());
    assert!(records.iter().all(|record| record.get("keyframe").is_none()));
    for (record, keyframe) in records.iter().step_by(2).zip(&keyframes) {
        assert_eq!(record["objects"], keyframe["objects"]);
    }
    let end = run.one("end");
    assert_eq!((&end["frames"], &end["keyframes"]), (&20.into(), &10.into()));
}

#[test]
fn all_frames_can_be_searched() {
    if !runtime_is_here() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let clip = clip("h264_trial.mp4");
    let all = run(["frames", &clip, "--all"]).exits(0).of("frame");
    let folder = out.path().to_str().unwrap();
    let args = ["detect", &clip, "-m", "demo", "--provider", "cpu", "--on", "all", "--annotate"];
    let run = run(args.iter().chain(&[folder])).exits(0);
    for (record, frame) in run.of("detections").iter().zip(&all) {
        assert_eq!((&record["frame"], &record["pts"]), (&frame["frame"], &frame["pts"]));
        let name = format!("h264_trial/{:08}.jpg", frame["frame"].as_u64().unwrap());
        assert_eq!(record["path"].as_str().unwrap(), out.path().join(name).to_str().unwrap());
    }
    assert_eq!(files_in(out.path()).len(), all.len());
}

#[test]
fn quiet_detection_says_nothing() {
    if runtime_is_here() {
        assert_eq!(detect(&["--quiet"]).exits(0).stderr, "");
    }
}

#[test]
fn options_narrow_what_is_found() {
    if !runtime_is_here() {
        return;
    }
    let all = objects(&detect(&[]).exits(0)).len();
    let stars = objects(&detect(&["--classes", "star"]).exits(0));
    let names: HashSet<_> = stars.iter().map(|star| star["class"].as_str().unwrap()).collect();
    assert_eq!(names, HashSet::from(["star"]));
    assert_eq!(objects(&detect(&["--classes", "3"]).exits(0)), stars);
    assert!(objects(&detect(&["--conf", "0.95"]).exits(0)).len() < all);
    let most_sure = detect(&["--max-det", "1"]).exits(0);
    assert!(
        most_sure.of("detections").iter().all(|one| one["objects"].as_array().unwrap().len() == 1)
    );
    detect(&["--classes", "unicorn"]).exits(2).says("circle, square");
}

#[test]
fn a_provider_that_is_named_must_run() {
    if runtime_is_here() && !run(["doctor"]).stdout.contains("coreml runs") {
        let refused = run(["detect", &clip("demo.mp4"), "-m", "demo", "--provider", "coreml"]);
        refused.exits(2).says("coreml");
    }
    detect(&["--provider", "gpu"]).exits(2).says("openvino");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    if !runtime_is_here() {
        return;
    }
    let one = detect(&["--threads", "1"]).exits(0).of("detections");
    assert_eq!(detect(&["--threads", "3"]).exits(0).of("detections"), one);
}

#[test]
fn annotated_pictures_are_where_the_records_say() {
    if !runtime_is_here() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let run = detect(&["--annotate", folder]).exits(0);
    for record in run.of("detections") {
        assert_eq!(fs::read(record["path"].as_str().unwrap()).unwrap()[..2], [0xff, 0xd8]);
    }
    assert_eq!(files_in(out.path()).len(), 10);
    detect(&["--annotate", folder]).exits(2).says("--overwrite");
    detect(&["--annotate", folder, "--overwrite"]).exits(0);
}

#[test]
fn an_input_that_fails_costs_only_itself() {
    if !runtime_is_here() {
        return;
    }
    let clip = clip("demo.mp4");
    let run = run(["detect", "none.mp4", &clip, "-m", "demo", "--provider", "cpu"]).exits(3);
    assert_eq!(run.one("error")["source"], "none.mp4");
    assert_eq!(run.of("detections").len(), 10);
    assert_eq!(run.one("summary")["failed"], 1);
}
