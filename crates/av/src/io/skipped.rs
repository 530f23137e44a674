//! Byte ranges of a source that are not read and are returned as zeros.

use std::ops::Range;

/// The byte ranges that FFmpeg gets as zeros.
#[derive(Debug)]
pub(super) struct SkippedRanges {
    /// Sorted, disjoint and not adjacent, none empty.
    ranges: Vec<Range<u64>>,
}

/// Where the first bytes of a read come from, and how many of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextRead {
    /// They are read from the source.
    Source(usize),
    /// They are in a skipped range.
    Zeros(usize),
}

impl SkippedRanges {
    /// The ranges in `unneeded` without the bytes in `needed`. Both may be in any order and
    /// overlap. Ranges that end after `end` are not skipped.
    pub(super) fn new(mut unneeded: Vec<Range<u64>>, needed: Vec<Range<u64>>, end: u64) -> Self {
        unneeded.retain(|range| range.end <= end);
        let needed = merged(needed);
        let mut ranges = Vec::new();
        for range in merged(unneeded) {
            let first = needed.partition_point(|needed| needed.end <= range.start);
            let mut start = range.start;
            for needed in needed[first..].iter().take_while(|needed| needed.start < range.end) {
                ranges.push(start..needed.start);
                start = needed.end;
            }
            ranges.push(start..range.end);
        }
        ranges.retain(|range| !range.is_empty());
        ranges.shrink_to_fit();
        Self { ranges }
    }

    /// The first part of a read of `len` bytes (at least 1) at `position`.
    pub(super) fn next_read(&self, position: u64, len: usize) -> NextRead {
        let next = self.ranges.partition_point(|range| range.end <= position);
        let limited = |to: u64| usize::try_from(to - position).map_or(len, |bytes| bytes.min(len));
        match self.ranges.get(next) {
            Some(range) if range.start <= position => NextRead::Zeros(limited(range.end)),
            Some(range) => NextRead::Source(limited(range.start)),
            None => NextRead::Source(len),
        }
    }
}

/// The same bytes as sorted, disjoint ranges, none adjacent or empty.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(position: u64, len: usize, want: NextRead) {
        let skipped = SkippedRanges::new(vec![20..30, 5..10, 30..40, 8..12, 90..120], vec![], 100);
        assert_eq!(skipped.next_read(position, len), want);
    }

    #[test]
    fn reads_end_at_the_borders_of_skipped_ranges() {
        check(0, 100, NextRead::Source(5));
        check(5, 100, NextRead::Zeros(7));
        check(12, 3, NextRead::Source(3));
        check(19, 9, NextRead::Source(1));
        check(25, 100, NextRead::Zeros(15));
    }

    #[test]
    fn ranges_past_the_end_are_read() {
        check(40, 100, NextRead::Source(100));
        check(95, 2, NextRead::Source(2));
    }

    #[test]
    fn needed_bytes_inside_unneeded_ranges_are_read() {
        let needed = vec![0..6, 24..26, 22..25, 38..50];
        let skipped = SkippedRanges::new(vec![5..10, 20..40, 44..48], needed, 100);
        assert_eq!(skipped.ranges, [6..10, 20..22, 26..38]);
    }
}
