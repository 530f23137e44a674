//! `debug`: a report of how the records came about. That they are those of other runs is tested in
//! `same.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    detect::runtime_is_here,
    support::{Run, clip, files_in, moviola, run},
};

fn debug(clip: &str, folder: &Path, words: &[&str]) -> Run {
    let folder = folder.to_str().unwrap();
    run(["debug", clip, "-o", folder].iter().chain(words))
}

/// What the report's script is given.
#[track_caller]
fn data(folder: &Path) -> Value {
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

/// The trace's events of a kind.
#[track_caller]
fn events(folder: &Path, kind: &str) -> Vec<Value> {
    let trace = fs::read_to_string(folder.join("trace.json")).unwrap();
    let trace: Value = serde_json::from_str(&trace).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    events.iter().filter(|event| event["ph"] == kind).cloned().collect()
}

fn texts(list: &Value, field: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_report_has_all_stages_decisions_and_frames() {
    if !runtime_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("a/new/folder");
    let words = ["--keyframes", "--detect", "demo", "--provider", "cpu"];
    debug(&clip("demo.mp4"), &report, &words).exits(0).says("report.html");
    assert_eq!(files_in(&report).len(), 3);

    let data = data(&report);
    let frames = data["frames"].as_array().unwrap();
    assert_eq!((frames.len(), &data["statistics"]["frames"]), (10, &Value::from(10)));
    let records = fs::read_to_string(report.join("records.jsonl")).unwrap();
    let found: Vec<Value> =
        records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> = found.iter().filter(|record| record["type"] == "detections").collect();
    assert_eq!(found.len(), 10);
    for (frame, found) in frames.iter().zip(found) {
        let of = |list: &Value| -> Vec<_> {
            let boxes = list.as_array().unwrap().iter();
            boxes
                .map(|object| (object["box"].to_string(), object["confidence"].to_string()))
                .collect()
        };
        assert_eq!((&frame["index"], &frame["pts"]), (&found["keyframe"], &found["pts"]));
        assert_eq!(of(&frame["objects"]), of(&found["objects"]));
        assert_eq!(frame["candidates"]["kept"], found["objects"].as_array().unwrap().len());
        assert_eq!((&frame["decoded"], &frame["why"]), (&1.into(), &"an IDR picture".into()));
        for picture in ["small", "input"] {
            assert!(frame[picture].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
        }
    }
    let stages = texts(&data["statistics"]["stages"], "stage");
    for stage in ["open", "load", "demux", "decode", "convert", "infer", "postprocess", "write"] {
        assert!(stages.contains(stage), "{stage} is missing in {stages:?}");
    }
    let facts = texts(&data["environment"], "name");
    for fact in ["FFmpeg", "Decoder", "Provider", "ONNX Runtime", "Machine", "Video"] {
        assert!(facts.contains(fact), "{fact} is missing in {facts:?}");
    }
}

#[test]
fn what_is_left_out_and_dropped_is_told_with_reasons() {
    let folder = tempfile::tempdir().unwrap();
    debug(&clip("demo.mp4"), folder.path(), &["--on", "every:0.5s"]).exits(0);
    let data = data(folder.path());
    let decisions = data["decisions"]["kinds"].as_array().unwrap();
    let verdicts: BTreeSet<_> =
        decisions.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["decoded and dropped", "left out"].into());
    let frames = |stage: &str| {
        let stages = data["statistics"]["stages"].as_array().unwrap();
        stages.iter().find(|one| one["stage"] == stage).unwrap()["frames"].as_u64().unwrap()
    };
    let dropped = decisions.iter().find(|one| one["verdict"] == "decoded and dropped").unwrap();
    let wanted = data["statistics"]["frames"].as_u64().unwrap();
    assert_eq!(frames("decode"), wanted + dropped["count"].as_u64().unwrap());
}

#[test]
fn every_packet_that_is_left_out_can_be_pointed_at() {
    let folder = tempfile::tempdir().unwrap();
    debug(&clip("demo.mp4"), folder.path(), &["--keyframes"]).exits(0);
    let data = data(folder.path());
    let columns = data["decisions"]["columns"].as_array().unwrap();
    let kinds = data["decisions"]["kinds"].as_array().unwrap();
    let verdict = |column: &Value| {
        let parts = column["parts"].as_object().unwrap();
        let (kind, part) = parts.iter().next().unwrap();
        assert_eq!((parts.len(), &part["count"]), (1, &1.into()));
        let kind: usize = kind.parse().unwrap();
        (kinds[kind]["verdict"].as_str().unwrap().to_owned(), column["pts"][0].as_i64().unwrap())
    };
    let verdicts: Vec<_> = columns.iter().map(verdict).collect();
    let kept: Vec<_> = verdicts.iter().filter(|(verdict, _)| verdict == "kept").collect();
    let shown: Vec<_> = data["frames"].as_array().unwrap().iter().map(|one| &one["pts"]).collect();
    assert_eq!(kept.iter().map(|(_, pts)| pts).collect::<Vec<_>>(), shown);
    let left_out = verdicts.iter().filter(|(verdict, _)| verdict == "left out").count();
    assert_eq!(left_out + kept.len(), 300, "the clip has as many packets");
}

/// How often each verdict was made, and all reasons.
fn verdicts(data: &Value) -> (BTreeMap<String, u64>, String) {
    let (mut counts, mut reasons) = (BTreeMap::new(), String::new());
    for kind in data["decisions"]["kinds"].as_array().unwrap() {
        let verdict = kind["verdict"].as_str().unwrap().to_owned();
        *counts.entry(verdict).or_default() += kind["count"].as_u64().unwrap();
        reasons += &format!("{}; ", kind["why"].as_str().unwrap());
    }
    (counts, reasons)
}

#[test]
fn kept_is_what_comes() {
    for (name, fields) in
        [("edit_list.mp4", 1), ("h264_paff.ts", 2), ("cues.mkv", 1), ("h264_intra_refresh.mkv", 1)]
    {
        let folder = tempfile::tempdir().unwrap();
        debug(&clip(name), folder.path(), &["--keyframes"]).exits(0);
        let data = data(folder.path());
        let frames = data["statistics"]["frames"].as_u64().unwrap();
        let (counts, reasons) = verdicts(&data);
        assert_eq!(counts["kept"], frames * fields, "{name}");
        assert_eq!(reasons.contains("cues say"), name == "cues.mkv", "{name}: {reasons}");
    }
}

#[test]
fn what_a_pipe_decodes_in_vain_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut cat = Command::new("cat").arg(clip("vp9.webm")).stdout(Stdio::piped()).spawn().unwrap();
    let pipe = cat.stdout.take().unwrap();
    let words = ["debug", "-", "--on", "every:0.5s", "-o", folder.path().to_str().unwrap()];
    assert!(moviola().args(words).stdin(pipe).output().unwrap().status.success());
    cat.wait().unwrap();
    let data = data(folder.path());
    let (counts, reasons) = verdicts(&data);
    let stages = data["statistics"]["stages"].as_array().unwrap();
    let decoded = stages.iter().find(|one| one["stage"] == "decode").unwrap();
    let frames = data["statistics"]["frames"].as_u64().unwrap();
    assert_eq!(counts["decoded and dropped"] + frames, decoded["frames"].as_u64().unwrap());
    assert!(reasons.contains("it isn't on at a time that is wanted"), "{reasons}");
}

#[test]
fn a_trace_tells_what_each_thread_did_when() {
    let folder = tempfile::tempdir().unwrap();
    debug(&clip("vp9.webm"), folder.path(), &["--on", "all"]).exits(0);
    let names = events(folder.path(), "M");
    let threads: BTreeSet<_> = names.iter().filter_map(|event| event["tid"].as_u64()).collect();
    assert!(!threads.contains(&0) && names.iter().any(|event| event["name"] == "process_name"));
    let slices = events(folder.path(), "X");
    assert!(slices.iter().all(|slice| threads.contains(&slice["tid"].as_u64().unwrap())));
    let decoded: u64 = slices.iter().filter_map(|slice| slice["args"]["frames"].as_u64()).sum();
    assert_eq!(decoded, data(folder.path())["statistics"]["frames"]);
    // On one thread, slices lie side by side or within each other.
    for thread in threads {
        let mut spans: Vec<_> = slices
            .iter()
            .filter(|slice| slice["tid"] == thread)
            .map(|slice| (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap()))
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut open: Vec<f64> = Vec::new();
        for (begin, length) in spans {
            open.retain(|end| *end > begin);
            let inside = open.last().is_none_or(|end| begin + length <= end + 0.002);
            assert!(inside, "{begin} + {length} in {open:?}");
            open.push(begin + length);
        }
    }
}

#[test]
fn a_report_needs_nothing_but_itself() {
    let folder = tempfile::tempdir().unwrap();
    debug(&clip("rotated_90.mp4"), folder.path(), &[]).exits(0);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    for outside in ["src=\"http", "href=", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(data(folder.path())["frames"][0]["width"], 320, "upright");
}

#[test]
fn what_fails_has_a_report_too() {
    let folder = tempfile::tempdir().unwrap();
    debug(&clip("not_media.mp4"), folder.path(), &[]).exits(2).says("not_media.mp4");
    let data = data(folder.path());
    assert_eq!(data["errors"].as_array().unwrap().len(), 1);
    assert_eq!(data["statistics"]["frames"], 0);
    let folder = tempfile::tempdir().unwrap();
    // A name must not end the script that holds it.
    let evil = folder.path().join("<script>alert(1)<");
    fs::copy(clip("mjpeg.avi"), &evil).unwrap();
    let report = folder.path().join("report");
    debug(evil.to_str().unwrap(), &report, &[]).exits(0);
    assert!(!fs::read_to_string(report.join("report.html")).unwrap().contains("<script>alert"));
}

#[test]
fn a_run_that_fails_leaves_the_report_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    fs::write(&model, "no model").unwrap();
    let (clip, report) = (clip("mjpeg.avi"), folder.path().join("report"));
    debug(&clip, &report, &["--detect", model.to_str().unwrap()]).exits(2);
    assert!(files_in(&report).is_empty());
    debug(&clip, &report, &[]).exits(0);
    let before = fs::read(report.join("report.html")).unwrap();
    debug(&clip, &report, &["--detect", model.to_str().unwrap(), "--overwrite"]).exits(2);
    assert_eq!(files_in(&report).len(), 3);
    assert!(before == fs::read(report.join("report.html")).unwrap());
}

#[test]
fn a_report_is_replaced_only_if_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip("mjpeg.avi");
    debug(&clip, folder.path(), &[]).exits(0);
    debug(&clip, folder.path(), &[]).exits(2).says("--overwrite");
    debug(&clip, folder.path(), &["--overwrite"]).exits(0);
    let other = folder.path().join("other");
    debug(folder.path().to_str().unwrap(), &other, &["--overwrite"]).exits(2).says("one input");
}

#[test]
fn an_interrupt_leaves_the_report_of_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut command = moviola();
    command.args(["debug", "-", "-o", path, "-v"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&fs::read(clip("mpeg2_field.ts")).unwrap()).unwrap(); // and nothing after it
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(messages.any(|line| line.unwrap().contains("listening for interrupts")));
    let number = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &number]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(files_in(folder.path()).len(), 3, "however little was read");
    assert!(data(folder.path())["end"].is_null());
}
