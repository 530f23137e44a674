//! A reader of the video's packets by number, from any random access point on.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{demuxer::SeekDirection, packet::Packet};

use crate::{
    bitstream::{
        access::{Classifier, RandomAccess},
        parameter_sets::Snapshot,
    },
    error::{Error, Result},
    index::{FrameIndex, Origin, RandomAccessPoint},
    input::{OpenInput, VideoStream, encrypted},
    source::cannot_read,
};

/// The most packets that are read and skipped instead of seeking.
const NEAR: u32 = 16;

/// Seconds before its target that a seek is repeated at, if it landed after the target.
const STEP_BACK_SECONDS: i64 = 10;

/// Reads packets of the video, each with its number in decoding order.
///
/// Numbers are counted from a known packet: the first, or one recognised by its time and its
/// position in the file. So they are right wherever a seek lands.
#[derive(Debug)]
pub(crate) struct PacketReader {
    input: OpenInput,
    video: Arc<VideoStream>,
    /// Packets that were read and not returned yet.
    held: VecDeque<Packet>,
    /// Number of the next packet; `None` after a failed seek.
    next: Option<u32>,
    extradata: Extradata,
}

/// The latest extradata in a packet, and how often it has changed.
pub(super) type Extradata = (u64, Option<Arc<[u8]>>);

/// Packets that follow one another.
#[derive(Debug)]
pub(super) struct Batch {
    /// Number of the first.
    pub(super) first: u32,
    pub(super) packets: Vec<Packet>,
    /// The extradata in force before the first.
    pub(super) extradata: Extradata,
    /// Whether the stream ends here.
    pub(super) ended: bool,
    /// Why reading fails after the last.
    pub(super) broken: Option<Error>,
}

/// The packets to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Where decoding starts.
    pub(super) access_point: RandomAccessPoint,
    /// The first packet wanted.
    pub(super) from: u32,
    /// The first packet not wanted.
    pub(super) until: u32,
    /// Stop after this many bytes, but not before the first packet.
    pub(super) bytes: usize,
}

impl PacketReader {
    /// A reader of the `video` of `input`, and of what else that reads; nothing was read of it yet.
    pub(crate) fn new(mut input: OpenInput, video: Arc<VideoStream>) -> Self {
        let held = std::mem::take(&mut input.read_ahead);
        Self { input, video, held, next: Some(0), extradata: (0, None) }
    }

    pub(super) fn input(&self) -> &OpenInput {
        &self.input
    }

    pub(super) fn video(&self) -> &Arc<VideoStream> {
        &self.video
    }

    /// The parameter sets, and the encoder's name, in the first packet. To be called before
    /// anything else is read.
    pub(super) fn first_sets(&mut self) -> Result<Snapshot> {
        if self.held.is_empty()
            && let Some(packet) = self.demux()?
        {
            self.held.push_back(packet);
        }
        let mut classifier = Classifier::of(&self.video.parameters);
        if let Some(first) = self.held.front() {
            classifier.classify(first.data(), first.is_key());
        }
        Ok(classifier.parameter_sets())
    }

    /// The packets of a span, or as many of them as its bytes allow.
    ///
    /// # Errors
    ///
    /// [`Error::Demux`] if the first can't be reached; other errors are in the batch.
    pub(super) fn read(&mut self, span: &Span) -> Result<Batch> {
        self.go_to(span)?;
        let (extradata, first) = (self.extradata.clone(), span.from);
        let ended = self.next.is_none(); // the stream is shorter than it was
        let mut batch = Batch { first, packets: Vec::new(), extradata, ended, broken: None };
        let mut bytes = 0;
        while self.next.is_some_and(|next| next < span.until) && bytes < span.bytes.max(1) {
            match self.take() {
                Ok(Some(packet)) => {
                    bytes += packet.data().len();
                    batch.packets.push(packet);
                }
                Ok(None) => batch.ended = true,
                Err(error) => batch.broken = Some(error),
            }
        }
        Ok(batch)
    }

    /// Whether decoding can start at a few of an index's access points, by their packets' bytes.
    /// Muxers that mark other frames as keyframes do so throughout a file.
    pub(super) fn has_true_access_points(&mut self, index: &FrameIndex) -> bool {
        if index.origin() != Origin::Tables {
            return true; // the bytes were looked at already
        }
        index.sample_access_points().into_iter().all(|access_point| {
            let (from, until) = (access_point.packet, access_point.packet + 1);
            let Ok(batch) = self.read(&Span { access_point, from, until, bytes: 1 }) else {
                return true; // reading on gives the error
            };
            let parameters = &self.video.parameters;
            batch
                .packets
                .first()
                .is_some_and(|packet| RandomAccess::of(parameters, packet).is_point)
        })
    }

    /// The input as it was opened, with nothing read.
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`].
    pub(super) fn into_input(mut self) -> Result<OpenInput> {
        self.input.demuxer = self.input.reopen()?;
        Ok(self.input)
    }

    /// The packet after the last that was read, of the video or of the audio that is read along
    /// with it; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Demux`] if reading fails; [`Error::NoVideo`] if it is encrypted.
    pub(super) fn next(&mut self) -> Result<Option<Packet>> {
        self.take()
    }

    /// Moves on until the next packet is the span's first.
    fn go_to(&mut self, span: &Span) -> Result<()> {
        let at_hand = span.access_point.packet.min(span.from.saturating_sub(NEAR));
        let near = self.next.is_some_and(|next| (at_hand..=span.from).contains(&next));
        if !near && !self.seek(&span.access_point) {
            self.rewind()?;
        }
        while self.next.is_some_and(|next| next < span.from) {
            if self.take()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Seeks to an access point by the container's index or by position. `false` if it isn't found.
    fn seek(&mut self, access_point: &RandomAccessPoint) -> bool {
        if access_point.pts == i64::MIN {
            return false;
        }
        let base = self.video.time_base;
        let step = STEP_BACK_SECONDS * i64::from(base.den()) / i64::from(base.num());
        let found = [0, step].into_iter().any(|step| {
            self.seek_once(access_point, access_point.pts.saturating_sub(step)).unwrap_or(false)
        });
        self.next = found.then_some(access_point.packet);
        found
    }

    fn seek_once(&mut self, access_point: &RandomAccessPoint, ticks: i64) -> Result<bool> {
        self.held.clear();
        let (OpenInput { demuxer, name, .. }, video) = (&mut self.input, &self.video);
        let by_bytes = matches!(demuxer.format_name(), "mpegts" | "mpeg");
        let moved = match access_point.position.filter(|_| by_bytes) {
            Some(position) if ticks == access_point.pts => demuxer.seek_bytes(position),
            _ => demuxer.seek(video.index, ticks, SeekDirection::Backward),
        };
        moved.map_err(|cause| cannot_read(name, cause))?;
        // The packets before the access point are at most all those of the stream before it.
        for _ in 0..=access_point.packet {
            let Some(packet) = self.demux()? else { return Ok(false) };
            let known = packet.pts().or(packet.dts());
            let there = known == Some(access_point.pts)
                && (packet.position() == access_point.position || access_point.position.is_none());
            if there {
                self.held.push_back(packet);
                return Ok(true);
            }
            if packet.is_key() && known.is_some_and(|known| known > access_point.pts) {
                return Ok(false);
            }
            self.learn(&packet);
        }
        Ok(false)
    }

    /// Starts over from the first packet.
    fn rewind(&mut self) -> Result<()> {
        self.input.demuxer = self.input.reopen()?;
        self.held.clear();
        self.next = Some(0);
        self.extradata = (self.extradata.0 + 1, None);
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Packet>> {
        // Where reading ends or fails, the number of the next packet is unknown.
        let number = self.next.take();
        let packet = match self.held.pop_front() {
            Some(packet) => Some(packet),
            None => self.demux()?,
        };
        let Some(packet) = packet else { return Ok(None) };
        if packet.stream_index() != self.video.index {
            self.next = number; // audio has none
            return Ok(Some(packet));
        }
        if packet.is_encrypted() {
            return Err(encrypted(&self.input.name));
        }
        self.learn(&packet);
        self.next = number.map(|number| number + 1);
        Ok(Some(packet))
    }

    fn learn(&mut self, packet: &Packet) {
        if let Some(extradata) = packet.new_extradata()
            && self.extradata.1.as_deref() != Some(extradata)
        {
            self.extradata = (self.extradata.0 + 1, Some(extradata.into()));
        }
    }

    fn demux(&mut self) -> Result<Option<Packet>> {
        loop {
            let read = self.input.demuxer.read_packet();
            match read.map_err(|cause| cannot_read(&self.input.name, cause))? {
                Some(packet) if !self.input.reads(packet.stream_index()) => {}
                packet => return Ok(packet),
            }
        }
    }

    /// From now on reads the video only.
    pub(super) fn leave_out_audio(&mut self) {
        let video = self.video.index;
        self.input.read_only(vec![video]);
        self.held.retain(|packet| packet.stream_index() == video);
    }
}
