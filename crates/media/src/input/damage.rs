//! The numbers of an input's damaged frames.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::ranges::Ranges;

/// The numbers of the frames of an [`OpenInput`](super::OpenInput) that were found damaged so far.
///
/// They may include frames that the reader has not returned yet; after the last frame they are
/// complete. If the source has no index, frames are numbered in the order in which they are
/// decoded. Clones share the numbers.
///
/// It takes 16 bytes for each range, 1 MiB at most: ranges that are found after that are dropped.
#[derive(Clone, Debug, Default)]
pub struct Damage(Arc<Mutex<Ranges>>);

impl Damage {
    /// The numbers, as ranges in ascending order with gaps between them.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).to_vec()
    }

    pub(crate) fn note(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }
}
