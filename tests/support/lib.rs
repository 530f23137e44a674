//! What the whole-program tests share: clips, the reference ffmpeg, hashes of frames.
#![expect(clippy::print_stdout, reason = "a test says what it leaves out")]

pub mod clips;
pub mod decode;
pub mod reference;
