//! The frames that a report shows.

use base64::{Engine, prelude::BASE64_STANDARD};
use moviola_infer::results::Detection;
use serde::Serialize;

use super::{
    inspector::{Images, Inspector, Note},
    lanes::FrameCost,
    stage::Stage,
};
use crate::{frame_info::FrameInfo, records::Record};

/// The most frames that a report shows with images, evenly spread over all.
const MOST_SHOWN: usize = 120;

/// The number of slowest frames in the list.
const SLOWEST: usize = 12;

/// A frame as the report shows it. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shown {
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
    /// A `data:` URL.
    small: Option<String>,
    /// A `data:` URL.
    input: Option<String>,
}

/// A frame with pts and time, from which the page computes the times of other pts.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Clock {
    pts: i64,
    /// Seconds from the start of the presentation.
    time: f64,
    /// Length of a tick in seconds.
    tick: f64,
}

/// Selects and keeps the frames that the report shows.
#[derive(Debug)]
pub(super) struct Frames {
    inspector: Inspector,
    /// Frames with images, in the order of their records.
    pub(super) shown: Vec<Shown>,
    /// The slowest frames, slowest first.
    pub(super) slowest: Vec<Shown>,
    /// The number of frames.
    pub(super) count: u64,
    pub(super) clock: Option<Clock>,
}

impl Frames {
    pub(super) fn new(inspector: Inspector) -> Self {
        let (shown, slowest) = (Vec::new(), Vec::new());
        Self { inspector, shown, slowest, count: 0, clock: None }
    }

    /// Takes the note of a record's frame.
    pub(super) fn take(&mut self, record: &Record) {
        if let Some((index, note)) = self.inspector.take(record) {
            self.count += 1;
            self.clock = self.clock.or_else(|| Clock::of(&note.info));
            let is_slow =
                self.slowest.last().is_none_or(|last| last.busy < millis(note.cost.times.busy()));
            let (is_slow, has_images) =
                (is_slow || self.slowest.len() < SLOWEST, note.images.is_some());
            if !(is_slow || has_images) {
                return;
            }
            let shown = Shown::of(index, note);
            if is_slow {
                let place = self.slowest.partition_point(|other| other.busy >= shown.busy);
                self.slowest.insert(place, shown.without_images());
                self.slowest.truncate(SLOWEST);
            }
            if has_images {
                self.shown.push(shown);
            }
            self.thin_out();
        }
    }

    /// Drops frames if there are too many, and selects fewer from now on. Frames in work may still
    /// get images that are dropped here later.
    fn thin_out(&mut self) {
        while self.shown.len() > MOST_SHOWN {
            self.inspector.sample().thin_out(&mut self.shown, |shown| shown.ordinal);
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

impl Shown {
    fn of(index: Option<u64>, note: Note) -> Self {
        let Note { info, images, objects, cost, until, lane, why, ordinal, .. } = note;
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

/// Nanoseconds in milliseconds.
pub(super) fn millis(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
