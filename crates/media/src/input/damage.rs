//! Which frames of an input are damaged.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::ranges::Ranges;

/// Which frames of a [`OpenInput`](super::OpenInput) were found damaged so far, by whatever reads it.
///
/// Some of those found may not have been handed out yet; behind the last frame these are all. Of a
/// source without an index the frames are numbered as they come. Clones tell of the same frames.
///
/// Takes 16 bytes for each range, 1 MiB at most: the ranges found after that are left out.
#[derive(Clone, Debug, Default)]
pub struct Damage(Arc<Mutex<Ranges>>);

impl Damage {
    /// Their numbers, as ranges in ascending order with gaps between them.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).to_vec()
    }

    pub(crate) fn note(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }
}
