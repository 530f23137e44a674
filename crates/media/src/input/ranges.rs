//! A set of numbers, stored as ranges.

use std::ops::Range;

/// The most ranges that are kept: 1 MiB.
const MOST: usize = 1 << 16;

/// A set of numbers that takes no more memory than it has gaps, and holds [`MOST`] ranges at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    pub(super) fn insert(&mut self, number: u64) {
        let Self(ranges) = self;
        let is_full = ranges.len() == MOST;
        let after = ranges.partition_point(|range| range.end < number);
        match ranges.get_mut(after) {
            Some(range) if range.contains(&number) => {}
            Some(range) if range.end == number => {
                range.end += 1;
                let end = range.end;
                if let Some(next) = ranges.get(after + 1).filter(|next| next.start == end) {
                    ranges[after].end = next.end;
                    ranges.remove(after + 1);
                }
            }
            Some(range) if range.start == number + 1 => range.start = number,
            _ if is_full => {}
            _ => ranges.insert(after, number..number + 1),
        }
    }

    /// Ascending, with gaps between them.
    pub(super) fn to_vec(&self) -> Vec<Range<u64>> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numbers: &[u64], want: &[Range<u64>]) {
        let mut ranges = Ranges::default();
        numbers.iter().for_each(|&number| ranges.insert(number));
        assert_eq!(ranges.to_vec(), want);
    }

    #[test]
    fn numbers_that_follow_one_another_make_a_range() {
        check(&[7, 3, 4, 5, 9], &[3..6, 7..8, 9..10]);
        check(&[1, 3, 2, 2, 1, 9], &[1..4, 9..10]);
        check(&[5, 4, 0], &[0..1, 4..6]);
        check(&[], &[]);
    }

    #[test]
    fn ranges_beyond_the_most_are_left_out() {
        let mut ranges = Ranges::default();
        (0..=MOST as u64).for_each(|number| ranges.insert(2 * number));
        ranges.insert(1);
        let last = 2 * MOST as u64 - 2;
        assert_eq!((ranges.0[0].clone(), ranges.0.last()), (0..3, Some(&(last..last + 1))));
    }
}
