//! The observer that records the frames of a run for the report.

use std::{
    collections::{HashMap, VecDeque},
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
    frame_info::FrameInfo,
    pipeline::{FrameObserver, Observation},
    task::{ModelInput, TaskData, TaskError, TaskOutput},
};

/// The options for small images of frames.
const SMALL: JpegOptions = JpegOptions { quality: 80, max_size: Some((320, 240)), coded: false };

/// The options for images of tensors. Tensors of up to 640x640 are not scaled: the default input
/// size of models with dynamic sides.
const TENSOR: JpegOptions = JpegOptions { quality: 70, max_size: Some((640, 640)), coded: false };

/// An observer that records each frame. Clones share the recorded frames.
///
/// A recorded frame is kept until [`next_taken`](Self::next_taken) returns it, in the plan's order.
#[derive(Clone, Debug)]
pub(super) struct Inspector {
    pub(super) collector: Collector,
    shared: Arc<InspectorState>,
}

#[derive(Debug, Default)]
struct InspectorState {
    sample: Mutex<Sample>,
    /// The count of frames so far.
    tickets: AtomicU64,
    /// The count of frames so far whose number is unknown.
    unnumbered: AtomicU64,
    /// The frames that wait to be taken, by their tickets: as many as the pipeline keeps.
    waiting: Mutex<HashMap<u64, InspectedFrame>>,
    taken: Mutex<VecDeque<(Option<u64>, InspectedFrame)>>,
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

    /// Removes and returns the next frame whose outputs were taken, with its number among the
    /// keyframes.
    pub(super) fn next_taken(&self) -> Option<(Option<u64>, InspectedFrame)> {
        lock(&self.shared.taken).pop_front()
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
        let Observation { ordinal, keeps_input: has_images, .. } = observation;
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
        let ticket = self.shared.tickets.fetch_add(1, Ordering::Relaxed);
        Observation { ticket, ordinal, keeps_input: self.sample().select(ordinal) }
    }

    fn after(
        &self,
        frame: &Frame,
        observation: Observation,
        outputs: &[Result<TaskOutput, TaskError>],
    ) {
        let inspected = self.inspect(frame, observation, outputs);
        lock(&self.shared.waiting).insert(observation.ticket, inspected);
    }

    fn taken(&self, observation: Observation, index: Option<u64>) {
        if let Some(inspected) = lock(&self.shared.waiting).remove(&observation.ticket) {
            lock(&self.shared.taken).push_back((index, inspected));
        }
    }
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

#[cfg(test)]
mod tests {
    use std::io::BufWriter;

    use moviola_av::pixel::PixelFormat;
    use moviola_media::{
        frame::{PixelPlane, Pixels},
        image::{NewFile, Overwrite},
    };

    use super::*;
    use crate::{
        debug::{frames::FrameSelection, trace::TraceWriter},
        plan::TaskKind,
    };

    /// A frame of this width, without a number and a time.
    fn frame(width: u32) -> Frame {
        let stride = width as usize;
        let data = vec![0; stride * 16];
        let planes = [PixelPlane { data: &data, stride }];
        let pixels = Pixels::new(PixelFormat::GRAY8, (width, 16), &planes);
        Frame::from_pixels(&pixels).expect("the plane has all rows")
    }

    fn inspector() -> Inspector {
        let folder = tempfile::tempdir().unwrap();
        let file = NewFile::create(&folder.path().join("trace"), Overwrite::Refuse).unwrap();
        Inspector::new(Collector::new(TraceWriter::new(BufWriter::new(file))))
    }

    #[test]
    fn frames_with_equal_or_unknown_positions_come_in_the_order_in_which_they_are_taken() {
        let widths = [16, 18, 20, 22, 24, 26];
        let numbers = [[None; 6], [Some(7); 6], [None, Some(0), None, Some(0), Some(1), None]];
        let orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [4, 0, 5, 2, 1, 3]];
        for (numbers, order) in numbers.iter().flat_map(|one| orders.map(|order| (one, order))) {
            let inspector = inspector();
            let mut frames = widths.map(frame);
            frames.iter_mut().zip(numbers).for_each(|(frame, number)| frame.number = *number);
            let observed = frames.each_ref().map(|frame| inspector.before(frame));
            for finished in order {
                inspector.after(&frames[finished], observed[finished], &[]);
            }
            for (index, observation) in (0..).zip(observed) {
                inspector.taken(observation, Some(index));
            }
            let taken = std::iter::from_fn(|| inspector.next_taken());
            let taken: Vec<_> =
                taken.map(|(index, frame)| (index, frame.info.width as u32)).collect();
            let want: Vec<_> = (0..).map(Some).zip(widths).collect();
            assert_eq!(taken, want, "{numbers:?}, finished in the order {order:?}");
        }
    }

    #[test]
    fn failed_frames_without_a_time_are_reported_with_their_index_and_then_dropped() {
        let inspector = inspector();
        let mut selection = FrameSelection::new(inspector.clone());
        for index in 0..1000 {
            let frame = frame(16);
            let observation = inspector.before(&frame);
            let (kind, reason) = (TaskKind::Still, "no".into());
            let failed = Err(TaskError::Frame { kind, time: None, reason });
            inspector.after(&frame, observation, &[failed]);
            inspector.taken(observation, Some(index));
            selection.add_taken();
            assert!(lock(&inspector.shared.waiting).is_empty());
            assert!(lock(&inspector.shared.taken).is_empty());
        }
        assert_eq!(selection.count, 1000);
        let frames = serde_json::to_value(&selection.selected).unwrap();
        let indices = frames.as_array().unwrap().iter().map(|frame| frame["index"].as_u64());
        let indices: Option<Vec<_>> = indices.collect();
        let indices = indices.expect("each has its index");
        assert!(indices.len() > 50 && indices.is_sorted(), "{indices:?}");
    }
}
