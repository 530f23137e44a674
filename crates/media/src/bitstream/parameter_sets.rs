//! The in-band parameter sets of a stream so far, to be given to any of its decoders.
//!
//! Several decoders share one stream's keyframes, but a parameter set is in one packet: decoders
//! that don't get that packet get its sets before their next one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most sets that are kept: more than usual streams use at once. The oldest is dropped first.
/// If pictures still need a dropped set, decoders that never got it report an error.
const MAX_SETS: usize = 64;
/// The most bytes of sets that are kept.
const MAX_BYTES: usize = 256 << 10;

/// All parameter sets at one position of a stream, as bytes to put before a packet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Number of changes so far: snapshots with the same version are equal.
    pub(crate) version: u64,
    /// The sets, framed like the stream's packets. Empty if there are none.
    pub(crate) bytes: Arc<[u8]>,
}

/// The parameter sets seen so far, oldest first.
///
/// A repeated set moves to the end. A decoder that gets the sets in this order keeps the newest of
/// each id, so ids needn't be parsed.
#[derive(Debug, Default)]
pub(crate) struct ParameterSets {
    /// Rank and bytes of each; snapshots begin with lower ranks.
    sets: Vec<(u8, Arc<[u8]>)>,
    version: u64,
    /// The bytes of the last snapshot; `None` after a change.
    framed: Option<Arc<[u8]>>,
}

impl ParameterSets {
    /// Stores a set. `rank` is that of its kind: sets refer only to sets of lower ranks.
    pub(crate) fn see(&mut self, rank: u8, set: &[u8]) {
        let newest = self.sets.iter().rev().find(|(of, _)| *of == rank);
        if newest.is_some_and(|(_, newest)| **newest == *set) {
            return;
        }
        self.sets.retain(|(of, known)| *of != rank || **known != *set);
        self.sets.push((rank, set.into()));
        while self.sets.len() > MAX_SETS || self.bytes() > MAX_BYTES {
            self.sets.remove(0);
        }
        self.version += 1;
        self.framed = None;
    }

    fn bytes(&self) -> usize {
        self.sets.iter().map(|(_, set)| set.len()).sum()
    }

    /// A snapshot of all sets; `frame` appends a set to a buffer with its start code or length.
    pub(crate) fn snapshot(&mut self, frame: impl Fn(&[u8], &mut Vec<u8>)) -> Snapshot {
        let bytes = self.framed.get_or_insert_with(|| {
            let mut sets: Vec<_> = self.sets.iter().collect();
            sets.sort_by_key(|(rank, _)| *rank);
            let mut bytes = Vec::new();
            sets.iter().for_each(|(_, set)| frame(set, &mut bytes));
            bytes.into()
        });
        Snapshot { version: self.version, bytes: Arc::clone(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seen: &[(u8, &[u8])], version: u64, replayed: &[u8]) {
        let mut sets = ParameterSets::default();
        seen.iter().for_each(|(rank, set)| sets.see(*rank, set));
        let snapshot = sets.snapshot(|set, out| out.extend(set));
        assert_eq!((snapshot.version, &*snapshot.bytes), (version, replayed));
    }

    #[test]
    fn repeating_the_same_sets_changes_nothing() {
        check(&[(1, b"S"), (2, b"P"), (1, b"S"), (2, b"P")], 2, b"SP");
    }

    #[test]
    fn sets_that_alternate_are_replayed_with_the_last_one_last() {
        check(&[(1, b"S"), (2, b"p"), (2, b"q"), (2, b"p")], 4, b"Sqp");
    }

    #[test]
    fn sets_that_others_refer_to_come_first() {
        check(&[(2, b"P"), (1, b"S")], 2, b"SP");
    }

    #[test]
    fn memory_is_bounded() {
        let mut sets = ParameterSets::default();
        for number in 0..1000_u32 {
            sets.see(1, &[&number.to_be_bytes()[..], &[7; 9000]].concat());
        }
        assert!(sets.bytes() <= MAX_BYTES && sets.sets.len() <= MAX_SETS);
    }
}
