//! Frames in the order of an index, with a place for those that don't come.

use std::sync::Arc;

use moviola_av::{frame::VideoFrame, packet::Packet, time::Pts};

use super::{damage::DecodeOutcome, fetch::frame, read::FrameInfo, wanted::shows_again};
use crate::{index::FrameIndex, media::VideoStream};

/// Pictures that one decoder gives become all the frames of an index.
///
/// Decoders give pictures in the order they are shown: what is behind one that came, and hasn't come
/// itself, won't. Of the pictures themselves one waits at most.
pub(super) struct IndexedOutput {
    index: Arc<FrameIndex>,
    /// The frame of each packet, or [`HIDDEN`]: 4 bytes a packet, because the index knows only the
    /// packet of each frame.
    frames: Vec<u32>,
    shows_again: bool,
    /// Number of the next frame.
    next: u32,
    /// The picture that came last, until those before it are told.
    came: Option<(u32, VideoFrame)>,
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
        Self { index, frames, shows_again: shows_again(codec), next: 0, came: None, ended: false }
    }

    /// Takes the next picture, whose tag is the number of its packet.
    pub(super) fn put(&mut self, picture: VideoFrame) {
        let number = self.number(&picture).filter(|&number| number >= self.next);
        self.came = number.map(|number| (number, picture));
    }

    /// Says that no picture follows.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// What is known to have become of the next frame.
    pub(super) fn next(&mut self, stream: &Arc<VideoStream>, start: Pts) -> Option<DecodeOutcome> {
        let number = self.next;
        let until = match &self.came {
            Some((came, _)) => *came,
            None if self.ended => u32::try_from(self.index.len()).unwrap_or(HIDDEN),
            None => return None,
        };
        if number < until {
            self.next += 1;
            return Some(Err(FrameInfo::of(number.into(), &self.index, start)));
        }
        let (_, picture) = self.came.take()?;
        self.next += 1;
        Some(Ok(frame(number.into(), picture, &self.index, stream, start)))
    }

    /// Whether a packet, whose tag is its number, is a keyframe. Of a damaged one the demuxer may say
    /// that it is none.
    pub(super) fn is_keyframe(&self, packet: &Packet) -> bool {
        let place = usize::try_from(packet.tag()).ok();
        let frame = place.and_then(|place| self.frames.get(place).copied());
        frame.and_then(|frame| self.index.frame(frame.into())).is_some_and(|frame| frame.keyframe)
    }

    /// The number of a picture's frame.
    fn number(&self, picture: &VideoFrame) -> Option<u32> {
        let packet = self.index.first_packet(u32::try_from(picture.tag()).ok()?);
        let by_tag = self.frames.get(packet as usize).copied().filter(|&frame| frame != HIDDEN);
        if !self.shows_again {
            return by_tag;
        }
        // A picture that is shown again comes with its first packet's number, and with the time of
        // its own.
        let time = |frame: u32| self.index.frame(frame.into()).map(|frame| frame.pts);
        let Some(pts) = picture.raw_pts() else { return by_tag };
        if by_tag.and_then(time).is_some_and(|of_tag| of_tag.ticks == pts) {
            return by_tag;
        }
        let base = self.index.end().base;
        let of_time = u32::try_from(self.index.first_from(Pts { ticks: pts, base })).ok();
        let of_time = of_time.filter(|&frame| time(frame).is_some_and(|time| time.ticks == pts));
        of_time.or(by_tag)
    }
}
