//! The built-in demo detector: small enough to be part of the program.

/// Its name, in place of a file name.
pub const NAME: &str = "demo";

/// The ONNX file; `models/` in the repository describes its classes and how it was made.
pub const MODEL: &[u8] = include_bytes!("../../../models/demo.onnx");
