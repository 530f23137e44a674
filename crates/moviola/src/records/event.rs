//! Events of a run over several sources.

use super::{Record, SourceTally};

/// An event of a source. Events of one source come in order; those of several are interleaved.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The source is about to be opened.
    Started {
        /// The source's number among the inputs, from 0.
        input: u64,
        /// The source's name, as the user gave it.
        source: String,
    },
    /// A record of the source.
    Record {
        /// The source's number among the inputs.
        input: u64,
        /// The record.
        record: Box<Record>,
    },
    /// The hardware that the options name can't decode the source: software does.
    Fallback {
        /// The source's number among the inputs.
        input: u64,
        /// The reason.
        reason: String,
    },
    /// The source has no more records.
    Ended {
        /// The source's number among the inputs.
        input: u64,
        /// The counts of its records.
        tally: SourceTally,
    },
}
