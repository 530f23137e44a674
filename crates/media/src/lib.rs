//! A source becomes frames, images and sound: exact, ordered, in memory.

pub mod audio;
pub mod budget;
pub mod convert;
pub mod error;
pub mod frame;
pub mod image;
pub mod keyframes;
pub mod media;
pub mod picture;
mod simd;
pub mod source;
pub mod stage;
