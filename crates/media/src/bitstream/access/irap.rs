//! Keyframes of HEVC and VVC: intra random access point (IRAP) pictures.

use super::{super::nal::Units, Classifier};

impl Classifier {
    /// Whether the first slice is of an IRAP picture. Stores the parameter sets before it.
    pub(super) fn is_irap(&mut self, packet: &[u8], kind_of: fn(&[u8]) -> UnitKind) -> bool {
        for unit in Units::new(packet, self.framing) {
            match kind_of(unit.head()) {
                UnitKind::ParameterSet(rank) => self.sets.see(rank, unit.whole()),
                UnitKind::Irap => return true,
                UnitKind::Slice => return false,
                UnitKind::Other => {}
            }
        }
        false
    }
}

/// The kind of a NAL unit of HEVC or VVC.
pub(super) enum UnitKind {
    /// A parameter set with its rank: sets refer only to sets of lower ranks.
    ParameterSet(u8),
    /// A slice of a picture where decoding may start.
    Irap,
    /// Any other slice.
    Slice,
    Other,
}

/// The kind of an HEVC unit (ITU-T H.265 table 7-1). Units of layers above the base are ignored.
pub(super) fn hevc_unit(unit: &[u8]) -> UnitKind {
    let &[first, second, ..] = unit else { return UnitKind::Other };
    let layer = (first & 1) << 5 | second >> 3;
    match first >> 1 & 0x3f {
        _ if layer != 0 => UnitKind::Other,
        16..=23 => UnitKind::Irap,
        0..=31 => UnitKind::Slice,
        kind @ 32..=34 => UnitKind::ParameterSet(kind - 32),
        _ => UnitKind::Other,
    }
}

/// The kind of a VVC unit (ITU-T H.266 table 5). Units of layers above the base are ignored.
pub(super) fn vvc_unit(unit: &[u8]) -> UnitKind {
    let &[first, second, ..] = unit else { return UnitKind::Other };
    match second >> 3 {
        _ if first & 0x3f != 0 => UnitKind::Other,
        7..=9 => UnitKind::Irap,
        0..=11 => UnitKind::Slice,
        kind @ 14..=17 => UnitKind::ParameterSet(kind - 14),
        _ => UnitKind::Other,
    }
}
