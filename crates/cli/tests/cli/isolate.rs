//! Workers as processes: the same results, and what kills one costs one input.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    detect::runtime_is_here,
    support::{Run, clip, files_in, moviola, run},
};

/// Clips of several codecs, some of them broken in several ways.
const CLIPS: [&str; 9] = [
    "demo.mp4",
    "empty.mp4",
    "h264_bframes.mp4",
    "huge_header.avi",
    "mpeg4.avi",
    "not_media.mp4",
    "rotated_90.mp4",
    "truncated.mp4",
    "vp9.webm",
];

/// What takes so long is broken.
const TOO_LONG: Duration = Duration::from_secs(60);

/// A folder with the clips in `in`.
fn clips() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    for name in CLIPS {
        fs::copy(clip(name), folder.path().join("in").join(name)).unwrap();
    }
    folder
}

/// `moviola bulk` in `folder`.
fn bulk_in(folder: &Path, words: &[&str]) -> Command {
    let mut command = moviola();
    command.current_dir(folder).arg("bulk").args(words);
    command
}

fn bulk(folder: &Path, words: &[&str]) -> Run {
    bulk_in(folder, words).output().unwrap().into()
}

/// Lines of records without what differs from run to run.
fn timeless(lines: &str) -> Vec<String> {
    let line = |line: &str| match line.rsplit_once(r#","elapsed":"#) {
        Some((record, elapsed)) => format!("{record}{}", elapsed.trim_start_matches(is_of_number)),
        None => line.to_owned(),
    };
    lines.lines().map(line).collect()
}

fn is_of_number(character: char) -> bool {
    character.is_ascii_digit() || ".e-".contains(character)
}

fn in_file(path: &Path) -> Vec<String> {
    timeless(&fs::read_to_string(path).unwrap())
}

/// Creates a named pipe; returns its write end, which is open for reading too so that opening
/// doesn't block.
fn pipe(folder: &Path) -> File {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// The processes that `parent` has started.
fn children(parent: &Child) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let of = format!("PPid:\t{}", parent.id());
    numbers.filter(|number| status(*number).is_some_and(|text| text.contains(&of))).collect()
}

/// What the system says of a process that hasn't come to its end.
fn status(process: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let is_over = text.contains("State:\tZ") || text.contains("State:\tX");
    (!is_over).then_some(text)
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < TOO_LONG, "{what}: not within {TOO_LONG:?}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

fn signal(process: u32, name: &str) {
    let process = process.to_string();
    assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
}

/// Records of a run with a pipe among its inputs, up to the first keyframe of that.
fn until_at_the_pipe(output: &mut impl BufRead) -> Vec<Value> {
    let mut records = Vec::new();
    loop {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "{records:#?}");
        let record: Value = serde_json::from_str(&line).unwrap();
        let is_it = record["type"] == "keyframe" && record["source"] == "pipe";
        records.push(record);
        if is_it {
            return records;
        }
    }
}

#[test]
fn the_results_are_the_same() {
    if !runtime_is_here() {
        return;
    }
    let folder = clips();
    let words = ["in", "--keyframes", "--hash", "--detect", "demo"];
    for jobs in ["1", "3"] {
        let threads = bulk(folder.path(), &[&words[..], &["-o", "a.jsonl"]].concat()).exits(3);
        let flags = ["--isolate", "--jobs", jobs, "-o", "b.jsonl"];
        let processes = bulk(folder.path(), &[&words[..], &flags].concat()).exits(3);
        let (a, b) = (folder.path().join("a.jsonl"), folder.path().join("b.jsonl"));
        assert_eq!(in_file(&b), in_file(&a), "{jobs} jobs");
        assert_eq!(processes.one("summary")["done"], threads.one("summary")["done"]);
        let said = |run: &Run| {
            let mut said: Vec<_> = run.stderr.lines().map(str::to_owned).collect();
            said.sort();
            said
        };
        assert_eq!(said(&processes), said(&threads));
        for file in [a, b] {
            fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn images_are_the_same_too() {
    if !runtime_is_here() {
        return;
    }
    let words = ["in", "--on", "every:0.5s", "--images", "out", "--detect", "demo"];
    let words = [&words[..], &["--annotate", "boxes", "-o", "all.jsonl"]].concat();
    let (threads, processes) = (clips(), clips());
    bulk(threads.path(), &words).exits(3);
    let isolated = [&words[..], &["--isolate"]].concat();
    bulk(processes.path(), &isolated).exits(3);
    for again in [false, true] {
        let files = files_in(threads.path());
        assert_eq!(files_in(processes.path()), files);
        assert!(files.iter().any(|file| file.starts_with("out/demo")), "{files:?}");
        assert!(files.iter().any(|file| file.starts_with("boxes/vp9")), "{files:?}");
        for file in files.iter().filter(|file| !file.ends_with("all.jsonl")) {
            let bytes = |folder: &TempDir| fs::read(folder.path().join(file)).unwrap();
            assert_eq!(bytes(&processes), bytes(&threads), "{}", file.display());
        }
        let records = |folder: &TempDir| in_file(&folder.path().join("all.jsonl"));
        assert_eq!(records(&processes), records(&threads));
        if !again {
            // What is there already is refused alike, and replaced alike.
            for folder in [&threads, &processes] {
                fs::remove_file(folder.path().join("all.jsonl")).unwrap();
            }
            bulk(threads.path(), &words).exits(2);
            bulk(processes.path(), &isolated).exits(2).says("--overwrite");
            assert!(
                [&threads, &processes].iter().all(|one| !one.path().join("all.jsonl").exists())
            );
            bulk(threads.path(), &[&words[..], &["--overwrite"]].concat()).exits(3);
            bulk(processes.path(), &[&isolated[..], &["--overwrite"]].concat()).exits(3);
        }
    }
}

#[test]
fn each_worker_loads_its_model_once() {
    if !runtime_is_here() {
        return;
    }
    let inputs = [clip("demo.mp4"), clip("vp9.webm"), clip("mpeg4.avi")];
    let inputs: Vec<_> = (0..4).flat_map(|_| inputs.iter().map(String::as_str)).collect();
    for jobs in [1, 3] {
        for isolate in [false, true] {
            let count = jobs.to_string();
            let mut words = ["bulk", "--detect", "demo", "--jobs", &count].to_vec();
            words.extend(isolate.then_some("--isolate"));
            let run = run(words.iter().chain(&inputs)).exits(0);
            assert_eq!(run.one("summary")["done"], inputs.len());
            assert_eq!(run.one("summary")["models_loaded"], jobs, "isolated: {isolate}");
        }
    }
}

#[test]
fn a_worker_that_is_killed_costs_the_input_that_it_was_at() {
    if !runtime_is_here() {
        return;
    }
    let folder = clips();
    let mut input = pipe(folder.path());
    let words = ["in/demo.mp4", "pipe", "in/vp9.webm", "in/mpeg4.avi", "--keyframes"];
    let flags = ["--detect", "demo", "--isolate", "--jobs", "1"];
    let mut command = bulk_in(folder.path(), &[&words[..], &flags].concat());
    let mut parent = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let clip = fs::read(clip("mpeg2_field.ts")).unwrap();
    input.write_all(&clip[..clip.len() / 3 * 2]).unwrap(); // and the pipe stays open
    let mut output = BufReader::new(parent.stdout.take().unwrap());
    let mut records = until_at_the_pipe(&mut output);
    let workers = children(&parent);
    assert_eq!(workers.len(), 1);
    signal(workers[0], "-KILL");
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    records.extend(rest.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    assert_eq!(parent.wait().unwrap().code(), Some(3));

    let of = |source: &str, kind: &str| {
        let is_it = |record: &&Value| record["source"] == source && record["type"] == kind;
        records.iter().filter(is_it).cloned().collect::<Vec<_>>()
    };
    let errors = of("pipe", "error");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["stage"], "crash");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("signal 9 (SIGKILL)") && message.contains("fewer jobs"), "{message}");
    let end = &of("pipe", "end")[0];
    assert_eq!(end["frames"], of("pipe", "keyframe").len(), "what was told is kept");
    assert_eq!(end["errors"], 1);
    for source in ["in/demo.mp4", "in/vp9.webm", "in/mpeg4.avi"] {
        let end = &of(source, "end")[0];
        assert_eq!((&end["errors"], of(source, "error").len()), (&0.into(), 0), "{source}");
    }
    let summary = records.last().unwrap();
    assert_eq!((&summary["done"], &summary["failed"]), (&3.into(), &1.into()));
    assert_eq!(summary["models_loaded"], 2, "another worker took its place");
}

#[test]
fn an_input_that_takes_too_long_is_given_up() {
    let folder = clips();
    let silent = pipe(folder.path());
    let words = ["in/demo.mp4", "pipe", "in/vp9.webm", "--keyframes", "--isolate", "--jobs", "1"];
    let run = bulk(folder.path(), &[&words[..], &["--deadline", "3s"]].concat()).exits(3);
    let error = run.one("error");
    assert_eq!((&error["stage"], &error["source"]), (&"deadline".into(), &"pipe".into()));
    assert!(error["message"].as_str().unwrap().contains("within 3 s; allow more"), "{error}");
    assert_eq!(run.one("summary")["done"], 2);
    drop(silent);
    let alone = ["in/demo.mp4", "--keyframes", "--deadline", "3s"];
    bulk(folder.path(), &alone).exits(2).says("--isolate");
}

#[test]
fn the_first_failure_may_end_it_whatever_the_others_wait_for() {
    let folder = clips();
    let silent = pipe(folder.path());
    let words = ["pipe", "in/empty.mp4", "--keyframes", "--isolate"];
    let run = bulk(folder.path(), &[&words[..], &["--jobs", "2", "--fail-fast"]].concat());
    assert_eq!(run.exits(2).one("summary")["failed"], 1);
    drop(silent);
}

#[test]
fn workers_end_with_the_command_however_it_ends() {
    for (name, code) in [("-KILL", None), ("-INT", Some(130))] {
        let folder = clips();
        let silent = pipe(folder.path());
        let words = ["in/demo.mp4", "pipe", "in/vp9.webm", "--keyframes", "--isolate"];
        let flags = ["--jobs", "2", "-o", "out"];
        let mut command = bulk_in(folder.path(), &[&words[..], &flags].concat());
        let mut parent = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let journal = folder.path().join("out/.moviola-journal.jsonl");
        let noted = |what: &str| {
            let text = fs::read_to_string(&journal).unwrap_or_default();
            text.matches(what).count()
        };
        wait_until("two are done", || noted(r#"{"done""#) == 2);
        let workers = children(&parent);
        assert_eq!(workers.len(), 2);
        signal(parent.id(), name);
        assert_eq!(parent.wait().unwrap().code(), code);
        for worker in workers {
            wait_until("a worker ends", || status(worker).is_none());
        }
        let is_at_fault = code.is_none();
        assert_eq!(noted(r#"{"stop""#), usize::from(!is_at_fault), "{name}");
        drop(silent);
    }
}

#[test]
fn a_killed_run_resumes() {
    let folder = clips();
    let words = ["in", "--keyframes", "--hash", "--isolate", "-o"];
    bulk(folder.path(), &[&words[..], &["whole.jsonl"]].concat()).exits(3);
    let want = in_file(&folder.path().join("whole.jsonl"));
    for lines in [1, 2, 5, 9, 14] {
        let out = format!("{lines}.jsonl");
        let journal = folder.path().join(format!("{out}.parts/.moviola-journal.jsonl"));
        let mut command = bulk_in(folder.path(), &[&words[..], &[&out]].concat());
        let mut parent = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let noted = || fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
        wait_until("a line of the journal", || {
            noted() >= lines || parent.try_wait().unwrap().is_some()
        });
        let workers = children(&parent);
        parent.kill().unwrap();
        parent.wait().unwrap();
        for worker in workers {
            wait_until("a worker ends", || status(worker).is_none());
        }
        let resumed = bulk(folder.path(), &[&words[..], &[&out, "--resume"]].concat());
        assert!(matches!(resumed.code, Some(0 | 2 | 3)), "{resumed:#?}");
        assert_eq!(in_file(&folder.path().join(out)), want, "killed behind line {lines}");
    }
}

#[test]
fn a_model_that_cannot_be_loaded_is_told_once() {
    let folder = clips();
    let words = ["in", "--detect", "in/demo.mp4", "--jobs", "3"];
    let threads = bulk(folder.path(), &words).exits(2);
    let processes = bulk(folder.path(), &[&words[..], &["--isolate"]].concat()).exits(2);
    let told = |run: &Run| {
        let told = run.stderr.lines().filter(|line| line.contains("not an ONNX model"));
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(&processes).len(), 1, "{processes:#?}");
    assert_eq!(told(&processes), told(&threads));
    assert!(processes.of("summary").is_empty());
}

#[test]
fn what_no_other_process_can_read_is_told() {
    let demo = clip("demo.mp4");
    let run = run(["bulk", "-", &demo, "--keyframes", "--isolate"]).exits(3);
    let error = run.one("error");
    assert_eq!((&error["source"], &error["stage"]), (&"-".into(), &"open".into()));
    run.says("can't be handed to another process");
    assert_eq!(run.one("summary")["done"], 1);
}

#[test]
fn names_that_are_no_text_are_read_too() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let folder = tempfile::tempdir().unwrap();
    let name = PathBuf::from(OsStr::from_bytes(b"no\xfftext.mp4"));
    fs::copy(clip("demo.mp4"), folder.path().join(&name)).unwrap();
    let mut command = bulk_in(folder.path(), &["--keyframes", "--isolate"]);
    let images = PathBuf::from(OsStr::from_bytes(b"im\xffages"));
    let run: Run = command.arg(&name).arg("--images").arg(&images).output().unwrap().into();
    let frames = run.exits(0).one("end")["frames"].as_u64();
    assert_eq!(Some(files_in(&folder.path().join(images)).len() as u64), frames);
}
