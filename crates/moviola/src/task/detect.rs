//! The detection task: the objects in each frame, and optionally an image with their boxes.
//!
//! A worker writes a frame's planes into the model's input and runs the model, on the thread that
//! decoded it.

use std::{
    fs::File,
    io::{self, Read},
};

use md5::{Digest, Md5};
use moviola_av::{error::Error as AvError, stage};
use moviola_infer::{
    detect::{Detector, DetectorOptions},
    error::Error as InferError,
    letterbox::Letterbox,
    model::files_of,
    preprocess::{Preparer, Preprocess},
    provider::ProviderReport,
    results::Detection,
};
use moviola_media::{any_format::AnyFormat, frame::Frame, frame_view::FrameView};

use super::{
    FrameTask, ModelInput, RecordContext, RecordImage, TaskData, TaskError, TaskOutput, TaskWorker,
    drawing::{DrawError, Drawing},
    pool::{self, ModelHandle, ModelPool, PoolStatus},
};
use crate::{
    columns::record,
    demo,
    frame_info::{FrameInfo, FramePosition},
    hash::hexadecimal,
    is_false,
    plan::{Detect, Model, TaskKind},
};

/// The detection task, with its models.
#[derive(Debug)]
pub(super) struct DetectTask {
    models: ModelPool<Detector>,
    /// JPEG quality of images with boxes, 1 to 100; `None` for no images.
    annotate: Option<u8>,
}

impl DetectTask {
    /// Starts to load the model for `workers` workers in the background.
    pub(super) fn load(detect: &Detect, workers: usize) -> io::Result<Self> {
        let (model, options, annotate) = (detect.model.clone(), detect.options(), detect.annotate);
        let models = ModelPool::start(workers, move || load(&model, &options))?;
        Ok(Self { models, annotate })
    }
}

fn load(model: &Model, options: &DetectorOptions) -> Result<Detector, InferError> {
    let _stage = stage!("load");
    match model {
        Model::File(path) => Detector::load(path, options),
        Model::Demo => Detector::from_bytes(demo::NAME, demo::MODEL, options),
    }
}

/// MD5 of the model's file and its external weights. `None` for the built-in model, and for a file
/// that can't be read: loading it reports the error.
pub(super) fn model_digest(detect: &Detect) -> Option<String> {
    let Model::File(path) = &detect.model else { return None };
    let mut md5 = Md5::new();
    let mut bytes = vec![0; 1 << 20];
    for file in files_of(path).ok()? {
        let mut file = File::open(file).ok()?;
        while let count @ 1.. = file.read(&mut bytes).ok()? {
            md5.update(&bytes[..count]);
        }
    }
    Some(hexadecimal(&md5.finalize()))
}

impl FrameTask for DetectTask {
    fn worker(&self, number: usize) -> Box<dyn TaskWorker> {
        Box::new(DetectWorker {
            model: self.models.handle(number),
            any_format: AnyFormat::default(),
            input: None,
            drawing: self.annotate.map(Drawing::new),
        })
    }

    fn models(&self) -> Option<&dyn PoolStatus> {
        Some(&self.models)
    }
}

/// A detector's input: a tensor, and the letterbox that maps its boxes to the frame.
type PreparedInput = (Vec<f32>, Letterbox);

impl pool::Model for Detector {
    type Input = PreparedInput;
    /// The objects, and the tensor, which is reused for the next frame.
    type Output = (Result<Vec<Detection>, InferError>, Vec<f32>);

    fn provider(&self) -> &ProviderReport {
        Self::provider(self)
    }

    /// One: results must not depend on which frames run together, and detectors give other bits for
    /// other batch sizes. On a CPU a batch is also slower than its frames one by one.
    fn max_batch(&self) -> usize {
        1
    }

    fn run(&mut self, inputs: Vec<PreparedInput>) -> Vec<Self::Output> {
        let run =
            |(tensor, letterbox): PreparedInput| (self.run_tensor(&tensor, &letterbox), tensor);
        inputs.into_iter().map(run).collect()
    }
}

/// A detection worker.
#[derive(Debug)]
struct DetectWorker {
    model: ModelHandle<Detector>,
    any_format: AnyFormat,
    /// Created once the model is loaded.
    input: Option<InputWriter>,
    drawing: Option<Drawing>,
}

/// Writes frames into the model's input tensor.
#[derive(Debug)]
struct InputWriter {
    preprocess: Preprocess,
    preparer: Preparer,
    tensor: Vec<f32>,
}

/// Why detection failed on one frame.
#[derive(Debug, thiserror::Error)]
enum FrameError {
    #[error("detection failed on the frame: {0}")]
    Inference(#[from] InferError),
    #[error("the frame can't be converted: {0}")]
    Format(#[from] AvError),
    #[error("the boxes can't be drawn: {0}")]
    Drawing(#[from] DrawError),
}

impl TaskWorker for DetectWorker {
    fn work(&mut self, frame: &Frame, keeps_input: bool) -> Result<TaskOutput, TaskError> {
        let failed = |cause: FrameError| {
            let (kind, time, reason) = (TaskKind::Detect, frame.time, cause.to_string());
            TaskError::Frame { kind, time, reason }
        };
        let Self { model, any_format, input, drawing } = self;
        let view = any_format.view(frame).map_err(|cause| failed(cause.into()))?;
        let input = match input {
            Some(input) => input,
            none => none.insert(InputWriter::new(model).map_err(TaskError::Model)?),
        };
        let objects = input.detect(model, &view).map_err(TaskError::Model)?;
        let objects = objects.map_err(|cause| failed(cause.into()))?;
        let draw = |drawing: &mut Drawing| drawing.draw(&view, &objects);
        let image = drawing.as_mut().map(draw).transpose();
        Ok(TaskOutput {
            info: FrameInfo::of(frame, view.display_size()),
            image: image.map_err(|cause| failed(cause.into()))?,
            data: TaskData::Detect { objects },
            model_input: keeps_input.then(|| Box::new(input.as_image())),
        })
    }
}

impl InputWriter {
    /// A writer for a model's input; waits until the model is loaded.
    fn new(model: &ModelHandle<Detector>) -> Result<Self, InferError> {
        let preprocess = model.describe(Detector::preprocess)?;
        let (preparer, tensor) = (Preparer::new(preprocess), vec![0.0; preprocess.input_len()]);
        Ok(Self { preprocess, preparer, tensor })
    }

    /// Runs the model on a frame. The outer error is one of loading the model, the inner of this
    /// frame.
    fn detect(
        &mut self,
        model: &ModelHandle<Detector>,
        view: &FrameView<'_>,
    ) -> Result<Result<Vec<Detection>, InferError>, InferError> {
        let letterbox = match self.preparer.prepare(view, &mut self.tensor) {
            Ok(letterbox) => letterbox,
            Err(error) => return Ok(Err(error)),
        };
        let (objects, tensor) = model.run((std::mem::take(&mut self.tensor), letterbox))?;
        self.tensor = tensor;
        Ok(objects)
    }

    /// The tensor as an image.
    fn as_image(&self) -> ModelInput {
        let _stage = stage!("report");
        let size = self.preprocess.size;
        let pixels = self.preprocess.to_rgb8(&self.tensor);
        ModelInput { pixels, size: (size.width, size.height) }
    }
}

record! {
    /// The objects in one frame.
    pub struct DetectionsRecord {
        /// The source's name, as the user gave it.
        pub source: String,
        /// The frame's number among the keyframes, if the plan selects keyframes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub keyframe: Option<u64>,
        /// The frame, and its upright size.
        #[serde(flatten)]
        pub position: FramePosition => ..,
        /// The objects, most confident first.
        pub objects: Vec<ObjectRecord>,
        /// Path of the image with the boxes drawn in, once it is written.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// Whether the decoder concealed damage.
        #[serde(default, skip_serializing_if = "is_false")]
        pub damaged: bool,
        /// The image with the boxes drawn in, until it is written to a file.
        #[serde(skip)]
        pub image: Option<RecordImage> => _,
    }
}

record! {
    /// A detected object.
    pub struct ObjectRecord {
        /// The model's number of the class.
        pub class_id: u32,
        /// Name of the class, if the model names it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub class: Option<String>,
        /// Confidence, 0.0 to 1.0.
        pub confidence: f32,
        /// x1, y1, x2, y2 in pixels of the upright frame.
        #[serde(rename = "box")]
        pub bbox: [f32; 4] => "box",
    }
}

record! {
    /// A detected object as a row of a flat table.
    pub struct ObjectRow {
        /// The source's name, as the user gave it.
        pub source: String,
        /// The frame's number among the keyframes, if the plan selects keyframes.
        pub keyframe: Option<u64>,
        /// The frame's number among all frames in presentation order, from 0.
        pub frame: Option<u64>,
        /// Seconds from the start of the presentation.
        pub time: Option<f64>,
        /// Width of the upright frame in pixels.
        pub width: u32,
        /// Height of the upright frame in pixels.
        pub height: u32,
        /// The model's number of the class.
        pub class_id: u32,
        /// Name of the class, if the model names it.
        pub class: Option<String>,
        /// Confidence, 0.0 to 1.0.
        pub confidence: f32,
        /// Left edge of the box, in pixels of the upright frame.
        pub x1: f32,
        /// Top edge, as for `x1`.
        pub y1: f32,
        /// Right edge, as for `x1`.
        pub x2: f32,
        /// Bottom edge, as for `x1`.
        pub y2: f32,
    }
}

impl DetectionsRecord {
    /// The objects as rows of a flat table; a frame without objects has no row.
    pub fn rows(&self) -> impl Iterator<Item = ObjectRow> {
        let FramePosition { frame, time, width, height, .. } = self.position;
        self.objects.iter().map(move |object| {
            let ([x1, y1, x2, y2], source) = (object.bbox, self.source.clone());
            let ObjectRecord { class_id, ref class, confidence, .. } = *object;
            let (keyframe, class) = (self.keyframe, class.clone());
            ObjectRow {
                source,
                keyframe,
                frame,
                time,
                width,
                height,
                class_id,
                class,
                confidence,
                x1,
                y1,
                x2,
                y2,
            }
        })
    }
}

/// The record of the objects in a frame.
pub(super) fn record(
    info: &FrameInfo,
    image: Option<RecordImage>,
    objects: &[Detection],
    context: RecordContext<'_>,
) -> DetectionsRecord {
    DetectionsRecord {
        source: context.source.into(),
        keyframe: context.index,
        position: info.position(),
        objects: objects.iter().map(ObjectRecord::from).collect(),
        path: None,
        damaged: info.damaged,
        image,
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
