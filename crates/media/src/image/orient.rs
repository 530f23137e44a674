//! The turning of planes to upright.

use crate::simd::Isa;

use super::{
    Result,
    geometry::{Flips, Size},
    planes::{BytePlane, YccPlanes},
};

/// Side in samples of the blocks that are transposed at once.
const BLOCK: usize = 16;

/// Number of a source's columns that are transposed together: enough for the CPU to prefetch each
/// row's piece, and few enough for the target's rows to stay in the cache.
const STRIPE: usize = 512;

/// Writes `from`, turned by `flips`, into `to`, and gives `to` that size and subsampling.
pub(super) fn turn(
    from: &YccPlanes,
    flips: Flips,
    (size, chroma): (Size, Option<(u8, u8)>),
    to: &mut YccPlanes,
) -> Result<()> {
    to.reset(size, chroma)?;
    for (from, to) in from.used().iter().zip(&mut to.planes) {
        if flips.is_transposed {
            transpose(from, flips, to);
        } else {
            flip(from, flips, to);
        }
    }
    Ok(())
}

/// Reverses columns and rows.
fn flip(from: &BytePlane, flips: Flips, to: &mut BytePlane) {
    let (_, height) = from.size();
    for y in 0..height {
        let row = from.row(if flips.has_reversed_rows { height - 1 - y } else { y });
        let out = to.row_mut(y);
        out.copy_from_slice(row);
        if flips.has_reversed_columns {
            out.reverse();
        }
    }
}

/// Reverses columns and rows, then transposes.
fn transpose(from: &BytePlane, flips: Flips, to: &mut BytePlane) {
    let isa = Isa::detect();
    let (width, height) = from.size();
    let whole = (width / BLOCK * BLOCK, height / BLOCK * BLOCK);
    for stripe in (0..whole.0).step_by(STRIPE) {
        let stripe_end = whole.0.min(stripe + STRIPE);
        for y in (0..whole.1).step_by(BLOCK) {
            for x in (stripe..stripe_end).step_by(BLOCK) {
                transpose_block(isa, from, flips, (x, y), to);
            }
        }
    }
    // The columns at the right and rows at the bottom that fill no block, sample by sample.
    for y in 0..height {
        let first = if y < whole.1 { whole.0 } else { 0 };
        for x in first..width {
            let (row, column) = place(flips, from.size(), (x, y));
            to.row_mut(row)[column] = from.row(y)[x];
        }
    }
}

/// Row and column that the sample at (`x`, `y`) moves to.
fn place(flips: Flips, (width, height): Size, (x, y): Size) -> (usize, usize) {
    let row = if flips.has_reversed_columns { width - 1 - x } else { x };
    let column = if flips.has_reversed_rows { height - 1 - y } else { y };
    (row, column)
}

/// Moves the block whose first sample is at (`x`, `y`).
fn transpose_block(isa: Isa, from: &BytePlane, flips: Flips, (x, y): Size, to: &mut BytePlane) {
    let ((width, height), samples) = (from.size(), from.bytes());
    let rows = std::array::from_fn(|i| {
        // Reversed rows are read from the last one up: transposed, they are reversed columns.
        let row = if flips.has_reversed_rows { y + BLOCK - 1 - i } else { y + i };
        samples[row * width + x..].first_chunk().copied().unwrap_or_default()
    });
    let last = if flips.has_reversed_rows { y + BLOCK - 1 } else { y };
    let samples = to.bytes_mut();
    for (i, line) in isa.transpose(&rows).iter().enumerate() {
        let (row, column) = place(flips, (width, height), (x + i, last));
        samples[row * height + column..][..BLOCK].copy_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_view::Orientation;

    /// Turns a plane as [`Orientation`] defines it, sample by sample.
    fn reference(from: &BytePlane, orientation: Orientation) -> Vec<Vec<u8>> {
        let (width, height) = from.size();
        let mut rows: Vec<Vec<u8>> = (0..height).map(|y| from.row(y).to_vec()).collect();
        if orientation.is_mirrored {
            rows.iter_mut().for_each(|row| row.reverse());
        }
        for _ in 0..orientation.quarter_turns {
            // Clockwise: the first column, read from the bottom up, becomes the first row.
            let columns = rows.first().map_or(width, Vec::len);
            let turned = |x: usize| rows.iter().rev().map(|row| row[x]).collect();
            rows = (0..columns).map(turned).collect();
        }
        rows
    }

    #[track_caller]
    fn check_turn((width, height): Size, orientation: Orientation) {
        let mut from = YccPlanes::default();
        from.reset((width, height), None).unwrap();
        for (i, byte) in from.planes[0].bytes_mut().iter_mut().enumerate() {
            *byte = ((i * 31 + i / 251) % 256) as u8;
        }
        let size = if orientation.swaps_axes() { (height, width) } else { (width, height) };
        let mut to = YccPlanes::default();
        turn(&from, Flips::new(orientation), (size, None), &mut to).unwrap();
        let want = reference(&from.planes[0], orientation).concat();
        assert_eq!(to.planes[0].bytes(), want, "{width}x{height} {orientation:?}");
    }

    #[test]
    fn every_orientation_and_size_is_turned_as_documented() {
        for size in [(1, 1), (1, 9), (9, 1), (8, 8), (16, 24), (67, 33), (130, 71)] {
            for quarter_turns in 0..4 {
                for is_mirrored in [false, true] {
                    check_turn(size, Orientation { quarter_turns, is_mirrored });
                }
            }
        }
    }
}
