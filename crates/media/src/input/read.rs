//! The streams of an input that are read, and how the input is opened again.

use std::sync::Arc;

use moviola_av::{demuxer::Demuxer, discard::Discard};

use super::{
    AudioStream, OpenInput, VideoStream,
    audio_stream::{self, no_audio},
    video_stream::{self, check_decodable, no_video},
};
use crate::{
    error::{Error, Result},
    source::{Source, cannot_read},
};

impl OpenInput {
    /// Restricts reading to the selected video from now on.
    ///
    /// # Errors
    ///
    /// [`Error::NoVideo`] if there is none that this build can decode.
    pub(crate) fn read_video(&mut self) -> Result<Arc<VideoStream>> {
        let video = self.video.clone().ok_or_else(|| no_video(&self.name, &self.demuxer))?;
        check_decodable(&self.name, &video)?;
        self.read_only(vec![video.index]);
        Ok(video)
    }

    /// Restricts reading to the selected audio from now on.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if there is none, or it is encrypted.
    pub(crate) fn read_audio(&mut self) -> Result<AudioStream> {
        let audio = self.audio.clone().ok_or_else(|| no_audio(&self.name))?;
        audio.check_clear(&self.name)?;
        self.read_only(vec![audio.index]);
        Ok(audio)
    }

    /// Restricts reading to some of the streams that were read until now.
    pub(crate) fn read_only(&mut self, streams: Vec<usize>) {
        discard_all_but(&mut self.demuxer, &streams);
        self.read_ahead.retain(|packet| streams.contains(&packet.stream_index()));
        self.reads = streams;
    }

    /// Whether packets of a stream are read.
    pub(crate) fn reads(&self, stream: usize) -> bool {
        self.reads.contains(&stream)
    }

    /// Whether the source can be read again, as a pipe can't.
    pub fn can_reopen(&self) -> bool {
        self.again.is_some()
    }

    /// The source again, from its start; `None` if it can be read only once.
    pub fn source(&self) -> Option<Source> {
        self.again.as_ref().and_then(Source::try_clone)
    }

    /// Opens another demuxer of the same bytes. It returns the same packets of the streams that are
    /// read, from the first one on.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnce`] if the source is a pipe; else as [`OpenInput::open`].
    pub(crate) fn reopen(&self) -> Result<Demuxer> {
        let again = self.source();
        let again = again.ok_or_else(|| Error::ReadOnce { name: self.name.clone() })?;
        let (name, mut demuxer) = again.demuxer(&self.options, self.interrupt.clone())?;
        if !self.reads.iter().all(|&stream| is_self_describing(&demuxer, stream)) {
            demuxer.find_stream_info().map_err(|cause| cannot_read(&name, cause))?;
        }
        discard_all_but(&mut demuxer, &self.reads);
        Ok(demuxer)
    }
}

/// Whether the header contains all that a decoder of the stream needs.
fn is_self_describing(demuxer: &Demuxer, stream: usize) -> bool {
    let tells_audio = |stream| audio_stream::tells_all(demuxer, stream);
    video_stream::is_self_describing(demuxer, stream)
        || demuxer.stream(stream).is_some_and(tells_audio)
}

/// Discards all streams but these if the format can skip them; otherwise they are still read.
fn discard_all_but(demuxer: &mut Demuxer, streams: &[usize]) {
    for stream in (0..demuxer.stream_count()).filter(|stream| !streams.contains(stream)) {
        demuxer.set_discard(stream, Discard::All);
    }
}
