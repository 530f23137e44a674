//! Audio as 32-bit floats at any sample rate and number of channels, sample-exact.
//!
//! [`AudioReader`] opens a source and gives its audio in pieces, or any range of it.
//! [`AudioVideoReader`](crate::audio_video::AudioVideoReader) gives frames and audio from one pass
//! over a source. [`AudioStreamDecoder`] decodes packets from the caller's demuxer.
//!
//! **Time** is counted in samples from the start of the presentation, which audio and video of a
//! source share; without video it is the first sample. Samples that an encoder added at the start
//! and end are cut off if the container says so, as the ffmpeg command does.
//!
//! **Gaps** are filled with silence and overlaps are cut, so that the samples of a stream are
//! contiguous. A frame is not moved if its timestamp differs by at most 18 ms (or two ticks, if
//! those are longer) from the end of the frame before: so jitter and rounded timestamps insert
//! nothing. A larger step than a day, or than 10 s in formats whose clock may restart (MPEG-TS,
//! MPEG-PS), is a step of the clock: the frame follows the one before.
//!
//! **Mixing and resampling** are FFmpeg's, with its defaults: see
//! [`Resampler`](moviola_av::resampler::Resampler). The stream's first sample becomes the first
//! output sample, from which the others are counted.

mod converter;
mod decode;
mod fill;
mod grid;
mod marks;
mod range;
mod reader;
mod samples;
mod timeline;

pub use self::{
    decode::{AudioReport, AudioStreamDecoder},
    reader::AudioReader,
    samples::Samples,
};
pub use crate::input::AudioStream;

use moviola_av::audio::MAX_CHANNELS;

use crate::error::{Error, Result};

/// The largest rate that FFmpeg's resampler takes.
const MAX_RATE: u32 = i32::MAX.cast_unsigned();

/// Options of audio decoding. Every field has a working default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioOptions {
    /// Samples per second. Default: the stream's.
    pub sample_rate: Option<u32>,
    /// Number of channels. If it isn't the stream's, audio is mixed to FFmpeg's default layout of
    /// so many channels. Default: the stream's.
    pub channels: Option<u16>,
    /// The way to reach another position. Default: [`Seeking::Exact`].
    pub seeking: Seeking,
}

impl AudioOptions {
    /// Refuses rates and channels that nothing can be converted to.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `sample_rate` is 0 or over 2³¹ - 1, or `channels` not 1 to 64.
    pub fn check(&self) -> Result<()> {
        if let Some(rate) = self.sample_rate.filter(|rate| !(1..=MAX_RATE).contains(rate)) {
            return Err(Error::argument("sample_rate", "from 1 to 2147483647", rate));
        }
        match self.channels.filter(|channels| !(1..=MAX_CHANNELS).contains(channels)) {
            Some(channels) => Err(Error::argument("channels", "from 1 to 64", channels)),
            None => Ok(()),
        }
    }
}

/// How [`AudioReader::samples_played_in_range`] reaches the start of a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeking {
    /// The samples equal those of decoding everything from the start.
    ///
    /// To go forward, everything up to the range is decoded. To go back, the reader seeks to a
    /// second before the range if the codec's samples don't depend on earlier packets (PCM, FLAC,
    /// ALAC, MP3, Vorbis, Opus). For other codecs, such as AAC and AC-3, whose decoders add noise
    /// that depends on everything decoded before, it decodes from the start again.
    #[default]
    Exact,
    /// The reader seeks to a second before the range, by the container's timestamps. The decoder's
    /// noise differs, and rounded timestamps may shift the samples by their rounding.
    Fast,
}
