//! What listens to a run, frame by frame.

use std::fmt;

use moviola_media::frame::Frame;

use crate::task::{TaskError, TaskOutput};

/// Listens to a pipeline's workers: before a frame is worked on, and after.
///
/// Both calls come on the worker's thread, several at once.
pub(crate) trait FrameObserver: fmt::Debug + Send + Sync {
    /// A frame was decoded, and its tasks come next. What is returned is handed to [`after`](Self::after).
    fn before(&self, frame: &Frame) -> Observation;

    /// The tasks are done, in the plan's order.
    fn after(
        &self,
        frame: &Frame,
        observation: Observation,
        outputs: &[Result<TaskOutput, TaskError>],
    );
}

/// What an observer decided about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The frame's number, or how many without one came before it.
    pub(crate) place: u64,
    /// Tasks keep what their models are given.
    pub(crate) keeps_input: bool,
}
