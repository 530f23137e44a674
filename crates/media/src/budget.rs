//! The threads that demux, decode, convert and inference share.

use std::thread;

/// Cores this process may use, at least 1: its CPU set and control group counted in.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
