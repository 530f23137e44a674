//! One thread's notes about the frames it works on.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
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
    detect::worker::{DetectWorker, Input},
    frame_info::FrameInfo,
    pipeline::Output,
};

/// The small pictures.
const SMALL: JpegOptions = JpegOptions { quality: 80, max_size: Some((320, 240)), coded: false };

/// Pictures of tensors: that of the largest usual model as it is, since its pixels matter.
const TENSOR: JpegOptions = JpegOptions { quality: 70, max_size: Some((640, 640)), coded: false };

/// Makes notes about frames; clones belong to the same report.
#[derive(Clone, Debug)]
pub(crate) struct Inspector {
    pub(super) collector: Collector,
    sample: Arc<Mutex<Sample>>,
    /// Frames without a number so far.
    counted: Arc<AtomicU64>,
}

/// What is noted about a frame.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(super) facts: FrameInfo,
    pub(super) pictures: Option<Pictures>,
    pub(super) objects: Vec<Detection>,
    pub(super) cost: FrameCost,
    /// When the last box was there, in nanoseconds since the beginning.
    pub(super) until: u64,
    pub(super) lane: usize,
    pub(super) why: Option<String>,
    /// What frames are spread by: its number, or how many came before it.
    pub(super) place: u64,
}

/// Pictures for the report, as JPEG files.
#[derive(Clone, Debug, Default)]
pub(super) struct Pictures {
    /// The frame, upright and small.
    pub(super) small: Vec<u8>,
    /// What the model got.
    pub(super) input: Option<Vec<u8>>,
}

impl Inspector {
    pub(super) fn new(collector: Collector) -> Self {
        Self { collector, sample: Arc::default(), counted: Arc::default() }
    }

    /// One thread's part.
    pub(crate) fn snapshotter(&self) -> FrameSnapshotter {
        let inspector = self.clone();
        FrameSnapshotter { inspector, place: 0, is_pictured: false, small: None, input: None }
    }

    /// Which frames are pictured.
    pub(super) fn sample(&self) -> MutexGuard<'_, Sample> {
        self.sample.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at frames, on one thread.
#[derive(Debug)]
pub(crate) struct FrameSnapshotter {
    inspector: Inspector,
    /// Of the frame that is in work.
    place: u64,
    is_pictured: bool,
    small: Option<Small>,
    input: Option<JpegEncoder>,
}

/// What makes small pictures.
#[derive(Debug)]
struct Small {
    encoder: JpegEncoder,
    any_format: AnyFormat,
}

impl FrameSnapshotter {
    /// Settles whether a frame will be pictured, before anything is made of it: then `worker` keeps
    /// what its model gets.
    pub(crate) fn begin(&mut self, frame: &Frame, worker: Option<&mut DetectWorker>) {
        let count = || self.inspector.counted.fetch_add(1, Ordering::Relaxed);
        self.place = frame.number.unwrap_or_else(count);
        self.is_pictured = self.inspector.sample().wants(self.place);
        if let Some(worker) = worker {
            worker.keep_input(self.is_pictured);
        }
    }

    /// Notes what was made of a frame, and what that took.
    pub(crate) fn look(
        &mut self,
        frame: &Frame,
        output: &Output,
        worker: Option<&DetectWorker>,
    ) -> Note {
        let mut observed = self.inspector.collector.observed();
        let (cost, why, lane) = observed.finish_frame(frame);
        let until = observed.now();
        drop(observed);
        let _stage = stage!("report");
        let detected = output.detected.as_ref().and_then(|detected| detected.as_ref().ok());
        // Of a picture that couldn't be searched, the model got nothing.
        let input = worker.filter(|_| detected.is_some()).and_then(DetectWorker::input);
        let pictures = self.is_pictured.then(|| self.pictures(frame, input));
        let pictures = pictures.and_then(|made| {
            made.inspect_err(|error| tracing::warn!(%error, "a frame can't be pictured")).ok()
        });
        Note {
            facts: FrameInfo::of(frame, size_of(frame, output)),
            pictures,
            objects: detected.map(|detected| detected.objects.clone()).unwrap_or_default(),
            cost,
            until,
            lane,
            why,
            place: self.place,
        }
    }

    fn pictures(&mut self, frame: &Frame, input: Option<&Input>) -> Result<Pictures, String> {
        let text = |error: ImageError| error.to_string();
        let Small { encoder, any_format } = match &mut self.small {
            Some(small) => small,
            none => {
                let encoder = JpegEncoder::new(SMALL).map_err(text)?;
                none.insert(Small { encoder, any_format: AnyFormat::default() })
            }
        };
        let view = any_format.view(frame).map_err(|error| error.to_string())?;
        let small = encoder.encode(&view).map_err(text)?.bytes.to_vec();
        let input = input.map(|input| self.input(input)).transpose().map_err(text)?;
        Ok(Pictures { small, input: input.flatten() })
    }

    /// What a model got, as a JPEG file; `None` if there are too few pixels for its size.
    fn input(&mut self, input: &Input) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(view) = picture_of(input) else { return Ok(None) };
        let encoder = match &mut self.input {
            Some(encoder) => encoder,
            none => none.insert(JpegEncoder::new(TENSOR)?),
        };
        encoder.encode(&view).map(|image| Some(image.bytes.to_vec()))
    }
}

fn picture_of(input: &Input) -> Option<FrameView<'_>> {
    let Input { pixels, size: (width, height) } = input;
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

/// Width and height of the upright picture, in which boxes count; of one that no kernel takes and
/// that wasn't searched, those of its image, or as it is coded.
fn size_of(frame: &Frame, output: &Output) -> (usize, usize) {
    let size = |facts: &FrameInfo| (facts.width, facts.height);
    let detected = output.detected.as_ref().and_then(|detected| detected.as_ref().ok());
    let still = output.still.as_ref().and_then(|still| still.as_ref().ok());
    let coded = || {
        let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
        (side(frame.decoded.width()), side(frame.decoded.height()))
    };
    detected
        .map(|detected| size(&detected.facts))
        .or_else(|| frame.view().map(|view| view.display_size()))
        .or_else(|| still.map(|still| size(&still.facts)))
        .unwrap_or_else(coded)
}
