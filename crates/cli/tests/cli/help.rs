//! Help, versions and completions.

use crate::support::run;

#[test]
fn help_goes_to_standard_output_and_lists_every_command() {
    let help = run(["--help"]).exits(0).stdout;
    let commands = [
        "probe",
        "keyframes",
        "frames",
        "detect",
        "run",
        "bulk",
        "debug",
        "inspect",
        "doctor",
        "completions",
    ];
    for command in commands {
        let listed = |line: &str| line.trim_start().starts_with(&format!("{command} "));
        assert!(help.lines().any(listed), "{command} is not in {help}");
    }
}

#[test]
fn the_help_names_what_works_everywhere() {
    let help = run(["--help"]).exits(0).stdout;
    for option in [
        "--quiet",
        "--verbose",
        "--color",
        "--io",
        "--allow-protocols",
        "--max-pixels",
        "--hwaccel",
        "--video-stream",
        "--audio-stream",
        "--version",
    ] {
        assert!(help.contains(option), "{option} is not in {help}");
    }
    for code in ["0 all done", "2 wrong usage", "3 some inputs", "130 interrupted"] {
        assert!(help.replace('\n', " ").contains(code), "{code} is not in {help}");
    }
}

#[test]
fn every_command_has_the_options_it_promises() {
    let images = ["-o", "--format", "--quality", "--max-size", "--hash", "--coded", "--overwrite"];
    let promised: [(&str, &[&str]); 8] = [
        ("probe", &["--json", "--index-cache"]),
        ("keyframes", &images),
        ("frames", &images),
        ("frames", &["--every", "--at", "--index", "--range", "--all", "--on-damage"]),
        (
            "detect",
            &[
                "-m",
                "--on",
                "--on-damage",
                "--conf",
                "--iou",
                "--max-det",
                "--classes",
                "--agnostic-nms",
                "--annotate",
                "--head",
                "--provider",
                "--precision",
                "--threads",
                "--index-cache",
            ],
        ),
        ("run", &["--plan", "--keyframes", "--detect", "--on", "--annotate", "-o", "--threads"]),
        ("bulk", &["--jobs", "--memory", "--isolate", "--deadline", "--resume", "--fail-fast"]),
        ("inspect", &["MODEL"]),
    ];
    for (command, options) in promised {
        let help = run([command, "--help"]).exits(0).stdout;
        for option in options {
            assert!(help.contains(option), "{option} is not in {help}");
        }
    }
}

#[test]
fn without_arguments_the_help_goes_to_standard_error() {
    let run = run::<&str>([]).exits(2);
    assert_eq!(run.stdout, "");
    run.says("Usage: moviola");
}

#[test]
fn wrong_usage_is_explained_and_exits_with_2() {
    run(["keyframe"]).exits(2).says("similar subcommand exists: 'keyframes'");
    run(["keyframes"]).exits(2).says("INPUT");
    run(["keyframes", "a.mp4", "--quality", "0"]).exits(2).says("1..=100");
    run(["keyframes", "a.mp4", "--max-size", "1280"]).exits(2).says("WIDTHxHEIGHT");
    run(["keyframes", "a.mp4", "--max-size", "0x720"]).exits(2).says("WIDTHxHEIGHT");
    run(["keyframes", "a.mp4", "--format", "gif"]).exits(2).says("jpg, png, none");
    run(["keyframes", "a.mp4", "--io", "magic"]).exits(2).says("auto, mmap, read");
    run(["keyframes", "a.mp4", "--hwaccel", "gpu"]).exits(2).says("expected auto, none, cuda");
    run(["keyframes", "-", "-"]).exits(2).says("once only");
    run(["probe", "--quiet", "--verbose", "a.mp4"]).exits(2).says("cannot be used with");
    run(["detect", "a.mp4"]).exits(2).says("--model");
    run(["detect", "a.mp4", "-m", "m.onnx", "--conf", "2"]).exits(2).says("0.0 to 1.0");
    run(["detect", "a.mp4", "-m", "m.onnx", "--iou", "NaN"]).exits(2).says("0.0 to 1.0");
    run(["detect", "a.mp4", "-m", "m.onnx", "--on", "sometimes"]).exits(2).says("keyframes");
    run(["detect", "a.mp4", "-m", "m.onnx", "--on", "every:0.5"]).exits(2).says("such as 1.5s");
    run(["--verbose"]).exits(2).says("no command");
}

#[test]
fn commands_that_are_not_built_are_not_known() {
    for command in ["embed", "transcribe", "record", "repair"] {
        run([command, "a.mp4"]).exits(2).says("unrecognized subcommand");
    }
    run(["run", "--mode", "bulk", "a.mp4"]).exits(2).says("invalid value 'bulk'");
    run(["run", "--mode", "debug", "a.mp4"]).exits(2).says("invalid value 'debug'");
}

#[test]
fn the_version_lists_the_libraries() {
    let long = run(["--version"]).exits(0).stdout;
    let lines: Vec<_> = long.lines().collect();
    assert!(lines[0].starts_with("moviola 0."), "{long}");
    assert!(lines[1].starts_with("FFmpeg ") && lines[1].contains("LGPL"), "{long}");
    assert!(lines[1].contains("static") || lines[1].contains("shared"), "{long}");
    assert!(lines[2].starts_with("ONNX Runtime "), "{long}");
    assert!(lines[3].starts_with("whisper.cpp") && lines[3].contains("not in this build"));
    assert_eq!(run(["-V"]).exits(0).stdout, long);
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(["completions", shell]).exits(0).stdout;
        assert!(script.contains("keyframes"), "{shell}: {script}");
    }
    run(["completions", "cmd.exe"]).exits(2);
}

#[test]
fn colour_is_the_users_choice() {
    let colored = |args: &[&str]| run(args).stderr.contains('\x1b');
    assert!(!colored(&["keyframes", "none.mp4"]));
    assert!(colored(&["keyframes", "none.mp4", "--color", "always"]));
    assert!(colored(&["--color=always", "nonsense"]));
    assert!(!colored(&["--color=never", "nonsense"]));
}

#[test]
fn no_color_is_heeded_but_the_flag_counts_more() {
    let run = |args: &[&str]| {
        let output = crate::support::moviola().env("NO_COLOR", "1").args(args).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!run(&["keyframes", "none.mp4"]).contains('\x1b'));
    assert!(run(&["keyframes", "none.mp4", "--color", "always"]).contains('\x1b'));
}
