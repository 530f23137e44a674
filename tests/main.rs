//! Whole-program tests: conformance with the reference ffmpeg, failing inputs, rules for the code.
#![expect(clippy::print_stdout, reason = "tests print what they skip")]

mod audio;
mod audio_video;
mod burnt_in;
mod bytes_read;
mod conformance;
mod cues;
mod damaged;
mod errors;
mod failure;
mod index_tables;
mod inputs;
mod keyframes;
mod limits;
mod mutated;
mod outside;
mod random_access;
mod shrinking;
mod stress;
mod tidy;
mod video;
