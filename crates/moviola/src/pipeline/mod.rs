//! One source through one plan: its frames, and what its tasks make of each.
//!
//! Each frame is read once and decoded once. The thread that decodes it does all tasks, one after the other: its planes
//! are in the core's cache, every core is busy with whatever is to do, and no frame waits for another.

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

/// What a plan's tasks made of one frame.
#[derive(Debug)]
pub(crate) struct FrameOutput {
    /// Its number among the keyframes, from 0, if those are wanted; one that can't be decoded takes
    /// a number too.
    pub(crate) index: Option<u64>,
    /// The outputs, in the order of the plan's tasks.
    pub(crate) outputs: Vec<std::result::Result<TaskOutput, TaskError>>,
}

impl FrameOutput {
    /// The number by which its images are named: among the keyframes, if those are wanted, or among
    /// all frames, if that is known.
    pub(crate) fn number(&self) -> Option<u64> {
        self.index.or_else(|| self.outputs.iter().flatten().next()?.info.number)
    }
}

/// The outputs of a source, frame by frame, in the order of the plan, as they are ready.
///
/// An [`Error::Decode`](crate::Error::Decode) or [`Error::NoFrame`](crate::Error::NoFrame) for one
/// frame doesn't end the iteration; any other does. Dropping it stops the work.
#[derive(Debug)]
pub(crate) struct Pipeline {
    frames: Reader,
    observer: Option<Arc<dyn FrameObserver>>,
    /// Number of the next keyframe.
    index: u64,
}

#[derive(Debug)]
enum Reader {
    Keyframes(KeyframeReader<FrameOutput>),
    Frames(FrameReader<FrameOutput>),
    Requested(Box<RequestedFrames>),
}

impl Pipeline {
    /// Starts to carry out `plan` on `input`, with as many workers as `tasks` serve; `observer`
    /// listens to them.
    ///
    /// # Errors
    ///
    /// As [`KeyframeReader::start`], [`FrameReader::all`], [`FrameReader::played`] or
    /// [`Video::start`], whichever the plan takes.
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
            Ok(Reader::Requested(Box::new(requested)))
        };
        let frames = match &plan.frames {
            Frames::Keyframes if tasks.is_loading() && tasks.workers() > 1 => {
                Reader::Keyframes(start_while_loading(input, tasks.workers(), &workers)?)
            }
            Frames::Keyframes => Reader::Keyframes(KeyframeReader::start(input, functions())?),
            Frames::All => Reader::Frames(FrameReader::all(input, functions())?),
            Frames::Played(times) => {
                Reader::Frames(FrameReader::played(input, times.clone(), functions())?)
            }
            Frames::At(times) => requested(input, RequestedFrames::times(times))?,
            Frames::Index(numbers) => requested(input, RequestedFrames::numbers(numbers))?,
        };
        Ok(Self { frames, observer, index: 0 })
    }

    /// Lets more workers help; `None` where frames are asked for one by one.
    pub(crate) fn helper(&self) -> Option<Helper> {
        let worker_handle = match &self.frames {
            Reader::Keyframes(keyframes) => keyframes.worker_handle(),
            Reader::Frames(frames) => frames.worker_handle(),
            Reader::Requested(_) => return None,
        };
        Some(Helper { worker_handle, observer: self.observer.clone() })
    }
}

/// Starts to decode keyframes with one worker fewer until the first frame is there: a core is busy
/// with loading the model.
fn start_while_loading(
    input: OpenInput,
    count: usize,
    workers: &Workers,
) -> Result<KeyframeReader<FrameOutput>> {
    let deferred = DeferredWorker::new(workers.clone());
    let others = (1..count).map(|_| deferred.function()).collect();
    let keyframes = KeyframeReader::start(input, others)?;
    deferred.reader(keyframes.worker_handle());
    Ok(keyframes)
}

/// Lets workers join those of a [`Pipeline`], while that is read elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Helper {
    worker_handle: WorkerHandle<Frame, FrameOutput>,
    observer: Option<Arc<dyn FrameObserver>>,
}

impl Helper {
    /// Starts one more worker, with those tasks, and a thread of its own. `false` if there is nothing
    /// left to begin.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub(crate) fn join(&self, tasks: &Tasks) -> io::Result<bool> {
        self.worker_handle.join(Workers::new(tasks, self.observer.clone()).function())
    }
}

impl Iterator for Pipeline {
    type Item = Result<FrameOutput>;

    fn next(&mut self) -> Option<Self::Item> {
        let keyframes = match &mut self.frames {
            Reader::Keyframes(keyframes) => keyframes,
            Reader::Frames(frames) => return frames.next(),
            Reader::Requested(requested) => return requested.next(),
        };
        let index = self.index;
        self.index += 1;
        let numbered = |output| FrameOutput { index: Some(index), ..output };
        keyframes.next().map(|output| output.map(numbered))
    }
}
