//! Which stream of a source is heard, and what is known of it before anything is decoded.

use std::sync::Arc;

use moviola_av::{
    demuxer::Demuxer,
    error::{ErrorKind, Result as AvResult},
    parameters::CodecParameters,
    stream::{MediaKind, Stream},
    time::TimeBase,
};

use crate::{
    error::{Error, Result},
    media::SELF_DESCRIBING,
    source::cannot_read,
};

/// A stream of audio.
#[derive(Clone, Debug)]
pub struct AudioStream {
    /// Its number among all streams.
    pub index: usize,
    /// Codec, rate and channels as the container has them; packets may know better.
    pub parameters: Arc<CodecParameters>,
    /// What its timestamps count.
    pub time_base: TimeBase,
    /// Whether its clock may be set anew in the middle, as in recordings of broadcasts.
    pub may_jump: bool,
}

impl AudioStream {
    /// The stream to hear: the one `wanted`, or as the ffmpeg command picks it, the one with most
    /// channels, one marked as default before the others, of several the first.
    ///
    /// # Errors
    ///
    /// [`moviola_av::error::Error::OutOfMemory`].
    pub fn pick(demuxer: &Demuxer, wanted: Option<usize>) -> AvResult<Option<Self>> {
        let mut best: Option<(_, Self)> = None;
        for stream in demuxer.streams().filter(|stream| is_wanted(stream, wanted)) {
            let Some(time_base) = stream.time_base() else { continue };
            let parameters = stream.parameters()?;
            let can = parameters.has_decoder();
            let score = (can, stream.disposition().is_default(), parameters.channels());
            if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
                let (index, may_jump) = (stream.index(), demuxer.may_jump());
                let parameters = Arc::new(parameters);
                best = Some((score, Self { index, parameters, time_base, may_jump }));
            }
        }
        Ok(best.map(|(_, stream)| stream))
    }

    /// As [`pick`](Self::pick); a stream that is encrypted is an error.
    pub(crate) fn find(
        name: &str,
        demuxer: &Demuxer,
        wanted: Option<usize>,
    ) -> Result<Option<Self>> {
        let stream = Self::pick(demuxer, wanted).map_err(|cause| cannot_read(name, cause))?;
        match stream {
            Some(stream) if stream.parameters.is_encrypted() => Err(encrypted(name)),
            stream => Ok(stream),
        }
    }

    /// Whether decoding from any place gives the same samples, once the decoder has warmed up.
    /// Others make noise that depends on all they decoded before (AAC, AC-3), or nobody has
    /// looked.
    pub(super) fn decodes_alike_anywhere(&self) -> bool {
        let codec = self.parameters.codec_name();
        let known = ["flac", "alac", "mp1", "mp2", "mp3", "vorbis", "opus"];
        codec.starts_with("pcm_") || known.contains(&codec)
    }
}

/// Whether the header alone tells all that is needed to find and decode the audio.
pub(crate) fn is_self_describing(demuxer: &Demuxer, wanted: Option<usize>) -> bool {
    let mut streams = demuxer.streams().filter(|stream| is_wanted(stream, wanted)).peekable();
    SELF_DESCRIBING.contains(&demuxer.format_name())
        && streams.peek().is_some()
        && streams.all(|stream| {
            stream.parameters().is_ok_and(|parameters| {
                parameters.sample_rate() > 0
                    && parameters.channels() > 0
                    && parameters.has_decoder()
            })
        })
}

pub(super) fn encrypted(name: &str) -> Error {
    let reason = "the audio is encrypted; decrypt it first".into();
    Error::NoAudio { name: name.into(), reason, kind: ErrorKind::Unsupported }
}

fn is_wanted(stream: &Stream<'_>, wanted: Option<usize>) -> bool {
    stream.kind() == MediaKind::Audio && wanted.is_none_or(|wanted| wanted == stream.index())
}
