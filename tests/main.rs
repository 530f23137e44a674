//! Tests of the whole: against the reference ffmpeg, against failing input, against our own rules.
#![expect(clippy::print_stdout, reason = "a test says what it leaves out")]

mod audio;
mod audio_video;
mod burnt_in;
mod bytes_read;
mod conformance;
mod cues;
mod damaged;
mod failure;
mod index_tables;
mod keyframes;
mod limits;
mod mutated;
mod random_access;
mod shrinking;
mod stress;
mod tidy;
mod video;
