//! How a source is opened and read.

use std::{fmt, path::Path, str::FromStr, sync::Arc, time::Duration};

use moviola_av::{interrupt::Interrupt, pool::FramePool, protocols::Protocols};

use super::{OnDamage, StreamSelection};
use crate::{
    error::{Error, Result},
    hardware::Hwaccel,
};

/// What a pool keeps that no picture uses: twenty pictures in 1080p.
const MAX_IDLE_BYTES: usize = 64 << 20;

/// How a local file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IoMode {
    /// `pread` into a small buffer.
    #[default]
    Read,
    /// A memory mapping. If another process truncates the file meanwhile, the system sends
    /// SIGBUS: opt in only where `moviola_av::io::sigbus::install` has run, which turns it into
    /// an error.
    Map,
    /// A mapping for files over 1 GiB, `pread` for the others. The caution of `Map` applies.
    Auto,
}

impl FromStr for IoMode {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "read" => Ok(Self::Read),
            "mmap" => Ok(Self::Map),
            "auto" => Ok(Self::Auto),
            _ => Err("expected auto, mmap, read".into()),
        }
    }
}

impl fmt::Display for IoMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Map => "mmap",
            Self::Auto => "auto",
        })
    }
}

/// How to open a source. Every field has a working default.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// How a local file is read. Default: [`IoMode::Read`].
    pub io: IoMode,
    /// Protocols allowed beyond those the source itself needs. Default: none.
    pub allow_protocols: Protocols,
    /// The most pixels of a frame; more are an error. The error ends the reading of frames; a
    /// reader of keyframes continues with the next. Default: 268 435 456 (16384²).
    pub max_pixels: u64,
    /// Give up on a network source that is silent for this long. Default: 30 s.
    pub network_timeout: Duration,
    /// Which streams are read. Default: the best of each kind.
    pub streams: StreamSelection,
    /// The number of threads that decode and convert: each works on a keyframe or a group of
    /// pictures, or all on one stream. Default: the number of cores that this process may use.
    pub decoders: usize,
    /// The hardware that may decode. Default: none.
    pub hwaccel: Hwaccel,
    /// What to do about damaged frames of a [`Video`](crate::video::Video) or a
    /// [`FrameReader`](crate::video::FrameReader). It doesn't apply to readers of
    /// keyframes, which keep them. Default: [`OnDamage::Keep`].
    pub on_damage: OnDamage,
    /// A folder that keeps the indexes of files that must be read through to make one, so that it
    /// is done once. Default: none; nothing is written.
    pub index_cache: Option<Arc<Path>>,
    /// The most bytes of decoded frames that wait for their turn while groups of pictures are
    /// decoded in parallel. Default: 256 MiB.
    pub memory: usize,
    /// The pool of memory for frames. Sources opened with clones of these options share it.
    /// Default: a new one that keeps at most 64 MiB of unused memory.
    pub pool: Arc<FramePool>,
    /// Ends the opening of sources and whatever reads them then, from any thread, for all that are
    /// opened with clones of these options. Each reader has an interrupt of its own as well.
    /// Default: a new one.
    pub interrupt: Interrupt,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            io: IoMode::default(),
            allow_protocols: Protocols::automatic(),
            max_pixels: 1 << 28,
            network_timeout: Duration::from_secs(30),
            streams: StreamSelection::default(),
            decoders: crate::budget::cores(),
            hwaccel: Hwaccel::default(),
            on_damage: OnDamage::default(),
            index_cache: None,
            memory: 256 << 20,
            pool: FramePool::new(MAX_IDLE_BYTES),
            interrupt: Interrupt::new(),
        }
    }
}

impl SourceOptions {
    /// Refuses options with which nothing can be read.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `decoders`, `max_pixels` or `network_timeout` is 0.
    pub fn check(&self) -> Result<()> {
        if self.decoders == 0 {
            return Err(Error::argument("decoders", "1 or more", 0));
        }
        if self.max_pixels == 0 {
            return Err(Error::argument("max_pixels", "1 or more", 0));
        }
        if self.network_timeout.is_zero() {
            return Err(Error::argument("network_timeout", "longer than 0 s", "0 s"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use moviola_av::error::ErrorKind;

    use super::*;

    #[test]
    fn modes_read_back_as_they_are_written() {
        for mode in [IoMode::Read, IoMode::Map, IoMode::Auto] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("".parse::<IoMode>().is_err());
    }

    #[test]
    fn options_with_which_nothing_can_be_read_are_errors() {
        let usual = SourceOptions::default;
        for (options, what) in [
            (SourceOptions { decoders: 0, ..usual() }, "decoders"),
            (SourceOptions { max_pixels: 0, ..usual() }, "max_pixels"),
            (SourceOptions { network_timeout: Duration::ZERO, ..usual() }, "network_timeout"),
        ] {
            let error = options.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with(what), "{error}");
        }
        assert!(usual().check().is_ok());
    }
}
