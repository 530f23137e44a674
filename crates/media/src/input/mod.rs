//! A source that is open: its container, its selected streams, and the start of its presentation.
//!
//! Every reader starts from an [`OpenInput`], which has the streams that it reads.

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
    /// Its video is read.
    Video,
    /// Its audio is read.
    Audio,
    /// Its video and audio are read in one pass; one of them is enough.
    AudioVideo,
    /// All of its streams are described; there may be none.
    Description,
}

/// An open container at its start, with its selected streams.
#[derive(Debug)]
pub struct OpenInput {
    pub(crate) name: String,
    pub(crate) demuxer: Demuxer,
    /// Ends blocking reads of the demuxer.
    pub(crate) interrupt: Interrupt,
    pub(crate) options: SourceOptions,
    pub(crate) video: Option<Arc<VideoStream>>,
    pub(crate) audio: Option<AudioStream>,
    /// The reasons why streams that the input was opened for are missing, if there is another.
    pub(crate) missing: Vec<Error>,
    pub(crate) hardware: Arc<Hardware>,
    /// Start of the presentation, if there is video.
    pub(crate) start: Option<Pts>,
    /// Packets that were read to find the start, oldest first.
    pub(crate) read_ahead: VecDeque<Packet>,
    /// Numbers of the streams that are read.
    reads: Vec<usize>,
    damage: Damage,
    /// The source, to be opened again; `None` if it can be read only once.
    again: Option<Source>,
    /// The bytes of the source; `None` for pipes and URLs.
    bytes: Option<Bytes>,
}

impl OpenInput {
    /// The source's name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// FFmpeg's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub fn container(&self) -> &str {
        self.demuxer.format_name()
    }

    /// The demuxer of the container, with all of its streams.
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

    /// The errors of selected streams that don't exist, if the purpose can do without them.
    pub fn missing(&self) -> &[Error] {
        &self.missing
    }

    /// Whether a stream is one of those that were selected.
    pub fn is_selected(&self, stream: usize) -> bool {
        self.video().is_some_and(|video| video.index == stream)
            || self.audio().is_some_and(|audio| audio.index == stream)
    }

    /// Length of the presentation in seconds, if the container has it.
    pub fn duration(&self) -> Option<f64> {
        self.demuxer.duration_us().map(|us| us as f64 / 1e6)
    }

    /// Start of the presentation, from which time is counted. It is 0 without video, when time is
    /// counted from the first sample of the audio.
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

    /// The source's bytes, independent of the demuxer; `None` for pipes and URLs.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.bytes.as_ref()
    }

    /// Length of the source in bytes; 0 if its bytes can't be read at any position.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.as_ref().map_or(0, Bytes::len)
    }

    /// The hardware that decodes the video, or the reason why none does.
    pub fn hardware(&self) -> &Arc<Hardware> {
        &self.hardware
    }

    /// The numbers of the frames that readers of this input find damaged.
    pub fn damage(&self) -> Damage {
        self.damage.clone()
    }

    /// Ends reading on every thread: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// [`SourceOptions::decoders`], at least 1: the number of workers that a reader can keep busy.
    pub fn decoders(&self) -> usize {
        self.options.decoders.max(1)
    }
}
