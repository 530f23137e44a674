//! Runs over many inputs that end before their time, and go on.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    bulk::{GOOD, alone, bulk, clips, in_file, records, text},
    detect::runtime_is_here,
    support::{clip, moviola, run},
};

/// Where the journal of a run into `out` is.
fn journal_path(out: &Path) -> String {
    format!("{}.parts/.moviola-journal.jsonl", out.display())
}

/// Whole lines of the journal of a run into `out`.
fn journal(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(journal_path(out)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

fn journal_lines(out: &Path) -> usize {
    journal(out).len()
}

#[test]
fn a_killed_run_resumes() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let want = alone(folder.path());
    // The header, a start and an end for each file: killed behind every one of them.
    for lines in 0..=1 + 2 * GOOD.len() {
        let file = out.path().join(format!("{lines}.jsonl"));
        killed_after_line(lines, &[text(folder.path()), "-o", text(&file)], &file);
        assert!(!file.exists() || in_file(&file) == want, "nothing half-written is there");
        bulk(&[text(folder.path()), "-o", text(&file), "--resume"]).exits(0);
        assert_eq!(in_file(&file), want, "killed after line {lines}");
    }
}

/// Runs `moviola bulk` with those words, and kills it when its journal has so many lines.
fn killed_after_line(lines: usize, words: &[&str], out: &Path) {
    let mut command = moviola();
    command.args(["bulk", "--keyframes", "--hash"]).args(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while journal_lines(out) < lines && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How often a run is killed at a random moment; oftener where time doesn't matter.
fn kills() -> u32 {
    if std::env::var_os("MOVIOLA_SOAK").is_some() { 200 } else { 5 }
}

/// The next of numbers from 0 to 1, the same in each test run (SplitMix64).
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from((mixed >> 32) as u32) / f64::from(u32::MAX)
}

/// Kills the child after `delay`; `false` if it ended before.
fn killed_after(child: &mut Child, delay: Duration) -> bool {
    let began = Instant::now();
    while began.elapsed() < delay && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
    let is_at_work = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    is_at_work
}

/// Removes a second crash of the same source from the journal, because that source would be
/// skipped. Another test covers that.
fn forget_second_crash(out: &Path) {
    let mut lines = journal(out);
    let Some(last) = lines.pop() else { return };
    // The source was read in a run of its own, so its start is the last entry.
    if last.contains(r#""start""#) && lines.contains(&last) {
        fs::write(journal_path(out), lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn runs_killed_at_random_moments_resume_to_the_same_result() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    for copy in 0..3 {
        fs::create_dir(folder.path().join(format!("copy {copy}"))).unwrap();
        for name in GOOD {
            fs::copy(clip(name), folder.path().join(format!("copy {copy}/{name}"))).unwrap();
        }
    }
    let start = |file: &Path, resume: &[&str]| {
        let args = ["bulk", "--keyframes", "--hash", text(folder.path()), "-o", text(file)];
        let mut command = moviola();
        command.args(args).args(resume).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let (undisturbed, began) = (out.path().join("undisturbed.jsonl"), Instant::now());
    assert!(start(&undisturbed, &[]).wait().unwrap().success());
    let (want, usual) = (in_file(&undisturbed), began.elapsed());
    let (mut state, mut killed) = (1, 0);
    for run in 0.. {
        let file = out.path().join(format!("{run}.jsonl"));
        let mut child = start(&file, &[]);
        while killed < kills() && killed_after(&mut child, usual.mul_f64(random(&mut state))) {
            killed += 1;
            assert!(!file.exists() || in_file(&file) == want, "nothing half-written is there");
            forget_second_crash(&file);
            child = start(&file, &["--resume"]);
        }
        assert!(child.wait().unwrap().success(), "run {run}, after {killed} kills");
        assert!(in_file(&file) == want, "run {run}, after {killed} kills");
        if killed == kills() {
            break;
        }
    }
}

#[test]
fn a_source_that_crashes_twice_is_skipped() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let file = out.path().join("all.jsonl");
    let words = [text(folder.path()), "-o", text(&file), "--jobs", "1"];
    let journal = journal_path(&file);
    // A journal of two processes that crashed while they read the first file.
    killed_after_line(2, &words, &file);
    let lines = fs::read_to_string(&journal).unwrap();
    let lines: Vec<_> = lines.lines().take(2).collect();
    fs::write(&journal, format!("{}\n{}\n{}\n", lines[0], lines[1], lines[1])).unwrap();
    let run = bulk(&[&words[..], &["--resume"]].concat()).exits(3);
    let crashes: Vec<_> = in_file(&file).into_iter().filter(|one| one.contains("crash")).collect();
    assert_eq!(crashes.len(), 1, "{crashes:?}");
    assert_eq!(run.one("summary")["done"], GOOD.len() - 1);
}

#[test]
fn a_full_disk_is_told_and_can_be_gone_on_from() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let (input, parts) = (text(folder.path()), out.path().join("parts"));
    fs::create_dir(&parts).unwrap();
    let full = parts.join("vp9.jsonl.partial");
    // Whoever writes it learns that the disk is full.
    symlink("/dev/full", &full).unwrap();
    let name = folder.path().join("vp9.webm");
    fs::copy(clip("vp9.webm"), &name).unwrap();
    // However often: nothing that is read is at fault.
    for resume in [&[][..], &["--resume"], &["--resume"]] {
        if full.symlink_metadata().is_err() {
            symlink("/dev/full", &full).unwrap();
        }
        let told = bulk(&[&[input, "-o", text(&parts)], resume].concat()).exits(2);
        told.says("free some space");
        told.says("--resume");
        assert!(!parts.join("vp9.jsonl").exists());
    }
    assert!(full.symlink_metadata().is_err(), "nothing half-written stays");
    bulk(&[input, "-o", text(&parts), "--resume"]).exits(0);
    assert!(parts.join("vp9.jsonl").exists());
}

#[test]
fn a_model_that_cannot_be_loaded_is_no_fault_of_the_inputs() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let (model, all) = (out.path().join("model.onnx"), out.path().join("all.jsonl"));
    let words = ["bulk", text(folder.path()), "--detect", text(&model), "-o", text(&all)];
    fs::write(&model, "no model").unwrap();
    for resume in [&[][..], &["--resume"], &["--resume"]] {
        run(words.iter().chain(resume)).exits(2);
    }
    if !runtime_is_here() {
        return;
    }
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/demo.onnx");
    fs::copy(demo, &model).unwrap();
    run(words.iter().chain(&["--resume"])).exits(0);
    assert!(!in_file(&all).iter().any(|record| record.contains("crash")));
}

/// Whether this was not started by something like `nohup`, whose children stay deaf.
fn hears_hang_ups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 0))
}

#[test]
fn an_interrupt_is_no_fault_of_what_is_read() {
    let out = tempfile::tempdir().unwrap();
    let (pipe, all) = (out.path().join("pipe"), out.path().join("all.jsonl"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let words = ["bulk", text(&pipe), "--keyframes", "--hash", "-o", text(&all)];
    let hang_up = if hears_hang_ups() { "-HUP" } else { "-INT" };
    for (signal, resume) in [("-INT", &[][..]), ("-TERM", &["--resume"]), (hang_up, &["--resume"])]
    {
        let before = journal_lines(&all);
        let mut command = moviola();
        let mut child = command.args(words).args(resume).stdout(Stdio::null()).spawn().unwrap();
        // Nobody writes into the pipe: it is waited for.
        while journal_lines(&all) < before.max(1) + 1 {
            thread::yield_now();
        }
        let number = child.id().to_string();
        assert!(Command::new("kill").args([signal, &number]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(journal(&all).last().unwrap().contains("stop"), "{:?}", journal(&all));
    }
    fs::remove_file(&pipe).unwrap();
    fs::copy(clip("demo.mp4"), &pipe).unwrap();
    run(words.iter().chain(&["--resume"])).exits(0);
    assert_eq!(in_file(&all), records(&run(["keyframes", "--hash", text(&pipe)]).stdout));
}

#[test]
fn what_died_beside_another_is_read_again_and_alone() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let file = out.path().join("all.jsonl");
    let words = [text(folder.path()), "-o", text(&file), "--jobs", "4"];
    killed_after_line(3, &words, &file);
    bulk(&[&words[..], &["--resume"]].concat()).exits(0);
    assert_eq!(in_file(&file), alone(folder.path()), "whatever was read last");
}

#[test]
fn images_of_what_is_done_stay_when_inputs_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (place, name) in [("y", "demo.mp4"), ("x", "vp9.webm")] {
        fs::create_dir(path(place)).unwrap();
        fs::copy(clip(name), path(place).join("a.mp4")).unwrap();
    }
    let (x, y, images, parts) = (path("x"), path("y"), path("images"), path("parts"));
    let into = ["--images", text(&images), "-o", text(&parts)];
    bulk(&[&[text(&y)], &into[..]].concat()).exits(0);
    let before = fs::read(images.join("a/00000.jpg")).unwrap();
    bulk(&[&[text(&x), text(&y)], &into[..], &["--resume"]].concat()).exits(0);
    assert!(before == fs::read(images.join("a/00000.jpg")).unwrap());
    assert!(before != fs::read(images.join("a-2/00000.jpg")).unwrap());
    let told = in_file(&parts.join("a-2.jsonl")).join("\n");
    assert!(told.contains("a-2/00000.jpg") && told.contains("/x/a.mp4"), "{told}");
}

#[test]
fn images_that_cannot_be_written_are_no_fault_of_the_inputs() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let (images, parts) = (out.path().join("images"), out.path().join("parts"));
    fs::write(&images, "no folder").unwrap();
    let words = [text(folder.path()), "--images", text(&images), "-o", text(&parts)];
    for resume in [&[][..], &["--resume"], &["--resume"]] {
        bulk(&[&words[..], resume].concat()).exits(2).says("--resume");
    }
    fs::remove_file(&images).unwrap();
    let run = bulk(&[&words[..], &["--resume"]].concat()).exits(0);
    assert_eq!(run.one("summary")["done"], GOOD.len());
}

#[test]
fn what_failed_before_still_counts() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    fs::copy(clip("empty.mp4"), folder.path().join("empty.mp4")).unwrap();
    let parts = out.path().join("parts");
    let words = [text(folder.path()), "-o", text(&parts)];
    let first = bulk(&words).exits(3).one("summary");
    let again = bulk(&[&words[..], &["--resume"]].concat()).exits(3).one("summary");
    for field in ["sources", "done", "failed", "frames"] {
        assert_eq!(first[field], again[field], "{field}");
    }
}

#[test]
fn two_runs_do_not_write_the_same_results() {
    let out = tempfile::tempdir().unwrap();
    let (pipe, all) = (out.path().join("pipe"), out.path().join("all.jsonl"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let words = ["bulk", text(&pipe), "--keyframes", "--hash", "-o", text(&all)];
    let mut child = moviola().args(words).stdout(Stdio::null()).spawn().unwrap();
    while journal_lines(&all) < 2 {
        thread::yield_now();
    }
    for flag in ["--overwrite", "--resume"] {
        run(words.iter().chain(&[flag])).exits(2).says("in use");
    }
    assert_eq!(journal_lines(&all), 2, "it is as it was");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn another_model_of_the_same_name_is_told() {
    if !runtime_is_here() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let (model, parts) = (out.path().join("model.onnx"), out.path().join("parts"));
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/demo.onnx");
    fs::copy(demo, &model).unwrap();
    let clip = clip("mjpeg.avi");
    let words = ["bulk", &clip, "--detect", text(&model), "-o", text(&parts)];
    run(words).exits(0);
    run(words.iter().chain(&["--resume"])).exits(0).says("1 source was done in an earlier run");
    let trained = [fs::read(&model).unwrap(), vec![0; 8]].concat();
    fs::write(&model, trained).unwrap();
    run(words.iter().chain(&["--resume"])).exits(2).says("another model");
}
