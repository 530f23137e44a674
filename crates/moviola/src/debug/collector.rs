//! Collected measurements of stages, decisions and messages, on all threads.

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
    stage::{Stage, Times},
    timeline::Timeline,
    trace::{Slice, TraceWriter},
};

/// The most reasons that are kept until their frames are done.
const MAX_REASONS: usize = 256;

/// The most different warnings and errors that are kept.
const MESSAGES: usize = 100;

/// The most characters of a message.
const MESSAGE_LENGTH: usize = 500;

/// The measurements of a run. Clones share them.
#[derive(Clone)]
pub(super) struct Collector(Arc<Mutex<Observed>>);

/// All measurements so far.
pub(super) struct Observed {
    pub(super) started: Instant,
    lanes: Lanes,
    pub(super) timeline: Timeline,
    pub(super) stages: [Tally; Stage::COUNT],
    pub(super) decisions: Decisions,
    /// The number of times that each decoder was opened, by its description and the reason why it
    /// isn't on an available device.
    pub(super) decoders: BTreeMap<(String, String), u64>,
    /// The reason why each packet was kept, by pts, until its frame is done.
    reasons: BTreeMap<i64, String>,
    /// Warnings and errors, each with its count.
    pub(super) messages: BTreeMap<String, u64>,
    pub(super) trace: Option<TraceWriter<BufWriter<NewFile>>>,
}

/// The totals of a stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Nanoseconds on all threads, without nested stages.
    pub(super) time: u64,
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) frames: u64,
    /// Nanoseconds for each finished frame.
    pub(super) frame_times: Histogram,
}

impl Collector {
    /// Starts to measure; events are written to `trace`.
    pub(super) fn new(trace: TraceWriter<BufWriter<NewFile>>) -> Self {
        Self(Arc::new(Mutex::new(Observed {
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

    /// The dispatcher that threads must use to be measured. Other events still reach the current
    /// one.
    pub(super) fn dispatch(&self) -> Dispatch {
        let before = tracing::dispatcher::get_default(Clone::clone);
        let listener = Listener::new(self.clone(), before);
        Dispatch::new(Registry::default().with(listener))
    }

    pub(super) fn observed(&self) -> MutexGuard<'_, Observed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Observed {
    /// Nanoseconds since the start of the run.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Starts a stage on the current thread; returns the time in nanoseconds.
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
    /// frame's cost: it would count for the thread's next frame.
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
            let facts = json!({"number": frame.number, "pts": pts, "time": frame.time});
            trace.instant("frame done", lane, now, &facts);
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

    /// Adds a finished stage to the totals, the frame's cost and the trace.
    pub(super) fn record_span(&mut self, span: &SpanStats) {
        let now = self.now();
        let SpanCounts { bytes, packets, frames } = span.facts;
        let Some(thread) = self.lanes.current() else { return };
        let tally = &mut self.stages[thread.stage().unwrap_or(span.stage) as usize];
        tally.bytes += bytes;
        tally.packets += packets;
        tally.frames += frames;
        let cost = &mut thread.cost;
        match span.stage {
            Stage::Demux => {
                cost.packets += packets;
                cost.packet_bytes += bytes;
            }
            Stage::Decode => cost.decoded += frames,
            _ => {}
        }
        let facts = [("bytes", bytes), ("packets", packets), ("frames", frames)];
        let facts: Vec<_> = facts.into_iter().filter(|(_, fact)| *fact > 0).collect();
        let (name, lane) = (span.stage.name(), thread.lane);
        if let Some(trace) = &mut self.trace {
            trace.slice(&Slice { name, lane, from: span.since, to: now, facts: &facts });
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
                self.reasons.pop_first(); // most likely of a packet that gave no frame
            }
            self.reasons.insert(pts, why.clone());
        }
        self.decisions.add(decision);
    }

    /// Adds the number of results in the queue.
    pub(super) fn record_queue(&mut self, waiting: usize) {
        let now = self.now();
        self.timeline.note_waiting(now, waiting);
        if let Some(trace) = &mut self.trace {
            trace.counter("waiting for their turn", now, waiting);
        }
    }

    /// Adds a warning or an error.
    pub(super) fn record_message(&mut self, level: Level, event: &EventFields) {
        let EventFields { message, more, .. } = event;
        let message = format!("{}: {}{more}", level.as_str().to_lowercase(), message.trim());
        let message: String = message.chars().take(MESSAGE_LENGTH).collect();
        match self.messages.len() < MESSAGES || self.messages.contains_key(&message) {
            true => *self.messages.entry(message).or_default() += 1,
            false => *self.messages.entry("and others".into()).or_default() += 1,
        }
    }

    /// Adds a decoder that was opened.
    pub(super) fn record_decoder(&mut self, decoder: EventFields) {
        let EventFields { decoder, threads, on_device, refusal, .. } = decoder;
        let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        let place = if on_device { "on a device" } else { "in software" };
        let decoder = format!("{decoder}, {threads}, {place}");
        *self.decoders.entry((decoder, refusal)).or_default() += 1;
    }

    /// Resets the current thread's cost before its first frame, for which earlier work doesn't
    /// count.
    pub(super) fn start_frames(&mut self) {
        self.add_time(self.now());
        if let Some(thread) = self.lanes.current() {
            thread.cost = FrameCost::default();
        }
    }

    /// Sets the candidate counts of the current thread's frame.
    pub(super) fn record_candidates(&mut self, candidates: Candidates) {
        if let Some(thread) = self.lanes.current() {
            thread.cost.candidates = Some(candidates);
        }
    }

    /// Nanoseconds of each stage, on all threads.
    pub(super) fn times(&self) -> Times {
        let mut times = Times::default();
        for stage in Stage::ALL {
            times.add(stage, self.stages[stage as usize].time);
        }
        times
    }
}
