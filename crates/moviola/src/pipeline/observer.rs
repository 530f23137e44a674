//! The observer of a pipeline's frames.

use std::fmt;

use moviola_media::frame::Frame;

use crate::task::{TaskError, TaskOutput};

/// An observer that workers call before and after they run the tasks on a frame.
///
/// Called on the worker's thread; calls from several threads overlap.
pub(crate) trait FrameObserver: fmt::Debug + Send + Sync {
    /// Called when a frame is decoded, before its tasks run. The result is passed to
    /// [`after`](Self::after).
    fn before(&self, frame: &Frame) -> Observation;

    /// Called when the tasks have run; `outputs` are in the plan's order.
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
    /// The frame's number, or the count of frames without one before it.
    pub(crate) ordinal: u64,
    /// Whether tasks keep their models' inputs.
    pub(crate) keeps_input: bool,
}
