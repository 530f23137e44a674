//! A source that is open: its container, its selected streams, and where time begins.
//!
//! Every reader starts from an [`OpenInput`] and asks it for the streams it reads.

mod audio_stream;
mod damage;
mod open;
mod ranges;
mod read;
mod select;
mod start;
mod video_stream;

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{
    demuxer::Demuxer,
    interrupt::Interrupt,
    packet::Packet,
    time::{Pts, TimeBase},
};

pub use self::{audio_stream::AudioStream, damage::Damage, video_stream::VideoStream};
pub(crate) use self::{
    audio_stream::encrypted_audio,
    open::nothing,
    video_stream::{cannot_decode, encrypted},
};
use crate::{
    error::Error,
    hardware::Hardware,
    source::{Bytes, Source, SourceOptions, StreamSelection},
};

/// Containers whose header contains all that a decoder needs, so that no packets are read for it.
const SELF_DESCRIBING: [&str; 2] = ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"];

/// The purpose of an input. It determines which streams must exist, with all properties that
/// decoding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reading its video.
    Video,
    /// Reading its audio.
    Audio,
    /// Reading video and audio in one pass; one of them is enough.
    AudioVideo,
    /// Describing all of its streams. None must be there.
    Description,
}

/// An open container at its start, and the streams of it that were selected.
#[derive(Debug)]
pub struct OpenInput {
    pub(crate) name: String,
    pub(crate) demuxer: Demuxer,
    /// Stops the demuxer where it blocks.
    pub(crate) interrupt: Interrupt,
    pub(crate) options: SourceOptions,
    pub(crate) video: Option<Arc<VideoStream>>,
    pub(crate) audio: Option<AudioStream>,
    /// Why a stream that the input was opened for is missing, where another is there.
    pub(crate) missing: Vec<Error>,
    pub(crate) hardware: Arc<Hardware>,
    /// Start of the presentation, if there are pictures.
    pub(crate) start: Option<Pts>,
    /// Packets that were read to find the start, oldest first.
    pub(crate) read_ahead: VecDeque<Packet>,
    /// Numbers of the streams that are read.
    reads: Vec<usize>,
    damage: Damage,
    /// The same bytes once more, unless they can be read once only.
    again: Option<Source>,
    /// The bytes themselves; `None` for pipes and addresses.
    bytes: Option<Bytes>,
}

impl OpenInput {
    /// The source's name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The container, in FFmpeg's words, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub fn container(&self) -> &str {
        self.demuxer.format_name()
    }

    /// The container itself: all of its streams.
    pub fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// The caller's selection of streams.
    pub fn selection(&self) -> &StreamSelection {
        &self.options.streams
    }

    /// The selected stream of video; `None` if there is none.
    pub fn video(&self) -> Option<&VideoStream> {
        self.video.as_deref()
    }

    /// The selected stream of audio; `None` if there is none.
    pub fn audio(&self) -> Option<&AudioStream> {
        self.audio.as_ref()
    }

    /// Whether a stream is one of those that were selected.
    pub fn is_selected(&self, stream: usize) -> bool {
        self.video().is_some_and(|video| video.index == stream)
            || self.audio().is_some_and(|audio| audio.index == stream)
    }

    /// Length of the presentation in seconds, if the container says so.
    pub fn duration(&self) -> Option<f64> {
        self.demuxer.duration_us().map(|us| us as f64 / 1e6)
    }

    /// Start of the presentation, from which time is counted; without pictures, the first sample of
    /// the audio is the start instead.
    pub fn start(&self) -> Pts {
        let base = self.video().map(|video| video.time_base);
        let base =
            base.or(self.audio().map(|audio| audio.time_base)).unwrap_or(TimeBase::MICROSECONDS);
        self.start.unwrap_or(Pts { ticks: 0, base })
    }

    /// Seconds from the start of the presentation to `pts`.
    pub fn time_of(&self, pts: Pts) -> f64 {
        pts.seconds_since(self.start())
    }

    /// The source's bytes, beside the demuxer; `None` for pipes and addresses.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.bytes.as_ref()
    }

    /// Length of the source in bytes; 0 if its bytes can't be read at any position.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.as_ref().map_or(0, Bytes::len)
    }

    /// Where the video is decoded, and why not in hardware.
    pub fn hardware(&self) -> &Arc<Hardware> {
        &self.hardware
    }

    /// Which frames are found damaged by whatever reads this.
    pub fn damage(&self) -> Damage {
        self.damage.clone()
    }

    /// Ends reading on every thread: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// [`SourceOptions::decoders`], at least 1: as many workers a reader can keep busy.
    pub fn decoders(&self) -> usize {
        self.options.decoders.max(1)
    }
}
