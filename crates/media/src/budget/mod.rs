//! The budget of cores and memory that demuxing, decoding, conversion and inference share.

mod control_group;
mod memory;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

pub use memory::{MemoryInUse, memory, memory_in_use, peak_resident, resident, resident_of};

/// Number of cores that this process may use, at least 1, with its CPU set and control group.
///
/// It is determined at the first call, because that reads files of the system.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Number of cores in use by calls.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// A lease of some of the process's cores, until it is dropped.
#[derive(Debug)]
pub(crate) struct Cores(usize);

impl Cores {
    /// Leases the cores that no other call uses, at most `wanted` and at least one, the caller's
    /// own.
    ///
    /// So many callers at once get one core each, and a single caller gets all cores.
    pub(crate) fn take(wanted: usize) -> Self {
        let mut taken = 1;
        let claim = |busy: usize| {
            taken = wanted.min(cores().saturating_sub(busy)).max(1);
            Some(busy + taken)
        };
        // The closure never refuses.
        let _ = BUSY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim);
        Self(taken)
    }

    /// Number of leased cores.
    pub(crate) fn count(&self) -> usize {
        self.0
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        BUSY.fetch_sub(self.0, Ordering::Relaxed);
    }
}
