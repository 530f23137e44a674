//! Pictures in, detections out.

pub mod decode;
pub mod filter;
pub mod head;
pub mod nms;

use std::path::Path;

use moviola_av::{stage, trace};
use moviola_media::frame_view::FrameView;

use crate::detect::decode::decode_head;
use crate::detect::filter::ClassFilter;
use crate::detect::head::{Candidate, HeadKind};
use crate::detect::nms::{Suppression, suppress, surest_first};
use crate::error::{Error, Result};
use crate::image::ImageView;
use crate::letterbox::{Letterbox, Size};
use crate::model::names::Classes;
use crate::model::{Detecting, ModelOptions, examine, read_header};
use crate::preprocess::{Preparer, Preprocess};
use crate::provider::ProviderReport;
use crate::results::Detection;
use crate::session::{Session, SessionOptions, Source};

/// How to detect. Every field has a working default.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorOptions {
    /// What runs the model, and with how many threads.
    pub session: SessionOptions,
    /// What the caller knows better than the model file.
    pub model: ModelOptions,
    /// Detections must be surer than this, 0.0 to 1.0. Default: 0.25.
    pub confidence: f32,
    /// Of two boxes of a class the less sure goes if they overlap more than this, 0.0 to 1.0.
    /// Default: 0.7.
    pub iou: f32,
    /// At most this many detections per picture. Default: 300.
    pub most: usize,
    /// The wanted classes. Default: all.
    pub classes: ClassFilter,
    /// Thin out boxes of different classes against each other too. Default: no.
    pub agnostic_nms: bool,
}

impl Default for DetectorOptions {
    fn default() -> Self {
        Self {
            session: SessionOptions::default(),
            model: ModelOptions::default(),
            confidence: 0.25,
            iou: 0.7,
            most: 300,
            classes: ClassFilter::default(),
            agnostic_nms: false,
        }
    }
}

/// A loaded detection model.
///
/// One detector serves one thread at a time; load one per worker.
#[derive(Debug)]
pub struct Detector {
    name: String,
    session: Session,
    model: Detecting,
    confidence: f32,
    suppression: Suppression,
    wanted: Option<Vec<usize>>,
    preparer: Preparer,
    tensor: Vec<f32>,
}

impl Detector {
    /// Loads a model file.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] or [`Error::Ambiguous`] if the file is no detector that can be run as it
    /// is, [`Error::Provider`] if the wanted provider can't run, [`Error::RuntimeMissing`] or
    /// [`Error::RuntimeUnusable`] without ONNX Runtime, [`Error::InvalidArgument`] for options out
    /// of their range.
    pub fn load(path: impl AsRef<Path>, options: &DetectorOptions) -> Result<Self> {
        Self::from_source(&Source::read(path.as_ref())?, options)
    }

    /// Loads a model from memory; `name` is for messages. Errors are those of [`Detector::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], options: &DetectorOptions) -> Result<Self> {
        let source = Source { name: name.into(), bytes: bytes.into(), folder: None };
        Self::from_source(&source, options)
    }

    fn from_source(source: &Source<'_>, options: &DetectorOptions) -> Result<Self> {
        for (what, share) in [("confidence", options.confidence), ("iou", options.iou)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::argument(what, "between 0 and 1", share));
            }
        }
        let candidate = examine(source, read_header(source)?, &options.model)?;
        let mut session = Session::open(source, candidate.picture.clone(), &options.session)?;
        let model = candidate.recognise(&session.outputs()?, &options.model)?;
        let wanted = options.classes.resolve(&model.classes)?;
        let suppression =
            Suppression { iou: options.iou, agnostic: options.agnostic_nms, most: options.most };
        let (name, confidence) = (source.name.clone(), options.confidence);
        let (preparer, tensor) = (Preparer::new(model.preprocess), Vec::new());
        Ok(Self { name, session, model, confidence, suppression, wanted, preparer, tensor })
    }

    /// How pictures must be prepared for [`Detector::run_tensor`].
    pub fn preprocess(&self) -> Preprocess {
        self.model.preprocess
    }

    /// How many f32 the input tensor holds.
    pub fn input_len(&self) -> usize {
        self.model.preprocess.input_len()
    }

    /// What runs the model, and why.
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

    /// Detects on a decoded picture; boxes are in pixels of the upright picture with square pixels.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] for a picture that can't be converted, [`Error::Inference`] and
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

    /// The picture that was searched last as the model got it, and its size: RGB, three bytes a pixel,
    /// row by row. Empty before the first.
    pub fn last_input(&self) -> (Vec<u8>, Size) {
        let preprocess = self.model.preprocess;
        (preprocess.to_rgb8(&self.tensor), preprocess.size)
    }

    /// Detects on an image; boxes are in its pixels.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for an image whose bytes are too few, else those of
    /// [`Detector::detect_frame`].
    pub fn detect(&mut self, image: &ImageView<'_>) -> Result<Vec<Detection>> {
        self.detect_frame(&image.frame_view()?)
    }

    /// Detects on a prepared tensor; boxes are in pixels of the letterboxed picture.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a tensor of the wrong length, [`Error::Inference`] and
    /// [`Error::Output`] if the model fails.
    pub fn run_tensor(&mut self, tensor: &[f32], letterbox: &Letterbox) -> Result<Vec<Detection>> {
        let candidates = self.candidates(tensor)?;
        Ok(self.select(candidates, letterbox))
    }

    /// The first half of [`Detector::run_tensor`]: every box above the confidence, of every class.
    ///
    /// # Errors
    ///
    /// Those of [`Detector::run_tensor`].
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

    /// The second half: wanted classes, overlaps thinned out, boxes in the picture's pixels.
    ///
    /// Boxes that lie wholly in the letterbox's border are left out.
    pub fn select(&self, mut candidates: Vec<Candidate>, letterbox: &Letterbox) -> Vec<Detection> {
        let _stage = stage!("postprocess");
        let above = candidates.len();
        if let Some(wanted) = &self.wanted {
            candidates.retain(|candidate| wanted.contains(&candidate.class));
        }
        let wanted = candidates.len();
        let left = match self.model.head.kind.needs_nms() {
            true => suppress(candidates, &self.suppression),
            false => surest_first(candidates, self.suppression.most),
        };
        let left_count = left.len();
        let found: Vec<_> = left
            .into_iter()
            .map(|candidate| self.finish(&candidate, letterbox))
            .filter(|found| found.bounds[0] < found.bounds[2] && found.bounds[1] < found.bounds[3])
            .collect();
        let (kept, outside) = (found.len(), left_count - found.len());
        tracing::trace!(target: trace::CANDIDATES, above, wanted, kept, outside);
        found
    }

    fn finish(&self, candidate: &Candidate, letterbox: &Letterbox) -> Detection {
        Detection {
            class_id: candidate.class,
            class: self.model.classes.name(candidate.class),
            confidence: candidate.confidence,
            bounds: letterbox.to_picture(candidate.bounds),
        }
    }
}
