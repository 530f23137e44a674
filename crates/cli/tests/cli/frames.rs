//! Any frames: which, in which order, under which names.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::support::{Run, clip, files_in, moviola, run};

fn frames(name: &str, options: &[&str]) -> Run {
    let clip = clip(name);
    run(["frames", &clip].iter().chain(options))
}

/// The same through a pipe.
fn piped(name: &str, options: &[&str]) -> Run {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut file = File::open(clip(name)).expect("one of our own clips");
    // A reader that goes away early is none of this thread's business.
    let feeder = std::thread::spawn(move || drop(std::io::copy(&mut file, &mut writer)));
    let output =
        moviola().args(["frames", "-"]).args(options).stdin(reader).output().expect("it runs");
    feeder.join().expect("no panic");
    output.into()
}

#[track_caller]
fn numbers(run: &Run) -> Vec<u64> {
    run.of("frame").iter().map(|frame| frame["frame"].as_u64().expect("a number")).collect()
}

#[track_caller]
fn hashes(run: &Run) -> Vec<String> {
    run.of("frame").iter().map(|frame| frame["md5"].as_str().expect("a hash").to_owned()).collect()
}

/// Demo is 300 frames, 30 a second, a keyframe a second.
#[track_caller]
fn check(options: &[&str], want: &[u64]) {
    let run = frames("demo.mp4", options).exits(0);
    assert_eq!(numbers(&run), want, "{options:?}");
    assert_eq!(run.one("end")["frames"], want.len(), "{options:?}");
}

#[test]
fn frames_are_chosen_by_time_or_number() {
    check(&["--every", "2s"], &[0, 60, 120, 180, 240]);
    check(&["--every", "2500ms"], &[0, 75, 150, 225]);
    check(&["--range", "00:03..3.1s"], &[90, 91, 92]);
    check(&["--range", "..0.05s"], &[0, 1]);
    check(&["--range", "9.95s.."], &[298, 299]);
    check(&["--range", "3s..8s", "--every", "2s"], &[90, 150, 210]);
    check(&["--all"], &(0..300).collect::<Vec<_>>());
}

#[test]
fn frames_come_in_the_order_of_asking() {
    check(&["--at", "1.5s,00:00:01,1.52s"], &[45, 30, 45]);
    check(&["--index", "0,100,-1,100"], &[0, 100, 299, 100]);
    check(&["--index", "-2"], &[298]);
    let many: Vec<_> = (0..100).map(|n| n * 37 % 300).collect();
    let list: Vec<_> = many.iter().map(u64::to_string).collect();
    check(&["--index", &list.join(",")], &many);
}

#[test]
fn records_say_what_a_frame_is() {
    let run = frames("demo.mp4", &["--index", "30,31"]).exits(0);
    let kinds = run.records();
    let kinds: Vec<_> = kinds.iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["source", "frame", "frame", "end"]);
    let clip = clip("demo.mp4");
    let want = format!(
        r#"{{"type":"frame","source":"{clip}","frame":30,"time":1.0,"pts":15360,"time_base":[1,15360],"width":640,"height":360,"keyframe":true}}"#
    );
    assert_eq!(run.stdout.lines().nth(1), Some(want.as_str()));
    assert_eq!(run.of("frame")[1]["keyframe"], false);
    assert_eq!((&run.one("end")["frames"], &run.one("end")["keyframes"]), (&2.into(), &1.into()));
}

#[test]
fn images_are_named_after_their_frames() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let options = ["--index", "100,7,100", "-o", folder, "--max-size", "160x160"];
    let run = frames("demo.mp4", &options).exits(0);
    let records = run.of("frame");
    for (record, number) in records.iter().zip([100, 7, 100]) {
        let path = Path::new(record["path"].as_str().unwrap());
        assert_eq!(path, out.path().join(format!("demo/{number:08}.jpg")));
        assert_eq!(fs::read(path).unwrap()[..2], [0xff, 0xd8]);
        assert_eq!(record["width"], 160);
    }
    assert_eq!(files_in(out.path()).len(), 2);
    frames("demo.mp4", &options).exits(2).says("--overwrite");
    let again = options.iter().chain(&["--overwrite"]).copied().collect::<Vec<_>>();
    assert_eq!(frames("demo.mp4", &again).exits(0).of("frame"), records);
    let png = ["--every", "5s", "--format", "png", "-o", folder, "--overwrite"];
    let run = frames("gray.mp4", &png).exits(0);
    assert!(run.of("frame")[0]["path"].as_str().unwrap().ends_with("gray/00000000.png"));
}

#[test]
fn what_does_not_exist_costs_only_itself() {
    for (options, errors) in [
        (["--index", "5,300,-301,6"], ["no frame 300", "no frame -301"]),
        (["--at", "0.17s,-1s,10s,0.2s"], ["no frame at -1 s", "no frame at 10 s"]),
    ] {
        let run = frames("demo.mp4", &options).exits(3);
        assert_eq!(numbers(&run), [5, 6]);
        for (record, error) in run.of("error").iter().zip(errors) {
            assert!(record["message"].as_str().unwrap().contains(error), "{record}");
            run.says(error);
        }
        assert_eq!(run.one("end")["errors"], 2);
    }
    frames("demo.mp4", &["--index", "300"]).exits(2).says("there are 300, up to 10.000 s");
    frames("demo.mp4", &["--range", "10s.."]).exits(2).says("no frame in this range");
}

#[test]
fn one_choice_must_be_made() {
    frames("demo.mp4", &[]).exits(2).says("--every <TIME>|--range <RANGE>|--at");
    for two in [["--all", "--every=1s"], ["--at=1s", "--index=1"], ["--at=1s", "--range=1s.."]] {
        frames("demo.mp4", &two).exits(2).says("cannot be used with");
    }
    frames("demo.mp4", &["--every", "0s"]).exits(2).says("longer than 0s");
    frames("demo.mp4", &["--every", "2"]).exits(2).says("such as 1.5s");
    frames("demo.mp4", &["--range", "10..20"]).exits(2).says("such as 1.5s");
    frames("demo.mp4", &["--range", "2s..1s"]).exits(2).says("ends before it starts");
    frames("demo.mp4", &["--index", "1.5"]).exits(2).says("--index");
    frames("demo.mp4", &["--all", "b.mp4"]).exits(2).says("b.mp4");
}

#[test]
fn a_pipe_gives_what_the_file_gives() {
    let without_source = |run: &Run| {
        let mut records = run.of("frame");
        records.iter_mut().for_each(|record| record["source"] = Value::Null);
        records
    };
    for name in ["fragmented.mp4", "h264_opengop.ts", "vp9.webm", "parameter_sets_once.h264"] {
        for options in [
            &["--every", "0.3s", "--hash"][..],
            &["--range", "0.5s..1s", "--hash"],
            &["--range", "..0.7s", "--every", "200ms", "--hash"],
            &["--all", "--hash"],
        ] {
            let (pipe, file) = (piped(name, options).exits(0), frames(name, options).exits(0));
            assert!(!numbers(&file).is_empty());
            let strip = |run| {
                without_source(run)
                    .into_iter()
                    .map(|mut record| {
                        // A decoder alone doesn't tell keyframes as the container does.
                        record["keyframe"] = Value::Null;
                        record
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(strip(&pipe), strip(&file), "{name}, {options:?}");
        }
    }
}

#[test]
fn a_pipe_cannot_be_searched() {
    for options in [["--at", "1s"], ["--index", "3"]] {
        piped("h264_opengop.ts", &options).exits(2).says("save it to a file first");
    }
}

/// The MD5 of all frames as ffmpeg prints them.
#[expect(clippy::print_stderr, reason = "a test says what it leaves out")]
fn reference(name: &str) -> Option<Vec<String>> {
    let ffmpeg = option_env!("MOVIOLA_FFMPEG").filter(|path| Path::new(path).exists());
    let Some(ffmpeg) = ffmpeg else {
        eprintln!("skipped: the reference ffmpeg was not built");
        return None;
    };
    let output = Command::new(ffmpeg)
        .args(["-v", "error", "-noautorotate", "-i", &clip(name), "-map", "0:v:0", "-noautoscale"])
        .args(["-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Some(lines.map(|line| line.rsplit(',').next().unwrap_or_default().trim().to_owned()).collect())
}

#[test]
fn hashes_are_those_of_ffmpeg() {
    for name in
        ["h264_bframes.mp4", "h264_opengop.ts", "hevc_10bit.mp4", "vp9.webm", "edit_list.mp4"]
    {
        let Some(want) = reference(name) else { return };
        let all = hashes(&frames(name, &["--all", "--hash"]).exits(0));
        assert_eq!(all, want, "{name}");
        let some = hashes(&frames(name, &["--index", "-1,3,17,0", "--hash"]).exits(0));
        let want: Vec<_> = [all.len() - 1, 3, 17, 0].iter().map(|&at| all[at].clone()).collect();
        assert_eq!(some, want, "{name}");
    }
}

#[test]
fn every_frame_in_a_range_is_the_one_of_its_number() {
    let all = hashes(&frames("h264_bframes.mp4", &["--all", "--hash"]).exits(0));
    let run = frames("h264_bframes.mp4", &["--range", "0.5s..2s", "--hash"]).exits(0);
    let numbers = numbers(&run);
    assert_eq!(numbers, (12..50).collect::<Vec<_>>());
    assert_eq!(hashes(&run), all[12..50]);
}

#[test]
fn what_cannot_be_opened_is_told_once() {
    let run = run(["frames", "none.mp4", "--range", "1s.."]).exits(2);
    run.says("no such file");
    assert_eq!(run.one("error")["stage"], "open");
    frames("audio_only.m4a", &["--all"]).exits(2).says("only audio");
}

#[test]
fn damaged_frames_become_what_is_asked_for() {
    let check = |how: &str, code, count: usize, errors: u64| {
        let run = frames("damaged_keyframe.mp4", &["--all", "--on-damage", how]).exits(code);
        assert_eq!((numbers(&run).len(), run.one("end")["errors"].as_u64()), (count, Some(errors)));
    };
    let all = numbers(&frames("damaged_keyframe.mp4", &["--all"]).exits(0)).len();
    let whole = numbers(&frames("damaged_keyframe.mp4", &["--all", "--on-damage", "skip"])).len();
    assert!(whole < all);
    check("keep", 0, all, 0);
    check("fail", 3, whole, (all - whole) as u64);
    check("skip", 0, whole, 0);
    check("repeat", 0, all, 0);
    check("black", 0, all, 0);
    for how in ["keep", "skip"] {
        let run = frames("damaged_keyframe.mp4", &["--all", "--on-damage", how]);
        let damaged = run.one("end")["damaged"].clone();
        let ranges: Vec<[u64; 2]> = serde_json::from_value(damaged).unwrap();
        let damaged = ranges.iter().map(|[first, last]| last - first + 1).sum::<u64>();
        assert_eq!(damaged, (all - whole) as u64);
    }
    let run = frames("h264_bframes.mp4", &["--all"]);
    assert!(run.one("end").get("damaged").is_none());
    frames("damaged_keyframe.mp4", &["--all", "--on-damage", "mend"]).exits(2);
}
