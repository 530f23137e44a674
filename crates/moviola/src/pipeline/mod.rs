//! One source through one plan: its frames, and what is made of each.
//!
//! Each frame is read once and decoded once. The thread that decodes it makes all that is wanted of
//! it, one after the other: its picture is in the core's cache, every core is busy with whatever is
//! to do, and no picture waits for another.

mod deferred_worker;
mod models;
mod requested_frames;
mod worker;

use std::io;

use moviola_media::{
    error::Result,
    frame::Frame,
    keyframes::KeyframeReader,
    media::Media,
    video::{FrameReader, Video},
    workers::WorkerHandle,
};

use crate::{
    debug::Note,
    detect::{DetectError, Detected},
    plan::{Frames, Plan},
    still::{Still, StillError},
};
use deferred_worker::DeferredWorker;
use requested_frames::RequestedFrames;
use worker::{Outputs, Workers};

pub use models::Models;

/// What a plan gives of one frame.
#[derive(Debug)]
pub struct Output {
    /// Its number among the keyframes, from 0, if those are wanted; one that can't be decoded takes
    /// a number too.
    pub index: Option<u64>,
    /// What was kept of it, if stills are wanted.
    pub still: Option<std::result::Result<Still, StillError>>,
    /// The objects on it, if they are wanted.
    pub detected: Option<std::result::Result<Detected, DetectError>>,
    /// What was noted about it, if frames are inspected.
    pub(crate) note: Option<Box<Note>>,
}

impl Output {
    /// What images of it are numbered by: its place among the keyframes, if those are wanted, or
    /// among all frames, if it is known.
    pub fn number(&self) -> Option<u64> {
        let still = self.still.as_ref().and_then(|still| still.as_ref().ok());
        let detected = self.detected.as_ref().and_then(|detected| detected.as_ref().ok());
        let facts = still.map(|still| &still.facts);
        let facts = facts.or(detected.map(|detected| &detected.facts));
        self.index.or(facts?.number)
    }
}

/// What a plan gives of a source, frame by frame, in the order of the plan, as it is ready.
///
/// An [`Error::Decode`](crate::Error::Decode) or [`Error::NoFrame`](crate::Error::NoFrame) for one
/// frame doesn't end the iteration; any other
/// does. Dropping it stops the work.
#[derive(Debug)]
pub struct Pipeline {
    frames: Reader,
    outputs: Outputs,
    /// Number of the next keyframe.
    index: u64,
}

#[derive(Debug)]
enum Reader {
    Key(KeyframeReader<Output>),
    Any(FrameReader<Output>),
    RequestedFrames(Box<RequestedFrames>),
}

impl Pipeline {
    /// Starts to carry out `plan` on `media`, with as many workers as `models` serve.
    ///
    /// # Errors
    ///
    /// As [`KeyframeReader::start`], [`FrameReader::all`], [`FrameReader::played`] or
    /// [`Video::of_media`], whichever the plan takes.
    pub fn start(media: Media, plan: &Plan, models: &Models) -> Result<Self> {
        let workers = Workers::new(Outputs::of(plan), models);
        let functions = || (0..models.workers()).map(|_| workers.function()).collect();
        let frames =
            match &plan.frames {
                Frames::Keyframes if models.are_loading() && models.workers() > 1 => {
                    let late = DeferredWorker::new(workers);
                    let others = (1..models.workers()).map(|_| late.function()).collect();
                    let keyframes = KeyframeReader::start(media, others)?;
                    late.reader(keyframes.worker_handle());
                    Reader::Key(keyframes)
                }
                Frames::Keyframes => Reader::Key(KeyframeReader::start(media, functions())?),
                Frames::All => Reader::Any(FrameReader::all(media, functions())?),
                Frames::Played(times) => {
                    Reader::Any(FrameReader::played(media, times.clone(), functions())?)
                }
                Frames::At(times) => Reader::RequestedFrames(Box::new(RequestedFrames::times(
                    Video::of_media(media)?,
                    times,
                    workers,
                ))),
                Frames::Index(numbers) => Reader::RequestedFrames(Box::new(
                    RequestedFrames::numbers(Video::of_media(media)?, numbers, workers),
                )),
            };
        Ok(Self { frames, outputs: Outputs::of(plan), index: 0 })
    }

    /// Lets more workers help; `None` where frames are asked for one by one.
    pub fn helper(&self) -> Option<Helper> {
        let worker_handle = match &self.frames {
            Reader::Key(keyframes) => keyframes.worker_handle(),
            Reader::Any(frames) => frames.worker_handle(),
            Reader::RequestedFrames(_) => return None,
        };
        Some(Helper { worker_handle, outputs: self.outputs })
    }
}

/// Lets workers join those of a [`Pipeline`], while that is read elsewhere.
#[derive(Clone, Debug)]
pub struct Helper {
    worker_handle: WorkerHandle<Frame, Output>,
    outputs: Outputs,
}

impl Helper {
    /// Starts one more worker, on those engines, and a thread of its own. `false` if there is nothing
    /// left to begin.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn join(&self, models: &Models) -> io::Result<bool> {
        self.worker_handle.join(Workers::new(self.outputs, models).function())
    }
}

impl Iterator for Pipeline {
    type Item = Result<Output>;

    fn next(&mut self) -> Option<Self::Item> {
        let keyframes = match &mut self.frames {
            Reader::Key(keyframes) => keyframes,
            Reader::Any(frames) => return frames.next(),
            Reader::RequestedFrames(asked) => return asked.next(),
        };
        let index = self.index;
        self.index += 1;
        keyframes.next().map(|output| output.map(|output| Output { index: Some(index), ..output }))
    }
}
