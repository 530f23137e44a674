//! All frames of a stream through one decoder.

use std::sync::Arc;

use moviola_av::{
    decoder::{DecoderOptions, Received, Sent},
    error::Error as AvError,
    frame::VideoFrame,
    packet::Packet,
    time::Pts,
    trace,
};

use super::{
    cursor::MOST_FAILURES,
    damage::{DamageHandler, DecodeOutcome},
    indexed_output::IndexedOutput,
    packets::PacketReader,
    schedule,
};
use crate::{
    error::{Error, Result},
    frame::Frame,
    hardware::StreamDecoder,
    index::FrameIndex,
    media::{Media, VideoStream, cannot_decode},
};

/// All frames of a stream, one after another.
///
/// An index numbers them, and tells which don't come; without one, those that come are counted.
pub(crate) struct Stream {
    reader: PacketReader,
    video: Arc<VideoStream>,
    start: Pts,
    name: String,
    decoder: StreamDecoder,
    numbers: Numbers,
    damage_handler: DamageHandler,
    /// Number of the next packet.
    packet: u32,
    /// Time of the packet that was sent last.
    sent: Option<f64>,
    /// A packet the decoder had no room for.
    held: Option<Packet>,
    /// The decoder gives out all it holds, and then starts anew.
    restarts: bool,
    /// Nothing more is read.
    ended: bool,
    /// Because reading has failed.
    is_broken: bool,
    /// Why it has: told when the decoder has given all it holds.
    broken: Option<Error>,
    /// The decoder's errors in a row.
    failures: usize,
}

/// Where frames get their numbers and times from.
enum Numbers {
    /// Those that come are counted, and have the decoder's times.
    Counted {
        next: u64,
        /// When the last frame is shown, in ticks; until one has a time of its own, they are
        /// counted.
        last: Option<i64>,
    },
    IndexedOutput(IndexedOutput),
}

impl Stream {
    /// A decoder whose threads keep as many cores busy as there are `workers`.
    pub(crate) fn decoder(
        media: &Media,
        index: Option<&FrameIndex>,
        workers: usize,
    ) -> Result<StreamDecoder> {
        let options = DecoderOptions {
            threads: schedule::threads_for_all(workers, schedule::room(media)),
            reorder_delay: index.map_or(0, FrameIndex::reorder_delay),
            ..media.decoder_options()
        };
        let decoder = StreamDecoder::open(&media.video.parameters, &options, media.hardware());
        decoder.map_err(|cause| cannot_decode(&media.name, &media.video, &cause))
    }

    /// The frames of `media`, of which nothing was read, through a decoder of the same `index`.
    pub(crate) fn new(
        media: Media,
        decoder: StreamDecoder,
        index: Option<Arc<FrameIndex>>,
        damage_handler: DamageHandler,
    ) -> Self {
        let counted = Numbers::Counted { next: 0, last: None };
        let codec = media.video.parameters.codec_name();
        let listed = index.map(|index| Numbers::IndexedOutput(IndexedOutput::new(index, codec)));
        Self {
            video: Arc::new(media.video.clone()),
            start: media.start,
            name: media.name.clone(),
            reader: PacketReader::new(media),
            decoder,
            numbers: listed.unwrap_or(counted),
            damage_handler,
            packet: 0,
            sent: None,
            held: None,
            restarts: false,
            ended: false,
            is_broken: false,
            broken: None,
            failures: 0,
        }
    }

    /// From now on reads the video only.
    pub(crate) fn leave_out_audio(&mut self) {
        self.reader.leave_out_audio();
    }

    /// The next frame, mended; `None` at the end. An error of reading comes last.
    pub(super) fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            if let Some(frame) = self.receive() {
                return Some(frame);
            }
            if self.ended {
                return self.broken.take().map(Err);
            }
            if let Err(error) = self.feed() {
                return Some(Err(error));
            }
        }
    }

    /// The next frame, mended, that takes no further packet; behind the last packet, what the
    /// decoder held back and what didn't come.
    pub(crate) fn receive(&mut self) -> Option<Result<Frame>> {
        loop {
            let came = match self.come()? {
                Ok(came) => came,
                Err(error) => return Some(Err(error)),
            };
            // All that was before it has been seen.
            let shown = self.damage_handler.mend(came, |_| Ok(None));
            if shown.is_some() {
                return shown;
            }
        }
    }

    /// The next frame as it is.
    fn come(&mut self) -> Option<Result<DecodeOutcome>> {
        loop {
            if let Numbers::IndexedOutput(listed) = &mut self.numbers
                && let Some(came) = listed.next(&self.video, self.start)
            {
                return Some(Ok(came));
            }
            match self.decoder.receive() {
                Ok(Received::Frame(picture)) => {
                    self.failures = 0;
                    if let Some(frame) = self.number(picture) {
                        return Some(Ok(Ok(frame)));
                    }
                }
                Ok(_) if self.restarts => {
                    self.decoder.flush();
                    self.restarts = false;
                }
                Ok(Received::NeedPacket | Received::End) => return self.missing(),
                Err(cause @ AvError::Ffmpeg { .. }) if self.counts() => {
                    return Some(Err(self.undecodable(&cause)));
                }
                Err(AvError::Ffmpeg { .. }) if self.failures < MOST_FAILURES => self.failures += 1,
                Err(AvError::Ffmpeg { .. }) => {
                    self.failures = 0;
                    return self.missing();
                }
                Err(cause) => return Some(Err(cannot_decode(&self.name, &self.video, &cause))),
            }
        }
    }

    /// Behind the last packet and its picture: what is in the index and didn't come. Where reading
    /// broke off, nothing is missed.
    fn missing(&mut self) -> Option<Result<DecodeOutcome>> {
        let Numbers::IndexedOutput(listed) = &mut self.numbers else { return None };
        if !self.ended || self.is_broken {
            return None;
        }
        listed.end();
        listed.next(&self.video, self.start).map(Ok)
    }

    /// The frame of a picture, if it is in its turn already.
    fn number(&mut self, picture: VideoFrame) -> Option<Frame> {
        match &mut self.numbers {
            _ if picture.is_discard() => {
                let why = "the container says not to show it";
                trace::emit_decision("decoded and dropped", why, picture.pts(), 0);
                None
            }
            Numbers::IndexedOutput(listed) => {
                listed.put(picture);
                None
            }
            Numbers::Counted { next, last } => {
                let number = *next;
                *next += 1;
                // As in an index, what has no time comes right behind the frame before.
                *last = picture.pts().or(last.map(|last| last.saturating_add(1)));
                let ticks = *last;
                Some(self.counted(number, ticks, picture))
            }
        }
    }

    fn counted(&self, number: u64, ticks: Option<i64>, picture: VideoFrame) -> Frame {
        let base = self.video.time_base;
        let ticks = ticks.or_else(|| self.video.counted_ticks(number));
        let pts = ticks.map(|ticks| Pts { ticks, base });
        Frame {
            number: Some(number),
            pts,
            time: pts.map(|pts| pts.seconds_since(self.start)),
            duration: picture.duration().map(|ticks| Pts { ticks, base }.seconds()),
            keyframe: picture.is_key(),
            damaged: picture.is_corrupt(),
            decoded: picture,
            stream: Arc::clone(&self.video),
        }
    }

    /// Whether no index tells which frames are missing: then the decoder's errors are all there is.
    fn counts(&self) -> bool {
        matches!(self.numbers, Numbers::Counted { .. })
    }

    /// What to tell of a packet, or the end, that the decoder refuses.
    fn refused(&self, cause: &AvError) -> Result<()> {
        match cause {
            AvError::Ffmpeg { .. } if self.counts() => Err(self.undecodable(cause)),
            AvError::Ffmpeg { .. } => Ok(()),
            _ => Err(cannot_decode(&self.name, &self.video, cause)),
        }
    }

    /// Sends the next packet, or the end.
    fn feed(&mut self) -> Result<()> {
        match self.read() {
            Ok(Some(packet)) => self.send(packet),
            Ok(None) => self.end(),
            Err(error) => {
                self.broken = Some(error);
                self.break_off()
            }
        }
    }

    /// Gives the decoder a packet of the video.
    pub(crate) fn send(&mut self, packet: Packet) -> Result<()> {
        let ticks = packet.pts().or(packet.dts());
        let time = |ticks| Pts { ticks, base: self.video.time_base }.seconds_since(self.start);
        self.sent = ticks.map(time).or(self.sent);
        match self.decoder.send(&packet) {
            Ok(Sent::Accepted) => Ok(()),
            Ok(Sent::Full) => {
                self.held = Some(packet);
                Ok(())
            }
            Err(cause) => {
                // Without it, what follows would be taken for a part of the group before.
                self.restarts = self.lost_keyframe(&packet) && self.decoder.send_end().is_ok();
                self.refused(&cause)
            }
        }
    }

    /// Says that no packet will follow, and none is missed.
    pub(crate) fn break_off(&mut self) -> Result<()> {
        self.is_broken = true;
        self.end()
    }

    /// Says that no packet will follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.ended = true;
        self.decoder.send_end().or_else(|cause| self.refused(&cause))
    }

    /// Whether a packet that was refused is known to be a keyframe. With threads, the decoder may
    /// mean an earlier one.
    fn lost_keyframe(&self, packet: &Packet) -> bool {
        let Numbers::IndexedOutput(listed) = &self.numbers else { return false };
        self.decoder.frame_threads() == 1 && listed.is_keyframe(packet)
    }

    /// The next packet, with its number; `None` at the end. Where audio is read along, it may be one
    /// of that.
    pub(crate) fn read(&mut self) -> Result<Option<Packet>> {
        if self.held.is_some() {
            return Ok(self.held.take());
        }
        let Some(mut packet) = self.reader.next()? else { return Ok(None) };
        if packet.stream_index() == self.video.index {
            packet.set_tag(self.packet.into());
            self.packet = self.packet.saturating_add(1);
        }
        Ok(Some(packet))
    }

    fn undecodable(&self, cause: &AvError) -> Error {
        let place =
            self.sent.map_or_else(|| "an unknown time".into(), |time| format!("about {time:.3} s"));
        Error::Decode { name: self.name.clone(), place, time: self.sent, reason: cause.to_string() }
    }
}
