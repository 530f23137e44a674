//! What happens to the sources of a run.

use super::{Record, SourceTally};

/// What happens to the sources. Those of one source come in order; sources come mixed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A source is opened next.
    Started {
        /// Its place among the inputs, from 0.
        input: u64,
        /// The source as its user knows it.
        source: String,
    },
    /// One of its records.
    Record {
        /// Of which input.
        input: u64,
        /// The record.
        record: Box<Record>,
    },
    /// The hardware that was asked for by name doesn't decode it: software does.
    Fallback {
        /// Which input.
        input: u64,
        /// Why.
        reason: String,
    },
    /// It had its last record.
    Ended {
        /// Which input.
        input: u64,
        /// What became of it.
        tally: SourceTally,
    },
}
