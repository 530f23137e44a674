//! Which frames are pictured: a bounded number, evenly spread, in whatever order they are done.

use std::collections::HashSet;

/// Groups that are remembered: far more than frames are shown, so they only become too many where frames
/// can't be pictured.
const MOST_GROUPS: usize = 4096;

/// One frame is wanted of each group of neighbours; groups grow as frames come.
#[derive(Debug)]
pub(super) struct Sample {
    /// Places in a group.
    size: u64,
    /// Groups of which a frame is pictured already.
    taken: HashSet<u64>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { size: 1, taken: HashSet::new() }
    }
}

impl Sample {
    /// Whether to picture the frame of a place. While there are few, all are.
    pub(super) fn wants(&mut self, place: u64) -> bool {
        if self.taken.len() >= MOST_GROUPS {
            self.enlarge();
        }
        self.taken.insert(place / self.size) || self.size == 1
    }

    fn enlarge(&mut self) {
        self.size = self.size.saturating_mul(2);
        self.taken = self.taken.iter().map(|group| group / 2).collect();
    }

    /// Makes groups twice as large, and keeps one in each.
    pub(super) fn thin_out<T>(&mut self, those: &mut Vec<T>, place: impl Fn(&T) -> u64) {
        self.enlarge();
        let mut kept = HashSet::new();
        those.retain(|one| kept.insert(place(one) / self.size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places that are shown of those that come in that order, at most 20.
    fn shown(places: impl Iterator<Item = u64>) -> Vec<u64> {
        let (mut sample, mut shown) = (Sample::default(), Vec::new());
        for place in places {
            if sample.wants(place) {
                shown.push(place);
            }
            while shown.len() > 20 {
                sample.thin_out(&mut shown, |place| *place);
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
    fn memory_stays_where_no_frame_can_be_pictured() {
        let mut sample = Sample::default();
        assert!((0..100_000).filter(|place| sample.wants(*place)).count() > MOST_GROUPS);
        assert!(sample.taken.len() <= MOST_GROUPS);
    }

    #[test]
    fn groups_side_by_side_are_shown_as_evenly_as_frames_in_order() {
        let in_order = shown(0..1000);
        let turns = (0..500).flat_map(|place| [place, 500 + place]);
        for shown in [in_order, shown(turns)] {
            assert!(shown.len() > 10);
            assert!(shown.windows(2).all(|pair| pair[1] - pair[0] <= 128), "{shown:?}");
        }
    }

    #[test]
    fn far_apart_or_all_the_same_they_are_bounded() {
        for step in [1, 2, 15, 16, 250] {
            let shown = shown((0..300).map(|number| 3 + number * step));
            assert!((10..=20).contains(&shown.len()), "{step}: {shown:?}");
        }
        assert_eq!(shown([7; 50].into_iter()).len(), 1);
    }
}
