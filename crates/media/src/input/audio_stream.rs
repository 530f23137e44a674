//! What is known of a stream of audio before anything is decoded.

use std::sync::Arc;

use moviola_av::{
    demuxer::Demuxer,
    error::{ErrorKind, Result as AvResult},
    parameters::CodecParameters,
    stream::{MediaKind, Stream},
    time::TimeBase,
};

use super::{
    SELF_DESCRIBING,
    select::{may_be_meant, no_such_audio},
};
use crate::{
    error::{Error, Result},
    source::{AudioChoice, cannot_read},
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
    /// The stream that `choice` means; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`moviola_av::error::Error::OutOfMemory`].
    pub fn pick(demuxer: &Demuxer, choice: &AudioChoice) -> AvResult<Option<Self>> {
        let mut best: Option<(_, Self)> = None;
        for stream in demuxer.streams().filter(|stream| may_be_meant(stream, choice)) {
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

    /// As [`pick`](Self::pick); that the stream that was asked for isn't there is an error.
    pub(super) fn find(
        name: &str,
        demuxer: &Demuxer,
        choice: &AudioChoice,
    ) -> Result<Option<Self>> {
        let audio = Self::pick(demuxer, choice).map_err(|cause| cannot_read(name, cause))?;
        if audio.is_some() || *choice == AudioChoice::Best {
            return Ok(audio);
        }
        match no_such_audio(demuxer, choice) {
            Some(reason) => {
                Err(Error::NoAudio { name: name.into(), reason, kind: ErrorKind::NoAudio })
            }
            None => Err(no_audio(name)),
        }
    }

    /// Fails if it is encrypted.
    pub(crate) fn check_clear(&self, name: &str) -> Result<()> {
        if self.parameters.is_encrypted() { Err(encrypted_audio(name)) } else { Ok(()) }
    }

    /// Whether decoding from any place gives the same samples, once the decoder has warmed up.
    /// Others make noise that depends on all they decoded before (AAC, AC-3), or nobody has
    /// looked.
    pub(crate) fn decodes_alike_anywhere(&self) -> bool {
        let codec = self.parameters.codec_name();
        let known = ["flac", "alac", "mp1", "mp2", "mp3", "vorbis", "opus"];
        codec.starts_with("pcm_") || known.contains(&codec)
    }
}

/// Whether there is a stream of audio.
pub(super) fn is_there(demuxer: &Demuxer) -> bool {
    demuxer.streams().any(|stream| stream.kind() == MediaKind::Audio)
}

/// Whether the header alone tells all that is needed to find and decode the audio that `choice`
/// means.
pub(super) fn is_self_describing(demuxer: &Demuxer, choice: &AudioChoice) -> bool {
    let mut streams = demuxer.streams().filter(|stream| may_be_meant(stream, choice)).peekable();
    streams.peek().is_some() && streams.all(|stream| tells_all(demuxer, stream))
}

/// Whether the header alone tells all a decoder of a stream of audio needs.
pub(super) fn tells_all(demuxer: &Demuxer, stream: Stream<'_>) -> bool {
    SELF_DESCRIBING.contains(&demuxer.format_name())
        && stream.parameters().is_ok_and(|parameters| {
            parameters.sample_rate() > 0 && parameters.channels() > 0 && parameters.has_decoder()
        })
}

/// Says that there is no audio.
pub(super) fn no_audio(name: &str) -> Error {
    let (name, reason) = (name.into(), "there is no audio in it".into());
    Error::NoAudio { name, reason, kind: ErrorKind::NoAudio }
}

/// Says that the audio is encrypted.
pub(crate) fn encrypted_audio(name: &str) -> Error {
    let reason = "the audio is encrypted; decrypt it first".into();
    Error::NoAudio { name: name.into(), reason, kind: ErrorKind::Unsupported }
}
