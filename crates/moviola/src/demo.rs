//! The built-in demo detector: small enough to be part of the program.

/// What it is called in place of a file name.
pub const NAME: &str = "demo";

/// The ONNX file; `models/` in the repository says what it knows and how it was made.
pub const MODEL: &[u8] = include_bytes!("../../../models/demo.onnx");
