//! Tests with other ONNX Runtime libraries. Each case runs in a separate process, because a process
//! loads at most one library.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::env;
use std::path::Path;
use std::process::Command;

use moviola_infer::detect::{Detector, DetectorOptions};
use moviola_infer::model::report::{DetectorVerdict, inspect};
use moviola_infer::provider::Provider;
use moviola_infer::runtime::Runtime;
use moviola_infer::session::SessionOptions;

const CHILD: &str = "MOVIOLA_TEST_CHILD";

fn model() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/yolov8.onnx"))
}

/// Runs a test of this file in a process with this `ORT_DYLIB_PATH`; returns its stderr.
fn with_library(path: &Path, test: &str) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .env("ORT_DYLIB_PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn child_prints_why_loading_fails() {
    if env::var_os(CHILD).is_none() {
        return; // only runs in the processes that other tests start
    }
    // A second call must not hang or panic.
    for _ in 0..2 {
        let error = Detector::load(model(), &DetectorOptions::default()).unwrap_err();
        eprintln!("{error}");
    }
    // A model with fixed shapes can be inspected without ONNX Runtime.
    let report = inspect(model(), &Default::default()).unwrap();
    assert!(matches!(report.verdict, DetectorVerdict::Detector(_)));
}

#[test]
fn a_missing_library_is_an_error() {
    let text =
        with_library(Path::new("/nowhere/libonnxruntime.so"), "child_prints_why_loading_fails");
    assert!(text.contains("/nowhere/libonnxruntime.so can't be used as ONNX Runtime"), "{text}");
}

#[test]
fn a_file_that_is_not_a_library_is_an_error() {
    let text = with_library(model(), "child_prints_why_loading_fails");
    assert!(text.contains("yolov8.onnx can't be used as ONNX Runtime"), "{text}");
}

#[test]
fn child_prints_what_runs() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let load = |provider| {
        let session = SessionOptions { provider, ..SessionOptions::default() };
        Detector::load(model(), &DetectorOptions { session, ..DetectorOptions::default() })
    };
    let automatic = load(Provider::Auto).unwrap();
    eprintln!("auto runs {}: {}", automatic.provider().provider, automatic.provider().reason);
    eprintln!("named: {}", load(Provider::OpenVino).unwrap_err());
}

/// A library that lists OpenVINO among its providers, without the provider's files.
#[cfg(unix)]
#[test]
fn a_provider_without_its_files_is_skipped_or_refused() {
    let runtime = Runtime::load().unwrap();
    if !runtime.providers().contains(&Provider::OpenVino) {
        eprintln!("skipped: this ONNX Runtime has no OpenVINO");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("libonnxruntime.so");
    std::os::unix::fs::symlink(std::fs::canonicalize(runtime.path()).unwrap(), &alone).unwrap();
    let text = with_library(&alone, "child_prints_what_runs");
    assert!(text.contains("auto runs cpu: the first of auto that runs in f32; "), "{text}");
    assert!(text.contains("; openvino: "), "{text}");
    assert!(text.contains("named: the provider openvino can't run: "), "{text}");
}
