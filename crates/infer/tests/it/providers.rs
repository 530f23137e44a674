//! Tests of providers: which one runs, and that none silently replaces another.

use moviola_infer::detect::Detector;
use moviola_infer::error::Error;
use moviola_infer::provider::{Precision, Provider};
use moviola_infer::runtime::Runtime;

use crate::{Image, fixture, load, on, providers};

#[test]
fn the_runtime_has_version_path_and_providers() {
    let runtime = Runtime::load().unwrap();
    let version: Vec<&str> = runtime.version().split('.').collect();
    assert_eq!(version[0], "1", "{}", runtime.version());
    assert!(version[1].parse::<u32>().unwrap() >= 22);
    assert!(runtime.path().to_string_lossy().contains("onnxruntime"));
    assert!(runtime.providers().contains(&Provider::Cpu));
    assert!(std::ptr::eq(runtime, Runtime::load().unwrap()));
}

#[test]
fn the_report_has_the_nodes_per_provider() {
    for provider in providers() {
        let detector = load("yolov8.onnx", &on(provider));
        let report = detector.provider();
        assert_eq!(report.provider, provider);
        // OpenVINO does not support ScatterND, which writes the boxes; the CPU runs it.
        let on_it = report.nodes.iter().find(|(name, _)| name == provider.runtime_name());
        assert!(on_it.is_some_and(|(_, count)| *count > 0), "{report:?}");
        assert!(report.skipped.is_empty());
        assert_eq!((report.precision, report.threads), (Precision::F32, 1));
    }
}

#[test]
fn auto_reports_its_choice_and_the_reasons() {
    let detector = load("yolov8.onnx", &on(Provider::Auto));
    let report = detector.provider();
    let runs = Provider::AUTO.iter().position(|&provider| provider == report.provider).unwrap();
    let skipped: Vec<Provider> = report.skipped.iter().map(|(provider, _)| *provider).collect();
    assert_eq!(skipped, Provider::AUTO[..runs]);
    for (provider, why) in &report.skipped {
        assert!(!why.is_empty() && report.reason.contains(&provider.to_string()), "{report:?}");
    }
}

#[test]
fn a_missing_requested_provider_is_an_error() {
    let built_in = Runtime::load().unwrap().providers();
    for provider in Provider::ALL.into_iter().filter(|provider| !built_in.contains(provider)) {
        let error = Detector::load(fixture("yolov8.onnx"), &on(provider)).unwrap_err();
        assert!(matches!(error, Error::Provider { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&format!("the provider {provider} can't run")), "{text}");
        assert!(text.contains("not in this ONNX Runtime"), "{text}");
        assert!(text.contains("ORT_DYLIB_PATH") || provider == Provider::CoreMl, "{text}");
    }
}

#[test]
fn an_unsupported_precision_is_an_error() {
    let mut options = on(Provider::Cpu);
    options.session.precision = Precision::Bf16;
    let text = Detector::load(fixture("yolov8.onnx"), &options).unwrap_err().to_string();
    assert!(text.contains("bf16") && text.contains("use precision f32"), "{text}");
}

#[test]
fn bf16_runs_only_on_processors_that_support_it() {
    if !providers().contains(&Provider::OpenVino) {
        eprintln!("skipped: this ONNX Runtime has no OpenVINO");
        return;
    }
    let mut options = on(Provider::OpenVino);
    options.session.precision = Precision::Bf16;
    match Detector::load(fixture("yolov8.onnx"), &options) {
        Ok(mut detector) => {
            assert_eq!(detector.provider().precision, Precision::Bf16);
            let found = detector.detect(&Image::planted(96, 64).view()).unwrap();
            assert_eq!(found.len(), 5);
        }
        Err(error) => assert!(error.to_string().contains("this processor"), "{error}"),
    }
}
