//! One frame of an index, packed, and the packet it is made from.

use serde::{Deserialize, Serialize};

/// One packet, as an index takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketEntry {
    pub(crate) pts: i64,
    pub(crate) key: bool,
    /// Whether it is a frame: not hidden by an edit list, nor the second field of a frame.
    pub(crate) shown: bool,
    pub(crate) position: Option<u64>,
}

/// One frame, in 16 bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct PackedFrame {
    /// Ticks.
    pub(super) pts: i64,
    /// Position in the file times two, plus one for a keyframe; little endian.
    pub(super) place: [u8; 6],
    /// Packet number minus frame number; [`FAR`] if it doesn't fit.
    pub(super) shift: i16,
}

pub(super) const FAR: i16 = i16::MIN;

/// Stands for an unknown position. Positions are known below 128 TiB.
const NO_POSITION: u64 = (1 << 47) - 1;

impl PackedFrame {
    pub(super) fn new(packet: &PacketEntry, shift: i64) -> Self {
        let position = packet.position.map_or(NO_POSITION, |position| position.min(NO_POSITION));
        let [place @ .., _, _] = (position << 1 | u64::from(packet.key)).to_le_bytes();
        Self { pts: packet.pts, place, shift: i16::try_from(shift).unwrap_or(FAR) }
    }

    fn place(&self) -> u64 {
        let [a, b, c, d, e, f] = self.place;
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }

    pub(super) fn key(&self) -> bool {
        self.place() & 1 == 1
    }

    pub(super) fn position(&self) -> Option<u64> {
        Some(self.place() >> 1).filter(|&position| position != NO_POSITION)
    }
}
