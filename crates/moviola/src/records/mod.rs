//! One source's records, from the first to its `end`.

mod image;
mod tally;

use std::{
    collections::{HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use moviola_av::interrupt::{Interrupt, StopReason};
use moviola_infer::error::Error as InferError;
use moviola_media::{
    error::{Error, Result as MediaResult},
    hardware::{Hardware, Hwaccel},
    image as images,
    media::Media,
    source::{Source, SourceOptions},
    video::{Damage, TimeSelection},
};

use crate::{
    bulk::SourceFailure,
    debug::Note,
    detect::{DetectError, Detected},
    frame_info::FrameInfo,
    pipeline::{Helper, Models, Output, Pipeline},
    plan::{Frames, Plan},
    results::{EndRecord, ErrorRecord, Record, SourceRecord},
    sink::images::SourceFolders,
    still::{Still, StillError},
};

use image::Image;

pub use tally::{SourceTally, Tally};

/// The stage at which images are written.
pub(crate) const UNWRITTEN: &str = "write";

/// The records of one source, each as it is ready, in the order of the plan; images are written
/// before the record that names them.
///
/// What fails becomes an error record; the last is always [`Record::End`], unless reading was
/// [`interrupt`](Self::interrupt)ed. An `Err` is one of a model: it can serve no other source either.
/// Dropping it stops the work.
#[derive(Debug)]
pub struct Records {
    source: String,
    started: Instant,
    /// Which frames are wanted.
    frames: Frames,
    /// `None` when nothing more comes.
    pipeline: Option<Pipeline>,
    folders: SourceFolders,
    /// Not told yet: the first picture tells more about it.
    announced: Option<SourceRecord>,
    ready: VecDeque<Record>,
    ended: bool,
    is_cut_short: bool,
    duration: Option<f64>,
    /// Of the last picture, in seconds.
    time: f64,
    interrupt: Option<Interrupt>,
    /// The hardware that was asked for by name, until it is known not to decode.
    hardware: Option<Arc<Hardware>>,
    damage: Damage,
    /// How many frames came or failed.
    place: u64,
    /// Numbers of the frames whose images are there, if some may come again.
    written: HashSet<u64>,
    /// What was noted about frames, each with its number among the keyframes, until it is taken.
    notes: Vec<(Option<u64>, Note)>,
    tally: SourceTally,
}

impl Records {
    /// Opens `source` and starts to carry out `plan` on it. What goes wrong is told by the records.
    pub fn start(
        source: Source,
        options: &SourceOptions,
        plan: &Plan,
        models: &Models,
        folders: images::Result<SourceFolders>,
    ) -> Self {
        let mut records = Self::new(source.name().into(), plan);
        match folders {
            Ok(folders) => records.folders = folders,
            Err(error) => {
                records.unwritable(&error);
                return records;
            }
        }
        let options = SourceOptions { on_damage: plan.on_damage, ..options.clone() };
        let pipeline = records.open(source, options);
        match pipeline.and_then(|media| Pipeline::start(media, plan, models)) {
            Ok(pipeline) => records.pipeline = Some(pipeline),
            Err(error) => records.media_error(&error),
        }
        records
    }

    /// The records of a source that isn't read, because of what `refusal` says.
    pub(crate) fn refused(source: String, plan: &Plan, refusal: SourceFailure) -> Self {
        let mut records = Self::new(source, plan);
        records.tally.unwritten = refusal.stage == UNWRITTEN;
        records.fail(refusal.stage, refusal.message);
        records
    }

    /// The same records behind others that were told elsewhere: with what those counted, since `began`.
    pub(crate) fn after(mut self, told: SourceTally, began: Instant) -> Self {
        self.started = began;
        let SourceTally { frames, keyframes, errors, failed, unwritten } = told;
        self.tally.frames += frames;
        self.tally.keyframes += keyframes;
        self.tally.errors += errors;
        self.tally.failed |= failed;
        self.tally.unwritten |= unwritten;
        self
    }

    fn new(source: String, plan: &Plan) -> Self {
        Self {
            source,
            started: Instant::now(),
            frames: plan.frames.clone(),
            pipeline: None,
            folders: SourceFolders::default(),
            announced: None,
            ready: VecDeque::new(),
            ended: false,
            is_cut_short: false,
            duration: None,
            time: 0.0,
            interrupt: None,
            hardware: None,
            damage: Damage::default(),
            place: 0,
            written: HashSet::new(),
            notes: Vec::new(),
            tally: SourceTally::default(),
        }
    }

    /// The source as its user knows it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How long its presentation is, in seconds, if the container says so.
    pub fn duration(&self) -> Option<f64> {
        self.duration
    }

    /// What became of it so far.
    pub fn tally(&self) -> SourceTally {
        self.tally
    }

    /// Lets more workers help with it, if they can.
    pub fn helper(&self) -> Option<Helper> {
        self.pipeline.as_ref()?.helper()
    }

    /// Ends reading, from any thread; `None` if the source isn't open.
    pub fn interrupt(&self) -> Option<Interrupt> {
        self.interrupt.clone()
    }

    /// Whether reading was ended by its [`interrupt`](Self::interrupt): what was ready came, and there is
    /// no `end`.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// How many seconds of the source are left, as far as that is known.
    pub fn left(&self) -> Option<f64> {
        Some((self.duration? - self.time).max(0.0))
    }

    /// What was noted about the frames since the last call, if frames are inspected.
    pub(crate) fn take_notes(&mut self) -> Vec<(Option<u64>, Note)> {
        std::mem::take(&mut self.notes)
    }

    /// Tells once why the hardware that was asked for by name isn't used; it may be the first
    /// picture that shows it.
    pub fn hardware_fallback(&mut self) -> Option<String> {
        let reason = self.hardware.as_ref()?.fallback()?.to_owned();
        self.hardware = None;
        Some(reason)
    }

    fn open(&mut self, source: Source, options: SourceOptions) -> MediaResult<Media> {
        let is_named = matches!(options.hwaccel, Hwaccel::Kind(_));
        let media = Media::open(source, options)?;
        let record = SourceRecord::of(&media);
        self.duration = record.duration;
        self.announced = Some(record);
        self.hardware = is_named.then(|| Arc::clone(media.hardware()));
        self.damage = media.damage();
        self.interrupt = Some(media.interrupt());
        Ok(media)
    }

    /// Tells what became of a frame.
    fn take(&mut self, output: Output) -> Result<(), InferError> {
        let number = output.number().unwrap_or(self.place);
        self.place += 1;
        let comes_again = !self.frames.is_in_order() && !self.written.insert(number);
        let Output { index, still, detected, note } = output;
        self.notes.extend(note.map(|note| (index, *note)));
        let image = Image { index, number, comes_again };
        let still = still.and_then(|still| self.still(still, image));
        let detected = match detected {
            Some(Err(DetectError::Model(error))) => return Err(error),
            Some(detected) => self.detected(detected, image),
            None => None,
        };
        if let Some(facts) = still.or(detected) {
            self.time = facts.time.unwrap_or(self.time);
            self.tally.frames += 1;
            self.tally.keyframes += u64::from(facts.keyframe);
        }
        Ok(())
    }

    /// Tells of a still; gives its facts if it came.
    fn still(&mut self, still: Result<Still, StillError>, image: Image) -> Option<FrameInfo> {
        match still {
            Ok(still) => {
                self.learn(&still.facts);
                let path = image.save(self.folders.stills.as_mut(), still.image.as_deref());
                let path = self.written_at(path)?;
                self.tell(still.record(&self.source, image.index, path));
                Some(still.facts)
            }
            Err(error) => {
                self.error("image", error.time, error.to_string());
                None
            }
        }
    }

    /// Tells of the objects on a frame; gives its facts if it was searched.
    fn detected(
        &mut self,
        detected: Result<Detected, DetectError>,
        image: Image,
    ) -> Option<FrameInfo> {
        match detected {
            Ok(detected) => {
                self.learn(&detected.facts);
                let folder = self.folders.annotated.as_mut();
                let path = image.save(folder, detected.annotated.as_deref());
                let path = self.written_at(path)?;
                self.tell(Record::Detections(detected.record(&self.source, image.index, path)));
                Some(detected.facts)
            }
            Err(error) => {
                self.error("infer", error.time(), error.to_string());
                None
            }
        }
    }

    /// Where an image is, if there is one; `None` if it can't be written, which is the end.
    fn written_at(&mut self, path: images::Result<Option<PathBuf>>) -> Option<Option<String>> {
        match path {
            Ok(path) => Some(path.map(|path| path.display().to_string())),
            Err(error) => {
                self.unwritable(&error);
                None
            }
        }
    }

    /// Its images can't be written, which is the end.
    fn unwritable(&mut self, error: &images::ImageError) {
        self.tally.unwritten = true;
        self.fail(UNWRITTEN, error.to_string());
    }

    /// Adds to the source's record what its first picture tells.
    fn learn(&mut self, facts: &FrameInfo) {
        if let Some(source) = &mut self.announced {
            source.learn(facts.format, facts.color);
        }
    }

    /// One picture failed; the others are read on.
    fn error(&mut self, stage: &str, time: Option<f64>, message: String) {
        self.tally.errors += 1;
        let (source, stage) = (self.source.clone(), stage.to_owned());
        self.tell(Record::Error(ErrorRecord { source, stage, time, message }));
    }

    /// The source can't be read, or not any further.
    fn fail(&mut self, stage: &str, message: String) {
        self.tally.failed = true;
        self.pipeline = None;
        self.error(stage, None, message);
    }

    /// As [`error`](Self::error) or [`fail`](Self::fail), whichever it is; nothing where reading was
    /// ended from outside.
    fn media_error(&mut self, error: &Error) {
        // While it is read: later, whoever read it has told all others to stop.
        let reason = self.interrupt.as_ref().and_then(Interrupt::reason);
        if reason == Some(StopReason::Cancelled) {
            (self.pipeline, self.ended, self.is_cut_short) = (None, true, true);
            return;
        }
        let text = error.to_string();
        // The record names the source itself.
        let message = text.strip_prefix(&format!("{}: ", self.source)).unwrap_or(&text).to_owned();
        match error {
            Error::Decode { .. } | Error::NoFrame { .. } => {
                self.place += 1;
                self.error(error.stage().name(), error.time(), message);
            }
            _ => self.fail(error.stage().name(), message),
        }
    }

    fn tell(&mut self, record: Record) {
        self.ready.extend(self.announced.take().map(Record::Source));
        self.ready.push_back(record);
    }

    fn end(&mut self) {
        if self.has_range() && self.tally.frames == 0 && self.tally.errors == 0 {
            self.error("demux", None, "there is no frame in this range".into());
        }
        let SourceTally { frames, keyframes, errors, .. } = self.tally;
        self.tally.failed |= errors > 0 && frames == 0;
        let damaged = self.damage.ranges();
        self.tell(Record::End(EndRecord {
            source: self.source.clone(),
            frames,
            keyframes,
            errors,
            damaged: damaged.iter().map(|range| [range.start, range.end - 1]).collect(),
            elapsed: seconds(self.started.elapsed()),
        }));
        self.ended = true;
    }

    /// Whether the frames of a part of the source are wanted.
    fn has_range(&self) -> bool {
        let Frames::Played(TimeSelection { range, .. }) = &self.frames else { return false };
        range.start.is_finite() || range.end.is_finite()
    }
}

impl Iterator for Records {
    type Item = Result<Record, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(Ok(record));
            }
            if self.ended {
                return None;
            }
            match self.pipeline.as_mut().and_then(Iterator::next) {
                Some(Ok(output)) => {
                    if let Err(error) = self.take(output) {
                        (self.pipeline, self.ended) = (None, true);
                        return Some(Err(error));
                    }
                }
                Some(Err(error)) => self.media_error(&error),
                None => self.end(),
            }
        }
    }
}

/// A time span in seconds, to the microsecond: the clock is worth no more.
pub fn seconds(elapsed: Duration) -> f64 {
    Duration::from_micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}
