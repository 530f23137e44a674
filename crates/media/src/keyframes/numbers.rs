//! The numbers of keyframes among all frames.
//!
//! Frames shown before a keyframe may be decoded after it, so reading the keyframes alone doesn't
//! tell its number. A header that lists all packets does, and costs little beside opening the file.

use moviola_av::packet::Packet;

use crate::{
    index::{self, tables::ReadScope},
    media::Media,
};

/// The numbers of the keyframes that a header lists; none if it doesn't list all frames.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Where each lies in the file, when it is shown in ticks, and its number; ascending.
    keyframes: Vec<(u64, i64, u64)>,
}

impl Numbers {
    pub(super) fn of(media: &Media) -> Self {
        let index = index::from_tables(media, ReadScope::Header);
        let keyframes =
            index.iter().flat_map(|index| index.frames()).filter(|frame| frame.keyframe);
        let mut keyframes: Vec<_> = keyframes
            .filter_map(|frame| Some((frame.position?, frame.pts.ticks, frame.number)))
            .collect();
        keyframes.sort_unstable();
        Self { keyframes }
    }

    /// The number of the keyframe in a packet. An edit list may show one packet several times.
    pub(super) fn number(&self, packet: &Packet) -> Option<u64> {
        let wanted = (packet.position()?, packet.pts()?);
        let found = self.keyframes.binary_search_by_key(&wanted, |&(at, pts, _)| (at, pts));
        Some(self.keyframes[found.ok()?].2)
    }
}
