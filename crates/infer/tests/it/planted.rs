//! Tests with tiny models of each head, which output known boxes.

use std::fs;

use moviola_infer::detect::{Detector, DetectorOptions};
use moviola_infer::head::HeadKind;
use moviola_infer::image::{ImageView, PixelFormat};
use moviola_infer::letterbox::Size;
use moviola_infer::model::ModelOptions;
use moviola_infer::model::names::NamesSource;
use moviola_infer::model::report::{DetectorVerdict, inspect, inspect_bytes};
use moviola_infer::provider::Provider;

use crate::{Expected, Image, check_same, fixture, load, names_of, on, providers};

#[derive(serde::Deserialize)]
struct Record {
    model: String,
    width: usize,
    height: usize,
    objects: Vec<Expected>,
}

fn records() -> Vec<Record> {
    serde_json::from_slice(&fs::read(fixture("planted.json")).unwrap()).unwrap()
}

/// Options for a model, with an image size if the model's is dynamic.
fn options(model: &str, provider: Provider) -> DetectorOptions {
    let mut options = on(provider);
    if ["yolov8_dynamic", "yolov8_open"].contains(&model) {
        options.model.image_size = Some(Size { width: 96, height: 64 });
    }
    options
}

#[test]
fn every_head_finds_what_the_reference_finds() {
    let records = records();
    assert!(records.len() >= 30);
    for provider in providers() {
        for record in &records {
            let mut detector =
                load(&format!("{}.onnx", record.model), &options(&record.model, provider));
            assert_eq!(detector.provider().provider, provider);
            let image = Image::planted(record.width, record.height);
            let found = detector.detect(&image.view()).unwrap();
            let what = format!("{} {}x{} on {provider}", record.model, record.width, record.height);
            check_same(&what, &found, &record.objects);
        }
    }
}

#[test]
fn a_detector_takes_images_of_different_sizes() {
    let mut detector = load("yolov8.onnx", &on(Provider::Cpu));
    for _ in 0..2 {
        for record in records().iter().filter(|record| record.model == "yolov8") {
            let image = Image::planted(record.width, record.height);
            check_same("in turn", &detector.detect(&image.view()).unwrap(), &record.objects);
        }
    }
}

#[test]
fn all_pixel_formats_and_strides_give_the_same() {
    let mut detector = load("yolox.onnx", &on(Provider::Cpu));
    let image = Image::planted(100, 37);
    let want = detector.detect(&image.view()).unwrap();
    let layouts = [
        (PixelFormat::Rgb8, [0, 1, 2].as_slice()),
        (PixelFormat::Bgr8, &[2, 1, 0]),
        (PixelFormat::Rgba8, &[0, 1, 2, 3]),
        (PixelFormat::Bgra8, &[2, 1, 0, 3]),
    ];
    for (format, order) in layouts {
        let stride = 100 * order.len() + 13;
        let mut data = vec![77; stride * 37];
        for (row, pixels) in data.chunks_mut(stride).zip(image.data.chunks(300)) {
            for (to, from) in row.chunks_mut(order.len()).zip(pixels.chunks(3)) {
                for (to, &channel) in to.iter_mut().zip(order) {
                    *to = *from.get(channel).unwrap_or(&9);
                }
            }
        }
        let view = ImageView { data: &data, size: image.size, stride, format };
        assert_eq!(detector.detect(&view).unwrap(), want, "{format:?}");
    }
}

#[test]
fn candidates_and_select_give_the_same_as_detect() {
    let mut detector = load("yolov8.onnx", &on(Provider::Cpu));
    let image = Image::planted(96, 64);
    let whole = detector.detect(&image.view()).unwrap();
    // The image has the input's size, so the tensor has its pixels.
    let plane = 96 * 64;
    let tensor: Vec<f32> = (0..3 * plane)
        .map(|at| f32::from(image.data[(at % plane) * 3 + at / plane]) * (1.0 / 255.0))
        .collect();
    assert_eq!(tensor.len(), detector.input_len());
    let letterbox = detector.preprocess().letterbox(image.size).unwrap();
    let candidates = detector.candidates(&tensor).unwrap();
    assert_eq!((candidates.len(), whole.len()), (6, 5));
    assert_eq!(detector.select(candidates, &letterbox), whole);
    assert_eq!(detector.run_tensor(&tensor, &letterbox).unwrap(), whole);
    assert!(detector.run_tensor(&tensor[1..], &letterbox).is_err());
}

#[test]
fn options_select_detections() {
    let image = Image::planted(96, 64);
    let found = |change: fn(&mut DetectorOptions)| {
        let mut options = on(Provider::Cpu);
        change(&mut options);
        let found = load("yolov8.onnx", &options).detect(&image.view()).unwrap();
        found.iter().map(|d| (d.class_id, d.class.to_string())).collect::<Vec<_>>()
    };
    let ids = |change| found(change).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(|_| ()), [0, 1, 0, 2, 1]);
    assert_eq!(ids(|o| o.confidence = 0.65), [0, 1, 0]);
    assert_eq!(ids(|o| o.max_detections = 2), [0, 1]);
    assert_eq!(ids(|o| o.iou = 0.99), [0, 1, 0, 0, 2, 1]);
    assert_eq!(ids(|o| o.agnostic_nms = true), [0, 0, 2, 1]);
    assert_eq!(ids(|o| o.classes = "2,person".parse().unwrap()), [0, 0, 2]);
    let seat = found(|o| o.classes = "driver's seat".parse().unwrap());
    assert_eq!(seat, [(1, "driver's seat".into()), (1, "driver's seat".into())]);
    let named = found(|o| o.model.class_names = Some(["a", "b", "c"].map(str::to_owned).into()));
    assert_eq!(named[1].1, "b");
}

#[test]
fn results_do_not_depend_on_threads() {
    let image = Image::planted(640, 427);
    for provider in providers() {
        let found = [1, 2].map(|threads| {
            let mut options = on(provider);
            options.session.threads = threads;
            load("yolov8.onnx", &options).detect(&image.view()).unwrap()
        });
        assert_eq!(found[0], found[1], "{provider}");
    }
}

#[test]
fn an_ambiguous_model_runs_if_its_head_is_specified() {
    let mut options = on(Provider::Cpu);
    options.model.head = Some(HeadKind::Yolox);
    let image = Image::planted(100, 37);
    let found = load("ambiguous.onnx", &options).detect(&image.view()).unwrap();
    let wanted = records().into_iter().find(|r| r.model == "yolox" && r.width == 100).unwrap();
    check_same("named yolox", &found, &wanted.objects);
}

#[test]
fn the_report_describes_a_detector() {
    let report = inspect(&fixture("yolov8.onnx"), &ModelOptions::default()).unwrap();
    assert_eq!(report.inputs[0].shape, ["1", "3", "64", "96"]);
    assert_eq!((&*report.outputs[0].name, &*report.outputs[0].element), ("output0", "f32"));
    let DetectorVerdict::Detector(detector) = report.verdict else {
        panic!("{:?}", report.verdict)
    };
    assert_eq!((detector.head, detector.needs_nms), (HeadKind::Yolov8, true));
    assert_eq!(names_of(&detector.classes), ["person", "driver's seat", "a \"quoted\" name"]);
    assert_eq!(detector.names_from, NamesSource::Metadata);
    assert_eq!(detector.preprocess.size, Size { width: 96, height: 64 });

    let finished = inspect(&fixture("yolov10.onnx"), &ModelOptions::default()).unwrap();
    let DetectorVerdict::Detector(finished) = finished.verdict else { panic!() };
    assert!(!finished.needs_nms);
}

#[test]
fn classes_with_unreadable_names_are_numbered() {
    let mut bytes = fs::read(fixture("yolov8.onnx")).unwrap();
    let names = bytes.windows(12).position(|part| part == b"{0: 'person'").unwrap();
    bytes[names] = b'[';
    let report = inspect_bytes("broken names", &bytes, &ModelOptions::default()).unwrap();
    let DetectorVerdict::Detector(detector) = report.verdict else {
        panic!("{:?}", report.verdict)
    };
    assert_eq!(detector.names_from, NamesSource::Numbered);
    assert_eq!(names_of(&detector.classes), ["class 0", "class 1", "class 2"]);
}

#[test]
fn a_model_with_dynamic_sides_has_the_size_of_its_metadata() {
    for (model, inputs, outputs) in [
        ("yolov8_dynamic.onnx", ["batch", "3", "height", "width"], ["batch", "7", "anchors"]),
        ("yolov8_open.onnx", ["?", "3", "?", "?"], ["?", "?", "?"]),
    ] {
        let report = inspect(&fixture(model), &ModelOptions::default()).unwrap();
        assert_eq!(
            (&report.inputs[0].shape[..], &report.outputs[0].shape[..]),
            (&inputs.map(str::to_owned)[..], &outputs.map(str::to_owned)[..])
        );
        let DetectorVerdict::Detector(detector) = report.verdict else {
            panic!("{:?}", report.verdict)
        };
        assert_eq!(detector.preprocess.size, Size { width: 96, height: 64 });
    }
}

#[test]
fn the_demo_model_of_the_repository_is_a_detector() {
    let path = fixture("../../../../models/demo.onnx");
    let report = inspect(&path, &ModelOptions::default()).unwrap();
    let DetectorVerdict::Detector(detector) = report.verdict else {
        panic!("{:?}", report.verdict)
    };
    assert_eq!((detector.head, detector.names_from), (HeadKind::Yolov8, NamesSource::Metadata));
    let mut demo = Detector::load(&path, &on(Provider::Auto)).unwrap();
    demo.detect(&Image::planted(320, 200).view()).unwrap();
}
