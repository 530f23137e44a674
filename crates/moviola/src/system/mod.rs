//! The process and the machine: memory, logging, FFmpeg's version, vector units, decoding hardware.

pub mod cpu;
pub mod hardware;

pub use moviola_av::{io::sigbus, log, memory, version as ffmpeg};
pub use moviola_media::budget;
