//! Audio: any stream as 32-bit floats at a wanted rate and with wanted channels, sample-exact.
//!
//! [`AudioReader`] opens a source and hands out its audio in pieces, or any range of it.
//! [`AudioVideoReader`](crate::audio_video::AudioVideoReader) hands out frames and audio from one
//! pass over a source; [`AudioStreamDecoder`] takes the packets of somebody else's demuxer.
//!
//! **Time** is counted in samples from the start of the presentation, which audio has in common
//! with the pictures of the source; without pictures it is the first sample. What an encoder added
//! in front and behind is cut off where the container says so, as the ffmpeg command does.
//!
//! **Gaps** are filled with silence and what comes twice is cut, so that the samples of a stream
//! follow on each other without a break. A frame that is off by at most 18 ms (or two ticks of its
//! timestamps, if those are longer) from where counting puts it is not moved: jitter and
//! rounded timestamps insert nothing. A step of more than a day, or of more than 10 s in formats
//! whose clock may be set anew (MPEG-TS, MPEG-PS), is one of the clock: audio follows on.
//!
//! **Mixing and resampling** are FFmpeg's, with its defaults: see
//! [`Resampler`](moviola_av::resampler::Resampler). The first sample of the stream becomes the
//! first that comes out, and the others are counted from it.

mod decode;
mod fill;
mod grid;
mod marks;
mod output;
mod range;
mod reader;
mod samples;
mod stream;
mod timeline;

pub use self::{
    decode::{AudioReport, AudioStreamDecoder},
    reader::AudioReader,
    samples::Samples,
    stream::AudioStream,
};
pub(crate) use self::{reader::no_audio, stream::is_self_describing};

/// What audio is wanted. Every field has a working default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioOptions {
    /// Which stream to hear, counted among all streams. Default: as the ffmpeg command picks it.
    pub stream: Option<usize>,
    /// Samples per second. Default: the stream's.
    pub sample_rate: Option<u32>,
    /// Number of channels; another one than the stream's is mixed to FFmpeg's usual layout of so
    /// many. Default: the stream's.
    pub channels: Option<u16>,
    /// How to get to another place. Default: [`Seeking::Exact`].
    pub seeking: Seeking,
}

/// How [`AudioReader::samples_played_in_range`] gets to its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeking {
    /// The samples are those of decoding everything from the start. What was not decoded yet is
    /// decoded on the way. To go back, codecs that decode alike from any place (PCM, FLAC, ALAC,
    /// MP3, Vorbis, Opus) are sought with a second of warming up; others, such as AAC and AC-3,
    /// whose decoders make noise that depends on all they decoded before, start again.
    #[default]
    Exact,
    /// Whatever is near: a second before the place, by the container's timestamps. The noise of a
    /// decoder differs, and where timestamps are rounded the samples may be moved by that.
    Fast,
}
