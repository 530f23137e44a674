//! The observer that records the frames of a run for the report.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use moviola_av::{plane::Plane, stage};
use moviola_infer::results::Detection;
use moviola_media::{
    any_format::AnyFormat,
    frame::Frame,
    frame_view::{FrameColor, FrameView, Layout, Orientation},
    image::{ImageError, JpegEncoder, JpegOptions},
};

use super::{collector::Collector, lanes::FrameCost, sample::Sample};
use crate::{
    frame_info::{FrameInfo, FramePosition},
    pipeline::{FrameObserver, Observation},
    records::Record,
    task::{ModelInput, TaskData, TaskError, TaskOutput},
};

/// The options for small images of frames.
const SMALL: JpegOptions = JpegOptions { quality: 80, max_size: Some((320, 240)), coded: false };

/// The options for images of tensors. Tensors of up to 640x640 are not scaled: the default input
/// size of models with dynamic sides.
const TENSOR: JpegOptions = JpegOptions { quality: 70, max_size: Some((640, 640)), coded: false };

/// An observer that records each frame. Clones share the recorded frames.
///
/// A recorded frame is kept until [`take`](Self::take) is called with its first record.
#[derive(Clone, Debug)]
pub(super) struct Inspector {
    pub(super) collector: Collector,
    shared: Arc<InspectorState>,
}

#[derive(Debug, Default)]
struct InspectorState {
    sample: Mutex<Sample>,
    /// The count of frames so far whose number is unknown.
    unnumbered: AtomicU64,
    frames: Mutex<VecDeque<InspectedFrame>>,
    /// The snapshotters that no thread uses now.
    idle: Mutex<Vec<Snapshotter>>,
}

/// The measurements and results of a frame.
#[derive(Clone, Debug)]
pub(super) struct InspectedFrame {
    pub(super) info: FrameInfo,
    pub(super) images: Option<Images>,
    pub(super) objects: Vec<Detection>,
    pub(super) cost: FrameCost,
    /// The time when the frame's tasks ended, in nanoseconds since the start of the run.
    pub(super) until: u64,
    pub(super) lane: usize,
    pub(super) why: Option<String>,
    /// As [`Observation::ordinal`]. It determines the frame's group in the [`Sample`].
    pub(super) ordinal: u64,
    /// Whether any task succeeded, so that the frame has a record.
    has_record: bool,
}

/// Images for the report, as JPEG files.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    /// The frame, upright and small.
    pub(super) small: Vec<u8>,
    /// The model's input.
    pub(super) input: Option<Vec<u8>>,
}

impl Inspector {
    pub(super) fn new(collector: Collector) -> Self {
        Self { collector, shared: Arc::default() }
    }

    /// The selection of the frames that get images.
    pub(super) fn sample(&self) -> MutexGuard<'_, Sample> {
        lock(&self.shared.sample)
    }

    /// Removes and returns the frame of `record`, with its number among the keyframes. Returns
    /// `None` if an earlier record of the frame has removed it.
    pub(super) fn take(&self, record: &Record) -> Option<(Option<u64>, InspectedFrame)> {
        let (index, is_of) = match record {
            Record::Keyframe(keyframe) => (Some(keyframe.index), matches(&keyframe.position)),
            Record::Frame(frame) => (None, matches(&frame.position)),
            Record::Detections(found) => (found.keyframe, matches(&found.position)),
            Record::Error(error) => return Some((None, self.take_failed(error.time?)?)),
            _ => return None,
        };
        let mut frames = lock(&self.shared.frames);
        let position = frames.iter().position(|frame| frame.has_record && is_of(&frame.info))?;
        Some((index, frames.remove(position)?))
    }

    /// Removes and returns a frame that has only error records.
    fn take_failed(&self, time: f64) -> Option<InspectedFrame> {
        let mut frames = lock(&self.shared.frames);
        let is_it = |frame: &InspectedFrame| !frame.has_record && frame.info.time == Some(time);
        let position = frames.iter().position(is_it)?;
        frames.remove(position)
    }

    /// Collects the measurements and results of a frame, and makes its images if it is selected.
    fn inspect(
        &self,
        frame: &Frame,
        observation: Observation,
        outputs: &[Result<TaskOutput, TaskError>],
    ) -> InspectedFrame {
        let mut measurements = self.collector.measurements();
        let (cost, why, lane) = measurements.finish_frame(frame);
        let until = measurements.now();
        drop(measurements);
        let _stage = stage!("report");
        let Observation { ordinal, keeps_input: has_images } = observation;
        let input = outputs.iter().flatten().find_map(|output| output.model_input.as_deref());
        let images = has_images.then(|| self.images(frame, input)).flatten();
        InspectedFrame {
            info: FrameInfo::of(frame, size_of(frame, outputs)),
            images,
            objects: objects(outputs).cloned().unwrap_or_default(),
            cost,
            until,
            lane,
            why,
            ordinal,
            has_record: outputs.iter().any(Result::is_ok),
        }
    }

    fn images(&self, frame: &Frame, input: Option<&ModelInput>) -> Option<Images> {
        let idle = || lock(&self.shared.idle);
        let snapshotter = idle().pop();
        let mut snapshotter = snapshotter.unwrap_or_default();
        let images = snapshotter.images(frame, input);
        idle().push(snapshotter);
        images
            .inspect_err(|error| tracing::warn!(%error, "a frame has no image in the report"))
            .ok()
    }
}

impl FrameObserver for Inspector {
    /// Selects whether the report shows images of the frame. If so, its tasks keep their models'
    /// inputs.
    fn before(&self, frame: &Frame) -> Observation {
        let count = || self.shared.unnumbered.fetch_add(1, Ordering::Relaxed);
        let ordinal = frame.number.unwrap_or_else(count);
        Observation { ordinal, keeps_input: self.sample().select(ordinal) }
    }

    fn after(
        &self,
        frame: &Frame,
        observation: Observation,
        outputs: &[Result<TaskOutput, TaskError>],
    ) {
        let inspected = self.inspect(frame, observation, outputs);
        lock(&self.shared.frames).push_back(inspected);
    }
}

/// A predicate for the frame at a position.
fn matches(position: &FramePosition) -> impl Fn(&FrameInfo) -> bool {
    let (number, pts) = (position.frame, position.pts);
    move |info| info.number == number && info.pts.map(|pts| pts.ticks) == pts
}

/// The encoders of the report's images, used by one thread at a time.
#[derive(Debug, Default)]
struct Snapshotter {
    small: Option<JpegEncoder>,
    input: Option<JpegEncoder>,
    any_format: AnyFormat,
}

impl Snapshotter {
    fn images(&mut self, frame: &Frame, input: Option<&ModelInput>) -> Result<Images, String> {
        let Self { small, input: input_encoder, any_format } = self;
        let text = |error: ImageError| error.to_string();
        let view = any_format.view(frame).map_err(|error| error.to_string())?;
        let small =
            encoder(small, SMALL).and_then(|encoder| Ok(encoder.encode(&view)?.bytes.to_vec()));
        // `None` if the tensor has fewer pixels than its size says.
        let tensor = input.and_then(view_of);
        let encode = |tensor: FrameView<'_>| {
            Ok(encoder(input_encoder, TENSOR)?.encode(&tensor)?.bytes.to_vec())
        };
        Ok(Images {
            small: small.map_err(text)?,
            input: tensor.map(encode).transpose().map_err(text)?,
        })
    }
}

fn encoder(
    kept: &mut Option<JpegEncoder>,
    options: JpegOptions,
) -> Result<&mut JpegEncoder, ImageError> {
    Ok(match kept {
        Some(encoder) => encoder,
        none => none.insert(JpegEncoder::new(options)?),
    })
}

/// The objects of the detection task, if the plan has one.
fn objects(outputs: &[Result<TaskOutput, TaskError>]) -> Option<&Vec<Detection>> {
    outputs.iter().flatten().find_map(|output| match &output.data {
        TaskData::Detect { objects } => Some(objects),
        TaskData::Still { .. } => None,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn view_of(input: &ModelInput) -> Option<FrameView<'_>> {
    let ModelInput { pixels, size: (width, height) } = input;
    let row = width.checked_mul(3)?;
    Some(FrameView {
        width: *width,
        height: *height,
        layout: Layout::Packed { bytes: 3, rgb: [0, 1, 2] },
        planes: [Some(Plane::from_slice(pixels, row, row, *height)?), None, None],
        color: FrameColor::default(),
        orientation: Orientation::default(),
        sample_aspect: (1, 1),
    })
}

/// Width and height of the upright frame: as detection or its view give them, else those of another
/// output, else the coded size.
fn size_of(frame: &Frame, outputs: &[Result<TaskOutput, TaskError>]) -> (usize, usize) {
    let size = |output: &TaskOutput| (output.info.width, output.info.height);
    let mut made = outputs.iter().flatten();
    let detected = made.clone().find(|output| matches!(output.data, TaskData::Detect { .. }));
    let coded = || {
        let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
        (side(frame.decoded.width()), side(frame.decoded.height()))
    };
    detected
        .map(size)
        .or_else(|| frame.view().map(|view| view.display_size()))
        .or_else(|| made.next().map(size))
        .unwrap_or_else(coded)
}
