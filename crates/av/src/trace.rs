//! Spans and events of `tracing` that show how time is spent and which packets are read.
//!
//! Every stage of the work is a span with the target [`STAGE`] and a name that is listed at
//! [`stage!`](crate::stage). Spans nest within a thread; the innermost one is the current stage.
//! Events with the target [`DECISION`] report why packets are read, skipped or dropped. All spans
//! and events have the level `TRACE`; without a subscriber for it, each costs one atomic load.

use tracing::Span;

/// Target of the spans of stages. Fields: `bytes` that the stage read or produced, and the numbers
/// of `packets` and `frames`.
pub const STAGE: &str = "moviola::stage";

/// Target of the events about decisions. Fields: `verdict` (what was decided), `why`, and the
/// packet's or frame's `pts` in ticks and size in `bytes`.
pub const DECISION: &str = "moviola::decision";

/// Target of the events about queues. Field: `waiting`, the number of waiting results.
pub const QUEUE: &str = "moviola::queue";

/// Target of the event that a thread emits when it starts to work on frames. The time before it is
/// not attributed to a frame.
pub const BEGIN: &str = "moviola::begin";

/// Target of the event about an opened decoder. Fields: the `decoder`'s name, its number of
/// `threads`, whether it uses a `device`, and `refusal`, the reason why it does not use the given
/// one. With a device, the event is emitted after the first frame, when this is known.
pub const DECODER: &str = "moviola::decoder";

/// Target of the event about a model's boxes for one image. Fields, each a number of boxes: `above`
/// the confidence threshold; of those, `wanted` by class. After non-maximum suppression the rest is
/// `kept`, or dropped as `outside`: entirely in the border around the image.
pub const CANDIDATES: &str = "moviola::candidates";

/// Enters the span of a stage, which ends when the returned value is dropped. Stages: `open`,
/// `load`, `demux`, `decode`, `convert`, `infer`, `postprocess`, `encode`, `write`, `work`,
/// `report`, `wait`.
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

/// Emits a [`DECISION`] event about a packet or frame; `pts` in ticks and `bytes` are its own.
pub fn emit_decision(verdict: &str, why: &str, pts: Option<i64>, bytes: usize) {
    tracing::trace!(target: DECISION, verdict, why, pts, bytes);
}

/// Emits a [`BEGIN`] event: this thread starts to work on frames.
pub fn emit_begin() {
    tracing::trace!(target: BEGIN, "begins");
}

/// Records the number of bytes that a stage produced.
pub fn record_bytes(stage: &Span, bytes: usize) {
    stage.record("bytes", bytes);
}
