//! How to open an input.

use std::time::Duration;

use crate::{dict::Dictionary, interrupt::Interrupt, io::Io, protocols::Protocols};

/// How to open an input. Every field but the URL has a working default.
#[derive(Debug)]
pub struct DemuxerOptions {
    /// The path or URL. With [`io`](Self::io) it is not opened, but still says where relative
    /// names in a playlist belong, and helps to recognise the format.
    pub url: String,
    /// Where the bytes come from. Default: a path is read with `pread`, a URL by FFmpeg.
    pub io: Option<Io>,
    /// The format by FFmpeg's name, such as `"mpegts"`. Default: recognised by content.
    pub format: Option<String>,
    /// Options of the demuxer and the protocol by FFmpeg's names; one that nothing knows is an
    /// error. Default: none.
    pub options: Dictionary,
    /// What the input may open besides itself. Default: only what belongs to it.
    pub allow_protocols: Protocols,
    /// Stops blocking work from outside. Default: never.
    pub interrupt: Interrupt,
    /// The longest that opening a URL, or one read from it, may take; paths and [`Io`]s are not
    /// limited. Default: 30 s.
    pub network_timeout: Option<Duration>,
    /// Bounds on what the input can make FFmpeg do.
    pub limits: Limits,
}

/// Bounds on what an input can make FFmpeg do before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams of one input. Default: 1000.
    pub max_streams: u16,
    /// Bytes read to recognise the format. Default: 1 MiB.
    pub max_probe_bytes: u32,
    /// Bytes read by [`find_stream_info`](super::Demuxer::find_stream_info). Default: 5 MB.
    pub max_analyze_bytes: u64,
    /// Media time read by [`find_stream_info`](super::Demuxer::find_stream_info). Default:
    /// FFmpeg's choice for the format, 5 s or more.
    pub max_analyze_duration: Option<Duration>,
}

impl Default for DemuxerOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            io: None,
            format: None,
            options: Dictionary::new(),
            allow_protocols: Protocols::automatic(),
            interrupt: Interrupt::new(),
            network_timeout: Some(Duration::from_secs(30)),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_streams: 1000,
            max_probe_bytes: 1 << 20,
            max_analyze_bytes: 5_000_000,
            max_analyze_duration: None,
        }
    }
}
