//! Records of a source, from its `source` record to its `end`.

mod event;
mod probe;
mod record;
mod recorder;
mod tally;

use std::{
    fmt,
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use moviola_av::interrupt::{Interrupt, StopReason};
use moviola_infer::error::Error as InferError;
use moviola_media::{
    error::Result as MediaResult,
    hardware::{Hardware, Hwaccel},
    input::{OpenInput, Purpose},
    send::{SendOutcome, send_all},
    source::{Source, SourceOptions},
};

use crate::{
    error::SourceFailure,
    pipeline::{FrameObserver, Pipeline, PipelineHandle},
    plan::Plan,
    task::Tasks,
};
use recorder::Recorder;

pub use crate::{
    frame_info::FramePosition,
    task::{DetectionsRecord, FrameRecord, KeyframeRecord, ObjectRecord, ObjectRow, RecordImage},
};
pub use event::Event;
pub use probe::{Probe, StreamRecord, probe};
pub(crate) use record::ImageFields;
pub use record::{
    AudioRecord, ColorRecord, EndRecord, ErrorRecord, Record, SCHEMA, SourceRecord, SummaryRecord,
    VideoRecord,
};
pub use tally::{SourceTally, Tally};

/// An iterator over the records of one source, in the plan's order, with their images.
///
/// Failures are error records. The last record is always [`Record::End`], unless opening or reading
/// was [`interrupt`](Self::interrupt)ed. An `Err` means that a model can't be loaded, for this source
/// or any other. Dropping it stops the work.
///
/// Memory is bounded by the number of workers: reading pauses until records are taken.
pub struct Records {
    recorder: Recorder,
    /// `None` when no more frames follow.
    pipeline: Option<Pipeline>,
    is_cut_short: bool,
    duration: Option<f64>,
    interrupt: Interrupt,
    /// The hardware that the options name, until its fallback is reported.
    hardware: Option<Arc<Hardware>>,
}

impl Records {
    /// Opens `source` and starts to run `plan` on it. Errors become records.
    pub(crate) fn start(
        source: Source,
        options: &SourceOptions,
        plan: &Plan,
        tasks: &Tasks,
        observer: Option<Arc<dyn FrameObserver>>,
    ) -> Self {
        let mut records = Self::new(source.name().into(), plan);
        records.interrupt = options.interrupt.child();
        let (on_damage, interrupt) = (plan.on_damage, records.interrupt.clone());
        let options = SourceOptions { on_damage, interrupt, ..options.clone() };
        let input = records.open(source, options);
        match input.and_then(|input| Pipeline::start(input, plan, tasks, observer)) {
            Ok(pipeline) => records.pipeline = Some(pipeline),
            Err(error) => records.media_error(&error),
        }
        records
    }

    /// The records of a source that isn't read because of `failure`: an error and an `end`.
    pub(crate) fn failed(source: String, plan: &Plan, failure: SourceFailure) -> Self {
        let mut records = Self::new(source, plan);
        records.fail(failure);
        records
    }

    /// Adds the counts of the source's earlier records, which another process has made since
    /// `started`.
    pub(crate) fn add_earlier(mut self, earlier: SourceTally, started: Instant) -> Self {
        self.recorder.add_earlier(earlier, started);
        self
    }

    fn new(source: String, plan: &Plan) -> Self {
        Self {
            recorder: Recorder::new(source, &plan.frames),
            pipeline: None,
            is_cut_short: false,
            duration: None,
            interrupt: Interrupt::new(),
            hardware: None,
        }
    }

    /// The source's name, as the user gave it.
    pub fn source(&self) -> &str {
        self.recorder.source()
    }

    /// The length of the presentation in seconds, if the container has it.
    pub fn duration(&self) -> Option<f64> {
        self.duration
    }

    /// The counts of the source's records so far.
    pub fn tally(&self) -> SourceTally {
        self.recorder.tally()
    }

    /// A handle that ends reading from any thread. The interrupt in the source's options ends it, too,
    /// and also ends the opening.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Whether opening or reading was ended by an [`interrupt`](Self::interrupt). Then the records
    /// that were ready are returned, but no `end`.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// The seconds of the presentation after the last frame; `None` if its length is unknown.
    pub fn seconds_left(&self) -> Option<f64> {
        Some((self.duration? - self.recorder.time()).max(0.0))
    }

    /// The reason why the hardware that the options name isn't used; returned once. It may only be
    /// known after the first frame.
    pub fn hardware_fallback(&mut self) -> Option<String> {
        let reason = self.hardware.as_ref()?.fallback()?.to_owned();
        self.hardware = None;
        Some(reason)
    }

    /// Sends all remaining records to a bounded channel. Reading pauses while it is full. If the
    /// receiver is dropped, dropping these records stops the work.
    pub fn send_to(&mut self, to: &SyncSender<Result<Record, InferError>>) -> SendOutcome {
        send_all(self, to)
    }

    /// A handle that adds workers; `None` if the source isn't open or the plan selects frames by a
    /// list.
    pub(crate) fn pipeline_handle(&self) -> Option<PipelineHandle> {
        self.pipeline.as_ref()?.handle()
    }

    /// Ends the source because the image of the last record can't be written.
    pub(crate) fn fail_writing(&mut self, message: String) {
        self.pipeline = None;
        self.recorder.fail_writing(message);
    }

    fn open(&mut self, source: Source, options: SourceOptions) -> MediaResult<OpenInput> {
        let is_named = matches!(options.hwaccel, Hwaccel::Kind(_));
        let input = OpenInput::open(source, options, Purpose::Video)?;
        let record = SourceRecord::of(&input);
        self.duration = record.duration;
        self.recorder.open(record, input.damage());
        self.hardware = is_named.then(|| Arc::clone(input.hardware()));
        Ok(input)
    }

    /// Ends the source because it can't be read, or not any further.
    fn fail(&mut self, failure: SourceFailure) {
        self.pipeline = None;
        self.recorder.fail(failure);
    }

    /// Records an error of reading, unless reading was interrupted.
    fn media_error(&mut self, error: &moviola_media::error::Error) {
        if self.interrupt.reason() == Some(StopReason::Cancelled) {
            (self.pipeline, self.is_cut_short) = (None, true);
            self.recorder.cut_short();
        } else if self.recorder.media_error(error) {
            self.pipeline = None;
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.recorder.pop() {
                return Some(Ok(record));
            }
            if self.recorder.has_ended() {
                return None;
            }
            match self.pipeline.as_mut().and_then(Iterator::next) {
                Some(Ok(output)) => {
                    if let Err(error) = self.recorder.record_frame(output) {
                        self.pipeline = None;
                        self.recorder.cut_short();
                        return Some(Err(error));
                    }
                }
                Some(Err(error)) => self.media_error(&error),
                None => self.recorder.end(),
            }
        }
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("source", &self.source()).finish_non_exhaustive()
    }
}

/// A duration in seconds, truncated to microseconds, the clock's precision.
pub fn seconds(elapsed: Duration) -> f64 {
    Duration::from_micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}
