//! The audio of a source: opened, read and decoded in one thread.

use std::{collections::VecDeque, iter::FusedIterator};

use moviola_av::{
    decoder::Sent, demuxer::Demuxer, error::ErrorKind, interrupt::Interrupt, packet::Packet,
    stream::MediaKind,
};

use super::{
    AudioOptions, AudioReport, AudioStream, AudioStreamDecoder, Samples, stream::is_self_describing,
};
use crate::{
    container::{Container, discard_all_but, open_demuxer},
    error::{Error, Result},
    source::{Source, SourceOptions, cannot_read},
};

/// The audio of a source, with or without pictures.
///
/// As an iterator it hands out the whole in pieces, in order and without a break between them,
/// with memory for one of them. A damaged packet is silence and is counted
/// ([`report`](Self::report)). An error of the container comes behind all that was read before it,
/// and ends the iteration.
///
/// # Examples
///
/// ```
/// use moviola_media::{
///     audio::{AudioOptions, AudioReader},
///     source::{Source, SourceOptions},
/// };
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/audio_only.m4a");
/// let speech =
///     AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..AudioOptions::default() };
/// let mut reader = AudioReader::open(Source::path(path), SourceOptions::default(), speech)?;
/// let half = reader.samples_played_in_range(0.25, 0.75)?;
/// assert_eq!((half.start, half.len(), half.channels.len()), (4000, 8000, 1));
///
/// let rest: usize = reader.map(|piece| piece.map(|piece| piece.len())).sum::<Result<_, _>>()?;
/// assert_eq!(rest, 4000); // a range leaves the iterator behind it
/// # Ok::<(), moviola_media::error::Error>(())
/// ```
#[derive(Debug)]
pub struct AudioReader {
    pub(super) name: String,
    pub(super) demuxer: Demuxer,
    pub(super) audio: AudioStreamDecoder,
    pub(super) wanted: AudioOptions,
    /// The source, if it can be opened once more.
    again: Option<Source>,
    options: SourceOptions,
    interrupt: Interrupt,
    /// Packets of the audio that were read to find the start, oldest first.
    pub(super) read_ahead: VecDeque<Packet>,
    /// What was decoded and is not wanted yet.
    pub(super) rest: Option<Samples>,
    /// Whether all packets were read, and what ended them.
    pub(super) end: Option<Result<()>>,
    /// Whether the iterator has told how it ended.
    pub(super) told: bool,
}

impl AudioReader {
    /// Opens `source` and picks its audio.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] or [`Error::Demux`] if it can't be read, [`Error::NoAudio`] if it has no
    /// audio that this build can decode.
    pub fn open(source: Source, options: SourceOptions, wanted: AudioOptions) -> Result<Self> {
        let tells = |demuxer: &Demuxer| is_self_describing(demuxer, wanted.stream);
        let mut container = Container::open(source, options, tells)?;
        let stream = AudioStream::find(&container.name, &container.demuxer, wanted.stream)?;
        let stream = stream.ok_or_else(|| no_audio(&container.name, &container.demuxer))?;
        container.find_start()?;
        let audio =
            AudioStreamDecoder::open(&container.name, stream, container.start, wanted.clone())?;
        Ok(Self::of_container(container, audio, wanted))
    }

    /// The audio of a container, for which `audio` was opened as it is `wanted`.
    pub(crate) fn of_container(
        mut container: Container,
        audio: AudioStreamDecoder,
        wanted: AudioOptions,
    ) -> Self {
        container.keep(&[audio.stream().index]);
        let Container { name, demuxer, interrupt, options, read_ahead, again, .. } = container;
        let (rest, end, told) = (None, None, false);
        Self {
            name,
            demuxer,
            audio,
            wanted,
            again,
            options,
            interrupt,
            read_ahead,
            rest,
            end,
            told,
        }
    }

    /// The source as its user knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stream that is heard.
    pub fn stream(&self) -> &AudioStream {
        self.audio.stream()
    }

    /// What was not as it should be, so far.
    pub fn report(&self) -> AudioReport {
        self.audio.report()
    }

    /// Stops what blocks, from any thread.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Opens the source once more, at its start; `false` if that can't be done.
    pub(super) fn reopen(&mut self) -> Result<bool> {
        let Some(source) = self.again.as_ref().and_then(Source::try_clone) else {
            return Ok(false);
        };
        let index = self.stream().index;
        let tells = |demuxer: &Demuxer| is_self_describing(demuxer, Some(index));
        let opened = open_demuxer(source, &self.options, self.interrupt.clone(), tells);
        (_, self.demuxer) = opened?;
        discard_all_but(&mut self.demuxer, &[index]);
        self.read_ahead.clear();
        Ok(true)
    }

    /// Whether the decoder did not get to where it was sent.
    pub(super) fn is_lost(&self) -> bool {
        self.audio.is_lost(self.end.is_some())
    }

    /// The next piece; `None` at the end, and where the decoder is lost.
    pub(super) fn next_piece(&mut self) -> Result<Option<Samples>> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        loop {
            if let Some(piece) = self.audio.receive()? {
                return Ok(Some(piece));
            }
            match &self.end {
                Some(end) if !self.is_lost() => return end.clone().map(|()| None),
                _ if self.is_lost() => return Ok(None),
                _ => self.feed()?,
            }
        }
    }

    /// Gives the decoder the next packet, or the end.
    fn feed(&mut self) -> Result<()> {
        let end = match self.read() {
            Ok(Some(packet)) => {
                // A decoder that has nothing to give has room.
                let sent = self.audio.push(&packet)?;
                debug_assert_eq!(sent, Sent::Accepted);
                return Ok(());
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.end = Some(end);
        self.audio.end()
    }

    fn read(&mut self) -> Result<Option<Packet>> {
        if let Some(packet) = self.read_ahead.pop_front() {
            return Ok(Some(packet));
        }
        let index = self.stream().index;
        loop {
            let read = self.demuxer.read_packet();
            match read.map_err(|cause| cannot_read(&self.name, cause))? {
                Some(packet) if packet.stream_index() != index => {}
                other => return Ok(other),
            }
        }
    }
}

/// Yields each piece once, from where the last range ended.
impl Iterator for AudioReader {
    type Item = Result<Samples>;

    fn next(&mut self) -> Option<Result<Samples>> {
        if self.told {
            return None;
        }
        let item = self.next_piece().transpose();
        self.told = !matches!(item, Some(Ok(_)));
        item
    }
}

impl FusedIterator for AudioReader {}

pub(crate) fn no_audio(name: &str, demuxer: &Demuxer) -> Error {
    let has_audio = demuxer.streams().any(|stream| stream.kind() == MediaKind::Audio);
    let reason =
        if has_audio { "there is no such stream of audio" } else { "there is no audio in it" };
    let (name, reason) = (name.into(), reason.into());
    Error::NoAudio { name, reason, kind: ErrorKind::NoAudio }
}
