//! Keyframes of HEVC and VVC: intra random access point (IRAP) pictures.

use super::{super::nal::Units, Classifier};

impl Classifier {
    /// Whether the first coded slice is of an IRAP picture; notes parameter sets on the way.
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

/// What a unit of HEVC or VVC is to us.
pub(super) enum UnitKind {
    /// A parameter set; those of a lower rank are referred to by those of a higher.
    ParameterSet(u8),
    /// A slice of a picture where decoding may start.
    Irap,
    /// Any other slice.
    Slice,
    Other,
}

/// ITU-T H.265 table 7-1; layers above the base are passed over.
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

/// ITU-T H.266 table 5; layers above the base are passed over.
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
