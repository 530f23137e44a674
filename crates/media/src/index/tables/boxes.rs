//! The boxes (atoms) of MP4 and QuickTime files.

use super::bytes::{Fields, Window};

/// The type and position of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: [u8; 4],
    /// Offset of the box in the file in bytes.
    pub(super) start: u64,
    /// Offset of its payload.
    pub(super) payload: u64,
    /// Offset of its end, or of its parent's if that comes first.
    pub(super) end: u64,
    /// Whether its size reaches beyond its parent.
    pub(super) is_cut: bool,
}

/// The length of the longest box header in bytes.
const MAX_HEAD: usize = 16;

impl Header {
    /// Parses a box header from `head`, the bytes at offset `start`. `None` if it is incomplete.
    fn parse(head: &[u8], start: u64, parent_end: u64) -> Option<Self> {
        let mut fields = Fields(head);
        let (short, kind) = (fields.u32()?, fields.take(4)?.try_into().ok()?);
        let (size, head) = match short {
            0 => (parent_end.checked_sub(start)?, 8),
            1 => (fields.u64()?, 16),
            short => (u64::from(short), 8),
        };
        let (payload, claimed) = (start.checked_add(head)?, start.checked_add(size)?);
        let end = claimed.min(parent_end);
        let is_cut = claimed > parent_end;
        (payload <= end).then_some(Self { kind, start, payload, end, is_cut })
    }
}

/// The box at `start`. `None` if there is none, or its header is invalid.
pub(super) fn at(window: &mut Window<'_>, start: u64, parent_end: u64) -> Option<Header> {
    Header::parse(window.up_to(start, MAX_HEAD), start, parent_end)
}

/// All boxes from `start` up to `end`. `None` if one is invalid or reaches beyond `end`; up to
/// seven bytes may remain.
pub(super) fn children(window: &mut Window<'_>, start: u64, end: u64) -> Option<Vec<Header>> {
    let (mut found, mut next) = (Vec::new(), start);
    while end.saturating_sub(next) >= 8 {
        let header = at(window, next, end).filter(|header| !header.is_cut)?;
        next = header.end;
        found.push(header);
    }
    Some(found)
}

/// The only box of a kind; `None` if there is none or more than one.
pub(super) fn only(found: &[Header], kind: &[u8; 4]) -> Option<Header> {
    let mut of_kind = found.iter().filter(|header| header.kind == *kind);
    of_kind.next().copied().filter(|_| of_kind.next().is_none())
}

/// Whether at most one box is of a kind.
pub(super) fn has_at_most_one(found: &[Header], kind: &[u8; 4]) -> bool {
    found.iter().filter(|header| header.kind == *kind).count() <= 1
}

/// The boxes in `bytes`: kind and payload. The last item is `None` if the remaining bytes are not a
/// box.
pub(super) fn in_memory(bytes: &[u8]) -> impl Iterator<Item = Option<([u8; 4], &[u8])>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.len() < 8 {
            return None;
        }
        let parsed = || {
            let header =
                Header::parse(rest, 0, rest.len() as u64).filter(|header| !header.is_cut)?;
            let (payload, end) =
                (usize::try_from(header.payload).ok()?, usize::try_from(header.end).ok()?);
            Some((header.kind, rest.get(payload..end)?, rest.get(end..)?))
        };
        let found = parsed();
        rest = found.map_or(&[], |(_, _, after)| after);
        Some(found.map(|(kind, payload, _)| (kind, payload)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], want: &[Option<(&[u8; 4], &[u8])>]) {
        let found: Vec<_> = in_memory(bytes).collect();
        let want: Vec<_> = want.iter().map(|item| item.map(|(kind, rest)| (*kind, rest))).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn sizes_are_32_or_64_bits_or_reach_to_the_end() {
        check(
            b"\0\0\0\x09freeX\0\0\0\x01wide\0\0\0\0\0\0\0\x11Y\0\0\0\0mdatZZ",
            &[Some((b"free", b"X")), Some((b"wide", b"Y")), Some((b"mdat", b"ZZ"))],
        );
    }

    #[test]
    fn boxes_that_are_cut_or_shorter_than_their_header_are_invalid() {
        check(b"\0\0\0\x20freeX", &[None]);
        check(b"\0\0\0\x07freeX", &[None]);
        check(b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff", &[None]);
        check(b"\0\0\0\x01free", &[None]);
    }
}
