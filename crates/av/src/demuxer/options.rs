//! Options of demuxers.

use std::time::Duration;

use crate::{dict::Dictionary, interrupt::Interrupt, io::Io, protocols::Protocols};

/// How to open an input. Every field but the URL has a working default.
#[derive(Debug)]
pub struct DemuxerOptions {
    /// The path or URL. With [`io`](Self::io) it is not opened, but is still the base of relative
    /// names in a playlist and helps to recognise the format.
    pub url: String,
    /// The source of the bytes. Default: a path is read with `pread`, a URL by FFmpeg.
    pub io: Option<Io>,
    /// FFmpeg's name of the format, such as `"mpegts"`. Default: recognised by content.
    pub format: Option<String>,
    /// Options of the demuxer and the protocol, by FFmpeg's names; an unknown one is an error.
    /// Default: none.
    pub options: Dictionary,
    /// The protocols that the input may use for other files and URLs. Default:
    /// [`Protocols::automatic`].
    pub allow_protocols: Protocols,
    /// Cancels blocking calls from another thread. Default: one that never does.
    pub interrupt: Interrupt,
    /// The longest that opening a URL, or one read from it, may take. Does not apply to paths and
    /// [`Io`]s. Default: 30 s.
    pub network_timeout: Option<Duration>,
    /// Limits on the work before the first packet.
    pub limits: Limits,
}

/// Limits on the work that an input can cause before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Number of streams. Default: 1000.
    pub max_streams: u16,
    /// Bytes read to recognise the format. Default: 1 MiB.
    pub max_probe_bytes: u32,
    /// Bytes read by [`find_stream_info`](super::Demuxer::find_stream_info). Default: 5 MB.
    pub max_analyze_bytes: u64,
    /// Media time analysed by [`find_stream_info`](super::Demuxer::find_stream_info). Default:
    /// FFmpeg's choice for the format, at least 5 s.
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
