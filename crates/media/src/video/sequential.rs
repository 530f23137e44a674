//! All frames of a stream, one after another, through one decoder.

use std::sync::Arc;

use moviola_av::{
    decoder::{Received, Sent},
    error::Error as AvError,
    frame::VideoFrame,
    packet::Packet,
    time::Pts,
    trace,
};

use super::{indexed_output::IndexedOutput, packets::PacketReader, schedule};
use crate::{
    damage::{DamageHandler, DecodeOutcome},
    decode::{self, DecoderConfig, PacketDecoder, StreamDecoder, is_damage},
    error::{Error, Result},
    frame::Frame,
    index::FrameIndex,
    input::{OpenInput, VideoStream, cannot_decode},
};

/// A decoder that reads all frames of a stream, one after another.
///
/// An index numbers the frames and shows which are missing. Without an index, the decoded frames
/// are counted.
pub(crate) struct SequentialDecoder {
    reader: PacketReader,
    video: Arc<VideoStream>,
    start: Pts,
    name: String,
    decoder: StreamDecoder,
    numbering: Numbering,
    damage_handler: DamageHandler,
    /// Number of the next packet.
    packet: u32,
    /// Time of the packet that was sent last.
    sent: Option<f64>,
    /// A packet the decoder had no room for.
    held: Option<Packet>,
    /// Whether the decoder is being drained, to be flushed after that.
    restarts: bool,
    /// Whether nothing more is read.
    has_ended: bool,
    /// Whether that is because reading failed.
    is_broken: bool,
    /// Why it failed; returned after the frames that the decoder holds.
    broken: Option<Error>,
}

/// The origin of the frames' numbers and times.
enum Numbering {
    /// Frames are counted as they come, and have the decoder's times.
    Counted {
        next: u64,
        /// When the last frame is shown, in ticks; `None` until a frame has a time of its own.
        last: Option<i64>,
    },
    Indexed(IndexedOutput),
}

impl SequentialDecoder {
    /// Opens a decoder whose threads keep as many cores busy as there are `workers`.
    pub(crate) fn open_decoder(
        input: &OpenInput,
        video: &VideoStream,
        index: Option<&FrameIndex>,
        workers: usize,
    ) -> Result<StreamDecoder> {
        let threads = schedule::threads_for_all(workers, schedule::room(input, video));
        let reorder_delay = index.map_or(0, FrameIndex::reorder_delay);
        let decoder = DecoderConfig::of(input, video).open(threads, reorder_delay);
        decoder.map_err(|cause| cannot_decode(&input.name, video, &cause))
    }

    /// The frames of what `reader` reads, which has read nothing yet, through a decoder that was
    /// opened for it and `index`.
    pub(crate) fn new(
        reader: PacketReader,
        decoder: StreamDecoder,
        index: Option<Arc<FrameIndex>>,
        damage_handler: DamageHandler,
    ) -> Self {
        let counted = Numbering::Counted { next: 0, last: None };
        let video = Arc::clone(reader.video());
        let codec = video.parameters.codec_name();
        let indexed = index.map(|index| Numbering::Indexed(IndexedOutput::new(index, codec)));
        Self {
            video,
            start: reader.input().start(),
            name: reader.input().name.clone(),
            reader,
            decoder,
            numbering: indexed.unwrap_or(counted),
            damage_handler,
            packet: 0,
            sent: None,
            held: None,
            restarts: false,
            has_ended: false,
            is_broken: false,
            broken: None,
        }
    }

    /// From now on reads the video only.
    pub(crate) fn leave_out_audio(&mut self) {
        self.reader.leave_out_audio();
    }

    /// The next frame, under the damage policy; `None` at the end. An error of reading comes last.
    pub(super) fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            if let Some(frame) = self.receive() {
                return Some(frame);
            }
            if self.has_ended {
                return self.broken.take().map(Err);
            }
            if let Err(error) = self.feed() {
                return Some(Err(error));
            }
        }
    }

    /// The next frame, under the damage policy, that needs no further packet. After the last packet
    /// these are the frames that the decoder held back, and those that didn't come.
    pub(crate) fn receive(&mut self) -> Option<Result<Frame>> {
        loop {
            let outcome = match self.next_outcome()? {
                Ok(outcome) => outcome,
                Err(error) => return Some(Err(error)),
            };
            // The handler has seen all frames before it.
            let frame = self.damage_handler.apply(outcome, |_| Ok(None));
            if frame.is_some() {
                return frame;
            }
        }
    }

    /// The outcome of the next frame, before the damage policy.
    fn next_outcome(&mut self) -> Option<Result<DecodeOutcome>> {
        loop {
            if let Numbering::Indexed(output) = &mut self.numbering
                && let Some(outcome) = output.next(&self.video, self.start)
            {
                return Some(Ok(outcome));
            }
            // Without an index, errors are all that is known of missing frames.
            let is_counted = self.is_counted();
            match decode::receive(&mut self.decoder, |cause| !is_counted && is_damage(cause)) {
                Ok(Received::Frame(frame)) => {
                    if let Some(frame) = self.number(frame) {
                        return Some(Ok(Ok(frame)));
                    }
                }
                Ok(_) if self.restarts => {
                    self.decoder.flush();
                    self.restarts = false;
                }
                Ok(Received::NeedPacket | Received::End) => return self.missing(),
                Err(cause) => return Some(Err(self.failed(&cause))),
            }
        }
    }

    /// The next frame of the index that didn't come, once the decoder is drained. Where reading
    /// failed, no frame counts as missing.
    fn missing(&mut self) -> Option<Result<DecodeOutcome>> {
        let Numbering::Indexed(output) = &mut self.numbering else { return None };
        if !self.has_ended || self.is_broken {
            return None;
        }
        output.end();
        output.next(&self.video, self.start).map(Ok)
    }

    /// Numbers a decoded frame, or passes it to the index's output.
    fn number(&mut self, decoded: VideoFrame) -> Option<Frame> {
        match &mut self.numbering {
            _ if decoded.is_discard() => {
                let why = "the container says not to show it";
                trace::emit_decision("decoded and dropped", why, decoded.pts(), 0);
                None
            }
            Numbering::Indexed(output) => {
                output.put(decoded);
                None
            }
            Numbering::Counted { next, last } => {
                let number = *next;
                *next += 1;
                // As in an index, a frame without a time is one tick after the frame before.
                *last = decoded.pts().or(last.map(|last| last.saturating_add(1)));
                let ticks = *last;
                Some(self.counted(number, ticks, decoded))
            }
        }
    }

    fn counted(&self, number: u64, ticks: Option<i64>, decoded: VideoFrame) -> Frame {
        let base = self.video.time_base;
        let ticks = ticks.or_else(|| self.video.counted_ticks(number));
        let pts = ticks.map(|ticks| Pts { ticks, base });
        Frame {
            number: Some(number),
            pts,
            time: pts.map(|pts| pts.seconds_since(self.start)),
            duration: decoded.duration().map(|ticks| Pts { ticks, base }.seconds()),
            keyframe: decoded.is_key(),
            damaged: decoded.is_corrupt(),
            decoded,
            stream: Arc::clone(&self.video),
        }
    }

    /// Whether no index lists the frames.
    fn is_counted(&self) -> bool {
        matches!(self.numbering, Numbering::Counted { .. })
    }

    /// The error of a packet, or the end, that the decoder refuses: damage is none where an index
    /// lists the frames that don't come.
    fn refused(&self, cause: &AvError) -> Result<()> {
        if is_damage(cause) && !self.is_counted() { Ok(()) } else { Err(self.failed(cause)) }
    }

    fn failed(&self, cause: &AvError) -> Error {
        match is_damage(cause) {
            true => self.undecodable(cause),
            false => cannot_decode(&self.name, &self.video, cause),
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
                // The frames after a lost keyframe would be decoded as part of the group before.
                self.restarts = self.lost_keyframe(&packet) && self.decoder.send_end().is_ok();
                self.refused(&cause)
            }
        }
    }

    /// Ends the stream because reading failed: no frame counts as missing.
    pub(crate) fn break_off(&mut self) -> Result<()> {
        self.is_broken = true;
        self.end()
    }

    /// Ends the stream: no packet follows.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.has_ended = true;
        self.decoder.send_end().or_else(|cause| self.refused(&cause))
    }

    /// Whether a refused packet is known to be a keyframe. With several threads the error may be of
    /// an earlier packet.
    fn lost_keyframe(&self, packet: &Packet) -> bool {
        let Numbering::Indexed(output) = &self.numbering else { return false };
        self.decoder.frame_threads() == 1 && output.is_keyframe(packet)
    }

    /// The next packet, with its number; `None` at the end. Where audio is read along with the
    /// video, it may be a packet of audio.
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
        let (name, time, reason) = (self.name.clone(), self.sent, cause.to_string());
        Error::Decode { name, place, time, reason, cause: Some(Box::new(cause.clone())) }
    }
}
