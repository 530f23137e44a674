//! Parts of a source that need not be read, because nobody will look at them.

use std::ops::Range;

/// Ranges of bytes that FFmpeg gets as zeros instead.
#[derive(Debug)]
pub(super) struct Unneeded {
    /// Sorted, apart from each other, none empty.
    ranges: Vec<Range<u64>>,
}

/// What to do for a read at some place: this many bytes of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// They must be read.
    Read(usize),
    /// They are zeros.
    Zeros(usize),
}

impl Unneeded {
    /// `ranges` less `needed`, each in any order; they may overlap. What lies beyond `end` is left
    /// alone.
    pub(super) fn new(ranges: Vec<Range<u64>>, needed: Vec<Range<u64>>, end: u64) -> Self {
        let mut ranges = ranges;
        ranges.retain(|range| range.end <= end);
        let needed = merged(needed);
        let mut apart = Vec::new();
        for range in merged(ranges) {
            let first = needed.partition_point(|kept| kept.end <= range.start);
            let mut start = range.start;
            for kept in needed[first..].iter().take_while(|kept| kept.start < range.end) {
                apart.push(start..kept.start);
                start = kept.end;
            }
            apart.push(start..range.end);
        }
        apart.retain(|range| !range.is_empty());
        apart.shrink_to_fit();
        Self { ranges: apart }
    }

    /// What to do first for a read of `len` bytes (at least 1) at `position`.
    pub(super) fn plan(&self, position: u64, len: usize) -> Plan {
        let next = self.ranges.partition_point(|range| range.end <= position);
        let limited = |to: u64| usize::try_from(to - position).map_or(len, |bytes| bytes.min(len));
        match self.ranges.get(next) {
            Some(range) if range.start <= position => Plan::Zeros(limited(range.end)),
            Some(range) => Plan::Read(limited(range.start)),
            None => Plan::Read(len),
        }
    }
}

/// The same bytes as ranges that are sorted, apart from each other, and not empty.
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
    fn check(position: u64, len: usize, want: Plan) {
        let unneeded = Unneeded::new(vec![20..30, 5..10, 30..40, 8..12, 90..120], vec![], 100);
        assert_eq!(unneeded.plan(position, len), want);
    }

    #[test]
    fn reads_stop_where_the_kind_changes() {
        check(0, 100, Plan::Read(5));
        check(5, 100, Plan::Zeros(7));
        check(12, 3, Plan::Read(3));
        check(19, 9, Plan::Read(1));
        check(25, 100, Plan::Zeros(15));
    }

    #[test]
    fn what_may_lie_beyond_the_end_is_read() {
        check(40, 100, Plan::Read(100));
        check(95, 2, Plan::Read(2));
    }

    #[test]
    fn what_is_needed_is_read_even_if_others_do_not_need_it() {
        let needed = vec![0..6, 24..26, 22..25, 38..50];
        let unneeded = Unneeded::new(vec![5..10, 20..40, 44..48], needed, 100);
        assert_eq!(unneeded.ranges, [6..10, 20..22, 26..38]);
    }
}
