//! The collector of a run's measurements: stages, decisions and messages on all threads.

use std::{
    collections::BTreeMap,
    fmt,
    io::BufWriter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use moviola_media::{frame::Frame, image::NewFile};
use serde_json::json;
use tracing::{Dispatch, Level};
use tracing_subscriber::{layer::SubscriberExt, registry::Registry};

use super::{
    decisions::Decisions,
    histogram::Histogram,
    lanes::{Candidates, FrameCost, Lanes},
    listener::{EventFields, Listener, SpanCounts, SpanStats},
    stage::{Stage, StageTimes},
    timeline::Timeline,
    trace::{Slice, TraceWriter},
};

/// The most reasons that are kept for frames that aren't done yet.
const MAX_REASONS: usize = 256;

/// The most different warnings and errors that are kept.
const MAX_MESSAGES: usize = 100;

/// The most characters of a message.
const MAX_MESSAGE_LENGTH: usize = 500;

/// The collector of a run's measurements. Clones share the measurements.
#[derive(Clone)]
pub(super) struct Collector(Arc<Mutex<Measurements>>);

/// The measurements of a run so far.
pub(super) struct Measurements {
    pub(super) started: Instant,
    lanes: Lanes,
    pub(super) timeline: Timeline,
    pub(super) stages: [StageTotals; Stage::COUNT],
    pub(super) decisions: Decisions,
    /// How often each kind of decoder was opened, by its description and the reason why it doesn't
    /// run on a device; the reason is empty if there is none.
    pub(super) decoders: BTreeMap<(String, String), u64>,
    /// The reason why each packet was kept, by pts, until its frame is done.
    reasons: BTreeMap<i64, String>,
    /// Warnings and errors, each with its count.
    pub(super) messages: BTreeMap<String, u64>,
    pub(super) trace: Option<TraceWriter<BufWriter<NewFile>>>,
}

/// The totals of a stage.
#[derive(Clone, Debug, Default)]
pub(super) struct StageTotals {
    /// Nanoseconds on all threads, without nested stages.
    pub(super) time: u64,
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) frames: u64,
    /// Nanoseconds for each finished frame.
    pub(super) frame_times: Histogram,
}

impl Collector {
    /// Creates a collector, which writes events to `trace`. The run starts now.
    pub(super) fn new(trace: TraceWriter<BufWriter<NewFile>>) -> Self {
        Self(Arc::new(Mutex::new(Measurements {
            started: Instant::now(),
            lanes: Lanes::default(),
            timeline: Timeline::default(),
            stages: Default::default(),
            decisions: Decisions::default(),
            decoders: BTreeMap::new(),
            reasons: BTreeMap::new(),
            messages: BTreeMap::new(),
            trace: Some(trace),
        })))
    }

    /// A dispatcher for the threads that are measured. It passes other events to the current
    /// dispatcher.
    pub(super) fn dispatch(&self) -> Dispatch {
        let outer = tracing::dispatcher::get_default(Clone::clone);
        let listener = Listener::new(self.clone(), outer);
        Dispatch::new(Registry::default().with(listener))
    }

    pub(super) fn measurements(&self) -> MutexGuard<'_, Measurements> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Measurements {
    /// Nanoseconds since the start of the run.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Starts a stage on the current thread; returns the time, in nanoseconds since the start of
    /// the run.
    pub(super) fn begin(&mut self, stage: Stage) -> u64 {
        let now = self.now();
        self.add_time(now);
        let (thread, new) = self.lanes.begin();
        thread.since = now;
        thread.stages.push(stage);
        if !matches!(thread.stage(), Some(Stage::Wait | Stage::Report)) {
            thread.cost.since.get_or_insert(now);
        }
        if let Some(name) = new {
            let lane = self.timeline.add_lane(name.clone());
            if let Some(trace) = &mut self.trace {
                trace.lane(lane, &name);
            }
        }
        now
    }

    /// Ends the current thread's innermost stage.
    pub(super) fn end(&mut self) {
        let now = self.now();
        self.add_time(now);
        self.lanes.end();
    }

    /// Adds the time since the last call to the thread's stage. The report's time isn't part of a
    /// frame's cost, because it would count for the thread's next frame.
    fn add_time(&mut self, now: u64) {
        let Some(thread) = self.lanes.current() else { return };
        let Some(stage) = thread.stage() else { return };
        let time = now.saturating_sub(thread.since);
        if stage != Stage::Report {
            thread.cost.times.add(stage, time);
        }
        self.stages[stage as usize].time += time;
        self.timeline.add_time(thread.lane, stage, thread.since, now);
        thread.since = now;
    }

    /// Ends the current thread's frame; returns its cost, the reason why it was kept, and its lane.
    pub(super) fn finish_frame(&mut self, frame: &Frame) -> (FrameCost, Option<String>, usize) {
        let (now, pts) = (self.now(), frame.pts.map(|pts| pts.ticks));
        self.add_time(now);
        let lane = self.lanes.current().map(|thread| thread.lane);
        if let Some(trace) = &mut self.trace {
            let args = json!({"number": frame.number, "pts": pts, "time": frame.time});
            trace.instant("frame done", lane, now, &args);
        }
        let why = pts.and_then(|pts| self.reasons.remove(&pts));
        let Some(thread) = self.lanes.current() else { return (FrameCost::default(), why, 0) };
        let (cost, lane) = (std::mem::take(&mut thread.cost), thread.lane);
        for stage in Stage::ALL {
            match cost.times.of(stage) {
                0 => {}
                time => self.stages[stage as usize].frame_times.add(time),
            }
        }
        (cost, why, lane)
    }

    /// Adds a finished span of a stage to the totals, the frame's cost and the trace.
    pub(super) fn record_span(&mut self, span: &SpanStats) {
        let now = self.now();
        let SpanCounts { bytes, packets, frames } = span.counts;
        let Some(thread) = self.lanes.current() else { return };
        let totals = &mut self.stages[thread.stage().unwrap_or(span.stage) as usize];
        totals.bytes += bytes;
        totals.packets += packets;
        totals.frames += frames;
        let cost = &mut thread.cost;
        match span.stage {
            Stage::Demux => {
                cost.packets += packets;
                cost.packet_bytes += bytes;
            }
            Stage::Decode => cost.decoded += frames,
            _ => {}
        }
        let args = [("bytes", bytes), ("packets", packets), ("frames", frames)];
        let args: Vec<_> = args.into_iter().filter(|(_, arg)| *arg > 0).collect();
        let (name, lane) = (span.stage.name(), thread.lane);
        if let Some(trace) = &mut self.trace {
            trace.slice(&Slice { name, lane, from: span.since, to: now, args: &args });
        }
    }

    /// Adds a decision about a packet or frame.
    pub(super) fn record_decision(&mut self, decision: EventFields) {
        let EventFields { verdict, why, pts, bytes, .. } = &decision;
        let now = self.now();
        let lane = self.lanes.current().map(|thread| thread.lane);
        if let Some(trace) = &mut self.trace {
            trace.instant(verdict, lane, now, &json!({"why": why, "pts": pts, "bytes": bytes}));
        }
        if let (&Some(pts), "kept") = (pts, verdict.as_str()) {
            if self.reasons.len() >= MAX_REASONS {
                self.reasons.pop_first(); // most likely of a packet without a frame
            }
            self.reasons.insert(pts, why.clone());
        }
        self.decisions.add(decision);
    }

    /// Adds the number of results in the queue.
    pub(super) fn record_queue(&mut self, waiting: usize) {
        let now = self.now();
        self.timeline.set_waiting(now, waiting);
        if let Some(trace) = &mut self.trace {
            trace.counter("waiting for their turn", now, waiting);
        }
    }

    /// Adds a warning or an error.
    pub(super) fn record_message(&mut self, level: Level, event: &EventFields) {
        let EventFields { message, more, .. } = event;
        let message = format!("{}: {}{more}", level.as_str().to_lowercase(), message.trim());
        let message: String = message.chars().take(MAX_MESSAGE_LENGTH).collect();
        match self.messages.len() < MAX_MESSAGES || self.messages.contains_key(&message) {
            true => *self.messages.entry(message).or_default() += 1,
            false => *self.messages.entry("and others".into()).or_default() += 1,
        }
    }

    /// Adds a decoder that was opened.
    pub(super) fn record_decoder(&mut self, decoder: EventFields) {
        let EventFields { decoder, threads, on_device, refusal, .. } = decoder;
        let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        let location = if on_device { "on a device" } else { "in software" };
        let decoder = format!("{decoder}, {threads}, {location}");
        *self.decoders.entry((decoder, refusal)).or_default() += 1;
    }

    /// Resets the current thread's cost before its first frame, because earlier work isn't part of
    /// it.
    pub(super) fn start_frames(&mut self) {
        self.add_time(self.now());
        if let Some(thread) = self.lanes.current() {
            thread.cost = FrameCost::default();
        }
    }

    /// Sets the counts of candidate boxes of the current thread's frame.
    pub(super) fn record_candidates(&mut self, candidates: Candidates) {
        if let Some(thread) = self.lanes.current() {
            thread.cost.candidates = Some(candidates);
        }
    }

    /// Nanoseconds of each stage, on all threads.
    pub(super) fn times(&self) -> StageTimes {
        let mut times = StageTimes::default();
        for stage in Stage::ALL {
            times.add(stage, self.stages[stage as usize].time);
        }
        times
    }
}
