//! Conversion of a source's outputs and errors to records.

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
    plan::Frames,
    task::{RecordContext, TaskError, TaskOutput},
};

/// Makes and queues the records of one source.
#[derive(Debug)]
pub(super) struct Recorder {
    source: String,
    started: Instant,
    /// Whether the plan selects a range of time.
    has_range: bool,
    /// The source's record, until the first frame completes it.
    pending_source: Option<SourceRecord>,
    ready: VecDeque<Record>,
    has_ended: bool,
    /// Time of the last frame, in seconds from the start of the presentation.
    time: f64,
    damage: Damage,
    /// The number of frames that were decoded or failed.
    frames_seen: u64,
    /// The last frame, if it is counted in the tally.
    counted: Option<CountedFrame>,
    tally: SourceTally,
}

/// A frame that is counted in the tally, with its number of records.
#[derive(Clone, Copy, Debug)]
struct CountedFrame {
    records: usize,
    is_keyframe: bool,
}

impl Recorder {
    /// A recorder of `source`, of which the plan selects `frames`.
    pub(super) fn new(source: String, frames: &Frames) -> Self {
        Self {
            source,
            started: Instant::now(),
            has_range: has_range(frames),
            pending_source: None,
            ready: VecDeque::new(),
            has_ended: false,
            time: 0.0,
            damage: Damage::default(),
            frames_seen: 0,
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

    /// The time of the last frame, in seconds from the start of the presentation.
    pub(super) fn time(&self) -> f64 {
        self.time
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Removes the next record that is ready.
    pub(super) fn pop(&mut self) -> Option<Record> {
        self.ready.pop_front()
    }

    /// Sets the record of the open source; it is queued when the first frame completes it.
    pub(super) fn open(&mut self, record: SourceRecord, damage: Damage) {
        (self.pending_source, self.damage) = (Some(record), damage);
    }

    /// Adds counts of the source from another process, which started at `started`.
    pub(super) fn add_earlier(&mut self, earlier: SourceTally, started: Instant) {
        self.started = started;
        self.tally.add(earlier);
    }

    /// Records the outputs of a frame.
    ///
    /// # Errors
    ///
    /// The error of a model that can't be loaded.
    pub(super) fn record_frame(&mut self, output: FrameOutput) -> Result<(), InferError> {
        let image_number = output.number().unwrap_or(self.frames_seen);
        self.frames_seen += 1;
        let FrameOutput { index, outputs, .. } = output;
        self.counted = None;
        for output in outputs {
            match output {
                Ok(output) => self.record_output(output, index, image_number),
                Err(TaskError::Model(error)) => return Err(error),
                Err(TaskError::Frame { kind, time, reason }) => {
                    self.error(kind.stage(), time, reason);
                }
            }
        }
        Ok(())
    }

    fn record_output(&mut self, output: TaskOutput, index: Option<u64>, image_number: u64) {
        let info = &output.info;
        if let Some(source) = &mut self.pending_source {
            source.add_format(info.format, info.color);
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

    /// Ends the source because the image of the last popped record can't be written. An error
    /// replaces that record; a frame without other records is no longer counted.
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

    /// Records an error; reading continues.
    fn error(&mut self, stage: &str, time: Option<f64>, message: String) {
        let (source, stage) = (self.source.clone(), stage.to_owned());
        self.push_error(ErrorRecord { source, stage, time, message });
    }

    fn push_error(&mut self, error: ErrorRecord) {
        self.tally.errors += 1;
        self.push(Record::Error(error));
    }

    /// Records that the source can't be read, or not any further.
    pub(super) fn fail(&mut self, failure: SourceFailure) {
        let SourceFailure { stage, message } = failure;
        self.tally.unwritten |= stage == WRITE;
        self.tally.failed = true;
        self.error(stage, None, message);
    }

    /// Records an error of reading or decoding; `true` if reading can't continue.
    pub(super) fn media_error(&mut self, error: &Error) -> bool {
        let is_of_frame = matches!(error, Error::Decode { .. } | Error::NoFrame { .. });
        self.frames_seen += u64::from(is_of_frame);
        self.tally.failed |= !is_of_frame;
        self.push_error(ErrorRecord::new(&self.source, error));
        !is_of_frame
    }

    fn push(&mut self, record: Record) {
        self.ready.extend(self.pending_source.take().map(Record::Source));
        self.ready.push_back(record);
    }

    /// Ends the records without an `end`.
    pub(super) fn cut_short(&mut self) {
        self.has_ended = true;
    }

    /// Ends the records with an `end`.
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

/// Whether `frames` selects a range of time that is bounded at an end.
fn has_range(frames: &Frames) -> bool {
    let Frames::Played(TimeSelection { range, .. }) = frames else { return false };
    range.start.is_finite() || range.end.is_finite()
}

#[cfg(test)]
mod tests;
