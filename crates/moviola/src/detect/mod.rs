//! Frames become detections, as they are decoded.
//!
//! A worker writes a frame's planes into the model's input and runs the model, on the thread that
//! decoded it. The first model is loaded beside opening and decoding, others where a
//! worker needs one.

pub(crate) mod worker;

use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
};

use moviola_av::{
    error::{Error as AvError, ErrorKind},
    remedy::Remedy,
    stage,
};
use moviola_infer::{
    detect::{Detector, DetectorOptions},
    error::Error as InferError,
    provider::ProviderReport,
    results::Detection,
};
use moviola_media::{convert::ConvertError, image::ImageError, workers::WorkerThread};

use crate::{
    demo,
    frame_info::FrameInfo,
    results::{DetectionsRecord, ObjectRecord},
};
use worker::DetectWorker;

/// Which model to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// An ONNX file.
    File(PathBuf),
    /// The built-in demo model.
    Demo,
}

impl FromStr for Model {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::parse(text.as_ref()))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Demo => f.write_str(demo::NAME),
        }
    }
}

impl Model {
    /// What a user typed: `demo` is the built-in model unless there is a file of that name.
    pub fn parse(argument: &Path) -> Self {
        let demo = argument == Path::new(demo::NAME) && !argument.exists();
        if demo { Self::Demo } else { Self::File(argument.into()) }
    }

    fn load(&self, options: &DetectorOptions) -> Result<Detector, InferError> {
        let _stage = stage!("load");
        match self {
            Self::File(path) => Detector::load(path, options),
            Self::Demo => Detector::from_bytes(demo::NAME, demo::MODEL, options),
        }
    }
}

/// A model loaded once for each worker, and used for one source after another.
///
/// The first is loaded beside whatever the workers begin with, the others behind it, each by its worker
/// when that has a frame for it. Loadings at once would hold each other up; so the first result waits
/// for one alone, and a source with one frame costs one.
#[derive(Clone, Debug)]
pub struct Detectors {
    slots: Vec<Arc<Slot>>,
    /// What runs the first one, once that is loaded.
    provider: Arc<OnceLock<ProviderReport>>,
    /// How often the model was loaded.
    loaded: Arc<AtomicU64>,
}

/// One worker's model: what loading gives, which is waited for or done where it is first needed.
type Slot = LazyLock<Mutex<Loaded>, Box<dyn FnOnce() -> Mutex<Loaded> + Send>>;

type Loaded = Result<Detector, InferError>;

impl Detectors {
    /// Starts loading the first of `count` (at least one) and doesn't wait for it.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn load(model: &Model, options: &DetectorOptions, count: usize) -> std::io::Result<Self> {
        let (loaded, provider) = (Arc::new(AtomicU64::new(0)), Arc::new(OnceLock::new()));
        let load_one = || {
            let (model, options) = (model.clone(), options.clone());
            let (count, provider) = (Arc::clone(&loaded), Arc::clone(&provider));
            move || {
                let detector = model.load(&options)?;
                count.fetch_add(1, Ordering::Relaxed);
                provider.get_or_init(|| detector.provider().clone());
                Ok(detector)
            }
        };
        let task = WorkerThread::start(load_one())?;
        let first = Arc::new(Slot::new(Box::new(move || Mutex::new(task.wait()))));
        let others = (1..count).map(|_| {
            let (load, first) = (load_one(), Arc::clone(&first));
            let load = move || {
                wait_for(&first);
                Mutex::new(load())
            };
            Arc::new(Slot::new(Box::new(load)))
        });
        let slots = std::iter::once(Arc::clone(&first)).chain(others).collect();
        Ok(Self { slots, provider, loaded })
    }

    /// How many there are: as many frames are searched at once.
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// How often the model was loaded so far: at most once for each worker.
    pub fn loaded(&self) -> u64 {
        self.loaded.load(Ordering::Relaxed)
    }

    /// The one of those for one worker.
    pub(crate) fn only(&self, worker: usize) -> Self {
        let slot = Arc::clone(&self.slots[worker % self.slots.len()]);
        Self { slots: vec![slot], ..self.clone() }
    }

    /// A worker with one of the models, dealt out in turns; it draws boxes into JPEGs of that
    /// quality.
    pub(crate) fn worker(&self, number: usize, annotate: Option<u8>) -> DetectWorker {
        let slot = &self.slots[number % self.slots.len()];
        DetectWorker::new(Arc::clone(slot), annotate)
    }

    /// Waits until the first is loaded, but not for what it is doing then; says what runs it, and why.
    ///
    /// # Errors
    ///
    /// What loading it met.
    pub fn provider(&self) -> Result<ProviderReport, InferError> {
        if let Some(report) = self.provider.get() {
            return Ok(report.clone());
        }
        with(&self.slots[0], |detector| detector.provider().clone())
    }

    /// Loads those that aren't yet; says of each what runs it, and why.
    ///
    /// # Errors
    ///
    /// The first error that loading met.
    pub fn wait(&self) -> Result<Vec<ProviderReport>, InferError> {
        let report = |slot: &Arc<Slot>| with(slot, |detector| detector.provider().clone());
        self.slots.iter().map(report).collect()
    }
}

/// Runs `work` with the slot's model, which is loaded first or waited for if need be.
fn with<T>(slot: &Slot, work: impl FnOnce(&mut Detector) -> T) -> Result<T, InferError> {
    match &mut *take(wait_for(slot)) {
        Ok(detector) => Ok(work(detector)),
        Err(error) => Err(error.clone()),
    }
}

/// The slot's model, which is loaded here if nobody does; what else passes until it is there is waiting.
fn wait_for(slot: &Slot) -> &Mutex<Loaded> {
    LazyLock::get(slot).unwrap_or_else(|| {
        let _stage = stage!("wait");
        LazyLock::force(slot)
    })
}

/// The model for this thread alone; workers that share one wait for each other.
fn take(model: &Mutex<Loaded>) -> MutexGuard<'_, Loaded> {
    match model.try_lock() {
        Ok(loaded) => loaded,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            let _stage = stage!("wait");
            model.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

/// What was found on a frame.
#[derive(Clone, Debug)]
pub struct Detected {
    /// Which frame it was; its width and height are those that the boxes count in.
    pub facts: FrameInfo,
    /// The objects, the surest first.
    pub objects: Vec<Detection>,
    /// A JPEG of the upright picture with the boxes drawn in, if it was asked for.
    pub annotated: Option<Vec<u8>>,
}

/// Why a frame was decoded but not searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// The model can't be loaded: no frame will be searched.
    #[error(transparent)]
    Model(InferError),
    /// This picture can't be searched; others may be.
    #[error("{cause}")]
    Picture {
        /// Seconds from the start of the presentation.
        time: Option<f64>,
        /// What is wrong with it.
        #[source]
        cause: PictureError,
    },
}

impl DetectError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Model(cause) => cause.kind(),
            Self::Picture { cause, .. } => cause.kind(),
        }
    }

    /// What the caller can change so that it does not come again.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Model(cause) => cause.remedy(),
            Self::Picture { cause, .. } => cause.remedy(),
        }
    }

    /// Of which picture it is: seconds from the start of the presentation.
    pub fn time(&self) -> Option<f64> {
        match self {
            Self::Model(_) => None,
            Self::Picture { time, .. } => *time,
        }
    }
}

/// What kept one picture from being searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The model failed on it.
    #[error("the picture can't be searched: {0}")]
    Inference(#[source] InferError),
    /// Its pixel format can't be brought into one that the kernels take.
    #[error("the picture can't be converted: {0}")]
    Format(#[source] AvError),
    /// It can't be made into one with its boxes.
    #[error("the boxes can't be drawn: {0}")]
    Drawing(#[source] ImageError),
    /// It can't become RGB to draw into.
    #[error("the boxes can't be drawn: {0}")]
    Rgb(#[source] ConvertError),
}

impl PictureError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Inference(cause) => cause.kind(),
            Self::Format(cause) => cause.kind(),
            Self::Drawing(cause) => cause.kind(),
            Self::Rgb(cause) => cause.kind(),
        }
    }

    /// What the caller can change so that it does not come again.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Inference(cause) => cause.remedy(),
            Self::Format(cause) => cause.remedy(),
            Self::Drawing(cause) => cause.remedy(),
            Self::Rgb(cause) => cause.remedy(),
        }
    }
}

impl Detected {
    /// The record of this frame of `source`, the keyframe numbered `index` if it is one of those,
    /// which is at `path` with its boxes drawn in.
    pub fn record(
        &self,
        source: &str,
        index: Option<u64>,
        path: Option<String>,
    ) -> DetectionsRecord {
        DetectionsRecord {
            source: source.into(),
            keyframe: index,
            place: self.facts.place(),
            objects: self.objects.iter().map(ObjectRecord::from).collect(),
            path,
            damaged: self.facts.damaged,
        }
    }
}

impl From<&Detection> for ObjectRecord {
    fn from(detection: &Detection) -> Self {
        Self {
            class_id: u32::try_from(detection.class_id).unwrap_or(u32::MAX),
            class: Some(detection.class.to_string()),
            confidence: detection.confidence,
            bbox: detection.bounds,
        }
    }
}
