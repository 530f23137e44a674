//! The detector: a loaded model that finds objects in images.

pub mod decode;
pub mod filter;
pub mod nms;

use std::path::Path;

use moviola_av::{stage, trace};
use moviola_media::frame_view::FrameView;

use crate::detect::decode::decode_head;
use crate::detect::filter::ClassFilter;
use crate::detect::nms::{Suppression, by_confidence, suppress};
use crate::error::{Error, Result};
use crate::head::{Candidate, HeadKind};
use crate::image::ImageView;
use crate::letterbox::Letterbox;
use crate::model::names::Classes;
use crate::model::{DetectorSpec, ModelOptions, examine, read_header};
use crate::preprocess::{Preparer, Preprocess};
use crate::provider::ProviderReport;
use crate::results::Detection;
use crate::session::{ModelFile, Session, SessionOptions};

/// Options of a detector. Every field has a working default.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorOptions {
    /// The provider, the precision and the number of threads.
    pub session: SessionOptions,
    /// Properties of the model that the caller specifies instead of the file.
    pub model: ModelOptions,
    /// Detections must have a confidence above this, 0.0 to 1.0. Default: 0.25.
    pub confidence: f32,
    /// The largest IoU of two boxes of a class, 0.0 to 1.0. Default: 0.7.
    ///
    /// If they overlap more, the one of lower confidence is dropped.
    pub iou: f32,
    /// The largest number of detections per image. Default: 300.
    pub max_detections: usize,
    /// The wanted classes. Default: all.
    pub classes: ClassFilter,
    /// Also compare boxes of different classes in non-maximum suppression. Default: `false`.
    pub agnostic_nms: bool,
}

impl Default for DetectorOptions {
    fn default() -> Self {
        Self {
            session: SessionOptions::default(),
            model: ModelOptions::default(),
            confidence: 0.25,
            iou: 0.7,
            max_detections: 300,
            classes: ClassFilter::default(),
            agnostic_nms: false,
        }
    }
}

/// A loaded detection model.
///
/// It is used by one thread at a time; load one per worker.
#[derive(Debug)]
pub struct Detector {
    name: String,
    session: Session,
    model: DetectorSpec,
    confidence: f32,
    suppression: Suppression,
    /// The numbers of the wanted classes; `None` for all.
    wanted: Option<Vec<usize>>,
    preparer: Preparer,
    /// The input of the last call of [`Detector::detect_frame`].
    tensor: Vec<f32>,
}

impl Detector {
    /// Loads a model file.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] or [`Error::Ambiguous`] if the file is not a detector or its head is not
    /// clear, [`Error::Provider`] if the requested provider can't run, [`Error::RuntimeMissing`] or
    /// [`Error::RuntimeUnusable`] without ONNX Runtime, [`Error::InvalidArgument`] for options out
    /// of range.
    pub fn load(path: impl AsRef<Path>, options: &DetectorOptions) -> Result<Self> {
        Self::from_file(&ModelFile::read(path.as_ref())?, options)
    }

    /// Loads a model from memory; `name` stands for its path in messages. Errors as for
    /// [`Detector::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], options: &DetectorOptions) -> Result<Self> {
        let file = ModelFile { name: name.into(), bytes: bytes.into(), folder: None };
        Self::from_file(&file, options)
    }

    fn from_file(file: &ModelFile<'_>, options: &DetectorOptions) -> Result<Self> {
        for (what, value) in [("confidence", options.confidence), ("iou", options.iou)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::argument(what, "between 0 and 1", value));
            }
        }
        let image_model = examine(file, read_header(file)?, &options.model)?;
        let mut session = Session::open(file, image_model.input.clone(), &options.session)?;
        let model = image_model.recognise(&session.outputs()?, &options.model)?;
        let wanted = options.classes.resolve(&model.classes)?;
        let suppression = Suppression {
            iou: options.iou,
            is_agnostic: options.agnostic_nms,
            max_boxes: options.max_detections,
        };
        let (name, confidence) = (file.name.clone(), options.confidence);
        let (preparer, tensor) = (Preparer::new(model.preprocess), Vec::new());
        Ok(Self { name, session, model, confidence, suppression, wanted, preparer, tensor })
    }

    /// The preprocessing that [`Detector::run_tensor`] expects.
    pub fn preprocess(&self) -> Preprocess {
        self.model.preprocess
    }

    /// Number of f32 values in the input tensor.
    pub fn input_len(&self) -> usize {
        self.model.preprocess.input_len()
    }

    /// The provider that runs the model, and why it was chosen.
    pub fn provider(&self) -> &ProviderReport {
        self.session.report()
    }

    /// The model's head.
    pub fn head(&self) -> HeadKind {
        self.model.head.kind
    }

    /// The model's classes.
    pub fn classes(&self) -> &Classes {
        &self.model.classes
    }

    /// Detects objects in a decoded frame; boxes are in pixels of the upright image with square
    /// pixels.
    ///
    /// # Errors
    ///
    /// [`Error::Image`] if the frame can't be converted, [`Error::Inference`] and
    /// [`Error::Output`] if the model fails.
    pub fn detect_frame(&mut self, view: &FrameView<'_>) -> Result<Vec<Detection>> {
        let mut tensor = std::mem::take(&mut self.tensor);
        tensor.resize(self.input_len(), 0.0);
        let found = self
            .preparer
            .prepare(view, &mut tensor)
            .and_then(|letterbox| self.run_tensor(&tensor, &letterbox));
        self.tensor = tensor;
        found
    }

    /// Detects objects in an image; boxes are in its pixels.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the image has too few bytes, else as for
    /// [`Detector::detect_frame`].
    pub fn detect(&mut self, image: &ImageView<'_>) -> Result<Vec<Detection>> {
        self.detect_frame(&image.frame_view()?)
    }

    /// Detects objects in a prepared tensor; boxes are in pixels of the image in `letterbox`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the tensor has the wrong length, [`Error::Inference`] and
    /// [`Error::Output`] if the model fails.
    pub fn run_tensor(&mut self, tensor: &[f32], letterbox: &Letterbox) -> Result<Vec<Detection>> {
        let candidates = self.candidates(tensor)?;
        Ok(self.select(candidates, letterbox))
    }

    /// Runs the model: the first half of [`Detector::run_tensor`]. Returns all boxes above the
    /// confidence, of all classes.
    ///
    /// # Errors
    ///
    /// As for [`Detector::run_tensor`].
    pub fn candidates(&mut self, tensor: &[f32]) -> Result<Vec<Candidate>> {
        let (head, above) = (self.model.head, self.confidence);
        let decoded = self.session.run(tensor, self.model.output, |numbers, shape| {
            let _stage = stage!("postprocess");
            decode_head(&head, numbers, shape, above)
        })?;
        decoded.map_err(|message| Error::Output {
            model: self.name.clone(),
            head: head.kind,
            message,
        })
    }

    /// Selects the detections: the second half of [`Detector::run_tensor`]. Keeps the wanted
    /// classes, applies non-maximum suppression, and converts boxes to image pixels.
    ///
    /// Boxes that are entirely in the letterbox's border are dropped.
    pub fn select(&self, mut candidates: Vec<Candidate>, letterbox: &Letterbox) -> Vec<Detection> {
        let _stage = stage!("postprocess");
        let above = candidates.len();
        if let Some(wanted) = &self.wanted {
            candidates.retain(|candidate| wanted.contains(&candidate.class));
        }
        let wanted = candidates.len();
        let selected = match self.model.head.kind.needs_nms() {
            true => suppress(candidates, &self.suppression),
            false => by_confidence(candidates, self.suppression.max_boxes),
        };
        let selected_count = selected.len();
        let found: Vec<_> = selected
            .into_iter()
            .map(|candidate| self.detection(&candidate, letterbox))
            .filter(|found| found.bounds[0] < found.bounds[2] && found.bounds[1] < found.bounds[3])
            .collect();
        let (kept, outside) = (found.len(), selected_count - found.len());
        tracing::trace!(target: trace::CANDIDATES, above, wanted, kept, outside);
        found
    }

    /// The detection for a selected candidate.
    fn detection(&self, candidate: &Candidate, letterbox: &Letterbox) -> Detection {
        Detection {
            class_id: candidate.class,
            class: self.model.classes.name(candidate.class),
            confidence: candidate.confidence,
            bounds: letterbox.to_image(candidate.bounds),
        }
    }
}
