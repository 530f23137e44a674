//! What happens to one source, made into its records.

use std::{collections::VecDeque, time::Instant};

use moviola_infer::error::Error as InferError;
use moviola_media::{
    error::Error,
    video::{Damage, TimeSelection},
};

use super::{
    record::{EndRecord, ErrorRecord, Record, SourceRecord},
    seconds,
    tally::SourceTally,
};
use crate::{
    error::{SourceFailure, WRITE},
    pipeline::FrameOutput,
    plan::{Frames, TaskKind},
    task::{RecordContext, TaskError, TaskOutput},
};

/// Makes the records of one source: of outputs, of errors, and at its end.
#[derive(Debug)]
pub(super) struct Recorder {
    source: String,
    started: Instant,
    /// Whether a part of the source is wanted, by time.
    has_range: bool,
    /// The source's own record, until the first frame has completed it.
    announced: Option<SourceRecord>,
    ready: VecDeque<Record>,
    has_ended: bool,
    /// Of the last frame, in seconds from the start of the presentation.
    time: f64,
    damage: Damage,
    /// How many frames came or failed.
    place: u64,
    /// The last frame, as it was counted.
    counted: Option<CountedFrame>,
    tally: SourceTally,
}

/// A frame that was counted, with the records of it.
#[derive(Clone, Copy, Debug)]
struct CountedFrame {
    records: usize,
    is_keyframe: bool,
}

impl Recorder {
    /// For a source of which `frames` are wanted.
    pub(super) fn new(source: String, frames: &Frames) -> Self {
        Self {
            source,
            started: Instant::now(),
            has_range: has_range(frames),
            announced: None,
            ready: VecDeque::new(),
            has_ended: false,
            time: 0.0,
            damage: Damage::default(),
            place: 0,
            counted: None,
            tally: SourceTally::default(),
        }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn tally(&self) -> SourceTally {
        self.tally
    }

    /// When the last frame is shown, in seconds from the start of the presentation.
    pub(super) fn time(&self) -> f64 {
        self.time
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The next record that is ready.
    pub(super) fn pop(&mut self) -> Option<Record> {
        self.ready.pop_front()
    }

    /// The source is open. Its record waits for the first frame, which completes it.
    pub(super) fn open(&mut self, record: SourceRecord, damage: Damage) {
        (self.announced, self.damage) = (Some(record), damage);
    }

    /// Adds what was counted elsewhere since `started`.
    pub(super) fn add_earlier(&mut self, earlier: SourceTally, started: Instant) {
        self.started = started;
        self.tally.add(earlier);
    }

    /// Records what was made of a frame.
    ///
    /// # Errors
    ///
    /// The error of a model that can't be loaded.
    pub(super) fn take(&mut self, output: FrameOutput) -> Result<(), InferError> {
        let image_number = output.number().unwrap_or(self.place);
        self.place += 1;
        let FrameOutput { index, outputs } = output;
        self.counted = None;
        for output in outputs {
            match output {
                Ok(output) => self.take_output(output, index, image_number),
                Err(TaskError::Model(error)) => return Err(error),
                Err(TaskError::Frame { kind, time, reason }) => {
                    self.error(stage_of(kind), time, reason);
                }
            }
        }
        Ok(())
    }

    fn take_output(&mut self, output: TaskOutput, index: Option<u64>, image_number: u64) {
        let info = &output.info;
        if let Some(source) = &mut self.announced {
            source.learn(info.format, info.color);
        }
        self.count(info.keyframe);
        self.time = info.time.unwrap_or(self.time);
        let context = RecordContext { source: &self.source, index, image_number };
        let record = output.record(context);
        self.push(record.into());
    }

    fn count(&mut self, is_keyframe: bool) {
        match &mut self.counted {
            Some(counted) => counted.records += 1,
            none => {
                *none = Some(CountedFrame { records: 1, is_keyframe });
                self.tally.frames += 1;
                self.tally.keyframes += u64::from(is_keyframe);
            }
        }
    }

    /// The image of the record that was popped last can't be written, which is the end: an error
    /// takes the place of the record. A frame that has no other record doesn't count.
    pub(super) fn fail_writing(&mut self, message: String) {
        if let Some(counted) = &mut self.counted {
            counted.records -= 1;
            let is_uncounted = counted.records == 0;
            self.tally.frames -= u64::from(is_uncounted);
            self.tally.keyframes -= u64::from(is_uncounted && counted.is_keyframe);
        }
        (self.tally.unwritten, self.tally.failed) = (true, true);
        self.tally.errors += 1;
        let source = self.source.clone();
        let error = ErrorRecord { source, stage: WRITE.into(), time: None, message };
        self.ready.push_front(Record::Error(error));
    }

    /// One frame failed; the others are read on.
    fn error(&mut self, stage: &str, time: Option<f64>, message: String) {
        self.tally.errors += 1;
        let (source, stage) = (self.source.clone(), stage.to_owned());
        self.push(Record::Error(ErrorRecord { source, stage, time, message }));
    }

    /// The source can't be read, or not any further.
    pub(super) fn fail(&mut self, failure: SourceFailure) {
        let SourceFailure { stage, message } = failure;
        self.tally.unwritten |= stage == WRITE;
        self.tally.failed = true;
        self.error(stage, None, message);
    }

    /// Records an error of reading or decoding; `true` if it is the end of the source.
    pub(super) fn media_error(&mut self, error: &Error) -> bool {
        let text = error.to_string();
        // The record names the source itself.
        let message = text.strip_prefix(&format!("{}: ", self.source)).unwrap_or(&text).to_owned();
        let stage = error.stage().name();
        match error {
            Error::Decode { .. } | Error::NoFrame { .. } => {
                self.place += 1;
                self.error(stage, error.time(), message);
                false
            }
            _ => {
                self.fail(SourceFailure { stage, message });
                true
            }
        }
    }

    fn push(&mut self, record: Record) {
        self.ready.extend(self.announced.take().map(Record::Source));
        self.ready.push_back(record);
    }

    /// Nothing more comes, not even an `end`.
    pub(super) fn cut_short(&mut self) {
        self.has_ended = true;
    }

    /// Nothing more comes but an `end`.
    pub(super) fn end(&mut self) {
        if self.has_range && self.tally.frames == 0 && self.tally.errors == 0 {
            self.error("demux", None, "there is no frame in this range".into());
        }
        let SourceTally { frames, keyframes, errors, .. } = self.tally;
        self.tally.failed |= errors > 0 && frames == 0;
        let damaged = self.damage.ranges();
        self.push(Record::End(EndRecord {
            source: self.source.clone(),
            frames,
            keyframes,
            errors,
            damaged: damaged.iter().map(|range| [range.start, range.end - 1]).collect(),
            elapsed: seconds(self.started.elapsed()),
        }));
        self.has_ended = true;
    }
}

/// Whether the frames of a part of the source are wanted.
fn has_range(frames: &Frames) -> bool {
    let Frames::Played(TimeSelection { range, .. }) = frames else { return false };
    range.start.is_finite() || range.end.is_finite()
}

/// The stage of a task, as error records name it.
fn stage_of(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Still => "image",
        TaskKind::Detect => "infer",
    }
}

#[cfg(test)]
mod tests;
