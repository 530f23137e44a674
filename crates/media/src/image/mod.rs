//! Image files of frames: JPEG directly from the planes, PNG, and JPEG with boxes and labels.
//!
//! ```text
//! FrameView ─► JFIF planes ─► libjpeg ─► bytes ─► write_atomic
//!    └─────► RGB ─► PNG, annotate ──────────┘
//! ```
//!
//! An encoder is for one thread and keeps its buffers, so encoding further frames of one size
//! doesn't allocate. To encode frames in parallel, give each thread its own encoder.

mod annotate;
mod checked_frame;
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

#[cfg(test)]
mod tests;
mod weights;
mod write;

pub use annotate::{Annotation, annotate};
pub use error::{ImageError, Result};
pub use geometry::image_size;
pub use jpeg::{JpegEncoder, JpegOptions};
pub use png::{PngEncoder, PngOptions};
pub use write::{NewFile, Overwrite, advice, remove_unfinished, write_atomic};

/// An image file in memory, borrowed from its encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The bytes of the file.
    pub bytes: &'a [u8],
}
