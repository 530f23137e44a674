//! EBML: the elements of Matroska files (RFC 8794).

use super::bytes::Window;

/// The id and position of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// Its id with the length marker, as specifications write it.
    pub(super) id: u32,
    /// Offset of its payload in the file in bytes.
    pub(super) payload: u64,
    /// Offset of its end; `None` if its size is unknown.
    pub(super) end: Option<u64>,
}

/// The length of the longest element header in bytes: four of id, eight of size.
const MAX_HEAD: usize = 12;

impl Element {
    /// Parses an element header from `head`, the bytes at offset `start`.
    fn parse(head: &[u8], start: u64) -> Option<Self> {
        let (id, id_len) = number(head, 4)?;
        let id = u32::try_from(id).ok()? | 1 << (7 * id_len);
        let (size, size_len) = number(head.get(id_len..)?, 8)?;
        let payload = start.checked_add((id_len + size_len) as u64)?;
        // All ones mean an unknown size: it ends at the next element that can't be inside it.
        let unknown = size + 1 == 1 << (7 * size_len);
        let end = if unknown { None } else { Some(payload.checked_add(size)?) };
        Some(Self { id, payload, end })
    }

    /// Length of the payload in bytes; `None` if unknown.
    pub(super) fn len(&self) -> Option<u64> {
        Some(self.end? - self.payload)
    }
}

/// The element at `start` in a parent that ends at `end`. `None` if there is none, or it reaches
/// beyond its parent.
pub(super) fn at(window: &mut Window<'_>, start: u64, end: u64) -> Option<Element> {
    let element = Element::parse(window.up_to(start, MAX_HEAD), start)?;
    let fits = element.payload <= end && element.end.is_none_or(|its| its <= end);
    fits.then_some(element)
}

/// The elements in `bytes`: id and payload. The last item is `None` if the remaining bytes are not
/// an element of known size.
pub(super) fn in_memory(bytes: &[u8]) -> impl Iterator<Item = Option<(u32, &[u8])>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let parsed = || {
            let element = Element::parse(rest, 0)?;
            let (payload, end) =
                (usize::try_from(element.payload).ok()?, usize::try_from(element.end?).ok()?);
            Some((element.id, rest.get(payload..end)?, rest.get(end..)?))
        };
        let found = parsed();
        rest = found.map_or(&[], |(_, _, after)| after);
        Some(found.map(|(id, payload, _)| (id, payload)))
    })
}

/// The value and length in bytes of a variable-size integer, whose first byte gives its length.
///
/// `None` if it is longer than `longest` bytes or incomplete.
pub(super) fn number(bytes: &[u8], longest: usize) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let len = first.leading_zeros() as usize + 1;
    if len > longest {
        return None;
    }
    let rest = bytes.get(1..len)?;
    let marker = 1_u64 << (8 - len);
    let high = u64::from(first) & (marker - 1);
    Some((rest.iter().fold(high, |value, &byte| value << 8 | u64::from(byte)), len))
}

/// An unsigned integer; `None` if it is empty or longer than eight bytes.
pub(super) fn unsigned(payload: &[u8]) -> Option<u64> {
    let fits = (1..=8).contains(&payload.len());
    fits.then(|| payload.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// A floating-point number of four or eight bytes.
pub(super) fn float(payload: &[u8]) -> Option<f64> {
    match payload.len() {
        4 => Some(f32::from_be_bytes(payload.try_into().ok()?).into()),
        8 => Some(f64::from_be_bytes(payload.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_gives_a_numbers_length() {
        assert_eq!(number(&[0x81], 8), Some((1, 1)));
        assert_eq!(number(&[0x40, 0x02], 8), Some((2, 2)));
        assert_eq!(number(&[1, 0, 0, 0, 0, 0, 0, 9], 8), Some((9, 8)));
        assert_eq!(number(&[0x10, 0, 0], 8), None);
        assert_eq!(number(&[0x08, 0, 0, 0, 0], 4), None);
        assert_eq!(number(&[0; 9], 8), None);
        assert_eq!(number(&[], 8), None);
    }

    #[test]
    fn elements_have_a_known_or_unknown_size() {
        let known = Element { id: 0xa3, payload: 102, end: Some(105) };
        assert_eq!(Element::parse(&[0xa3, 0x83], 100), Some(known));
        assert_eq!(known.len(), Some(3));
        let unknown = Element { id: 0x1f43_b675, payload: 105, end: None };
        assert_eq!(Element::parse(&[0x1f, 0x43, 0xb6, 0x75, 0xff], 100), Some(unknown));
        assert_eq!(Element::parse(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0), None);
    }

    #[test]
    fn elements_beyond_their_parent_are_invalid() {
        let found: Vec<_> = in_memory(&[0xd7, 0x81, 7, 0x83, 0x82, 1]).collect();
        assert_eq!(found, [Some((0xd7, &[7][..])), None]);
    }
}
