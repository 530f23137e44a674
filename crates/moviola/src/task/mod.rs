//! Tasks that run on each frame, one file each.
//!
//! Each decoding thread has a worker of each task, which turns a frame into an output. The task's
//! file also defines its record, with the record's columns; the plan's [`Task`] has its options and
//! determines whether it makes images. A new task is a file here, an output in [`TaskData`], a
//! record in [`TaskRecord`], and an entry in [`Tasks::load`].

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

/// A task of a plan, which starts workers.
trait FrameTask: fmt::Debug + Send + Sync {
    /// Starts the worker with this number, which selects its model.
    fn worker(&self, number: usize) -> Box<dyn TaskWorker>;

    /// The models of the task's workers; `None` for a task without models.
    fn models(&self) -> Option<&dyn PoolStatus> {
        None
    }
}

/// A task's worker on one thread.
pub(crate) trait TaskWorker: fmt::Debug + Send {
    /// Runs the task on `frame`; `keeps_input` adds the model's input to the output.
    fn work(&mut self, frame: &Frame, keeps_input: bool) -> Result<TaskOutput, TaskError>;
}

/// The digest of a task's model, external weights included: with the options, it identifies the
/// task's results. `None` for a task without a model or with the built-in one.
pub(crate) fn model_digest(task: &Task) -> Option<String> {
    match task {
        Task::Still(_) => None,
        Task::Detect(detect) => detect::model_digest(detect),
    }
}

/// A task's output for one frame.
#[derive(Clone, Debug)]
pub(crate) struct TaskOutput {
    /// The frame; its width and height are those of the output.
    pub(crate) info: FrameInfo,
    /// The bytes of an image file, if the plan requests images.
    pub(crate) image: Option<Vec<u8>>,
    /// The results that only this kind of task has.
    pub(crate) data: TaskData,
    /// The input of the task's model, if it is kept.
    pub(crate) model_input: Option<Box<ModelInput>>,
}

/// The results that only one kind of task has.
#[derive(Clone, Debug)]
pub(crate) enum TaskData {
    /// MD5 of the decoded planes, if the plan requests it.
    Still { md5: Option<String> },
    /// The objects, most confident first.
    Detect { objects: Vec<Detection> },
}

/// The input tensor of a model, converted to an image.
#[derive(Clone, Debug)]
pub(crate) struct ModelInput {
    /// RGB, three bytes a pixel, row by row.
    pub(crate) pixels: Vec<u8>,
    /// Width and height in pixels.
    pub(crate) size: (usize, usize),
}

/// Why a task has no output for a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The model can't be loaded, so all frames fail.
    #[error(transparent)]
    Model(InferError),
    /// The task failed on this frame; other frames may succeed.
    #[error("{reason}")]
    Frame {
        /// The task that failed.
        kind: TaskKind,
        /// Seconds from the start of the presentation.
        time: Option<f64>,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// Values of a record that its output doesn't contain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordContext<'a> {
    /// The source's name, as the user gave it.
    pub(crate) source: &'a str,
    /// The frame's number among the keyframes, if the plan selects keyframes.
    pub(crate) index: Option<u64>,
    /// The number in the names of the frame's images.
    pub(crate) image_number: u64,
}

/// The record of a task's output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TaskRecord {
    Keyframe(KeyframeRecord),
    Frame(FrameRecord),
    Detections(DetectionsRecord),
}

/// An encoded image that comes with a record, until it is written to a file or taken.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordImage {
    /// A JPEG or PNG file, as the plan says.
    pub bytes: Vec<u8>,
    /// The number in its file name: the frame's among the keyframes if the plan selects those, else
    /// among all frames; if that is unknown, among the frames read so far.
    pub number: u64,
}

impl fmt::Debug for RecordImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, number } = self;
        f.debug_struct("RecordImage").field("number", number).field("bytes", &bytes.len()).finish()
    }
}

impl TaskOutput {
    /// Turns the output into a record that carries its image.
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

/// The tasks of a plan for a number of workers, with their models. Clones share the models.
///
/// One set of tasks can serve one source after another, or several at once.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    tasks: Arc<[Box<dyn FrameTask>]>,
    /// The number of the first worker.
    first_worker: usize,
    workers: usize,
    /// Dropped with the last clone.
    _held: Option<Arc<dyn Any + Send + Sync>>,
}

impl Tasks {
    /// Starts to load the models of `plan` for `workers` workers (at least 1) in the background.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
    pub(crate) fn load(plan: &Plan, workers: usize) -> io::Result<Self> {
        let load = |task: &Task| -> io::Result<Box<dyn FrameTask>> {
            Ok(match task {
                Task::Still(options) => Box::new(StillTask::new(*options)),
                Task::Detect(options) => Box::new(DetectTask::load(options, workers)?),
            })
        };
        let tasks = plan.tasks.iter().map(load).collect::<io::Result<_>>()?;
        Ok(Self { tasks, first_worker: 0, workers, _held: None })
    }

    /// The tasks of one worker; `held` is dropped with their last clone.
    pub(crate) fn for_worker(&self, worker: usize, held: Arc<dyn Any + Send + Sync>) -> Self {
        let first_worker = self.first_worker + worker % self.workers;
        Self { first_worker, workers: 1, _held: Some(held), ..self.clone() }
    }

    /// The number of workers.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Starts a worker of each task, in the plan's order; `number` modulo the number of workers
    /// selects the models.
    pub(crate) fn start_workers(&self, number: usize) -> Vec<Box<dyn TaskWorker>> {
        let number = self.first_worker + number % self.workers;
        self.tasks.iter().map(|task| task.worker(number)).collect()
    }

    /// Waits until the first model is loaded; returns its provider and the reason for it. `None` if
    /// no task has a model.
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
    pub(crate) fn load_models(&self) -> Result<(), InferError> {
        self.models().try_for_each(PoolStatus::load_all)
    }

    /// Whether a task still waits for its first model.
    pub(crate) fn is_loading(&self) -> bool {
        self.models().any(|models| models.loaded() == 0)
    }

    /// The number of models loaded so far.
    pub(crate) fn models_loaded(&self) -> u64 {
        self.models().map(PoolStatus::loaded).sum()
    }

    fn models(&self) -> impl Iterator<Item = &dyn PoolStatus> {
        self.tasks.iter().filter_map(|task| task.models())
    }
}
