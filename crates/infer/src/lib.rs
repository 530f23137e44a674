//! Images become detections, through ONNX Runtime.
//!
//! A [`Detector`](detect::Detector) is a model file that was understood: its head, its classes and
//! the way it wants pictures to be fed. What is ambiguous is refused with the way to decide.
//!
//! | module | holds |
//! |---|---|
//! | [`runtime`] | ONNX Runtime's library: found, loaded once |
//! | [`provider`] | what runs a model, in which precision, and why |
//! | [`session`] | a loaded model: a tensor in, outputs read in place |
//! | [`model`] | what a model file is: metadata, head, classes; `inspect` |
//! | [`preprocess`] | what a model wants to be fed |
//! | [`letterbox`] | where a picture lies in the input, and the way back |
//! | [`image`] | images in the caller's memory |
//! | [`detect`] | heads, non-maximum suppression, the detector |
//! | [`results`] | detections |
//!
//! Preparing pictures and running the model can be on different threads: a
//! [`Preparer`](preprocess::Preparer) fills tensors, [`Detector::run_tensor`](
//! detect::Detector::run_tensor) takes them.
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
pub mod image;
pub mod letterbox;
pub mod model;
pub mod preprocess;
pub mod provider;
pub mod results;
pub mod runtime;
pub mod session;
