//! Tests of the whole: against the reference ffmpeg, against failing input, against our own rules.

mod bytes_read;
mod conformance;
mod cues;
mod failure;
mod keyframes;
mod sound;
mod tidy;
