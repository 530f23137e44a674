//! Planes of frames: rows of bytes with a signed stride.

use std::{marker::PhantomData, ptr::NonNull, slice};

/// A read-only plane of a frame, borrowed for `'a`.
///
/// Rows are returned without their padding. The stride is in bytes and may be negative: the first
/// row of a bottom-up frame has the highest address.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    first_row: NonNull<u8>,
    stride: isize,
    row_bytes: usize,
    rows: usize,
    owner: PhantomData<&'a [u8]>,
}

// SAFETY: a plane gives read access only to bytes that `'a` borrows, as `&'a [u8]` does.
unsafe impl Send for Plane<'_> {}
// SAFETY: every method takes `&self` and only reads.
unsafe impl Sync for Plane<'_> {}

impl<'a> Plane<'a> {
    /// Creates a plane over `data`: `rows` rows of `row_bytes` bytes, `stride` bytes apart.
    ///
    /// `None` if `data` is too short or the rows overlap.
    pub fn from_slice(
        data: &'a [u8],
        stride: usize,
        row_bytes: usize,
        rows: usize,
    ) -> Option<Self> {
        let needed = match rows {
            0 => 0,
            _ => stride.checked_mul(rows - 1)?.checked_add(row_bytes)?,
        };
        if needed > data.len() || (rows > 1 && stride < row_bytes) {
            return None;
        }
        let stride = isize::try_from(stride).ok()?;
        let first_row = NonNull::from(data).cast();
        Some(Self { first_row, stride, row_bytes, rows, owner: PhantomData })
    }

    /// A plane whose first (top) row starts at `first_row`.
    ///
    /// # Safety
    ///
    /// For every `y < rows`, the `row_bytes` bytes at `first_row + y * stride` must be readable
    /// and unchanged for as long as `'a` lasts.
    pub(crate) unsafe fn from_raw(
        first_row: NonNull<u8>,
        stride: isize,
        row_bytes: usize,
        rows: usize,
    ) -> Self {
        Self { first_row, stride, row_bytes, rows, owner: PhantomData }
    }

    /// Row `y`, top down, without padding; `None` past the last row.
    pub fn row(&self, y: usize) -> Option<&'a [u8]> {
        if y >= self.rows {
            return None;
        }
        // SAFETY: y < rows, and the constructors promise `rows` rows `stride` bytes apart.
        let row = unsafe { self.first_row.offset(self.stride * y.cast_signed()) };
        // SAFETY: the constructors promise `row_bytes` readable bytes in each row for `'a`.
        Some(unsafe { slice::from_raw_parts(row.as_ptr(), self.row_bytes) })
    }

    /// All rows, from the top down.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + '_ {
        (0..self.rows).map(|y| self.row(y).unwrap_or_default())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Size of a row in bytes, without padding.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Distance from one row to the next in bytes; negative in a bottom-up frame.
    pub fn stride(&self) -> isize {
        self.stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_no_padding() {
        let data = [1, 2, 0, 3, 4, 0];
        let plane = Plane::from_slice(&data, 3, 2, 2).unwrap();
        assert_eq!(plane.iter().collect::<Vec<_>>(), [[1, 2], [3, 4]]);
        assert_eq!(plane.row(2), None);
    }

    #[test]
    fn the_last_row_needs_no_padding_after_it() {
        assert!(Plane::from_slice(&[0; 5], 3, 2, 2).is_some());
        assert!(Plane::from_slice(&[0; 4], 3, 2, 2).is_none());
    }

    #[test]
    fn overlapping_rows_are_refused() {
        assert!(Plane::from_slice(&[0; 8], 1, 2, 2).is_none());
    }

    #[test]
    fn a_negative_stride_reads_bottom_up() {
        let data = [3_u8, 4, 1, 2];
        // SAFETY: offset 2 lies inside `data`.
        let top = unsafe { NonNull::from(&data).cast::<u8>().add(2) };
        // SAFETY: rows at offsets 2 and 0, two bytes each, lie inside `data`.
        let plane = unsafe { Plane::from_raw(top, -2, 2, 2) };
        assert_eq!(plane.iter().collect::<Vec<_>>(), [[1, 2], [3, 4]]);
    }
}
