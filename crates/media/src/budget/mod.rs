//! The threads and the memory that demux, decode, convert and inference share.

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

/// Cores this process may use, at least 1: its CPU set and control group counted in, as they are at
/// the first call: asking reads files of the system, and each call for frames wants to know.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Cores that calls are at work on now.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// The right to use some of the process's cores, until it is dropped.
#[derive(Debug)]
pub(crate) struct Cores(usize);

impl Cores {
    /// As many of the cores as no other call uses, up to `wanted`, and at least one: the caller's
    /// own. So many callers at once work on one thread each, and one alone on all cores.
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

    pub(crate) fn count(&self) -> usize {
        self.0
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        BUSY.fetch_sub(self.0, Ordering::Relaxed);
    }
}
