//! The pipeline of one source: reads its frames and runs a plan's tasks on each.
//!
//! Each frame is read and decoded once. The thread that decodes it runs all tasks on it, one after
//! the other, while its planes are in the core's cache.

mod deferred_worker;
mod observer;
mod requested_frames;
#[cfg(test)]
mod tests;
mod worker;

use std::{io, sync::Arc};

use moviola_media::{
    error::Result,
    frame::Frame,
    input::OpenInput,
    keyframes::KeyframeReader,
    video::{FrameReader, Video},
    workers::WorkerHandle,
};

use crate::{
    plan::{Frames, Plan, Task},
    task::{TaskError, TaskOutput, Tasks},
};
use deferred_worker::DeferredWorker;
use requested_frames::RequestedFrames;
use worker::Workers;

pub(crate) use observer::{FrameObserver, Observation};

/// The outputs of a plan's tasks for one frame.
#[derive(Debug)]
pub(crate) struct FrameOutput {
    /// The frame's number among the keyframes, from 0, if the plan selects keyframes; keyframes
    /// that can't be decoded are counted too.
    pub(crate) index: Option<u64>,
    /// The outputs, in the order of the plan's tasks.
    pub(crate) outputs: Vec<std::result::Result<TaskOutput, TaskError>>,
    /// What the observer decided about the frame.
    pub(crate) observation: Observation,
}

impl FrameOutput {
    /// The number in the names of the frame's images: among the keyframes if the plan selects
    /// those, else among all frames, if known.
    pub(crate) fn number(&self) -> Option<u64> {
        self.index.or_else(|| self.outputs.iter().flatten().next()?.info.number)
    }
}

/// An iterator over the outputs of a source, frame by frame, in the plan's order.
///
/// An [`Error::Decode`](crate::Error::Decode) or [`Error::NoFrame`](crate::Error::NoFrame) for one
/// frame doesn't end the iteration; any other error does. Dropping the pipeline stops its workers.
#[derive(Debug)]
pub(crate) struct Pipeline {
    reader: OutputReader,
    observer: Option<Arc<dyn FrameObserver>>,
    /// The number of the next keyframe.
    index: u64,
}

#[derive(Debug)]
enum OutputReader {
    Keyframes(KeyframeReader<FrameOutput>),
    Frames(FrameReader<FrameOutput>),
    Requested(Box<RequestedFrames>),
}

impl Pipeline {
    /// Starts to run `plan` on `input`, with one worker for each of `tasks`' workers; `observer` is
    /// called on their threads.
    ///
    /// # Errors
    ///
    /// As [`KeyframeReader::start`], [`FrameReader::all`], [`FrameReader::played`] or
    /// [`Video::start`], depending on the plan's frames.
    pub(crate) fn start(
        input: OpenInput,
        plan: &Plan,
        tasks: &Tasks,
        observer: Option<Arc<dyn FrameObserver>>,
    ) -> Result<Self> {
        let workers = Workers::new(tasks, observer.clone());
        let functions = || (0..tasks.workers()).map(|_| workers.function()).collect();
        let requested = |input, which| {
            let makes_images = plan.tasks.iter().any(|task| Task::image_extension(task).is_some());
            let video = Video::start(input)?;
            let requested = RequestedFrames::new(video, which, makes_images, workers.clone());
            Ok(OutputReader::Requested(Box::new(requested)))
        };
        let reader = match &plan.frames {
            Frames::Keyframes if tasks.is_loading() && tasks.workers() > 1 => {
                OutputReader::Keyframes(start_while_loading(input, tasks.workers(), &workers)?)
            }
            Frames::Keyframes => {
                OutputReader::Keyframes(KeyframeReader::start(input, functions())?)
            }
            Frames::All => OutputReader::Frames(FrameReader::all(input, functions())?),
            Frames::Played(times) => {
                OutputReader::Frames(FrameReader::played(input, times.clone(), functions())?)
            }
            Frames::At(times) => requested(input, RequestedFrames::times(times))?,
            Frames::Index(numbers) => requested(input, RequestedFrames::numbers(numbers))?,
        };
        Ok(Self { reader, observer, index: 0 })
    }

    /// A handle that adds workers; `None` if the plan selects frames by a list.
    pub(crate) fn handle(&self) -> Option<PipelineHandle> {
        let worker_handle = match &self.reader {
            OutputReader::Keyframes(keyframes) => keyframes.worker_handle(),
            OutputReader::Frames(frames) => frames.worker_handle(),
            OutputReader::Requested(_) => return None,
        };
        Some(PipelineHandle { worker_handle, observer: self.observer.clone() })
    }
}

/// Starts to read keyframes with one worker fewer until the first frame is decoded, because loading
/// the model occupies a core.
fn start_while_loading(
    input: OpenInput,
    count: usize,
    workers: &Workers,
) -> Result<KeyframeReader<FrameOutput>> {
    let deferred = DeferredWorker::new(workers.clone());
    let others = (1..count).map(|_| deferred.function()).collect();
    let keyframes = KeyframeReader::start(input, others)?;
    deferred.set_reader(keyframes.worker_handle());
    Ok(keyframes)
}

/// A handle that adds workers to a [`Pipeline`] from any thread.
#[derive(Clone, Debug)]
pub(crate) struct PipelineHandle {
    worker_handle: WorkerHandle<Frame, FrameOutput>,
    observer: Option<Arc<dyn FrameObserver>>,
}

impl PipelineHandle {
    /// Starts one more worker with `tasks`, on its own thread. Returns `false` if no work is left.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
    pub(crate) fn add_worker(&self, tasks: &Tasks) -> io::Result<bool> {
        self.worker_handle.join(Workers::new(tasks, self.observer.clone()).function())
    }
}

impl Iterator for Pipeline {
    type Item = Result<FrameOutput>;

    fn next(&mut self) -> Option<Self::Item> {
        let output = match &mut self.reader {
            OutputReader::Keyframes(keyframes) => {
                let index = self.index;
                self.index += 1;
                let numbered = |output| FrameOutput { index: Some(index), ..output };
                keyframes.next().map(|output| output.map(numbered))
            }
            OutputReader::Frames(frames) => frames.next(),
            OutputReader::Requested(requested) => requested.next(),
        };
        if let (Some(observer), Some(Ok(output))) = (&self.observer, &output) {
            observer.taken(output.observation, output.index);
        }
        output
    }
}
