//! Frames become detections, as they are decoded.
//!
//! A worker decodes a frame, writes its planes into the model's input and runs the model, all
//! on one thread: every core is busy with whatever is to do, and no picture waits for another.
//! Models are loaded beside opening and decoding; the first frame waits for its worker's.

mod searcher;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use moviola_av::error::Error as AvError;
use moviola_infer::{
    detect::{Detector, DetectorOptions},
    error::Error as InferError,
    provider::ProviderReport,
    results::Detection,
};
use moviola_media::{
    convert::ConvertError,
    error::Result as MediaResult,
    frame::Frame,
    image::ImageError,
    keyframes::KeyframeReader,
    media::Media,
    stage::Task,
    video::{FrameReader, Times},
};

use crate::{
    demo,
    facts::FrameFacts,
    results::{DetectionsRecord, ObjectRecord},
};
use searcher::Searcher;

/// Which model to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// An ONNX file.
    File(PathBuf),
    /// The built-in demo model.
    Demo,
}

impl Model {
    /// What a user typed: `demo` is the built-in model unless there is a file of that name.
    pub fn parse(argument: &Path) -> Self {
        let demo = argument == Path::new(demo::NAME) && !argument.exists();
        if demo { Self::Demo } else { Self::File(argument.into()) }
    }

    fn load(&self, options: &DetectorOptions) -> Result<Detector, InferError> {
        match self {
            Self::File(path) => Detector::load(path, options),
            Self::Demo => Detector::from_bytes(demo::NAME, demo::MODEL, options),
        }
    }
}

/// A model loaded once for each worker, and used for one source after another.
#[derive(Clone, Debug)]
pub struct Detectors {
    slots: Vec<Arc<Slot>>,
}

/// One worker's model: what loading gives, waited for where it is first needed.
type Slot = LazyLock<Mutex<Loaded>, Box<dyn FnOnce() -> Mutex<Loaded> + Send>>;

type Loaded = Result<Detector, InferError>;

impl Detectors {
    /// Starts loading `model` `count` times (at least once) and doesn't wait for it.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn load(model: &Model, options: &DetectorOptions, count: usize) -> std::io::Result<Self> {
        let load_one = |_| {
            let (model, options) = (model.clone(), options.clone());
            let task = Task::start(move || model.load(&options))?;
            let loaded = move || Mutex::new(task.wait());
            Ok(Arc::new(Slot::new(Box::new(loaded))))
        };
        let slots = (0..count.max(1)).map(load_one).collect::<std::io::Result<_>>()?;
        Ok(Self { slots })
    }

    /// How many there are: as many frames are searched at once.
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Waits until the models are loaded; says of each what runs it, and why.
    ///
    /// # Errors
    ///
    /// The first error that a loading model met.
    pub fn wait(&self) -> Result<Vec<ProviderReport>, InferError> {
        let report = |slot: &Arc<Slot>| with(slot, |detector| detector.provider().clone());
        self.slots.iter().map(report).collect()
    }
}

/// Runs `work` with the slot's model, waiting for it if it is still being loaded.
fn with<T>(slot: &Slot, work: impl FnOnce(&mut Detector) -> T) -> Result<T, InferError> {
    let mut loaded = slot.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *loaded {
        Ok(detector) => Ok(work(detector)),
        Err(error) => Err(error.clone()),
    }
}

/// What was found on a frame.
#[derive(Clone, Debug)]
pub struct Detected {
    /// Which frame it was; its width and height are those that the boxes count in.
    pub facts: FrameFacts,
    /// Its number among the keyframes, from 0, if those were searched; one that can't be decoded
    /// takes a number too.
    pub index: Option<u64>,
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

/// Which frames to search.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum On {
    /// The keyframes.
    #[default]
    Keyframes,
    /// All frames.
    All,
    /// The frames shown at every multiple of so many seconds.
    Every(f64),
}

/// How to search.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DetectOptions {
    /// Which frames to search. Default: the keyframes.
    pub on: On,
    /// Draw the boxes into a JPEG of this quality, 1 to 100. Default: don't.
    pub annotate: Option<u8>,
}

/// What is found, in presentation order, as it is ready. An `Err` for one frame doesn't end the
/// iteration; an error of the container does.
#[derive(Debug)]
pub struct Detections {
    frames: Frames,
    /// Number of the next keyframe.
    index: u64,
}

/// What one frame gives.
type Outcome = Result<Detected, DetectError>;

#[derive(Debug)]
enum Frames {
    Key(KeyframeReader<Outcome>),
    Any(FrameReader<Outcome>),
}

/// Searches frames of `media`, as many at once as there are `detectors`.
///
/// # Errors
///
/// As [`KeyframeReader::start`], [`FrameReader::all`] or [`FrameReader::played`].
pub fn detect(
    media: Media,
    detectors: &Detectors,
    options: DetectOptions,
) -> MediaResult<Detections> {
    let worker = |slot: &Arc<Slot>| {
        let mut searcher = Searcher::new(Arc::clone(slot), options.annotate);
        move |frame: Frame| searcher.search(&frame)
    };
    let workers = detectors.slots.iter().map(worker).collect();
    let frames = match options.on {
        On::Keyframes => Frames::Key(KeyframeReader::start(media, workers)?),
        On::All => Frames::Any(FrameReader::all(media, workers)?),
        On::Every(step) => {
            let times = Times { every: Some(step), ..Times::default() };
            Frames::Any(FrameReader::played(media, times, workers)?)
        }
    };
    Ok(Detections { frames, index: 0 })
}

impl Iterator for Detections {
    type Item = MediaResult<Outcome>;

    fn next(&mut self) -> Option<Self::Item> {
        let keyframes = match &mut self.frames {
            Frames::Key(keyframes) => keyframes,
            Frames::Any(frames) => return frames.next(),
        };
        let index = self.index;
        self.index += 1;
        let numbered = |detected| Detected { index: Some(index), ..detected };
        keyframes.next().map(|outcome| outcome.map(|outcome| outcome.map(numbered)))
    }
}

impl Detected {
    /// The record of this frame of `source`, which is at `path` with its boxes drawn in.
    pub fn record(&self, source: &str, path: Option<String>) -> DetectionsRecord {
        DetectionsRecord {
            source: source.into(),
            keyframe: self.index,
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
