//! Tests with YOLOX-Nano on photographs, if the media folder is there.

use std::fs;
use std::path::{Path, PathBuf};

use moviola_infer::detect::{Detector, DetectorOptions};
use moviola_infer::letterbox::Size;
use moviola_infer::model::names::NamesSource;
use moviola_infer::model::report::{DetectorVerdict, inspect};
use moviola_infer::provider::Provider;

use crate::{Expected, Image, check_same, fixture, on, providers};

#[derive(serde::Deserialize)]
struct Record {
    image: String,
    confidence: f32,
    iou: f32,
    agnostic: bool,
    objects: Vec<Expected>,
}

/// The folder of media beside the checkout; prints a line and returns `None` if it is missing.
fn media() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media");
    let present = folder.join("models/yolox_nano.onnx").is_file();
    if !present {
        eprintln!("skipped: {} has no models/yolox_nano.onnx", folder.display());
    }
    present.then_some(folder)
}

/// Decodes a JPEG with libjpeg, as OpenCV does; both ignore the EXIF orientation.
fn decode(file: &Path) -> Image {
    let jpeg = fs::read(file).unwrap();
    let mut rows = mozjpeg::Decompress::new_mem(&jpeg).unwrap().rgb().unwrap();
    let size = Size { width: rows.width(), height: rows.height() };
    Image { size, data: rows.read_scanlines().unwrap() }
}

fn detector(media: &Path, record: &Record, provider: Provider) -> Detector {
    let options = DetectorOptions {
        confidence: record.confidence,
        iou: record.iou,
        agnostic_nms: record.agnostic,
        ..on(provider)
    };
    Detector::load(media.join("models/yolox_nano.onnx"), &options).unwrap()
}

#[test]
fn detections_on_photographs_equal_the_references() {
    let Some(media) = media() else { return };
    let records: Vec<Record> =
        serde_json::from_slice(&fs::read(fixture("yolox_nano.json")).unwrap()).unwrap();
    assert!(records.iter().map(|record| record.objects.len()).sum::<usize>() > 80);
    for provider in providers() {
        for agnostic in [false, true] {
            let same: Vec<&Record> = records.iter().filter(|r| r.agnostic == agnostic).collect();
            let mut detector = detector(&media, same[0], provider);
            assert_eq!(detector.classes().source, NamesSource::AssumedCoco);
            for record in same {
                let image = decode(&media.join("images").join(&record.image));
                let found = detector.detect(&image.view()).unwrap();
                check_same(&format!("{} on {provider}", record.image), &found, &record.objects);
            }
        }
    }
}

#[test]
fn models_for_other_purposes_are_refused() {
    let Some(media) = media() else { return };
    for (name, words) in [
        ("mobilenetv2_float32io_nhwc.onnx", ["colours last (NHWC)", "NCHW"]),
        ("silero_vad.onnx", ["it has 3 inputs", "`state` f32[2, ?, 128]"]),
    ] {
        let report = inspect(&media.join("models").join(name), &Default::default()).unwrap();
        let DetectorVerdict::Refused(text) = report.verdict else { panic!("{name} is a detector") };
        for word in words.into_iter().chain([name]) {
            assert!(text.contains(word), "'{word}' is missing: {text}");
        }
    }
}
