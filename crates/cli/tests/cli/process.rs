//! Pipes that break and interrupts: what a shell does to a command.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{clip, moviola, run};

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let (first, second) = (clip("mjpeg.avi"), clip("h264_bframes.mp4"));
    let mut child = moviola()
        .args(["keyframes", &first, &second, &first, &second])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_for_nobody_is_quiet_too() {
    for args in [&["--help"][..], &["completions", "bash"]] {
        let mut child =
            moviola().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

/// Reads keyframes from a pipe that the test writes to.
fn start_on_pipe(out: Option<&str>) -> Child {
    let mut command = moviola();
    command.args(["keyframes", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(out) = out {
        command.args(["-o", out]);
    }
    command.stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_silent_pipe_does_not_hold_up_a_broken_one() {
    let clip = fs::read(clip("mpeg2_field.ts")).unwrap();
    let mut child = start_on_pipe(None);
    let mut input = child.stdin.take().unwrap();
    let (first, rest) = clip.split_at(clip.len() / 2);
    input.write_all(first).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // Nobody reads the records any more; the input stays open while the command ends.
    for _ in 0..20 {
        if input.write_all(rest).is_err() {
            break;
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(input);
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_is_finished() {
    let clip = fs::read(clip("mpeg2_field.ts")).unwrap();
    let mut child = start_on_pipe(None);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&clip).unwrap(); // and the pipe stays open: more might come
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    assert!(first.starts_with(r#"{"type":"source""#), "{first}");
    interrupt(&child);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(rest.is_empty() || rest.ends_with("}\n"), "{rest}");
    assert!(!rest.contains(r#""type":"end""#), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_all_that_is_known_of_a_frame() {
    if !crate::detect::runtime_is_here() {
        return;
    }
    let clip = fs::read(clip("mpeg2_field.ts")).unwrap();
    let mut command = moviola();
    command.args(["run", "-", "--keyframes", "--detect", "demo", "--provider", "cpu"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&clip).unwrap(); // and the pipe stays open
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.find(|line| line.starts_with(r#"{"type":"keyframe""#)).unwrap();
    interrupt(&child);
    let rest: Vec<_> = std::iter::once(first).chain(lines).collect();
    let of = |kind: &str| rest.iter().filter(|line| line.contains(kind)).count();
    assert_eq!(of(r#""type":"keyframe""#), of(r#""type":"detections""#), "{rest:#?}");
    assert_eq!(of(r#""type":"end""#) + of(r#""type":"error""#), 0, "{rest:#?}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
#[test]
fn a_silent_pipe_does_not_hold_up_an_interrupt() {
    let mut command = moviola();
    command.args(["keyframes", "-", "-v"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(messages.any(|line| line.unwrap().contains("listening for interrupts")));
    interrupt(&child);
    let interrupted = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_secs(5));
    drop(input);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_images_only() {
    let out = tempfile::tempdir().unwrap();
    let clip = fs::read(clip("mpeg2_field.ts")).unwrap();
    let mut child = start_on_pipe(Some(out.path().to_str().unwrap()));
    let mut input = child.stdin.take().unwrap();
    input.write_all(&clip).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    for path in crate::support::files_in(out.path()) {
        let image = fs::read(out.path().join(&path)).unwrap();
        assert_eq!(image[image.len() - 2..], [0xff, 0xd9], "{}", path.display());
    }
}

#[test]
fn quiet_leaves_errors_and_nothing_else() {
    let quiet = run(["keyframes", "--quiet", "none.mp4"]).exits(2);
    quiet.says("no such file");
    assert_eq!(quiet.stderr.lines().count(), 1);
    assert_eq!(run(["keyframes", "--quiet", &clip("gray.mp4")]).exits(0).stderr, "");
}

#[test]
fn a_run_that_works_says_nothing() {
    assert_eq!(run(["keyframes", &clip("gray.mp4")]).exits(0).stderr, "");
}

#[test]
fn verbose_is_said_on_standard_error() {
    let plain = run(["keyframes", &clip("gray.mp4")]).exits(0);
    let verbose = run(["keyframes", "-vv", &clip("gray.mp4")]).exits(0);
    assert_eq!(verbose.of("keyframe"), plain.of("keyframe"));
}
