//! One stream of audio: packets in, samples in their places out.

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
    grid::Grid,
    marks::{Landing, Mark, Marks},
    output::Output,
    stream::encrypted,
};
use crate::{
    decode,
    error::{Error, Result},
};

/// Stands for a packet without a timestamp.
const NO_TICKS: i64 = i64::MIN;

/// Decodes one stream of audio from packets that somebody else reads.
///
/// [`receive`](Self::receive) until it gives `None`, then [`push`](Self::push) one packet, and so
/// on; at the end [`end`](Self::end), and receive again until `None`. Memory holds what one packet
/// gives; long silence comes in pieces.
///
/// # Examples
///
/// One pass over a file that feeds audio and pictures:
///
/// ```
/// use moviola_av::{Decoder, Demuxer, DemuxerOptions, MediaKind, Received};
/// use moviola_media::audio::{AudioOptions, AudioStreamDecoder, AudioStream};
///
/// # let url = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/h264_bframes.mp4");
/// let mut demuxer = Demuxer::open(DemuxerOptions { url: url.into(), ..Default::default() })?;
/// let video = demuxer.streams().find(|s| s.kind() == MediaKind::Video).expect("a video");
/// let (video, parameters) = (video.index(), video.parameters()?);
/// let mut pictures = Decoder::open(&parameters, &Default::default())?;
/// let audio = AudioStream::pick(&demuxer, None)?.expect("audio");
/// let wanted = AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() };
/// let mut audio = AudioStreamDecoder::open("a clip", audio, None, wanted)?;
///
/// let (mut frames, mut samples) = (0, 0);
/// while let Some(packet) = demuxer.read_packet()? {
///     if packet.stream_index() == video {
///         let _ = pictures.send(&packet)?;
///         while let Received::Frame(_) = pictures.receive()? {
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
    /// Known from the first frame on.
    grid: Option<Grid>,
    report: AudioReport,
    /// What was decoded from the start, or as if it were.
    marks: Marks,
    /// The timestamp of the first packet of all.
    first_packet: Option<i64>,
    landing: Landing,
    finished: bool,
}

/// What was not as it should be in all that was decoded so far; what is decoded again counts again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioReport {
    /// Packets that could not be decoded. Silence stands in their places.
    pub damaged_packets: u64,
    /// Samples of silence that fill gaps, at the stream's rate.
    pub silent_samples: u64,
    /// Samples that came twice and were cut, at the stream's rate.
    pub cut_samples: u64,
}

impl AudioReport {
    /// Counts a packet that can't be decoded. `false` if that isn't the packet's fault: memory is
    /// exhausted.
    fn count_damage(&mut self, name: &str, landing: Landing, cause: &AvError) -> bool {
        if matches!(cause, AvError::OutOfMemory) {
            return false;
        }
        // A decoder that warms up may miss what came before.
        if landing == Landing::Done {
            tracing::debug!(name, %cause, "a packet of audio is damaged");
            self.damaged_packets += 1;
        }
        true
    }
}

impl AudioStreamDecoder {
    /// A decoder for a stream; `name` stands in messages. Time is counted from `start`, or from
    /// the first sample if that is `None`.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if this build can't decode the stream.
    pub fn open(
        name: impl Into<String>,
        stream: AudioStream,
        start: Option<Pts>,
        options: AudioOptions,
    ) -> Result<Self> {
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
            landing: Landing::Done,
            finished: false,
        })
    }

    /// The stream it decodes.
    pub fn stream(&self) -> &AudioStream {
        &self.stream
    }

    /// Samples a second that come out; `None` before the first, if the stream's rate is wanted.
    pub fn sample_rate(&self) -> Option<u32> {
        self.options.sample_rate.or(self.grid.as_ref().map(|grid| grid.output.sample_rate()))
    }

    /// What was not as it should be.
    pub fn report(&self) -> AudioReport {
        self.report
    }

    /// Takes a packet of the stream. [`Sent::Full`] asks to receive first, and to push it again.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] after the end, if the packet is encrypted, or if memory is exhausted. A
    /// damaged packet is no error: it is counted.
    pub fn push(&mut self, packet: &Packet) -> Result<Sent> {
        if packet.is_encrypted() {
            return Err(encrypted(&self.name));
        }
        let ticks = packet.pts().or(packet.dts());
        self.first_packet = self.first_packet.or(ticks);
        self.landing.see_packet(ticks);
        let mut packet = packet.try_clone().map_err(|cause| self.failed(&cause))?;
        packet.set_tag(ticks.unwrap_or(NO_TICKS));
        match self.decoder.send(&packet) {
            Ok(sent) => Ok(sent),
            Err(cause) => self.damaged(&cause).map(|()| Sent::Accepted),
        }
    }

    /// Says that no packet will follow.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if memory is exhausted.
    pub fn end(&mut self) -> Result<()> {
        self.decoder.send_end().or_else(|cause| self.damaged(&cause))
    }

    /// The next piece of audio; `None` if a packet is needed for it, or if all were handed out.
    ///
    /// # Errors
    ///
    /// [`Error::NoAudio`] if the channels can't be mixed as wanted, or memory is exhausted.
    pub fn receive(&mut self) -> Result<Option<Samples>> {
        loop {
            if let Some(planes) = self.grid.as_mut().and_then(Grid::take) {
                if let Some(samples) = self.put_out(|output| output.push(planes))? {
                    return Ok(Some(samples));
                }
                continue;
            }
            match self.decode_next()? {
                Received::Frame(frame) => self.place(&frame)?,
                Received::NeedPacket => return Ok(None),
                Received::End if self.finished => return Ok(None),
                Received::End => {
                    self.finished = true;
                    return self.put_out(Output::finish);
                }
            }
        }
    }

    fn put_out(
        &mut self,
        step: impl FnOnce(&mut Output) -> AvResult<Option<Samples>>,
    ) -> Result<Option<Samples>> {
        let Some(grid) = &mut self.grid else { return Ok(None) };
        step(&mut grid.output).map_err(|cause| self.failed(&cause))
    }

    /// The decoder's next frame, after those that are damaged were counted.
    fn decode_next(&mut self) -> Result<Received<AudioFrame>> {
        let Self { decoder, landing, report, name, .. } = self;
        let count = |cause: &AvError| report.count_damage(name, *landing, cause);
        decode::receive(decoder, count).map_err(|cause| self.failed(&cause))
    }

    /// Puts a frame in its place.
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
        let landed = self.landing != Landing::Done;
        if !self.landing.finds_place(&mut grid.timeline, &self.marks, frame.tag(), length) {
            return Ok(());
        }
        let place = grid.timeline.place(frame.pts(), length);
        if landed && place.start > grid.begin {
            self.landing = Landing::Lost;
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

    /// What is known once there is a frame.
    fn grid_for(&self, frame: &AudioFrame) -> Result<Grid> {
        let (base, may_jump) = (self.stream.time_base, self.stream.may_jump);
        let first = Pts { ticks: frame.pts().unwrap_or(0), base };
        let made = Grid::new(frame, self.start.unwrap_or(first), base, may_jump, &self.options);
        made.map_err(|cause| self.failed(&cause))
    }

    /// Counts a packet that can't be decoded; only exhausted memory is an error.
    fn damaged(&mut self, cause: &AvError) -> Result<()> {
        match self.report.count_damage(&self.name, self.landing, cause) {
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
