//! Tests of files and options that can't be used: each is refused with the problem and the remedy.

use std::fs;
use std::path::Path;

use moviola_infer::detect::{Detector, DetectorOptions};
use moviola_infer::error::Error;
use moviola_infer::head::HeadKind;
use moviola_infer::letterbox::Size;
use moviola_infer::model::ModelOptions;
use moviola_infer::model::report::{DetectorVerdict, inspect};
use moviola_infer::provider::Provider;

use crate::{fixture, on};

/// Checks that `Detector::load` and `inspect` refuse a file with the same message, with its path
/// and `words`.
#[track_caller]
fn check_refused(path: &Path, words: &[&str]) {
    let text = Detector::load(path, &on(Provider::Cpu)).unwrap_err().to_string();
    let inspected = match inspect(path, &ModelOptions::default()) {
        Ok(report) => match report.verdict {
            DetectorVerdict::Refused(text) => text,
            DetectorVerdict::Detector(_) => panic!("{} is a detector", path.display()),
        },
        Err(error) => error.to_string(),
    };
    assert_eq!(text, inspected);
    for word in words.iter().chain([&path.to_str().unwrap()]) {
        assert!(text.contains(word), "'{word}' is missing: {text}");
    }
}

#[test]
fn missing_files_and_other_files_are_refused() {
    check_refused(Path::new("/nowhere/model.onnx"), &["can't be read", "No such file"]);
    let folder = tempfile::tempdir().unwrap();
    check_refused(folder.path(), &["can't be read"]);
    let file = folder.path().join("model.onnx");
    for (content, word) in [("", "empty"), ("<html>", "web page"), ("PK\u{3}\u{4}", "zip archive")]
    {
        fs::write(&file, content).unwrap();
        check_refused(&file, &[word]);
    }
    let whole = fs::read(fixture("yolov8.onnx")).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    check_refused(&file, &["not an ONNX model, or only part of one"]);
}

#[test]
fn models_for_other_tasks_are_refused() {
    check_refused(&fixture("classifier.onnx"), &["`logits` [1, 10]", "classifier"]);
    check_refused(&fixture("segment.onnx"), &["'segment'"]);
    check_refused(&fixture("nhwc.onnx"), &["[1, 64, 64, 3]", "NHWC", "NCHW"]);
}

#[test]
fn a_model_that_onnx_runtime_can_not_load_is_an_error() {
    let error = Detector::load(fixture("broken.onnx"), &on(Provider::Cpu)).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Model { .. }), "{error:?}");
    assert!(text.contains("broken.onnx") && text.contains("NoSuchOperator"), "{text}");
    let automatic = Detector::load(fixture("broken.onnx"), &on(Provider::Auto)).unwrap_err();
    assert!(matches!(automatic, Error::Model { .. }), "{automatic:?}");
}

#[test]
fn an_ambiguous_model_names_its_candidates() {
    check_refused(&fixture("ambiguous.onnx"), &["`head yolov5`", "`head yolox`", "[1, 84, 8]"]);
}

#[test]
fn a_head_that_does_not_fit_is_an_error() {
    let mut options = on(Provider::Cpu);
    options.model.head = Some(HeadKind::Yolov10);
    let text = Detector::load(fixture("yolov8.onnx"), &options).unwrap_err().to_string();
    assert!(text.contains("does not fit the head yolov10"), "{text}");
}

type Change = fn(&mut DetectorOptions);

#[test]
fn options_out_of_range_are_errors() {
    let changes: [(Change, &str); 7] = [
        (|o| o.confidence = f32::NAN, "confidence"),
        (|o| o.iou = 1.5, "iou"),
        (|o| o.session.threads = 0, "threads"),
        (|o| o.classes = "persn".parse().unwrap(), "driver's seat"),
        (|o| o.classes = "3".parse().unwrap(), "below 3"),
        (|o| o.model.class_names = Some(vec!["one".into()]), "number of class names"),
        (|o| o.model.image_size = Some(Size { width: 640, height: 640 }), "must be 64, got 640"),
    ];
    for (change, word) in changes {
        let mut options = on(Provider::Cpu);
        change(&mut options);
        let error = Detector::load(fixture("yolov8.onnx"), &options).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
        assert!(error.to_string().contains(word), "'{word}' is missing: {error}");
    }
}

#[test]
fn a_dynamic_size_must_be_a_multiple_of_the_stride() {
    let mut options = on(Provider::Cpu);
    options.model.image_size = Some(Size { width: 100, height: 64 });
    let text = Detector::load(fixture("yolov8_dynamic.onnx"), &options).unwrap_err().to_string();
    assert!(text.contains("a multiple of 32"), "{text}");
    // This model's graph supports only one size, although its sides are dynamic.
    options.model.image_size = Some(Size { width: 160, height: 128 });
    let text = Detector::load(fixture("yolov8_dynamic.onnx"), &options).unwrap_err().to_string();
    assert!(text.contains("another image size"), "{text}");
}
