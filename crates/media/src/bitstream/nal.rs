//! The NAL units of a packet of H.264, HEVC or VVC, with start codes or lengths.

/// How NAL units are separated in a stream's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each unit follows a start code `00 00 01` (ITU-T H.264 Annex B).
    StartCodes,
    /// Each unit follows its length, big endian, in this many bytes (ISO/IEC 14496-15).
    Lengths(usize),
}

impl Framing {
    /// H.264's framing: `avcC` starts with version 1 and holds the size of lengths in byte 4.
    pub(crate) fn of_h264(extradata: &[u8]) -> Self {
        match extradata {
            [1, _, _, _, sizes, ..] => Self::Lengths(usize::from(sizes & 3) + 1),
            _ => Self::StartCodes,
        }
    }

    /// HEVC's framing: `hvcC` holds the size of lengths in byte 21; otherwise extradata begins with
    /// a start code.
    pub(crate) fn of_hevc(extradata: &[u8]) -> Self {
        match extradata {
            [0, 0, 0 | 1, ..] => Self::StartCodes,
            _ => extradata
                .get(21)
                .map_or(Self::StartCodes, |sizes| Self::Lengths(usize::from(sizes & 3) + 1)),
        }
    }

    /// VVC's framing: `vvcC` holds the size of lengths in bits 1 and 2 of its first byte.
    pub(crate) fn of_vvc(extradata: &[u8]) -> Self {
        match extradata {
            [] | [0, 0, 0 | 1, ..] => Self::StartCodes,
            [sizes, ..] => Self::Lengths(usize::from(sizes >> 1 & 3) + 1),
        }
    }

    /// Appends `unit` to `out` with its start code or length. A unit that is too long for the
    /// length field is omitted.
    pub(crate) fn append(self, unit: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::StartCodes => out.extend([0, 0, 0, 1]),
            Self::Lengths(bytes) => {
                let length = unit.len().to_be_bytes();
                let (unused, used) = length.split_at(length.len() - bytes);
                if unused.iter().any(|&byte| byte != 0) {
                    return;
                }
                out.extend(used);
            }
        }
        out.extend(unit);
    }
}

/// An iterator over the NAL units of a packet, in order.
///
/// Bytes after the last unit that the caller takes are not searched: slices are long, and callers
/// often need only their headers.
pub(crate) struct Units<'a> {
    rest: &'a [u8],
    framing: Framing,
}

/// A NAL unit whose end is found only on demand.
#[derive(Clone, Copy)]
pub(crate) struct Unit<'a> {
    /// The bytes from the header to the end of the unit (lengths) or of the packet (start codes).
    tail: &'a [u8],
    framing: Framing,
}

impl<'a> Unit<'a> {
    /// The bytes from the header on; they may reach beyond the unit's end.
    pub(crate) fn head(self) -> &'a [u8] {
        self.tail
    }

    /// The whole unit, without trailing zeros.
    pub(crate) fn whole(self) -> &'a [u8] {
        let end = match self.framing {
            Framing::StartCodes => start_code(self.tail).unwrap_or(self.tail.len()),
            Framing::Lengths(_) => self.tail.len(),
        };
        let unit = self.tail.get(..end).unwrap_or_default();
        let zeros = unit.iter().rev().take_while(|&&byte| byte == 0).count();
        unit.get(..unit.len() - zeros).unwrap_or_default()
    }
}

impl<'a> Units<'a> {
    /// The units of `packet`.
    pub(crate) fn new(packet: &'a [u8], framing: Framing) -> Self {
        // Some muxers write start codes into MP4: they look like a first length of 1.
        let framing = match (framing, packet) {
            (Framing::Lengths(4), [0, 0, 0, 1, _, 1..=255, ..]) => Framing::StartCodes,
            _ => framing,
        };
        Self { rest: packet, framing }
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        let framing = self.framing;
        let tail = match framing {
            Framing::StartCodes => {
                let tail = self.rest.get(start_code(self.rest)? + 3..)?;
                self.rest = tail;
                tail
            }
            Framing::Lengths(bytes) => {
                let (length, rest) = self.rest.split_at_checked(bytes)?;
                let length = length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
                let (unit, rest) = rest.split_at(length.min(rest.len()));
                self.rest = rest;
                unit
            }
        };
        (!tail.is_empty()).then_some(Unit { tail, framing })
    }
}

/// Offset of the next start code `00 00 01`.
fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

/// Offsets of start codes `00 00 01` and the byte after each.
pub(super) fn start_codes(packet: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    packet.windows(4).enumerate().filter_map(|(offset, window)| match window {
        [0, 0, 1, code] => Some((offset, *code)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_units(packet: &[u8], framing: Framing, want: &[&[u8]]) {
        let units: Vec<_> = Units::new(packet, framing).map(Unit::whole).collect();
        assert_eq!(units, want);
    }

    #[test]
    fn start_codes_of_three_and_four_bytes() {
        let packet = [0, 0, 0, 1, 9, 16, 0, 0, 1, 7, 8, 0, 0, 0, 1, 5];
        check_units(&packet, Framing::StartCodes, &[&[9, 16], &[7, 8], &[5]]);
    }

    #[test]
    fn lengths_of_two_bytes() {
        check_units(&[0, 2, 9, 16, 0, 1, 5], Framing::Lengths(2), &[&[9, 16], &[5]]);
    }

    #[test]
    fn a_unit_longer_than_the_packet_ends_with_it() {
        check_units(&[0, 0, 0, 9, 5, 5], Framing::Lengths(4), &[&[5, 5]]);
        check_units(&[0, 0], Framing::Lengths(4), &[]);
    }

    #[test]
    fn start_codes_instead_of_lengths_are_detected() {
        let packet = [0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 101, 1];
        check_units(&packet, Framing::Lengths(4), &[&[9, 16], &[101, 1]]);
    }

    #[test]
    fn extradata_gives_the_framing() {
        assert_eq!(Framing::of_h264(&[1, 100, 0, 40, 0xff, 0xe1]), Framing::Lengths(4));
        assert_eq!(Framing::of_h264(&[0, 0, 0, 1, 103]), Framing::StartCodes);
        assert_eq!(Framing::of_h264(&[]), Framing::StartCodes);
        let mut hvcc = [0; 23];
        (hvcc[0], hvcc[21]) = (1, 0x0f);
        assert_eq!(Framing::of_hevc(&hvcc), Framing::Lengths(4));
        assert_eq!(Framing::of_vvc(&[0xff, 0]), Framing::Lengths(4));
    }

    #[test]
    fn a_unit_is_framed_as_it_was_found() {
        for (framing, want) in
            [(Framing::StartCodes, &[0, 0, 0, 1, 7, 7][..]), (Framing::Lengths(2), &[0, 2, 7, 7])]
        {
            let mut out = Vec::new();
            framing.append(&[7, 7], &mut out);
            assert_eq!(out, want);
        }
    }
}
