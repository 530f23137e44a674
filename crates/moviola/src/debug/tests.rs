//! Tests of the data in whole reports.

use serde_json::Value;

use super::*;

/// The page's data in a report on a clip, after at most `records` records were taken.
#[track_caller]
fn report(clip: &str, plan: &str, records: usize) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let clip = format!("{}/../../testdata/{clip}", env!("CARGO_MANIFEST_DIR"));
    let debug = Debug::new(Plan::from_toml(plan).unwrap(), SourceOptions::default());
    let mut run = debug.run(Source::path(clip), folder.path()).unwrap();
    for record in run.by_ref().take(records) {
        record.unwrap();
    }
    run.finish().unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn stopped_run_has_no_end() {
    assert!(report("demo.mp4", "[stills]", 3)["end"].is_null());
    assert!(report("demo.mp4", "[stills]", usize::MAX)["end"].is_object());
}

#[test]
fn opening_and_reporting_are_not_part_of_a_frames_cost() {
    let data = report("demo.mp4", "frames = { at = ['0.5s', '7s'] }\n[stills]", usize::MAX);
    let frames = data["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 2);
    for frame in frames {
        let stages = frame["stages"].as_array().unwrap();
        let names: Vec<_> = stages.iter().map(|stage| stage[0].as_str().unwrap()).collect();
        assert!(!names.contains(&"open") && !names.contains(&"report"), "{names:?}");
    }
}

#[test]
fn frames_have_their_own_size_for_any_image_size() {
    let small = "[stills]\nformat = 'jpg'\nmax_size = [64, 64]";
    for frame in report("rotated_90.mp4", small, usize::MAX)["frames"].as_array().unwrap() {
        assert_eq!((&frame["width"], &frame["height"]), (&320.into(), &180.into()));
    }
}

#[test]
fn records_that_are_written_have_bytes() {
    let data = report("mjpeg.avi", "[stills]", usize::MAX);
    let stages = data["statistics"]["stages"].as_array().unwrap();
    let write = stages.iter().find(|stage| stage["stage"] == "write").unwrap();
    assert!(write["bytes"].as_u64().unwrap() > 100);
}
