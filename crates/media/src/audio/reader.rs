//! The audio of a source: opened, read and decoded in one thread.

use std::iter::FusedIterator;

use moviola_av::{decoder::Sent, interrupt::Interrupt, packet::Packet};

use super::{AudioOptions, AudioReport, AudioStream, AudioStreamDecoder, Samples};
use crate::{
    error::{Error, Result},
    input::{OpenInput, Purpose},
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
    pub(super) input: OpenInput,
    pub(super) audio: AudioStreamDecoder,
    pub(super) wanted: AudioOptions,
    /// What was decoded and is not wanted yet.
    pub(super) rest: Option<Samples>,
    /// Whether all packets were read, and what ended them.
    pub(super) end: Option<Result<()>>,
    /// Whether the iterator has told how it ended.
    pub(super) told: bool,
}

impl AudioReader {
    /// Opens `source` and reads its audio.
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`] and [`AudioReader::start`].
    pub fn open(source: Source, options: SourceOptions, wanted: AudioOptions) -> Result<Self> {
        Self::start(OpenInput::open(source, options, Purpose::Audio)?, wanted)
    }

    /// Reads the audio of `input`.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if it has no audio that this build can decode.
    pub fn start(mut input: OpenInput, wanted: AudioOptions) -> Result<Self> {
        let stream = input.read_audio()?;
        let audio = AudioStreamDecoder::open(&input.name, stream, input.start, wanted.clone())?;
        Ok(Self::with_decoder(input, audio, wanted))
    }

    /// The audio of `input`, for which `audio` was opened as it is `wanted`.
    pub(crate) fn with_decoder(
        mut input: OpenInput,
        audio: AudioStreamDecoder,
        wanted: AudioOptions,
    ) -> Self {
        input.read_only(vec![audio.stream().index]);
        Self { input, audio, wanted, rest: None, end: None, told: false }
    }

    /// The source as its user knows it.
    pub fn name(&self) -> &str {
        &self.input.name
    }

    /// The stream that is heard.
    pub fn stream(&self) -> &AudioStream {
        self.audio.stream()
    }

    /// What was not as it should be, so far.
    pub fn report(&self) -> AudioReport {
        self.audio.report()
    }

    /// Ends reading, from any thread: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.input.interrupt()
    }

    /// Opens the source once more, at its start; `false` if that can't be done.
    pub(super) fn reopen(&mut self) -> Result<bool> {
        match self.input.reopen() {
            Ok(demuxer) => self.input.demuxer = demuxer,
            Err(Error::ReadOnce { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.input.read_ahead.clear();
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
        if self.told {
            return None;
        }
        let item = self.next_piece().transpose();
        self.told = !matches!(item, Some(Ok(_)));
        item
    }
}

impl FusedIterator for AudioReader {}
