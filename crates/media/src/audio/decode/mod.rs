//! The decoder of one audio stream, from packets to samples at their positions.

mod jump;
#[cfg(test)]
mod tests;

use moviola_av::{
    audio::{AudioDecoder, AudioDecoderOptions, AudioFrame},
    decoder::{Received, Sent},
    error::{Error as AvError, Result as AvResult},
    packet::Packet,
    time::Pts,
};

use super::{
    AudioOptions, AudioStream, Samples,
    converter::AudioConverter,
    grid::Grid,
    marks::{Mark, Marks, Resync},
};
use crate::{
    decode,
    error::{Error, Result},
    input::encrypted_audio,
};

/// The tag of a packet without a timestamp.
const NO_TICKS: i64 = i64::MIN;

/// A decoder of one audio stream from packets that the caller reads.
///
/// Call [`receive`](Self::receive) until it returns `None`, then [`push`](Self::push) one packet,
/// and repeat. After the last packet call [`end`](Self::end), then `receive` until it returns
/// `None`. The decoder holds the samples of one packet; long silence is returned in pieces.
///
/// # Examples
///
/// Decode audio and video in one pass over a file:
///
/// ```
/// use moviola_av::{Decoder, Demuxer, DemuxerOptions, MediaKind, Received};
/// use moviola_media::{
///     audio::{AudioOptions, AudioStream, AudioStreamDecoder},
///     source::AudioChoice,
/// };
///
/// # let url = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/h264_bframes.mp4");
/// let mut demuxer = Demuxer::open(DemuxerOptions { url: url.into(), ..Default::default() })?;
/// let video = demuxer.streams().find(|s| s.kind() == MediaKind::Video).expect("a video");
/// let (video, parameters) = (video.index(), video.parameters()?);
/// let mut decoder = Decoder::open(&parameters, &Default::default())?;
/// let audio = AudioStream::pick(&demuxer, &AudioChoice::Best)?.expect("audio");
/// let wanted = AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() };
/// let mut audio = AudioStreamDecoder::open("a clip", audio, None, wanted)?;
///
/// let (mut frames, mut samples) = (0, 0);
/// while let Some(packet) = demuxer.read_packet()? {
///     if packet.stream_index() == video {
///         let _ = decoder.send(&packet)?;
///         while let Received::Frame(_) = decoder.receive()? {
///             frames += 1;
///         }
///     } else if packet.stream_index() == audio.stream().index {
///         let _ = audio.push(&packet)?;
///         while let Some(piece) = audio.receive()? {
///             samples += piece.len();
///         }
///     }
/// }
/// audio.end()?;
/// while let Some(piece) = audio.receive()? {
///     samples += piece.len();
/// }
/// assert!(frames > 70 && samples == 48_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AudioStreamDecoder {
    name: String,
    stream: AudioStream,
    options: AudioOptions,
    start: Option<Pts>,
    decoder: AudioDecoder,
    /// `None` before the first frame.
    grid: Option<Grid>,
    report: AudioReport,
    /// Positions of packets that were decoded from the start, or with the same result.
    marks: Marks,
    /// Timestamp of the stream's first packet.
    first_packet: Option<i64>,
    resync: Resync,
    is_finished: bool,
}

/// Counts of damage, gaps and overlaps in all audio decoded so far.
///
/// Audio that is decoded again is counted again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioReport {
    /// Packets that could not be decoded; they are replaced by silence.
    pub damaged_packets: u64,
    /// Samples of silence that fill gaps, at the stream's rate.
    pub silent_samples: u64,
    /// Samples that were cut because others overlap them, at the stream's rate.
    pub cut_samples: u64,
}

impl AudioReport {
    /// Counts a packet that can't be decoded. `false` if the cause is exhausted memory instead of
    /// damage.
    fn count_damage(&mut self, name: &str, resync: Resync, cause: &AvError) -> bool {
        if matches!(cause, AvError::OutOfMemory) {
            return false;
        }
        // After a seek, the first packets may fail because packets before them are missing.
        if resync == Resync::Synced {
            tracing::debug!(name, %cause, "a packet of audio is damaged");
            self.damaged_packets += 1;
        }
        true
    }
}

impl AudioStreamDecoder {
    /// Opens a decoder for a stream. `name` names the source in errors. Samples are counted from
    /// `start`, or from the first sample if that is `None`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for options outside their range, [`Error::NoAudio`] if this build
    /// can't decode the stream.
    pub fn open(
        name: impl Into<String>,
        stream: AudioStream,
        start: Option<Pts>,
        options: AudioOptions,
    ) -> Result<Self> {
        options.check()?;
        let name = name.into();
        let decoder = open_decoder(&name, &stream)?;
        Ok(Self {
            name,
            stream,
            options,
            start,
            decoder,
            grid: None,
            report: AudioReport::default(),
            marks: Marks::default(),
            first_packet: None,
            resync: Resync::Synced,
            is_finished: false,
        })
    }

    /// The stream that is decoded.
    pub fn stream(&self) -> &AudioStream {
        &self.stream
    }

    /// Output samples per second; `None` before the first sample if the stream's rate is wanted.
    pub fn sample_rate(&self) -> Option<u32> {
        self.options.sample_rate.or(self.grid.as_ref().map(|grid| grid.converter.sample_rate()))
    }

    /// Counts of damage, gaps and overlaps so far.
    pub fn report(&self) -> AudioReport {
        self.report
    }

    /// Takes a packet of the stream. After [`Sent::Full`], receive and push the packet again.
    ///
    /// A damaged packet is not an error: it is counted in the [report](Self::report).
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] after the end, if the packet is encrypted, or if memory is exhausted.
    pub fn push(&mut self, packet: &Packet) -> Result<Sent> {
        if packet.is_encrypted() {
            return Err(encrypted_audio(&self.name));
        }
        let ticks = packet.pts().or(packet.dts());
        self.first_packet = self.first_packet.or(ticks);
        self.resync.see_packet(ticks);
        let mut packet = packet.try_clone().map_err(|cause| self.failed(&cause))?;
        packet.set_tag(ticks.unwrap_or(NO_TICKS));
        match self.decoder.send(&packet) {
            Ok(sent) => Ok(sent),
            Err(cause) => self.damaged(&cause).map(|()| Sent::Accepted),
        }
    }

    /// Ends the stream: no packet will follow.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if memory is exhausted.
    pub fn end(&mut self) -> Result<()> {
        self.decoder.send_end().or_else(|cause| self.damaged(&cause))
    }

    /// The next piece of audio; `None` if the next packet is needed first, or at the end.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if the channels can't be mixed as wanted, or memory is exhausted.
    pub fn receive(&mut self) -> Result<Option<Samples>> {
        loop {
            if let Some(planes) = self.grid.as_mut().and_then(Grid::take) {
                if let Some(samples) = self.put_out(|converter| converter.push(planes))? {
                    return Ok(Some(samples));
                }
                continue;
            }
            match self.decode_next()? {
                Received::Frame(frame) => self.place(&frame)?,
                Received::NeedPacket => return Ok(None),
                Received::End if self.is_finished => return Ok(None),
                Received::End => {
                    self.is_finished = true;
                    return self.put_out(AudioConverter::finish);
                }
            }
        }
    }

    fn put_out(
        &mut self,
        step: impl FnOnce(&mut AudioConverter) -> AvResult<Option<Samples>>,
    ) -> Result<Option<Samples>> {
        let Some(grid) = &mut self.grid else { return Ok(None) };
        step(&mut grid.converter).map_err(|cause| self.failed(&cause))
    }

    /// The decoder's next frame; damaged packets before it are counted.
    fn decode_next(&mut self) -> Result<Received<AudioFrame>> {
        let Self { decoder, resync, report, name, .. } = self;
        let count = |cause: &AvError| report.count_damage(name, *resync, cause);
        decode::receive(decoder, count).map_err(|cause| self.failed(&cause))
    }

    /// Places a frame on the grid, with silence before it or its overlap cut off.
    fn place(&mut self, frame: &AudioFrame) -> Result<()> {
        if self.grid.is_none() {
            self.grid = Some(self.grid_for(frame)?);
        }
        let Some(grid) = &mut self.grid else { return Ok(()) };
        let planes = match grid.floats_of(frame) {
            Ok(planes) => planes,
            Err(cause) => return self.damaged(&cause),
        };
        let length = planes.first().map_or(0, Vec::len);
        let is_after_seek = self.resync != Resync::Synced;
        if !self.resync.find_position(&mut grid.timeline, &self.marks, frame.tag(), length) {
            return Ok(());
        }
        let place = grid.timeline.place(frame.pts(), length);
        if is_after_seek && place.start > grid.begin {
            self.resync = Resync::Lost;
            return Ok(());
        }
        self.report.silent_samples += place.silence;
        self.report.cut_samples += place.cut as u64;
        if let Some(end) = grid.timeline.next().filter(|_| frame.tag() != NO_TICKS) {
            let mark = Mark { ticks: frame.tag(), end, offset: grid.timeline.offset() };
            self.marks.note(mark, grid.rate);
        }
        grid.hold(place, planes);
        Ok(())
    }

    /// The grid of samples, from the first frame.
    fn grid_for(&self, frame: &AudioFrame) -> Result<Grid> {
        let (base, may_jump) = (self.stream.time_base, self.stream.may_jump);
        let first = Pts { ticks: frame.pts().unwrap_or(0), base };
        let made = Grid::new(frame, self.start.unwrap_or(first), base, may_jump, &self.options);
        made.map_err(|cause| self.failed(&cause))
    }

    /// Counts a packet that can't be decoded; only exhausted memory is an error.
    fn damaged(&mut self, cause: &AvError) -> Result<()> {
        match self.report.count_damage(&self.name, self.resync, cause) {
            true => Ok(()),
            false => Err(self.failed(cause)),
        }
    }

    fn failed(&self, cause: &AvError) -> Error {
        let reason = format!("its audio can't be decoded: {cause}");
        Error::NoAudio { name: self.name.clone(), reason, kind: cause.kind() }
    }
}

fn open_decoder(name: &str, stream: &AudioStream) -> Result<AudioDecoder> {
    let options = AudioDecoderOptions { time_base: Some(stream.time_base), ..Default::default() };
    AudioDecoder::open(&stream.parameters, &options).map_err(|cause| {
        let codec = stream.parameters.codec_name();
        let reason = format!("its audio ({codec}) can't be decoded: {cause}");
        Error::NoAudio { name: name.into(), reason, kind: cause.kind() }
    })
}

impl std::fmt::Debug for AudioStreamDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioStreamDecoder")
            .field("name", &self.name)
            .field("stream", &self.stream)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
