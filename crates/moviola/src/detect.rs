//! Keyframes become detections, as they are decoded.
//!
//! A worker decodes a keyframe, writes its planes into the model's input and runs the model, all
//! on one thread: every core is busy with whatever is to do, and no picture waits for another.
//! Models are loaded beside opening and decoding; the first keyframe waits for its worker's.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use moviola_av::{color::Color, error::Error as AvError, pixel::PixelFormat, time::Pts};
use moviola_infer::{
    detect::{Detector, DetectorOptions},
    error::Error as InferError,
    provider::ProviderReport,
    results::Detection,
};
use moviola_media::{
    any_format::AnyFormat,
    convert::{ConvertError, to_rgb8},
    error::Result as MediaResult,
    frame::Frame,
    image::{Annotation, ImageError, JpegEncoder, JpegOptions, annotate},
    keyframes::KeyframeReader,
    media::Media,
    picture::Picture,
    stage::Task,
};

use crate::{
    demo,
    results::{DetectionsRecord, ObjectRecord},
};

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

    /// How many there are: as many keyframes are searched at once.
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

/// What is known of a keyframe once its picture is gone.
#[derive(Clone, Debug)]
pub struct Detected {
    /// When it is shown.
    pub pts: Option<Pts>,
    /// Seconds from the start of the presentation.
    pub time: Option<f64>,
    /// Width in pixels of the upright picture that the boxes count in.
    pub width: usize,
    /// Height in pixels of the same.
    pub height: usize,
    /// The pixel format it was decoded to.
    pub format: PixelFormat,
    /// What it says of its colour.
    pub color: Color,
    /// Whether the decoder had to conceal damage.
    pub damaged: bool,
    /// The objects, the surest first.
    pub objects: Vec<Detection>,
    /// A JPEG of the upright picture with the boxes drawn in, if it was asked for.
    pub annotated: Option<Vec<u8>>,
}

/// Why a keyframe was decoded but not searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// The model can't be loaded: no keyframe will be searched.
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

/// How to search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectOptions {
    /// Draw the boxes into a JPEG of this quality, 1 to 100. Default: don't.
    pub annotate: Option<u8>,
}

/// Searches every keyframe of `media`; results come in presentation order, as they are ready.
///
/// As many keyframes are decoded and searched at once as there are `detectors`.
///
/// # Errors
///
/// As [`KeyframeReader::start`].
pub fn detect(
    media: Media,
    detectors: &Detectors,
    options: DetectOptions,
) -> MediaResult<KeyframeReader<Result<Detected, DetectError>>> {
    let worker = |slot: &Arc<Slot>| {
        let mut searcher = Searcher::new(Arc::clone(slot), options);
        move |keyframe| searcher.search(&keyframe)
    };
    let workers = detectors.slots.iter().map(worker).collect();
    KeyframeReader::start(media, workers)
}

/// One worker: its model, and what it needs to look at any picture.
struct Searcher {
    slot: Arc<Slot>,
    options: DetectOptions,
    any_format: AnyFormat,
    drawing: Drawing,
}

/// What drawing keeps from one picture to the next.
#[derive(Default)]
struct Drawing {
    pixels: Vec<u8>,
    encoder: Option<JpegEncoder>,
}

impl Searcher {
    fn new(slot: Arc<Slot>, options: DetectOptions) -> Self {
        Self { slot, options, any_format: AnyFormat::default(), drawing: Drawing::default() }
    }

    fn search(&mut self, keyframe: &Frame) -> Result<Detected, DetectError> {
        let failed = |cause| DetectError::Picture { time: keyframe.time, cause };
        let picture = self.any_format.picture(keyframe).map_err(PictureError::Format);
        let picture = picture.map_err(failed)?;
        let objects = with(&self.slot, |detector| detector.detect_picture(&picture))
            .map_err(DetectError::Model)?
            .map_err(|cause| failed(PictureError::Inference(cause)))?;
        let drawn =
            self.options.annotate.map(|quality| self.drawing.draw(&picture, &objects, quality));
        let (width, height) = picture.display_size();
        Ok(Detected {
            pts: keyframe.pts,
            time: keyframe.time,
            width,
            height,
            format: keyframe.frame.format(),
            color: keyframe.frame.color(),
            damaged: keyframe.damaged,
            objects,
            annotated: drawn.transpose().map_err(failed)?,
        })
    }
}

impl Drawing {
    fn draw(
        &mut self,
        picture: &Picture<'_>,
        objects: &[Detection],
        quality: u8,
    ) -> Result<Vec<u8>, PictureError> {
        let size = picture.display_size();
        self.pixels.resize(size.0 * size.1 * 3, 0);
        to_rgb8(picture, size, &mut self.pixels, size.0 * 3).map_err(PictureError::Rgb)?;
        let boxes: Vec<_> = objects
            .iter()
            .map(|object| Annotation {
                area: object.bounds,
                class_id: object.class_id,
                class: &object.class,
                confidence: object.confidence,
            })
            .collect();
        annotate(&mut self.pixels, size, &boxes).map_err(PictureError::Drawing)?;
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => {
                let options = JpegOptions { quality, ..JpegOptions::default() };
                none.insert(JpegEncoder::new(options).map_err(PictureError::Drawing)?)
            }
        };
        let image = encoder.encode_rgb(&self.pixels, size).map_err(PictureError::Drawing)?;
        Ok(image.bytes.to_vec())
    }
}

impl Detected {
    /// The record of this keyframe, the one numbered `index` of `source`.
    pub fn record(&self, source: &str, index: u64, path: Option<String>) -> DetectionsRecord {
        DetectionsRecord {
            source: source.into(),
            keyframe: Some(index),
            frame: None,
            time: self.time,
            pts: self.pts.map(|pts| pts.ticks),
            time_base: self.pts.map(|pts| [pts.base.num(), pts.base.den()]),
            width: u32::try_from(self.width).unwrap_or(u32::MAX),
            height: u32::try_from(self.height).unwrap_or(u32::MAX),
            objects: self.objects.iter().map(ObjectRecord::from).collect(),
            path,
            damaged: self.damaged,
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
