//! An audio stream: its selection, and its properties by the container.

use std::sync::Arc;

use moviola_av::{
    demuxer::Demuxer,
    error::{ErrorKind, Result as AvResult},
    media_kind::MediaKind,
    parameters::CodecParameters,
    stream::Stream,
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

/// An audio stream of a source.
#[derive(Clone, Debug)]
pub struct AudioStream {
    /// Index among all streams.
    pub index: usize,
    /// Codec, rate and channels by the container; packets may differ.
    pub parameters: Arc<CodecParameters>,
    /// The length of a tick of its timestamps.
    pub time_base: TimeBase,
    /// Whether its clock may restart in the middle, as in recordings of broadcasts.
    pub may_jump: bool,
}

impl AudioStream {
    /// The stream that `choice` selects; `None` if there is none.
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

    /// The stream that `choice` selects; `None` if the best is selected and there is none.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if a specific stream is selected and doesn't exist.
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

    /// Whether decoding from any position gives the same samples after a second of warming up.
    ///
    /// Decoders of AAC and AC-3 add noise that depends on everything decoded before. Codecs that
    /// weren't examined are assumed to depend on it too.
    pub(crate) fn decodes_alike_anywhere(&self) -> bool {
        let codec = self.parameters.codec_name();
        let known = ["flac", "alac", "mp1", "mp2", "mp3", "vorbis", "opus"];
        codec.starts_with("pcm_") || known.contains(&codec)
    }
}

/// Whether there is an audio stream.
pub(super) fn is_there(demuxer: &Demuxer) -> bool {
    demuxer.streams().any(|stream| stream.kind() == MediaKind::Audio)
}

/// Whether the header is enough to select and decode the audio that `choice` selects.
pub(super) fn is_self_describing(demuxer: &Demuxer, choice: &AudioChoice) -> bool {
    let mut streams = demuxer.streams().filter(|stream| may_be_meant(stream, choice)).peekable();
    streams.peek().is_some() && streams.all(|stream| tells_all(demuxer, stream))
}

/// Whether the header is enough to decode an audio stream.
pub(super) fn tells_all(demuxer: &Demuxer, stream: Stream<'_>) -> bool {
    SELF_DESCRIBING.contains(&demuxer.format_name())
        && stream.parameters().is_ok_and(|parameters| {
            parameters.sample_rate() > 0 && parameters.channels() > 0 && parameters.has_decoder()
        })
}

/// The error that there is no audio.
pub(super) fn no_audio(name: &str) -> Error {
    let (name, reason) = (name.into(), "there is no audio in it".into());
    Error::NoAudio { name, reason, kind: ErrorKind::NoAudio }
}

/// The error that the audio is encrypted.
pub(crate) fn encrypted_audio(name: &str) -> Error {
    let reason = "the audio is encrypted; decrypt it first".into();
    Error::NoAudio { name: name.into(), reason, kind: ErrorKind::Unsupported }
}
