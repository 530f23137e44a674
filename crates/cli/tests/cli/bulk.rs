//! Many inputs: what each gives alone, in files that are whole or not there.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    detect::runtime_is_here,
    inputs::ENCRYPTED,
    support::{Run, clip, files_in, run},
};

/// Clips of several codecs and containers.
pub(crate) const GOOD: [&str; 6] =
    ["h264_bframes.mp4", "vp9.webm", "mpeg4.avi", "hevc_cra.mp4", "mjpeg.avi", "rotated_90.mp4"];

/// A folder with the good clips, some of them deeper and under any name.
pub(crate) fn clips() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("more/deep")).unwrap();
    for (place, name) in GOOD.iter().enumerate() {
        let under = ["", "more", "more/deep"][place % 3];
        let called = if place % 2 == 0 { (*name).to_owned() } else { format!("file {place}") };
        fs::copy(clip(name), folder.path().join(under).join(called)).unwrap();
    }
    folder
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The records of a file or an output, without what differs from run to run.
pub(crate) fn records(lines: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("elapsed");
        record.to_string()
    };
    lines.lines().map(line).collect()
}

pub(crate) fn in_file(path: &Path) -> Vec<String> {
    records(&fs::read_to_string(path).unwrap())
}

pub(crate) fn bulk(words: &[&str]) -> Run {
    run(["bulk", "--keyframes", "--hash"].iter().chain(words))
}

/// What all files of a folder give alone, one after the other, in the order of their names.
pub(crate) fn alone(folder: &Path) -> Vec<String> {
    let mut files = files_in(folder);
    files.sort_by_key(|file| {
        file.components().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>()
    });
    let one = |file: PathBuf| {
        let path = folder.join(file);
        records(&run(["keyframes", "--hash", text(&path)]).stdout)
    };
    files.into_iter().flat_map(one).collect()
}

#[test]
fn a_folder_s_files_are_found_whatever_they_are_called() {
    let folder = clips();
    let want: BTreeSet<_> = alone(folder.path()).into_iter().collect();
    for jobs in ["1", "2", "7"] {
        let run = bulk(&[text(folder.path()), "--jobs", jobs]).exits(0);
        let mut got = records(&run.stdout);
        assert!(got.pop().unwrap().contains("summary"), "it comes last");
        assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), want, "{jobs} jobs");
        assert_eq!(run.one("summary")["done"], GOOD.len());
    }
}

#[test]
fn one_file_holds_all_in_the_order_of_the_inputs() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let want = alone(folder.path());
    for jobs in ["1", "3"] {
        let file = out.path().join(format!("{jobs}.jsonl"));
        bulk(&[text(folder.path()), "--jobs", jobs, "-o", text(&file)]).exits(0);
        assert_eq!(in_file(&file), want, "{jobs} jobs");
    }
    assert_eq!(files_in(out.path()), [PathBuf::from("1.jsonl"), "3.jsonl".into()], "no parts stay");
}

#[test]
fn a_folder_holds_a_file_for_each_input() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    bulk(&[text(folder.path()), "-o", text(out.path())]).exits(0);
    let mut parts = files_in(out.path());
    parts.retain(|part| {
        part.extension().is_some_and(|extension| extension == "jsonl")
            && !text(part).starts_with('.')
    });
    assert_eq!(parts.len(), GOOD.len());
    let got: BTreeSet<_> = parts.iter().flat_map(|part| in_file(&out.path().join(part))).collect();
    assert_eq!(got, alone(folder.path()).into_iter().collect());
}

#[test]
fn results_are_not_touched_unless_asked_for() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let (input, file) = (text(folder.path()), out.path().join("all.jsonl"));
    fs::write(&file, "mine").unwrap();
    bulk(&[input, "-o", text(&file)]).exits(2).says("--overwrite");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    bulk(&[input, "-o", text(&file), "--overwrite"]).exits(0);
    assert_eq!(in_file(&file), alone(folder.path()));
    bulk(&[input, "-o", text(&file), "--resume"]).exits(0).says("complete");
    bulk(&[input, "--resume"]).exits(2).says("--output");
    for twice in [["-", "-"], ["@-", "-"], ["@-", "@-"]] {
        bulk(&twice).exits(2).says("once only");
    }
    let parts = out.path().join("parts");
    bulk(&[input, "-o", text(&parts)]).exits(0);
    bulk(&[input, "-o", text(&parts)]).exits(2).says("--resume");
    let again = bulk(&[input, "-o", text(&parts), "--resume"]).exits(0);
    again.says("6 sources were done in an earlier run");
    assert_eq!(again.one("summary")["sources"], 6, "those that were done before count");
    let other = ["bulk", input, "--keyframes", "-o", text(&parts), "--resume"];
    run(other).exits(2).says("another plan");
}

#[test]
fn tables_are_there_whole_or_not_at_all() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let (input, tables) = (text(folder.path()), out.path().join("all.parquet"));
    bulk(&[input, "-o", text(&tables)]).exits(0);
    let names = ["detections", "end", "error", "frame", "keyframe", "source"];
    let files = names.map(|name| PathBuf::from(format!("all.parquet/{name}.parquet")));
    assert_eq!(files_in(out.path()), files, "and no parts stay");
    for table in files {
        assert!(fs::read(out.path().join(table)).unwrap().ends_with(b"PAR1"));
    }
    bulk(&[input, "-o", text(&tables)]).exits(2).says("--overwrite");
    bulk(&[input, "-o", text(&tables), "--resume"]).exits(0).says("complete");
    bulk(&[input, "-o", text(&tables), "--overwrite"]).exits(0);
    assert_eq!(files_in(out.path()).len(), names.len());
}

#[test]
fn what_is_broken_costs_only_itself() {
    let folder = clips();
    let path = |name: &str| folder.path().join(name);
    let want: BTreeSet<_> = alone(folder.path()).into_iter().collect();
    for name in
        ["truncated.mp4", "empty.mp4", "not_media.mp4", "moov_missing.mp4", "huge_header.avi"]
    {
        fs::copy(clip(name), path(name)).unwrap();
    }
    fs::copy(ENCRYPTED, path("encrypted.mp4")).unwrap();
    // A terabyte, none of which is on the disk.
    fs::File::create(path("huge.mp4")).unwrap().set_len(1 << 40).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    fs::write(path("forbidden"), "x").unwrap();
    fs::set_permissions(path("forbidden"), fs::Permissions::from_mode(0o000)).unwrap();
    // Among the inputs, and none of them.
    let out = folder.path().join("out.jsonl");
    for resume in [false, true] {
        let flags = if resume { vec!["--resume"] } else { vec![] };
        let words = [text(folder.path()), "-o", text(&out)];
        let run = bulk(&[&words[..], &flags].concat());
        if resume {
            run.exits(0).says("complete");
            continue;
        }
        let run = run.exits(3);
        let got: BTreeSet<_> = in_file(&out).into_iter().collect();
        assert!(got.is_superset(&want));
        let errors: Vec<_> =
            got.iter().filter(|record| record.contains(r#""type":"error""#)).collect();
        for name in [
            "empty.mp4",
            "not_media.mp4",
            "moov_missing.mp4",
            "huge_header.avi",
            "encrypted.mp4",
            "huge.mp4",
            "dangling",
            "pipe",
            "forbidden",
        ] {
            let of_it = errors.iter().filter(|error| error.contains(&format!("/{name}\""))).count();
            assert_eq!(of_it, 1, "{name}: {errors:#?}");
        }
        assert_eq!(run.one("summary")["done"], GOOD.len(), "a truncated file breaks off");
    }
}

#[test]
fn the_first_failure_may_end_it() {
    let (empty, good) = (clip("empty.mp4"), clip("demo.mp4"));
    let run = bulk(&[&empty, &good, &good, &good, "--jobs", "1", "--fail-fast"]);
    assert_ne!(run.code, Some(0));
    assert_eq!(run.one("summary")["done"], 0, "{run:#?}");
}

#[test]
fn several_inputs_run_in_bulk() {
    let folder = clips();
    let want: BTreeSet<_> = alone(folder.path()).into_iter().collect();
    let run = run(["run", text(folder.path()), "--keyframes", "--hash"]).exits(0);
    let mut got = records(&run.stdout);
    got.pop();
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), want);
}

#[test]
fn where_memory_is_short_workers_take_turns_and_too_little_is_told() {
    if !runtime_is_here() {
        return;
    }
    let demo = clip("demo.mp4");
    let words = ["bulk", &demo, &demo, &demo, "--detect", "demo", "--jobs", "2", "--memory"];
    let enough = run(words.iter().chain(&["4G"])).exits(0);
    assert!(!enough.stderr.contains("are allowed"), "{enough:#?}");
    let little = run(words.iter().chain(&["16M"])).exits(0);
    assert_eq!(little.one("summary")["models_loaded"], 1);
    little.says("16.00 MiB are allowed");
}

#[test]
fn what_a_run_writes_among_its_inputs_is_none_of_them() {
    let folder = clips();
    let want: BTreeSet<_> = alone(folder.path()).into_iter().collect();
    let (parts, images) = (folder.path().join("more/parts"), folder.path().join("images"));
    for resume in [&[][..], &["--resume"]] {
        let words = [text(folder.path()), "-o", text(&parts), "--images", text(&images)];
        let run = bulk(&[&words[..], resume].concat()).exits(0);
        assert_eq!(run.one("summary")["sources"], GOOD.len());
    }
    let got = files_in(&parts).into_iter().filter(|part| text(part).ends_with("jsonl"));
    let got: Vec<_> = got.filter(|part| !text(part).starts_with('.')).collect();
    assert_eq!(got.len(), GOOD.len());
    let without_path = |line: &String| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("path");
        record.to_string()
    };
    let lines = got.iter().flat_map(|part| in_file(&parts.join(part)));
    assert_eq!(lines.map(|line| without_path(&line)).collect::<BTreeSet<_>>(), want);
    bulk(&[text(&parts), "-o", text(&parts), "--overwrite"]).exits(2).says("results go here");
}

#[test]
fn a_slash_behind_the_output_changes_nothing() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    for (name, overwrite) in [("all.parquet", false), ("all.parquet", true), ("all.jsonl", false)] {
        let target = format!("{}/{name}/", text(out.path()));
        let flags = if overwrite { vec!["--overwrite"] } else { vec![] };
        bulk(&[&[text(folder.path()), "-o", &target], &flags[..]].concat()).exits(0);
    }
    assert_eq!(in_file(&out.path().join("all.jsonl")), alone(folder.path()));
    assert_eq!(files_in(out.path()).len(), 7, "six tables and a file, and nothing else");
}

#[test]
fn files_of_somebody_else_are_never_replaced() {
    let (demo, out) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    let path = |name: &str| out.path().join(name);
    fs::create_dir(path("parts")).unwrap();
    fs::write(path("parts/demo.jsonl"), "mine").unwrap();
    fs::create_dir_all(path("images/demo")).unwrap();
    fs::write(path("images/demo/00000.jpg"), "mine").unwrap();
    fs::write(path("all.jsonl.old"), "mine").unwrap();
    let (parts, images, other) = (path("parts"), path("images"), path("other parts"));
    // However often it is tried.
    for flags in [&[][..], &[], &["--resume"]] {
        let told = bulk(&[&[demo.as_str(), "-o", text(&parts)], flags].concat()).exits(2);
        told.says("demo.jsonl exists already");
        told.says("--overwrite");
        let words = [demo.as_str(), "--images", text(&images), "-o", text(&other)];
        bulk(&[&words[..], flags].concat()).exits(2).says("--overwrite");
    }
    for mine in ["parts/demo.jsonl", "images/demo/00000.jpg"] {
        assert_eq!(fs::read(path(mine)).unwrap(), b"mine", "{mine}");
    }
    bulk(&[&demo, "-o", text(&path("parts")), "--overwrite"]).exits(0);
    fs::create_dir_all(path("all.jsonl.parts")).unwrap();
    fs::write(path("all.jsonl.parts/notes"), "mine").unwrap();
    for flags in [&[][..], &["--overwrite"], &["--resume"]] {
        bulk(&[&[&demo, "-o", text(&path("all.jsonl"))], flags].concat()).exits(2).says("no run");
    }
    fs::create_dir(path("mixed.parquet")).unwrap();
    fs::write(path("mixed.parquet/notes"), "mine").unwrap();
    bulk(&[&demo, "-o", text(&path("mixed.parquet")), "--overwrite"])
        .exits(2)
        .says("more than tables");
    assert!(path("mixed.parquet/notes").exists() && path("all.jsonl.parts/notes").exists());
    fs::remove_dir_all(path("all.jsonl.parts")).unwrap();
    bulk(&[&demo, "-o", text(&path("all.jsonl"))]).exits(0);
    assert_eq!(fs::read(path("all.jsonl.old")).unwrap(), b"mine");
}

#[test]
fn a_mistake_in_the_command_leaves_nothing_in_the_way() {
    let (demo, out) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    let all = out.path().join("all.jsonl");
    run(["bulk", &demo, "-o", text(&all)]).exits(2).says("nothing is wanted");
    let none = out.path().join("none.onnx");
    run(["bulk", &demo, "--detect", text(&none), "-o", text(&all)]).exits(2);
    bulk(&[&demo, "-o", text(&all)]).exits(0);
    run(["bulk", &demo, "--keyframes", "--annotate", "x"]).exits(2).says("--detect");
}

#[test]
fn words_that_mean_nothing_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    bulk(&[text(folder.path())]).exits(2).says("no file is in it");
    let again = bulk(&[&clip("demo.mp4"), text(folder.path())]).exits(3);
    assert_eq!(again.one("summary")["failed"], 1);
}

#[test]
fn a_file_that_is_named_twice_is_read_once_where_it_has_a_place() {
    let (demo, out) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    let (all, dotted) = (out.path().join("all.jsonl"), demo.replace("/testdata/", "/./testdata/"));
    let run = bulk(&[&demo, &dotted, &demo, "-o", text(&all)]).exits(0);
    run.says("2 sources were named more than once, and read once");
    assert_eq!(run.one("summary")["sources"], 1);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_different_files() {
    use std::os::unix::ffi::OsStrExt;

    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for byte in [0xfe, 0xff] {
        let name = [b'a', byte, b'.', b'm', b'p', b'4'];
        fs::copy(clip("demo.mp4"), folder.path().join(std::ffi::OsStr::from_bytes(&name))).unwrap();
    }
    let run = bulk(&[text(folder.path()), "-o", text(&out.path().join("all.jsonl"))]).exits(0);
    assert_eq!(run.one("summary")["done"], 2);
}

#[test]
fn the_first_failure_ends_it_even_beside_a_silent_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = bulk(&[text(&pipe), &clip("empty.mp4"), "--jobs", "2", "--fail-fast"]);
    assert_eq!(run.exits(2).one("summary")["failed"], 1);
}

#[test]
fn frames_may_be_chosen_by_flags() {
    let demo = clip("demo.mp4");
    for (on, plan) in [
        ("at:1.5s,0.2s", "at = [1.5, 0.2]"),
        ("index:0,-1,5", "index = [0, -1, 5]"),
        ("range:1s..1.2s", "range = '1s..1.2s'"),
        ("every:0.5s,range:2s..4s", "every = 0.5\nrange = '2s..4s'"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.toml");
        let frames = plan.replace('\n', ", ");
        fs::write(&file, format!("frames = {{ {frames} }}\n[stills]\nhash = true")).unwrap();
        let by_plan = run(["run", &demo, "--plan", text(&file)]).exits(0);
        let by_flags = run(["run", &demo, "--keyframes", "--hash", "--on", on]).exits(0);
        assert_eq!(records(&by_flags.stdout), records(&by_plan.stdout), "{on}");
        assert!(by_flags.of("frame").len() > 1, "{on}");
    }
    for wrong in ["at:", "index:x", "range:", "every:1s,every:2s", "some"] {
        run(["run", &demo, "--keyframes", "--on", wrong]).exits(2);
    }
}
