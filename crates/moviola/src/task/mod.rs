//! Tasks: what is made of each frame, one file each.
//!
//! A task has workers, one for each thread that decodes: a worker is given a frame and gives an output. The task's file
//! also defines its record, with the record's columns; the plan's [`Task`] has its options, and says whether it makes
//! images. A new task is a file here, an output in [`TaskData`], a record in [`TaskRecord`], and an entry in [`Tasks::load`].

mod detect;
mod drawing;
pub(crate) mod pool;
mod still;

use std::{any::Any, fmt, io, sync::Arc};

use moviola_infer::{error::Error as InferError, provider::ProviderReport, results::Detection};
use moviola_media::frame::Frame;

use crate::{
    frame_info::FrameInfo,
    plan::{Plan, Task, TaskKind},
};
use detect::DetectTask;
use pool::PoolStatus;
use still::StillTask;

pub use detect::{DetectionsRecord, ObjectRecord, ObjectRow};
pub use still::{FrameRecord, KeyframeRecord};

/// A task of a plan, ready to start workers.
trait FrameTask: fmt::Debug + Send + Sync {
    /// Starts a worker. Models are dealt to workers by `number`.
    fn worker(&self, number: usize) -> Box<dyn TaskWorker>;

    /// The models of its workers, if they have any.
    fn models(&self) -> Option<&dyn PoolStatus> {
        None
    }
}

/// One thread's part of a task.
pub(crate) trait TaskWorker: fmt::Debug + Send {
    /// Makes the task's output of `frame`; with what its model was given, if `keeps_input`.
    fn work(&mut self, frame: &Frame, keeps_input: bool) -> Result<TaskOutput, TaskError>;
}

/// What identifies a task's results beside its options: a digest of its model, external weights included. `None` for tasks
/// without a model, or with a built-in one.
pub(crate) fn model_digest(task: &Task) -> Option<String> {
    match task {
        Task::Still(_) => None,
        Task::Detect(detect) => detect::model_digest(detect),
    }
}

/// What a task made of one frame.
#[derive(Clone, Debug)]
pub(crate) struct TaskOutput {
    /// Which frame it was; its size is that of what was made.
    pub(crate) info: FrameInfo,
    /// An image file, if the plan wants one.
    pub(crate) image: Option<Vec<u8>>,
    /// The rest, by task.
    pub(crate) data: TaskData,
    /// What the task's model was given, if that is kept.
    pub(crate) model_input: Option<Box<ModelInput>>,
}

/// What is particular to a task's output.
#[derive(Clone, Debug)]
pub(crate) enum TaskData {
    /// MD5 of the decoded planes, if the plan wants it.
    Still { md5: Option<String> },
    /// The objects, the surest first.
    Detect { objects: Vec<Detection> },
}

/// An image as a model was given it.
#[derive(Clone, Debug)]
pub(crate) struct ModelInput {
    /// RGB, three bytes a pixel, row by row.
    pub(crate) pixels: Vec<u8>,
    /// Width and height.
    pub(crate) size: (usize, usize),
}

/// Why a task has no output for a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The model can't be loaded: it serves no frame.
    #[error(transparent)]
    Model(InferError),
    /// It failed for this frame; others may do.
    #[error("{reason}")]
    Frame {
        /// Which task failed.
        kind: TaskKind,
        /// Seconds from the start of the presentation.
        time: Option<f64>,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// What an output's record says beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordContext<'a> {
    /// The source as its user knows it.
    pub(crate) source: &'a str,
    /// The frame's number among the keyframes, if those are wanted.
    pub(crate) index: Option<u64>,
    /// The number by which its images are named.
    pub(crate) image_number: u64,
}

/// The record of a task's output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TaskRecord {
    Keyframe(KeyframeRecord),
    Frame(FrameRecord),
    Detections(DetectionsRecord),
}

/// An encoded image that comes with a record, until it is written or taken.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordImage {
    /// A JPEG or PNG file, as the plan says.
    pub bytes: Vec<u8>,
    /// The number to name it by: the frame's among the keyframes if those are wanted, else among all frames, or, where
    /// that is unknown, among those that came.
    pub number: u64,
}

impl fmt::Debug for RecordImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, number } = self;
        f.debug_struct("RecordImage").field("number", number).field("bytes", &bytes.len()).finish()
    }
}

impl TaskOutput {
    /// The output's record; its image comes with it.
    pub(crate) fn record(self, context: RecordContext<'_>) -> TaskRecord {
        let Self { info, image, data, .. } = self;
        let image = image.map(|bytes| RecordImage { bytes, number: context.image_number });
        match data {
            TaskData::Still { md5 } => still::record(&info, image, md5, context),
            TaskData::Detect { objects } => {
                TaskRecord::Detections(detect::record(&info, image, &objects, context))
            }
        }
    }
}

/// The tasks of a plan for some workers, with their models. Clones share these.
///
/// They serve one source after another, or several at once.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    tasks: Arc<[Box<dyn FrameTask>]>,
    /// The number of the first worker.
    first: usize,
    workers: usize,
    /// Dropped with the last clone.
    _held: Option<Arc<dyn Any + Send + Sync>>,
}

impl Tasks {
    /// Starts to load what `plan` needs for so many workers (at least one), and doesn't wait for it.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub(crate) fn load(plan: &Plan, workers: usize) -> io::Result<Self> {
        let workers = workers.max(1);
        let load = |task: &Task| -> io::Result<Box<dyn FrameTask>> {
            Ok(match task {
                Task::Still(options) => Box::new(StillTask::new(*options)),
                Task::Detect(options) => Box::new(DetectTask::load(options, workers)?),
            })
        };
        let tasks = plan.tasks.iter().map(load).collect::<io::Result<_>>()?;
        Ok(Self { tasks, first: 0, workers, _held: None })
    }

    /// Those of one worker, which drop `held` when their last clone is dropped.
    pub(crate) fn only(&self, worker: usize, held: Arc<dyn Any + Send + Sync>) -> Self {
        let first = self.first + worker % self.workers;
        Self { first, workers: 1, _held: Some(held), ..self.clone() }
    }

    /// How many workers they serve.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Starts a worker of each task, in the plan's order; models are dealt out in turns, by `number`.
    pub(crate) fn start_workers(&self, number: usize) -> Vec<Box<dyn TaskWorker>> {
        let number = self.first + number % self.workers;
        self.tasks.iter().map(|task| task.worker(number)).collect()
    }

    /// Waits until the first model is loaded; says what runs it, and why. `None` if there are none.
    ///
    /// # Errors
    ///
    /// The error of loading it.
    pub(crate) fn provider(&self) -> Result<Option<ProviderReport>, InferError> {
        self.models().next().map(PoolStatus::provider).transpose()
    }

    /// Loads the models that aren't loaded yet.
    ///
    /// # Errors
    ///
    /// The first error of loading.
    pub(crate) fn ready(&self) -> Result<(), InferError> {
        self.models().try_for_each(PoolStatus::ready)
    }

    /// Whether a model is being loaded, and none is there yet.
    pub(crate) fn is_loading(&self) -> bool {
        self.models().any(|models| models.loaded() == 0)
    }

    /// How many models were loaded so far.
    pub(crate) fn models_loaded(&self) -> u64 {
        self.models().map(PoolStatus::loaded).sum()
    }

    fn models(&self) -> impl Iterator<Item = &dyn PoolStatus> {
        self.tasks.iter().filter_map(|task| task.models())
    }
}
