//! The public API: plans, runs, records and readers, with the types of the lower crates that they
//! use.
//!
//! ```
//! use moviola::{Source, keyframes::KeyframeReader};
//!
//! # let video = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
//! for keyframe in KeyframeReader::open(Source::path(video), Default::default())? {
//!     let keyframe = keyframe?;
//!     println!("{:?}: {}x{}", keyframe.time, keyframe.decoded.width(), keyframe.decoded.height());
//! }
//! # Ok::<(), moviola::Error>(())
//! ```

pub mod bulk;
pub(crate) mod columns;
pub mod debug;
pub mod demo;
pub mod error;
mod exact_path;
pub mod fast;
mod frame_info;
mod hash;
pub mod inputs;
pub(crate) mod pipeline;
pub mod plan;
pub mod records;
pub mod sink;
pub mod system;
pub(crate) mod task;

pub use bulk::Bulk;
pub use debug::Debug;
pub use fast::Fast;
pub use hash::frame_md5;
pub use moviola_av::{
    color::Color,
    error::{Error as FfmpegError, ErrorKind},
    frame::VideoFrame,
    interrupt,
    packet::Packet,
    parameters::CodecParameters,
    pixel::PixelFormat,
    plane::Plane,
    pool,
    protocols::Protocols,
    remedy,
    time::{Pts, TimeBase},
};
pub use moviola_infer as infer;
pub use moviola_media::{
    audio, audio_video, convert,
    error::{self as media_error, Error},
    frame::{self, Frame},
    frame_view, image, index, input, keyframes, send,
    source::{self, Source},
    video::{self, Video},
};
pub use plan::Plan;
pub use records::{Record, Records};

/// Whether `value` is false; for `skip_serializing_if`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde calls")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

/// The README's examples, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
