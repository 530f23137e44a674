//! The parameter sets, extradata and second fields of a stream, which decoders need to start
//! anywhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::FrameIndex;
use crate::bitstream::parameter_sets::Snapshot;

/// What a scan finds beside the times and positions of packets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    /// The parameter sets in force from a packet on, where packets carry some; ascending.
    pub(crate) sets: Vec<(u32, Snapshot)>,
    /// The extradata in force from a packet on, if packets carry another one than the container's,
    /// which then comes first; ascending.
    pub(crate) extradata: Vec<(u32, Arc<[u8]>)>,
    /// Packets that hold the second field of the frame before, ascending.
    pub(crate) second_fields: Vec<u32>,
    /// Whether all of the source was read; else the index isn't stored.
    pub(crate) is_complete: bool,
}

impl Details {
    /// Bytes of memory that they take.
    pub(super) fn bytes(&self) -> usize {
        let sets = self.sets.iter().map(|(_, sets)| sets.bytes.len());
        let extradata = self.extradata.iter().map(|(_, extradata)| extradata.len());
        self.second_fields.len() * size_of::<u32>() + sets.chain(extradata).sum::<usize>()
    }
}

impl FrameIndex {
    /// Whether fields come in packets of their own.
    pub(crate) fn has_fields(&self) -> bool {
        !self.details.second_fields.is_empty()
    }

    /// The packet in which a frame begins that a decoder gave the number of `packet`: with two
    /// fields it may be the number of either's packet.
    pub(crate) fn first_packet(&self, packet: u32) -> u32 {
        let is_second = self.details.second_fields.binary_search(&packet).is_ok();
        packet.saturating_sub(u32::from(is_second))
    }

    /// The last packet that may hold a part of the frame that begins in `packet`.
    pub(crate) fn last_packet_of(&self, packet: u32) -> u32 {
        packet.saturating_add(u32::from(self.has_fields()))
    }

    /// The parameter sets that packets before `packet` have carried.
    pub(crate) fn parameter_sets(&self, packet: u32) -> Option<&Snapshot> {
        let after = self.details.sets.partition_point(|(from, _)| *from <= packet);
        Some(&self.details.sets.get(after.checked_sub(1)?)?.1)
    }

    /// The extradata in force for `packet`, and its version; `None` if it isn't known to change.
    pub(crate) fn extradata(&self, packet: u32) -> Option<(u64, &Arc<[u8]>)> {
        let after = self.details.extradata.partition_point(|(from, _)| *from <= packet);
        let place = after.checked_sub(1)?;
        Some((place as u64, &self.details.extradata.get(place)?.1))
    }
}
