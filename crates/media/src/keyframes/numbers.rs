//! The numbers of keyframes among all frames.
//!
//! Frames shown before a keyframe may be decoded after it, so its number doesn't follow from
//! reading the keyframes alone. It follows from a header that lists all packets, which is quickly
//! read.

use moviola_av::packet::Packet;

use crate::{
    index::{self, tables::ReadScope},
    input::{OpenInput, VideoStream},
};

/// The numbers of the keyframes that a header lists; none if it doesn't list all frames.
#[derive(Debug, Default)]
pub(super) struct KeyframeNumbers {
    /// Where each lies in the file, when it is shown in ticks, and its number; ascending.
    keyframes: Vec<(u64, i64, u64)>,
}

impl KeyframeNumbers {
    pub(super) fn of(input: &OpenInput, video: &VideoStream) -> Self {
        let index = index::from_tables(input, video, ReadScope::Header);
        let keyframes =
            index.iter().flat_map(|index| index.frames()).filter(|frame| frame.keyframe);
        let mut keyframes: Vec<_> = keyframes
            .filter_map(|frame| Some((frame.position?, frame.pts.ticks, frame.number)))
            .collect();
        keyframes.sort_unstable();
        Self { keyframes }
    }

    /// The number of the keyframe in a packet; the time counts too, because an edit list may show
    /// one packet several times.
    pub(super) fn number(&self, packet: &Packet) -> Option<u64> {
        let wanted = (packet.position()?, packet.pts()?);
        let found = self.keyframes.binary_search_by_key(&wanted, |&(at, pts, _)| (at, pts));
        Some(self.keyframes[found.ok()?].2)
    }
}
