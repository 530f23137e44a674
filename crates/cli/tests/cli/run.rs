//! Several things from one read: the records are those of the single commands.

use std::fs;

use serde_json::Value;

use crate::{
    detect::runtime_is_here,
    support::{Run, clip, files_in, run},
};

/// The records of a type, without what differs from run to run.
#[track_caller]
fn told(run: &Run, kind: &str, folder: &str) -> Vec<String> {
    let text = |record: Value| record.to_string().replace(folder, "");
    run.of(kind).into_iter().map(text).collect()
}

#[test]
fn frames_and_objects_come_from_one_read() {
    if !runtime_is_here() {
        return;
    }
    let (clip, folder) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    for on in ["keyframes", "every:0.7s", "all"] {
        let kind = if on == "keyframes" { "keyframe" } else { "frame" };
        let places = ["a", "b", "c", "d"].map(|name| folder.path().join(on).join(name));
        let places = places.each_ref().map(|place| place.to_str().unwrap());
        let [together, together_drawn, stills, drawn] = places;
        let model = ["demo", "--provider", "cpu", "--on", on];
        let of_frames = ["-o", together, "--annotate", together_drawn, "--detect"];
        let both = run(["run", &clip].iter().chain(&of_frames).chain(&model)).exits(0);
        let frames = match on {
            "keyframes" => vec!["keyframes", &clip, "-o", stills],
            "all" => vec!["frames", &clip, "--all", "-o", stills],
            _ => vec!["frames", &clip, "--every", "0.7s", "-o", stills],
        };
        let frames = run(frames).exits(0);
        let detect = ["detect", &clip, "--annotate", drawn, "-m"];
        let detect = run(detect.iter().chain(&model)).exits(0);
        assert_eq!(told(&both, kind, together), told(&frames, kind, stills), "{on}");
        let objects = told(&both, "detections", together_drawn);
        assert_eq!(objects, told(&detect, "detections", drawn), "{on}");
        assert!(!objects.is_empty());
        assert_eq!(both.one("end")["frames"], frames.one("end")["frames"]);
        for (one, other) in [(together, stills), (together_drawn, drawn)] {
            let files = files_in(one.as_ref());
            assert_eq!(files, files_in(other.as_ref()), "{on}");
            assert_eq!(files.len(), objects.len(), "{on}");
            for file in files {
                let bytes = |place: &str| fs::read(format!("{place}/{}", file.display())).unwrap();
                assert!(bytes(one) == bytes(other), "{on}: {}", file.display());
            }
        }
    }
}

#[test]
fn a_plan_says_what_flags_say() {
    let (clip, folder) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    let plan = folder.path().join("plan.toml");
    fs::write(&plan, "frames = { every = '2s' }\n[stills]\nhash = true\n").unwrap();
    let json = folder.path().join("plan.json");
    fs::write(&json, r#"{"frames": {"every": 2}, "stills": {"hash": true}}"#).unwrap();
    let want = told(&run(["frames", &clip, "--every", "2s", "--hash"]).exits(0), "frame", "/");
    assert_eq!(want.len(), 5);
    for plan in [plan.to_str().unwrap(), json.to_str().unwrap()] {
        assert_eq!(told(&run(["run", &clip, "--plan", plan]).exits(0), "frame", "/"), want);
    }
    let flags = run(["run", &clip, "--frames", "--hash", "--on", "every:2s"]).exits(0);
    assert_eq!(told(&flags, "frame", "/"), want);
}

#[test]
fn a_plan_gets_its_images_where_there_is_a_place_for_them() {
    let (clip, folder) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    let plan = folder.path().join("plan.toml");
    fs::write(&plan, "[stills]\nformat = 'png'\n").unwrap();
    let (plan, out) = (plan.to_str().unwrap(), folder.path().join("out"));
    run(["run", &clip, "--plan", plan]).exits(2).says("no folder for them");
    let with = run(["run", &clip, "--plan", plan, "-o", out.to_str().unwrap()]).exits(0);
    assert_eq!(files_in(&out).len(), with.of("keyframe").len());
    assert!(with.of("keyframe").iter().all(|one| one["path"].as_str().unwrap().ends_with(".png")));
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let (clip, folder) = (clip("demo.mp4"), tempfile::tempdir().unwrap());
    run(["run", &clip]).exits(2).says("nothing is wanted");
    for words in [&["run", &clip, "--keyframes"][..], &["detect", &clip, "-m", "demo"]] {
        let run = run(words.iter().chain(&["--on-damage", "skip"])).exits(2);
        run.says("keyframes come as");
    }
    let plan = folder.path().join("plan.toml");
    fs::write(&plan, "[stills]\ncolour = 1\n").unwrap();
    let plan = plan.to_str().unwrap();
    run(["run", &clip, "--plan", plan]).exits(2).says("colour");
    run(["run", &clip, "--plan", "none.toml"]).exits(2).says("none.toml");
    run(["run", &clip, "--plan", plan, "--conf", "0.5"]).exits(2).says("--conf");
}
