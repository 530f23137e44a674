//! The public API: what users need of the crates below, and what puts them together.
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
pub mod cpu;
pub mod debug;
pub mod demo;
pub mod detect;
mod exact_path;
pub mod fast;
pub mod frame_info;
pub mod hardware;
pub mod hash;
pub mod journal;
pub mod pipeline;
pub mod plan;
pub mod probe;
pub mod records;
pub mod results;
pub mod sink;
pub mod still;

pub use bulk::Bulk;
pub use debug::Debug;
pub use fast::Fast;
pub use moviola_av::{
    color::Color, error::ErrorKind, interrupt, io::sigbus, log, memory, pixel::PixelFormat, pool,
    protocols::Protocols, remedy, version as ffmpeg,
};
pub use moviola_infer as infer;
pub use moviola_media::{
    audio, audio_video, budget, convert,
    error::{self, Error},
    frame::Frame,
    frame_view, image, index, keyframes, media,
    source::{self, Source},
    video::{self, Video},
};
pub use plan::Plan;
pub use records::Records;
