//! Many inputs: what each gives alone, in files that are whole or not there.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, clip, files_in, moviola, run};

/// Clips of several codecs and containers.
const GOOD: [&str; 6] =
    ["h264_bframes.mp4", "vp9.webm", "mpeg4.avi", "hevc_cra.mp4", "mjpeg.avi", "rotated_90.mp4"];

/// A folder with the good clips, some of them deeper and under any name.
fn clips() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("more/deep")).unwrap();
    for (place, name) in GOOD.iter().enumerate() {
        let under = ["", "more", "more/deep"][place % 3];
        let called = if place % 2 == 0 { (*name).to_owned() } else { format!("file {place}") };
        fs::copy(clip(name), folder.path().join(under).join(called)).unwrap();
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The records of a file or an output, without what differs from run to run.
fn records(lines: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("elapsed");
        record.to_string()
    };
    lines.lines().map(line).collect()
}

fn in_file(path: &Path) -> Vec<String> {
    records(&fs::read_to_string(path).unwrap())
}

fn bulk(words: &[&str]) -> Run {
    run(["bulk", "--keyframes", "--hash"].iter().chain(words))
}

/// What all files of a folder give alone, one after the other, in the order of their names.
fn alone(folder: &Path) -> Vec<String> {
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
    bulk(&["-", "-"]).exits(2).says("once only");
    let parts = out.path().join("parts");
    bulk(&[input, "-o", text(&parts)]).exits(0);
    bulk(&[input, "-o", text(&parts)]).exits(2).says("--resume");
    let again = bulk(&[input, "-o", text(&parts), "--resume"]).exits(0);
    again.says("6 were done before");
    assert_eq!(again.one("summary")["sources"], 0);
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
    symlink("nowhere", path("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    fs::write(path("forbidden"), "x").unwrap();
    fs::set_permissions(path("forbidden"), fs::Permissions::from_mode(0o000)).unwrap();
    let out = folder.path().join(".out.jsonl");
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

/// Whole lines of the journal of a run into `out`.
fn journal(out: &Path) -> Vec<String> {
    let journal = format!("{}.parts/.moviola-journal.jsonl", out.display());
    let text = fs::read_to_string(journal).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

fn journal_lines(out: &Path) -> usize {
    journal(out).len()
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let want = alone(folder.path());
    // The header, a start and an end for each file: killed behind every one of them.
    for lines in 0..=1 + 2 * GOOD.len() {
        let file = out.path().join(format!("{lines}.jsonl"));
        let args = ["bulk", "--keyframes", "--hash", text(folder.path()), "-o", text(&file)];
        let mut child =
            moviola().args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while journal_lines(&file) < lines && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!file.exists() || in_file(&file) == want, "nothing half-written is there");
        bulk(&[text(folder.path()), "-o", text(&file), "--resume"]).exits(0);
        assert_eq!(in_file(&file), want, "killed behind line {lines}");
    }
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

/// Sources that were begun more often than they were done, as the journal has it.
fn in_the_making(out: &Path) -> BTreeSet<String> {
    let mut sources = BTreeSet::new();
    for line in journal(out) {
        let entry: Value = serde_json::from_str(&line).unwrap();
        for (kind, entry) in entry.as_object().unwrap() {
            let source = entry["source"].as_str().unwrap_or_default().to_owned();
            match kind.as_str() {
                "start" => drop(sources.insert(source)),
                "done" => drop(sources.remove(&source)),
                _ => {}
            }
        }
    }
    sources
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

/// A source in the making at two deaths is left out, which is another test's: after a death, the next
/// one waits for the sources that saw it.
#[test]
fn a_run_that_is_killed_at_random_moments_ends_as_if_it_had_not_been() {
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
            let dead = in_the_making(&file);
            child = start(&file, &["--resume"]);
            while !in_the_making(&file).is_disjoint(&dead) && child.try_wait().unwrap().is_none() {
                thread::yield_now();
            }
        }
        assert!(child.wait().unwrap().success(), "run {run}, after {killed} kills");
        assert!(in_file(&file) == want, "run {run}, after {killed} kills");
        if killed == kills() {
            break;
        }
    }
}

#[test]
fn what_kills_it_twice_is_left_out() {
    let (folder, out) = (clips(), tempfile::tempdir().unwrap());
    let file = out.path().join("all.jsonl");
    let words = [text(folder.path()), "-o", text(&file), "--jobs", "1"];
    let journal = out.path().join("all.jsonl.parts/.moviola-journal.jsonl");
    // A journal of processes that died: two with the first file in the making.
    let mut child = moviola()
        .args(["bulk", "--keyframes", "--hash"])
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while journal_lines(&file) < 2 && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
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
    let told = bulk(&[input, "-o", text(&parts)]).exits(2);
    told.says("free some space");
    told.says("--resume");
    assert!(!parts.join("vp9.jsonl").exists());
    fs::remove_file(&full).unwrap();
    bulk(&[input, "-o", text(&parts), "--resume"]).exits(0);
    assert!(parts.join("vp9.jsonl").exists());
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
