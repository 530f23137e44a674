//! Safe Rust types over FFmpeg's objects for reading media, one type per object.
//!
//! An [`io::Io`] provides bytes, a [`demuxer::Demuxer`] splits them into [`packet::Packet`]s of
//! [`stream::Stream`]s, a [`decoder::Decoder`] decodes packets to [`frame::VideoFrame`]s, and the
//! [`plane::Plane`]s of a frame give its rows of bytes. Audio is decoded by an
//! [`audio::AudioDecoder`] and converted by a [`resampler::Resampler`].
//!
//! ```
//! use moviola_av::{Decoder, Demuxer, DemuxerOptions, MediaKind, Received, Sent};
//!
//! # let url = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
//! let mut demuxer = Demuxer::open(DemuxerOptions { url: url.into(), ..Default::default() })?;
//! let video = demuxer.streams().find(|s| s.kind() == MediaKind::Video).expect("a video stream");
//! let (index, parameters) = (video.index(), video.parameters()?);
//! let mut decoder = Decoder::open(&parameters, &Default::default())?;
//!
//! let mut frames = 0;
//! loop {
//!     match decoder.receive()? {
//!         Received::Frame(frame) => {
//!             assert_eq!((frame.width(), frame.height()), (640, 360));
//!             frames += 1;
//!         }
//!         Received::End => break,
//!         Received::NeedPacket => match demuxer.read_packet()? {
//!             None => decoder.send_end()?,
//!             Some(packet) if packet.stream_index() != index => {}
//!             // A decoder that asked for a packet accepts one.
//!             Some(packet) => assert_eq!(decoder.send(&packet)?, Sent::Accepted),
//!         },
//!     }
//! }
//! assert_eq!(frames, 300);
//! # Ok::<(), moviola_av::Error>(())
//! ```
#![allow(unsafe_code)] // the only crate that calls FFmpeg

pub mod audio;
pub mod codec;
pub mod color;
pub mod decoder;
pub mod demuxer;
pub mod dict;
pub mod discard;
pub mod error;
pub mod frame;
pub mod hw;
pub mod interrupt;
pub mod io;
pub mod log;
pub mod media_kind;
pub mod memory;
pub mod packet;
pub mod parameters;
pub mod pixel;
pub mod plane;
pub mod pool;
pub mod protocols;
mod raw;
pub mod remedy;
pub mod resampler;
pub mod scaler;
pub mod stream;
pub mod time;
pub mod trace;
pub mod version;

pub use audio::{AudioDecoder, AudioFrame};
pub use codec::Codec;
pub use color::Color;
pub use decoder::{Decoder, DecoderOptions, Received, Sent};
pub use demuxer::{Demuxer, DemuxerOptions, SeekDirection};
pub use dict::Dictionary;
pub use discard::Discard;
pub use error::{Error, ErrorKind, Result};
pub use frame::{VideoFrame, VideoFrameMut};
pub use hw::{HwDevice, HwKind};
pub use interrupt::Interrupt;
pub use io::Io;
pub use media_kind::MediaKind;
pub use packet::Packet;
pub use parameters::CodecParameters;
pub use pixel::PixelFormat;
pub use plane::Plane;
pub use pool::FramePool;
pub use protocols::Protocols;
pub use remedy::Remedy;
pub use resampler::Resampler;
pub use scaler::Scaler;
pub use stream::Stream;
pub use time::{Pts, TimeBase};
