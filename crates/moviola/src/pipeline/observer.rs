//! The observer of a pipeline's frames.

use std::fmt;

use moviola_media::frame::Frame;

use crate::task::{TaskError, TaskOutput};

/// An observer of frames: workers call it before and after they run the tasks on one, and the
/// pipeline when the outputs are taken.
///
/// Workers call it on their threads; calls from several threads overlap.
pub(crate) trait FrameObserver: fmt::Debug + Send + Sync {
    /// Called when a frame is decoded, before its tasks run. The result is passed to the other
    /// calls about the frame.
    fn before(&self, frame: &Frame) -> Observation;

    /// Called when the tasks have run; `outputs` are in the plan's order.
    fn after(
        &self,
        frame: &Frame,
        observation: Observation,
        outputs: &[Result<TaskOutput, TaskError>],
    );

    /// Called when the frame's outputs are taken from the pipeline, in the plan's order; `index` as
    /// [`FrameOutput::index`](super::FrameOutput::index).
    fn taken(&self, observation: Observation, index: Option<u64>);
}

/// What an observer decided about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The observer's identifier of the frame.
    pub(crate) ticket: u64,
    /// The frame's number, or the count of frames without one before it.
    pub(crate) ordinal: u64,
    /// Whether tasks keep their models' inputs.
    pub(crate) keeps_input: bool,
}
