//! Reading of tables: small pieces through a buffer, and the numbers in them.

pub(super) use crate::source::Bytes;

/// A buffered reader of small pieces.
#[derive(Debug)]
pub(super) struct Window<'b> {
    bytes: &'b Bytes,
    /// Offset of the buffer in the file.
    start: u64,
    buffer: Vec<u8>,
    /// The least number of bytes to read at once, if the file has so many.
    ahead: usize,
}

impl<'b> Window<'b> {
    pub(super) fn new(bytes: &'b Bytes, ahead: usize) -> Self {
        Self { bytes, start: 0, buffer: Vec::new(), ahead }
    }

    /// Length of the file in bytes.
    pub(super) fn file_len(&self) -> u64 {
        self.bytes.len()
    }

    /// `len` bytes at `position`; `None` if the file has fewer.
    pub(super) fn get(&mut self, position: u64, len: usize) -> Option<&[u8]> {
        let within = |start: u64, buffer: &[u8]| {
            let offset = usize::try_from(position.checked_sub(start)?).ok()?;
            (offset.checked_add(len)? <= buffer.len()).then_some(offset)
        };
        if within(self.start, &self.buffer).is_none() {
            let left = self.bytes.len().checked_sub(position)?;
            let ahead = usize::try_from(left).map_or(self.ahead, |left| self.ahead.min(left));
            self.buffer.clear();
            self.start = position;
            self.bytes.append(position, ahead.max(len), &mut self.buffer)?;
        }
        let offset = within(self.start, &self.buffer)?;
        self.buffer.get(offset..offset + len)
    }

    /// The bytes at `position`, as many as there are, at most `len`.
    pub(super) fn up_to(&mut self, position: u64, len: usize) -> &[u8] {
        let left = self.bytes.len().saturating_sub(position);
        let len = usize::try_from(left).map_or(len, |left| left.min(len));
        self.get(position, len).unwrap_or_default()
    }
}

/// A reader of big-endian numbers from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The version and flags at the start of many boxes.
    pub(super) fn version_and_flags(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0x00ff_ffff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_reads_adjacent_pieces_once() {
        let bytes = Bytes::memory((0..100).collect::<Vec<u8>>());
        let mut window = Window::new(&bytes, 16);
        assert_eq!(window.get(10, 2), Some(&[10, 11][..]));
        assert_eq!(window.get(24, 2), Some(&[24, 25][..]));
        assert_eq!(bytes.bytes_read(), 16);
        assert_eq!(window.get(99, 1), Some(&[99][..]));
        assert_eq!(window.get(99, 2), None);
        assert_eq!(window.up_to(98, 8), &[98, 99]);
        assert_eq!(window.up_to(200, 8), &[] as &[u8]);
    }
}
