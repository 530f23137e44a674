//! Pictures become image files: JPEG straight from the planes, PNG, boxes drawn for the eye.
//!
//! ```text
//! FrameView ─► JFIF planes ─► libjpeg ─► bytes ─► write_atomic
//!    └─────► RGB ─► PNG, annotate ──────────┘
//! ```
//!
//! An encoder belongs to one thread and keeps its buffers, so that encoding frame after frame
//! allocates nothing; frames are encoded in parallel by giving each thread its own.

mod annotate;
mod compressor;
mod error;
mod font;
mod geometry;
mod jfif;
mod jpeg;
mod orient;
mod planes;
mod png;
mod rgb;
mod rows;
mod scale;
mod source;
#[cfg(test)]
mod tests;
mod weights;
mod write;

pub use annotate::{Annotation, annotate};
pub use error::{ImageError, Result};
pub use geometry::image_size;
pub use jpeg::{JpegEncoder, JpegOptions};
pub use png::{PngEncoder, PngOptions};
pub use write::{NewFile, Overwrite, remedy, remove_unfinished, write_atomic};

/// An image file in memory, borrowed from the encoder that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The whole file.
    pub bytes: &'a [u8],
}
