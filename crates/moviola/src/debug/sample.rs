//! The selection of frames that have images in the report: a bounded number, evenly spread.

use std::collections::HashSet;

/// The most groups that are kept. The limit is reached only if frames can't be converted to images,
/// because far fewer frames are shown.
const MAX_GROUPS: usize = 4096;

/// A selection of one frame of each group of neighbours. Groups grow with the number of frames.
#[derive(Debug)]
pub(super) struct Sample {
    /// The number of ordinals in a group.
    size: u64,
    /// The groups that have a selected frame.
    taken: HashSet<u64>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { size: 1, taken: HashSet::new() }
    }
}

impl Sample {
    /// Decides whether the frame with this ordinal is selected. While there are few frames, all
    /// are.
    pub(super) fn select(&mut self, ordinal: u64) -> bool {
        if self.taken.len() >= MAX_GROUPS {
            self.enlarge();
        }
        self.taken.insert(ordinal / self.size) || self.size == 1
    }

    /// Doubles the size of groups.
    fn enlarge(&mut self) {
        self.size = self.size.saturating_mul(2);
        self.taken = self.taken.iter().map(|group| group / 2).collect();
    }

    /// Doubles the size of groups, and keeps one item in each.
    pub(super) fn thin_out<T>(&mut self, items: &mut Vec<T>, ordinal: impl Fn(&T) -> u64) {
        self.enlarge();
        let mut kept = HashSet::new();
        items.retain(|item| kept.insert(ordinal(item) / self.size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ordinals that are selected of ordinals in this order, at most 20.
    fn shown(ordinals: impl Iterator<Item = u64>) -> Vec<u64> {
        let (mut sample, mut shown) = (Sample::default(), Vec::new());
        for ordinal in ordinals {
            if sample.select(ordinal) {
                shown.push(ordinal);
            }
            while shown.len() > 20 {
                sample.thin_out(&mut shown, |ordinal| *ordinal);
            }
        }
        shown.sort_unstable();
        shown
    }

    #[test]
    fn few_frames_are_all_shown() {
        assert_eq!(shown(5..25), (5..25).collect::<Vec<_>>());
        assert_eq!(shown([7; 15].into_iter()), [7; 15]);
    }

    #[test]
    fn memory_is_bounded_if_no_frame_has_an_image() {
        let mut sample = Sample::default();
        assert!((0..100_000).filter(|ordinal| sample.select(*ordinal)).count() > MAX_GROUPS);
        assert!(sample.taken.len() <= MAX_GROUPS);
    }

    #[test]
    fn groups_side_by_side_are_shown_as_evenly_as_frames_in_order() {
        let in_order = shown(0..1000);
        let turns = (0..500).flat_map(|ordinal| [ordinal, 500 + ordinal]);
        for shown in [in_order, shown(turns)] {
            assert!(shown.len() > 10);
            assert!(shown.windows(2).all(|pair| pair[1] - pair[0] <= 128), "{shown:?}");
        }
    }

    #[test]
    fn distant_and_equal_ordinals_are_bounded() {
        for step in [1, 2, 15, 16, 250] {
            let shown = shown((0..300).map(|number| 3 + number * step));
            assert!((10..=20).contains(&shown.len()), "{step}: {shown:?}");
        }
        assert_eq!(shown([7; 50].into_iter()).len(), 1);
    }
}
