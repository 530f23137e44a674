//! Object detection with ONNX Runtime: from images to detections.
//!
//! A [`Detector`](detect::Detector) is a loaded model file whose head, classes and preprocessing
//! are known. An ambiguous model is refused; the error says how to decide.
//!
//! | module | holds |
//! |---|---|
//! | [`runtime`] | finding ONNX Runtime's library and loading it, once per process |
//! | [`provider`] | execution providers and precisions; the report of which one runs and why |
//! | [`session`] | the options of a loaded model |
//! | [`model`] | the description of a model file: metadata, head, classes; `inspect` |
//! | [`preprocess`] | the conversion of frames and images to a model's input tensor |
//! | [`letterbox`] | the position of an image in the input, and the mapping of boxes back |
//! | [`image`] | images in the caller's memory |
//! | [`head`] | the families of detectors, and the layout of their output |
//! | [`detect`] | non-maximum suppression, the detector |
//! | [`results`] | detections |
//!
//! Preprocessing and inference can run on different threads: a [`Preparer`](preprocess::Preparer)
//! fills tensors, and [`Detector::run_tensor`](detect::Detector::run_tensor) takes them.
//!
//! # Examples
//!
//! ```no_run
//! use moviola_infer::detect::{Detector, DetectorOptions};
//! use moviola_infer::image::{ImageView, PixelFormat};
//! use moviola_infer::letterbox::Size;
//!
//! let mut detector = Detector::load("yolo11n.onnx", &DetectorOptions::default())?;
//! let size = Size { width: 1920, height: 1080 };
//! let pixels = vec![0; 3 * 1920 * 1080];
//! let image = ImageView { data: &pixels, size, stride: 3 * 1920, format: PixelFormat::Rgb8 };
//! for found in detector.detect(&image)? {
//!     println!("{} {:.2} at {:?}", found.class, found.confidence, found.bounds);
//! }
//! # Ok::<(), moviola_infer::error::Error>(())
//! ```

pub mod detect;
pub mod error;
pub mod head;
mod head_kind;
pub mod image;
pub mod letterbox;
pub mod model;
pub mod preprocess;
pub mod provider;
pub mod results;
pub mod runtime;
pub mod session;
mod unknown_name;

pub use unknown_name::UnknownName;
