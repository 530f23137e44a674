//! Tests of whole models in ONNX Runtime, compared with an independent reference.
//!
//! The models and the expected detections were made by `fixtures/make_fixtures.py`.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod planted;
mod providers;
mod real;
mod refused;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moviola_infer::detect::{Detector, DetectorOptions};
use moviola_infer::image::{ImageView, PixelFormat};
use moviola_infer::letterbox::Size;
use moviola_infer::provider::{Precision, Provider};
use moviola_infer::results::Detection;
use moviola_infer::runtime::Runtime;
use moviola_infer::session::SessionOptions;

/// A file of the fixtures folder.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Options for a provider, in f32 on one thread.
fn on(provider: Provider) -> DetectorOptions {
    let session = SessionOptions { provider, precision: Precision::F32, threads: 1 };
    DetectorOptions { session, ..DetectorOptions::default() }
}

/// The CPU provider, and OpenVINO if the library includes it. Both must give the same detections.
fn providers() -> Vec<Provider> {
    let built_in = Runtime::load().unwrap().providers();
    [Provider::Cpu, Provider::OpenVino].into_iter().filter(|p| built_in.contains(p)).collect()
}

/// An RGB image in memory.
struct Image {
    size: Size,
    data: Vec<u8>,
}

impl Image {
    /// The image that `make_fixtures.py` uses.
    fn planted(width: usize, height: usize) -> Self {
        let value = |x: usize, y: usize, channel: usize| {
            (x * 3 + y * 5 + channel * 60 + (x / 16) * (y / 16) * 11) % 256
        };
        let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let data = rows.flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel) as u8));
        Self { size: Size { width, height }, data: data.collect() }
    }

    fn view(&self) -> ImageView<'_> {
        let stride = 3 * self.size.width;
        ImageView { data: &self.data, size: self.size, stride, format: PixelFormat::Rgb8 }
    }
}

/// A detection of the reference.
#[derive(Clone, Debug, serde::Deserialize)]
struct Expected {
    class_id: usize,
    confidence: f32,
    #[serde(rename = "box")]
    bounds: [f32; 4],
}

/// Checks that classes are the same, IoUs at least 0.99 and confidences within 0.005, by falling
/// confidence.
///
/// Detections of nearly equal confidence may be in another order.
#[track_caller]
fn check_same(what: &str, got: &[Detection], want: &[Expected]) {
    let mut remaining: Vec<&Expected> = want.iter().collect();
    assert_eq!(got.len(), want.len(), "{what}: {got:#?}\ninstead of {want:#?}");
    for found in got {
        let matches = |expected: &&Expected| {
            expected.class_id == found.class_id
                && (expected.confidence - found.confidence).abs() <= 0.005
                && overlap(&expected.bounds, &found.bounds) >= 0.99
        };
        let position = remaining.iter().position(matches);
        let position =
            position.unwrap_or_else(|| panic!("{what}: {found:?} is not in {remaining:#?}"));
        remaining.remove(position);
    }
    assert!(got.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence), "{what}");
}

/// Intersection over union in f64, independent of the crate's.
fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f64 {
    let [a, b] = [a, b].map(|bounds| bounds.map(f64::from));
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let area = |c: [f64; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    width * height / (area(a) + area(b) - width * height)
}

/// Class names as string slices.
fn names_of(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

/// Loads a detector from the fixtures folder.
#[track_caller]
fn load(name: &str, options: &DetectorOptions) -> Detector {
    Detector::load(fixture(name), options).unwrap()
}
