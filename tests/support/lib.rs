//! Support for whole-program tests: clips, the reference ffmpeg, hashes of frames.
#![expect(clippy::print_stdout, reason = "tests print what they skip")]

pub mod clips;
pub mod decode;
pub mod reference;
