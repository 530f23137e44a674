//! No picture touches the disk between decoding and result.

use std::{fs, process::Command};

use crate::support::{clip, files_in, moviola, run};

/// What `strace` saw of a run: every successful call that can change a file.
fn writing_calls(args: &[&str]) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("strace.log");
    let calls = "trace=open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,\
                 symlink,symlinkat,unlink,unlinkat,truncate,ftruncate,memfd_create,execve";
    let status = Command::new("strace")
        .args(["-f", "-qq", "-z", "-e", calls, "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_moviola"))
        .args(args)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    let Ok(true) = status.map(|status| status.success()) else {
        eprintln!("skipped: strace can't run here");
        return None;
    };
    let log = fs::read_to_string(log).unwrap();
    let reads =
        |line: &&str| line.contains("O_RDONLY") || line.contains("execve(") || !line.contains('(');
    Some(log.lines().filter(|line| !reads(line)).map(str::to_owned).collect())
}

#[test]
fn keyframes_write_no_file_and_start_no_program() {
    let clip = clip("h264_bframes.mp4");
    if let Some(calls) = writing_calls(&["keyframes", &clip, "--hash"]) {
        assert_eq!(calls, [""; 0]);
    }
}

#[test]
fn detection_writes_no_file_and_starts_no_program() {
    let clip = clip("demo.mp4");
    if !crate::detect::runtime_is_here() {
        return;
    }
    for provider in ["cpu", "auto"] {
        let args = ["detect", &clip, "-m", "demo", "--provider", provider];
        if let Some(calls) = writing_calls(&args) {
            assert_eq!(calls, [""; 0]);
        }
    }
}

#[test]
fn images_are_written_beside_their_place_and_nowhere_else() {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let clip = clip("h264_bframes.mp4");
    let Some(calls) = writing_calls(&["keyframes", &clip, "-o", place]) else { return };
    let elsewhere: Vec<_> = calls.iter().filter(|call| !call.contains(place)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert_eq!(files_in(out.path()).len(), 7);
}

/// Where there is no strace, the kernel's own count: bytes that a process caused to be written.
#[cfg(target_os = "linux")]
#[test]
fn the_kernel_counts_no_written_bytes_but_the_records() {
    use std::io::Read;

    let clip = clip("h264_bframes.mp4");
    let mut child = moviola()
        .args(["keyframes", &clip, "--hash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut records = String::new();
    child.stdout.take().unwrap().read_to_string(&mut records).unwrap();
    // Its output is closed, so it has ended or is about to; until it is waited for, its
    // counters stay readable.
    let counters = fs::read_to_string(format!("/proc/{}/io", child.id()));
    assert!(child.wait().unwrap().success());
    let Ok(counters) = counters else { return eprintln!("skipped: /proc/PID/io is not readable") };
    let count = |name: &str| -> usize {
        let line = counters.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().parse().unwrap()
    };
    assert_eq!(count("write_bytes"), 0, "{counters}");
    // Waking threads writes a few bytes into pipes; a picture would be many.
    assert!(count("wchar") < records.len() + 64, "{} records, {counters}", records.len());
}

#[test]
fn no_temporary_file_is_left_behind() {
    let out = tempfile::tempdir().unwrap();
    run(["keyframes", &clip("truncated.mp4"), "-o", out.path().to_str().unwrap()]);
    let files = files_in(out.path());
    let is_image = |path: &&std::path::PathBuf| path.extension().is_some_and(|end| end == "jpg");
    assert!(!files.is_empty());
    assert!(files.iter().all(|path| is_image(&path)), "{files:?}");
}

#[test]
fn a_kept_index_spares_reading_the_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let (video, cache) = (folder.path().join("video.ts"), folder.path().join("cache"));
    let (path, kept) = (video.to_str().unwrap(), cache.to_str().unwrap());
    let mut bytes = fs::read(clip("mpeg2_field.ts")).unwrap();
    fs::write(&video, &bytes).unwrap();
    let frames = |options: &[&str]| {
        let record = run(["probe", "--json", path].iter().chain(options)).exits(0).one("probe");
        record["frames"].as_u64().unwrap()
    };
    let whole = frames(&["--index-cache", kept]);
    assert_eq!(files_in(&cache).len(), 1);
    // An index belongs to a length, a time of change, and what stands at either end.
    let changed = fs::metadata(&video).unwrap().modified().unwrap();
    let middle = 70_000..110_000;
    bytes[middle].fill(0);
    fs::write(&video, &bytes).unwrap();
    fs::File::options().write(true).open(&video).unwrap().set_modified(changed).unwrap();
    assert_eq!(frames(&["--index-cache", kept]), whole);
    assert!(frames(&[]) < whole);
    let last = ["frames", path, "--index", "-1", "--index-cache", kept];
    assert_eq!(run(last).one("frame")["frame"], whole - 1);
}
