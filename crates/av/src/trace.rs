//! Telling what the time goes into: spans and events of `tracing`, for whoever listens.
//!
//! Every stage of the work is a span of the target [`STAGE`], named as in [`stage!`](crate::stage);
//! spans nest on their thread, and the innermost says what is being done. Why frames are read, left
//! out or dropped is told by events of the target [`DECISION`]. All of these are of level
//! `TRACE`: while nobody asks for that, each costs the reading of one number.

use tracing::Span;

/// Target of the spans that are stages of the work. `bytes` is what a stage read or gave, `packets` and
/// `frames` how many.
pub const STAGE: &str = "moviola::stage";

/// Target of the events that tell of a choice: `verdict` is what was chosen, `why` the reason, `pts`
/// and `bytes` the packet's.
pub const DECISION: &str = "moviola::decision";

/// Target of the events that tell how full a queue is: `waiting` results.
pub const QUEUE: &str = "moviola::queue";

/// Target of the event that says that a thread begins with frames: what it did before is no part of
/// what they take.
pub const BEGIN: &str = "moviola::begin";

/// Target of the event that tells of a `decoder` that was opened, with so many `threads`, on a
/// `device` or in software. Where a device was given, the first picture shows which it is, and
/// `refusal` says why it isn't the device.
pub const DECODER: &str = "moviola::decoder";

/// Target of the event that tells how many boxes of a model are sure enough (`above`), of a class
/// that is wanted (`wanted`), and left once those that overlap are thinned out: `kept`, or wholly
/// `outside` the picture, in the border around it.
pub const CANDIDATES: &str = "moviola::candidates";

/// Enters a stage: `open`, `load`, `demux`, `decode`, `convert`, `infer`, `postprocess`, `encode`,
/// `write`, `work`, `report` or `wait`. It ends where the value is dropped.
#[macro_export]
macro_rules! stage {
    ($name:literal) => {
        tracing::trace_span!(
            target: $crate::trace::STAGE,
            $name,
            bytes = tracing::field::Empty,
            packets = tracing::field::Empty,
            frames = tracing::field::Empty
        )
        .entered()
    };
}

/// Tells who listens what became of a packet or a picture, and why; `pts` in ticks and `bytes` are its
/// own.
pub fn decided(verdict: &str, why: &str, pts: Option<i64>, bytes: usize) {
    tracing::trace!(target: DECISION, verdict, why, pts, bytes);
}

/// Tells who listens that this thread begins with frames now.
pub fn begins() {
    tracing::trace!(target: BEGIN, "begins");
}

/// Says how many bytes a stage gave.
pub fn gave(stage: &Span, bytes: usize) {
    stage.record("bytes", bytes);
}
