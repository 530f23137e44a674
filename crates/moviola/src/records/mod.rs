//! One source's records, from the first to its `end`.

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
    source::{Source, SourceOptions},
};

use crate::{
    error::SourceFailure,
    pipeline::{FrameObserver, Helper, Pipeline},
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

/// The records of one source, each as it is ready, in the order of the plan. Images come with them.
///
/// What fails becomes an error record; the last is always [`Record::End`], unless reading was
/// [`interrupt`](Self::interrupt)ed. An `Err` is one of a model: it can serve no other source either.
/// Dropping it stops the work.
///
/// Memory is bounded by the workers; a record that isn't taken stops the reading.
pub struct Records {
    recorder: Recorder,
    /// `None` when nothing more comes.
    pipeline: Option<Pipeline>,
    is_cut_short: bool,
    duration: Option<f64>,
    interrupt: Option<Interrupt>,
    /// The hardware that was asked for by name, until it is known not to decode.
    hardware: Option<Arc<Hardware>>,
}

impl Records {
    /// Opens `source` and starts to carry out `plan` on it. What goes wrong is told by the records.
    pub(crate) fn start(
        source: Source,
        options: &SourceOptions,
        plan: &Plan,
        tasks: &Tasks,
        observer: Option<Arc<dyn FrameObserver>>,
    ) -> Self {
        let mut records = Self::new(source.name().into(), plan);
        let options = SourceOptions { on_damage: plan.on_damage, ..options.clone() };
        let input = records.open(source, options);
        match input.and_then(|input| Pipeline::start(input, plan, tasks, observer)) {
            Ok(pipeline) => records.pipeline = Some(pipeline),
            Err(error) => records.media_error(&error),
        }
        records
    }

    /// The records of a source that isn't read, because of `failure`.
    pub(crate) fn refused(source: String, plan: &Plan, failure: SourceFailure) -> Self {
        let mut records = Self::new(source, plan);
        records.fail(failure);
        records
    }

    /// The same records after others that came from elsewhere: with what those counted, since
    /// `started`.
    pub(crate) fn after(mut self, earlier: SourceTally, started: Instant) -> Self {
        self.recorder.add_earlier(earlier, started);
        self
    }

    fn new(source: String, plan: &Plan) -> Self {
        Self {
            recorder: Recorder::new(source, &plan.frames),
            pipeline: None,
            is_cut_short: false,
            duration: None,
            interrupt: None,
            hardware: None,
        }
    }

    /// The source as its user knows it.
    pub fn source(&self) -> &str {
        self.recorder.source()
    }

    /// How long its presentation is, in seconds, if the container says so.
    pub fn duration(&self) -> Option<f64> {
        self.duration
    }

    /// What became of it so far.
    pub fn tally(&self) -> SourceTally {
        self.recorder.tally()
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
        Some((self.duration? - self.recorder.time()).max(0.0))
    }

    /// Says once why the hardware that was asked for by name isn't used; it may be the first
    /// frame that shows it.
    pub fn hardware_fallback(&mut self) -> Option<String> {
        let reason = self.hardware.as_ref()?.fallback()?.to_owned();
        self.hardware = None;
        Some(reason)
    }

    /// Sends the records to `receiver` instead of having them taken one by one, and returns when
    /// all are sent. A full channel stops the reading.
    ///
    /// `false` if the receiver is gone: the work stops, and what was ready is dropped.
    pub fn send_to(self, receiver: &SyncSender<Result<Record, InferError>>) -> bool {
        let mut records = self;
        records.all(|record| receiver.send(record).is_ok())
    }

    /// Lets more workers help with it, if they can.
    pub(crate) fn helper(&self) -> Option<Helper> {
        self.pipeline.as_ref()?.helper()
    }

    /// The image of the record that came last can't be written: nothing more is read.
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
        self.interrupt = Some(input.interrupt());
        Ok(input)
    }

    /// The source can't be read, or not any further.
    fn fail(&mut self, failure: SourceFailure) {
        self.pipeline = None;
        self.recorder.fail(failure);
    }

    /// Records an error of reading; nothing where reading was ended from outside.
    fn media_error(&mut self, error: &moviola_media::error::Error) {
        // While it is read: at the end of reading, all threads are told to stop.
        let reason = self.interrupt.as_ref().and_then(Interrupt::reason);
        if reason == Some(StopReason::Cancelled) {
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
                    if let Err(error) = self.recorder.take(output) {
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

/// A time span in seconds, to the microsecond: the clock is no more precise.
pub fn seconds(elapsed: Duration) -> f64 {
    Duration::from_micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}
