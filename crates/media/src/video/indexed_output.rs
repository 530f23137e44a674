//! One decoder's output in the order of an index, with an entry for each frame that is missing.

use std::sync::Arc;

use moviola_av::{frame::VideoFrame, packet::Packet, time::Pts};

use super::{fetch::frame, wanted::shows_again};
use crate::{
    damage::DecodeOutcome,
    index::{FrameIndex, FrameMetadata},
    input::VideoStream,
};

/// Matches the frames of one decoder with all frames of an index.
///
/// Decoders output frames in presentation order, so frames that are missing when a later one is
/// returned won't follow. At most one frame waits.
pub(super) struct IndexedOutput {
    index: Arc<FrameIndex>,
    /// The frame of each packet, or [`HIDDEN`]: 4 bytes a packet, because the index has only the
    /// packet of each frame.
    frames: Vec<u32>,
    shows_again: bool,
    /// Number of the next frame.
    next: u32,
    /// The latest frame, until those before it are returned.
    pending: Option<(u32, VideoFrame)>,
    ended: bool,
}

/// The frame of a packet that isn't shown.
const HIDDEN: u32 = u32::MAX;

impl IndexedOutput {
    pub(super) fn new(index: Arc<FrameIndex>, codec: &str) -> Self {
        let mut frames = vec![HIDDEN; index.packets() as usize];
        for frame in 0..u32::try_from(index.len()).unwrap_or(HIDDEN) {
            let packet = index.packet_of(frame).unwrap_or(HIDDEN);
            if let Some(place) = frames.get_mut(packet as usize) {
                *place = frame;
            }
        }
        Self {
            index,
            frames,
            shows_again: shows_again(codec),
            next: 0,
            pending: None,
            ended: false,
        }
    }

    /// Takes the next decoded frame, whose tag is the number of its packet.
    pub(super) fn put(&mut self, decoded: VideoFrame) {
        let number = self.number(&decoded).filter(|&number| number >= self.next);
        self.pending = number.map(|number| (number, decoded));
    }

    /// Ends the output: no frame follows.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The outcome of the next frame; `None` if it isn't known yet.
    pub(super) fn next(&mut self, stream: &Arc<VideoStream>, start: Pts) -> Option<DecodeOutcome> {
        let number = self.next;
        let until = match &self.pending {
            Some((number, _)) => *number,
            None if self.ended => u32::try_from(self.index.len()).unwrap_or(HIDDEN),
            None => return None,
        };
        if number < until {
            self.next += 1;
            return Some(Err(FrameMetadata::of(number.into(), &self.index, start)));
        }
        let (_, decoded) = self.pending.take()?;
        self.next += 1;
        Some(Ok(frame(number.into(), decoded, &self.index, stream, start)))
    }

    /// Whether a packet, whose tag is its number, is a keyframe by the index: a demuxer may report
    /// another for a damaged packet.
    pub(super) fn is_keyframe(&self, packet: &Packet) -> bool {
        let place = usize::try_from(packet.tag()).ok();
        let frame = place.and_then(|place| self.frames.get(place).copied());
        frame.and_then(|frame| self.index.frame(frame.into())).is_some_and(|frame| frame.keyframe)
    }

    /// The number of a decoded frame.
    fn number(&self, decoded: &VideoFrame) -> Option<u32> {
        let packet = self.index.first_packet(u32::try_from(decoded.tag()).ok()?);
        let by_tag = self.frames.get(packet as usize).copied().filter(|&frame| frame != HIDDEN);
        if !self.shows_again {
            return by_tag;
        }
        // A frame that is shown again has the number of its first packet, and a time of its own.
        let time = |frame: u32| self.index.frame(frame.into()).map(|frame| frame.pts);
        let Some(pts) = decoded.raw_pts() else { return by_tag };
        if by_tag.and_then(time).is_some_and(|of_tag| of_tag.ticks == pts) {
            return by_tag;
        }
        let base = self.index.end().base;
        let of_time = u32::try_from(self.index.first_from(Pts { ticks: pts, base })).ok();
        let of_time = of_time.filter(|&frame| time(frame).is_some_and(|time| time.ticks == pts));
        of_time.or(by_tag)
    }
}
