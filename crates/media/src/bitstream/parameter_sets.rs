//! The parameter sets a stream has carried so far, so that any decoder can be brought up to them.
//!
//! Several decoders share one stream's keyframes, but a parameter set stands in one packet: the
//! decoders that don't get that packet are given its sets before their next one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// At most so many sets are remembered: more than any sane stream has in force. One that hasn't come
/// again while so many others came is forgotten; pictures that still need it are errors of the
/// decoder, unless it has seen the set itself.
const MAX_SETS: usize = 64;
/// At most so many bytes of sets are remembered.
const MAX_BYTES: usize = 256 << 10;

/// One decoder state's worth of parameter sets, as bytes to put before a packet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Counts the changes: two snapshots of the same version are the same.
    pub(crate) version: u64,
    /// The sets, framed like the stream's packets. Empty if there are none.
    pub(crate) bytes: Arc<[u8]>,
}

/// The sets seen so far, oldest first.
///
/// A set that comes again moves to the end: replayed in this order, the newest set of each id
/// wins, whatever the ids are.
#[derive(Debug, Default)]
pub(crate) struct ParameterSets {
    /// Rank (sets of a lower rank come first) and bytes.
    sets: Vec<(u8, Arc<[u8]>)>,
    version: u64,
    framed: Option<Arc<[u8]>>,
}

impl ParameterSets {
    /// Takes note of a set. `rank` orders kinds: a set refers to sets of lower rank only.
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

    /// All sets as they are now; `frame` appends one set to a buffer.
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
    fn what_others_refer_to_comes_first() {
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
