//! The frames that a report shows.

use base64::{Engine, prelude::BASE64_STANDARD};
use moviola_infer::results::Detection;
use serde::Serialize;

use super::{
    inspector::{Images, InspectedFrame, Inspector},
    lanes::FrameCost,
    stage::Stage,
};
use crate::frame_info::FrameInfo;

/// The most frames with images in a report. They are evenly spread over the run.
const MAX_FRAMES: usize = 120;

/// The number of slowest frames in the list.
const SLOWEST: usize = 12;

/// A frame as data for the report's page. Times of work are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FrameData {
    /// Number among the keyframes.
    index: Option<u64>,
    /// Number among all frames.
    frame: Option<u64>,
    time: Option<f64>,
    pts: Option<i64>,
    keyframe: bool,
    damaged: bool,
    width: usize,
    height: usize,
    pixel_format: &'static str,
    /// The reason why its packet was kept.
    why: Option<String>,
    #[serde(flatten)]
    cost: FrameCost,
    lane: usize,
    from: f64,
    to: f64,
    busy: f64,
    stages: Vec<(Stage, f64)>,
    objects: Vec<Detection>,
    #[serde(skip)]
    ordinal: u64,
    /// The frame as a small image: a `data:` URL.
    small: Option<String>,
    /// The model's input as an image: a `data:` URL.
    input: Option<String>,
}

/// The pts and time of a frame, from which the page computes the times of other pts.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Clock {
    pts: i64,
    /// Seconds from the start of the presentation.
    time: f64,
    /// The length of a tick in seconds.
    tick: f64,
}

/// The frames that the report shows, selected during the run.
#[derive(Debug)]
pub(super) struct FrameSelection {
    inspector: Inspector,
    /// Frames with images, in the order of their records.
    pub(super) selected: Vec<FrameData>,
    /// The slowest frames, slowest first.
    pub(super) slowest: Vec<FrameData>,
    /// The number of all frames.
    pub(super) count: u64,
    pub(super) clock: Option<Clock>,
}

impl FrameSelection {
    pub(super) fn new(inspector: Inspector) -> Self {
        let (selected, slowest) = (Vec::new(), Vec::new());
        Self { inspector, selected, slowest, count: 0, clock: None }
    }

    /// Adds the frames whose outputs were taken since the last call.
    pub(super) fn add_taken(&mut self) {
        while let Some((index, inspected)) = self.inspector.next_taken() {
            self.count += 1;
            self.clock = self.clock.or_else(|| Clock::of(&inspected.info));
            let is_slow = self
                .slowest
                .last()
                .is_none_or(|last| last.busy < millis(inspected.cost.times.busy()));
            let (is_slow, has_images) =
                (is_slow || self.slowest.len() < SLOWEST, inspected.images.is_some());
            if !(is_slow || has_images) {
                continue;
            }
            let frame = FrameData::of(index, inspected);
            if is_slow {
                let rank = self.slowest.partition_point(|other| other.busy >= frame.busy);
                self.slowest.insert(rank, frame.without_images());
                self.slowest.truncate(SLOWEST);
            }
            if has_images {
                self.selected.push(frame);
            }
            self.thin_out();
        }
    }

    /// Drops frames if there are too many, and selects fewer from now on. Frames that are in work
    /// now may still get images; a later call drops them.
    fn thin_out(&mut self) {
        while self.selected.len() > MAX_FRAMES {
            self.inspector.sample().thin_out(&mut self.selected, |frame| frame.ordinal);
        }
    }
}

impl Clock {
    fn of(info: &FrameInfo) -> Option<Self> {
        let (pts, time) = info.pts.zip(info.time)?;
        let tick = f64::from(pts.base.num()) / f64::from(pts.base.den());
        Some(Self { pts: pts.ticks, time, tick })
    }
}

impl FrameData {
    fn of(index: Option<u64>, inspected: InspectedFrame) -> Self {
        let InspectedFrame { info, images, objects, cost, until, lane, why, ordinal, .. } =
            inspected;
        let Images { small, input } = images.unwrap_or_default();
        let times = &cost.times;
        let stages = Stage::ALL.into_iter().filter(|stage| times.of(*stage) > 0);
        Self {
            index,
            frame: info.number,
            time: info.time,
            pts: info.pts.map(|pts| pts.ticks),
            keyframe: info.keyframe,
            damaged: info.damaged,
            width: info.width,
            height: info.height,
            pixel_format: info.format.name(),
            why,
            lane,
            from: millis(cost.since.unwrap_or(until)),
            to: millis(until),
            busy: millis(times.busy()),
            stages: stages.map(|stage| (stage, millis(times.of(stage)))).collect(),
            cost,
            objects,
            ordinal,
            small: (!small.is_empty()).then(|| jpeg_url(&small)),
            input: input.map(|image| jpeg_url(&image)),
        }
    }

    /// A copy without images, for the list of the slowest frames.
    fn without_images(&self) -> Self {
        let (stages, objects) = (self.stages.clone(), self.objects.clone());
        Self { small: None, input: None, stages, objects, why: self.why.clone(), ..*self }
    }
}

fn jpeg_url(image: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(image))
}

/// Converts nanoseconds to milliseconds.
pub(super) fn millis(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
