//! The reader of a source's audio. Everything runs on the caller's thread.

use std::iter::FusedIterator;

use moviola_av::{decoder::Sent, interrupt::Interrupt, packet::Packet};

use super::{AudioOptions, AudioReport, AudioStream, AudioStreamDecoder, Samples};
use crate::{
    error::{Error, Result},
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions, cannot_read},
};

/// A reader of a source's audio. The source may have video, which is not decoded.
///
/// As an iterator it gives all audio in contiguous pieces, in order, and keeps one piece in memory.
/// A damaged packet becomes silence and is counted ([`report`](Self::report)). An error of the
/// container comes after all samples that were read before it, and ends the iteration.
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
/// assert_eq!(rest, 4000); // the iterator continues after the range
/// # Ok::<(), moviola_media::error::Error>(())
/// ```
#[derive(Debug)]
pub struct AudioReader {
    pub(super) input: OpenInput,
    pub(super) audio: AudioStreamDecoder,
    pub(super) wanted: AudioOptions,
    /// Decoded samples that the next read gives first.
    pub(super) rest: Option<Samples>,
    /// `None` until all packets were read; then how reading ended.
    pub(super) end: Option<Result<()>>,
    /// Whether the iterator has given its end or error.
    pub(super) has_ended: bool,
}

impl AudioReader {
    /// Opens a source to read its audio.
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`] and [`AudioReader::start`].
    pub fn open(source: Source, options: SourceOptions, wanted: AudioOptions) -> Result<Self> {
        Self::start(OpenInput::open(source, options, Purpose::Audio)?, wanted)
    }

    /// A reader of the audio of an open input.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if it has no audio that this build can decode.
    pub fn start(mut input: OpenInput, wanted: AudioOptions) -> Result<Self> {
        let stream = input.read_audio()?;
        let audio = AudioStreamDecoder::open(&input.name, stream, input.start, wanted.clone())?;
        Ok(Self::with_decoder(input, audio, wanted))
    }

    /// A reader of an input's audio with the decoder `audio`, which was opened with the same
    /// options.
    pub(crate) fn with_decoder(
        mut input: OpenInput,
        audio: AudioStreamDecoder,
        wanted: AudioOptions,
    ) -> Self {
        input.read_only(vec![audio.stream().index]);
        Self { input, audio, wanted, rest: None, end: None, has_ended: false }
    }

    /// The name of the source, as in errors.
    pub fn name(&self) -> &str {
        &self.input.name
    }

    /// The stream that is read.
    pub fn stream(&self) -> &AudioStream {
        self.audio.stream()
    }

    /// Counts of damage, gaps and overlaps so far.
    pub fn report(&self) -> AudioReport {
        self.audio.report()
    }

    /// A handle that interrupts reading, from any thread. Reading fails afterwards.
    pub fn interrupt(&self) -> Interrupt {
        self.input.interrupt()
    }

    /// Opens the source again, at its start; `false` if it can be read only once.
    pub(super) fn reopen(&mut self) -> Result<bool> {
        match self.input.reopen() {
            Ok(demuxer) => self.input.demuxer = demuxer,
            Err(Error::ReadOnce { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.input.read_ahead.clear();
        Ok(true)
    }

    /// Whether the decoder doesn't know its position after a seek.
    pub(super) fn is_lost(&self) -> bool {
        self.audio.is_lost(self.end.is_some())
    }

    /// The next piece; `None` at the end, or if the decoder [is lost](Self::is_lost).
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

    /// Gives the decoder the next packet, or ends it after the last one.
    fn feed(&mut self) -> Result<()> {
        let end = match self.read() {
            Ok(Some(packet)) => {
                // A decoder without output accepts a packet.
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
        if let Some(packet) = self.input.read_ahead.pop_front() {
            return Ok(Some(packet));
        }
        let index = self.stream().index;
        loop {
            let read = self.input.demuxer.read_packet();
            match read.map_err(|cause| cannot_read(&self.input.name, cause))? {
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
        if self.has_ended {
            return None;
        }
        let item = self.next_piece().transpose();
        self.has_ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl FusedIterator for AudioReader {}
