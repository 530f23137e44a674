//! What was heard of the stages, on all threads.

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
    listener::{EventFields, Facts, Listener, SpanStats},
    stage::{Stage, Times},
    timeline::Timeline,
    trace::{Slice, TraceWriter},
};

/// Reasons that are remembered until their frame is done.
const REASONS: usize = 256;

/// Warnings and errors that are kept.
const MESSAGES: usize = 100;

/// Letters of each.
const MESSAGE_LENGTH: usize = 500;

/// What was heard so far. Its clones hear together.
#[derive(Clone)]
pub(super) struct Collector(Arc<Mutex<Observed>>);

/// All that was heard.
pub(super) struct Observed {
    pub(super) started: Instant,
    lanes: Lanes,
    pub(super) timeline: Timeline,
    pub(super) stages: [Tally; Stage::COUNT],
    pub(super) decisions: Decisions,
    /// How often a decoder was opened, and why not on a device that there is.
    pub(super) decoders: BTreeMap<(String, String), u64>,
    /// Why the packet of that pts was kept, if its frame isn't done.
    reasons: BTreeMap<i64, String>,
    /// Warnings and errors, each with how often it came.
    pub(super) messages: BTreeMap<String, u64>,
    pub(super) trace: Option<TraceWriter<BufWriter<NewFile>>>,
}

/// What was heard of a stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Nanoseconds on all threads, without the stages within.
    pub(super) time: u64,
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) frames: u64,
    /// Nanoseconds for each frame that was done.
    pub(super) of_frames: Histogram,
}

impl Collector {
    /// Hears from now on; events go to `trace`.
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

    /// What threads have to tell for this to hear it; who listened before still hears the rest.
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
    /// Nanoseconds since the beginning.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn begin(&mut self, stage: Stage) -> u64 {
        let now = self.now();
        self.charge(now);
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

    pub(super) fn end(&mut self) {
        let now = self.now();
        self.charge(now);
        self.lanes.end();
    }

    /// The time up to now goes to the stage that the thread is at. What the report takes is no
    /// frame's effort: it would be that of the next.
    fn charge(&mut self, now: u64) {
        let Some(thread) = self.lanes.this() else { return };
        let Some(stage) = thread.stage() else { return };
        let time = now.saturating_sub(thread.since);
        if stage != Stage::Report {
            thread.cost.times.add(stage, time);
        }
        self.stages[stage as usize].time += time;
        self.timeline.charge(thread.lane, stage, thread.since, now);
        thread.since = now;
    }

    /// What this thread did for the frame that it is done with, and why that was kept; for frames
    /// whose effort is to be shown.
    pub(super) fn finish_frame(&mut self, frame: &Frame) -> (FrameCost, Option<String>, usize) {
        let (now, pts) = (self.now(), frame.pts.map(|pts| pts.ticks));
        self.charge(now);
        let lane = self.lanes.this().map(|thread| thread.lane);
        if let Some(trace) = &mut self.trace {
            let facts = json!({"number": frame.number, "pts": pts, "time": frame.time});
            trace.instant("frame done", lane, now, &facts);
        }
        let why = pts.and_then(|pts| self.reasons.remove(&pts));
        let Some(thread) = self.lanes.this() else { return (FrameCost::default(), why, 0) };
        let (cost, lane) = (std::mem::take(&mut thread.cost), thread.lane);
        for stage in Stage::ALL {
            match cost.times.of(stage) {
                0 => {}
                time => self.stages[stage as usize].of_frames.add(time),
            }
        }
        (cost, why, lane)
    }

    pub(super) fn tell(&mut self, span: &SpanStats) {
        let now = self.now();
        let Facts { bytes, packets, frames } = span.facts;
        let Some(thread) = self.lanes.this() else { return };
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

    pub(super) fn decided(&mut self, decision: EventFields) {
        let EventFields { verdict, why, pts, bytes, .. } = &decision;
        let now = self.now();
        let lane = self.lanes.this().map(|thread| thread.lane);
        if let Some(trace) = &mut self.trace {
            trace.instant(verdict, lane, now, &json!({"why": why, "pts": pts, "bytes": bytes}));
        }
        if let (&Some(pts), "kept") = (pts, verdict.as_str()) {
            if self.reasons.len() >= REASONS {
                self.reasons.pop_first(); // of a frame that never came, most likely
            }
            self.reasons.insert(pts, why.clone());
        }
        self.decisions.add(decision);
    }

    pub(super) fn waits(&mut self, waiting: usize) {
        let now = self.now();
        self.timeline.note_waiting(now, waiting);
        if let Some(trace) = &mut self.trace {
            trace.counter("waiting for their turn", now, waiting);
        }
    }

    pub(super) fn warned(&mut self, level: Level, words: &EventFields) {
        let EventFields { message, more, .. } = words;
        let message = format!("{}: {}{more}", level.as_str().to_lowercase(), message.trim());
        let message: String = message.chars().take(MESSAGE_LENGTH).collect();
        match self.messages.len() < MESSAGES || self.messages.contains_key(&message) {
            true => *self.messages.entry(message).or_default() += 1,
            false => *self.messages.entry("and others".into()).or_default() += 1,
        }
    }

    pub(super) fn opened(&mut self, decoder: EventFields) {
        let EventFields { decoder, threads, on_device, refusal, .. } = decoder;
        let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        let place = if on_device { "on a device" } else { "in software" };
        let decoder = format!("{decoder}, {threads}, {place}");
        *self.decoders.entry((decoder, refusal)).or_default() += 1;
    }

    /// This thread begins with frames: what it did before isn't for them.
    pub(super) fn begins(&mut self) {
        self.charge(self.now());
        if let Some(thread) = self.lanes.this() {
            thread.cost = FrameCost::default();
        }
    }

    /// What became of the boxes on the frame that this thread works on.
    pub(super) fn found(&mut self, candidates: Candidates) {
        if let Some(thread) = self.lanes.this() {
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
