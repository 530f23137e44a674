//! A source becomes frames, images and audio: exact, ordered, in memory.

pub mod any_format;
pub mod audio;
pub mod audio_video;
mod bitstream;
pub mod budget;
pub mod convert;
mod damage;
mod decode;
pub mod error;
pub mod frame;
pub mod frame_view;
pub mod hardware;
pub mod image;
pub mod index;
pub mod input;
pub mod keyframes;
pub mod send;
mod simd;
pub mod source;
pub mod video;
pub mod workers;
