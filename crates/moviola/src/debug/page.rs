//! The report: what was measured, as one page that needs nothing else.

use std::time::Duration;

use moviola_infer::provider::ProviderReport;
use moviola_media::budget;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::{
    advice::{Known, advice},
    collector::{Collector, Observed},
    decisions,
    environment::{self, Fact},
    frames::{Clock, Frames, Shown, millis},
    stage::Stage,
    timeline::Timeline,
};
use crate::{
    Fast, Plan, Records, cpu,
    plan::Frames as Wanted,
    records::{EndRecord, ErrorRecord, Record, SourceRecord},
    records::{SourceTally, seconds},
};

/// The most error records that are shown.
const MOST_ERRORS: usize = 200;

const HTML: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/style.css");
const BASE: &str = include_str!("report/base.js");
const TIMELINE: &str = include_str!("report/timeline.js");
const DECISIONS: &str = include_str!("report/decisions.js");
const PAGE: &str = include_str!("report/page.js");

/// What a run took.
#[derive(Clone, Debug, Serialize)]
pub struct Statistics {
    /// Seconds from the start to the last record, or to when the run was finished before that.
    pub wall: f64,
    /// Seconds to the first record of a frame, if there was one.
    pub first_record: Option<f64>,
    /// Seconds of CPU time of the whole process, the report included.
    pub cpu: f64,
    /// Cores that could be used.
    pub cores: usize,
    /// The share of their time that they were used.
    pub busy: f64,
    /// The most bytes that the process had in memory, if that can be known.
    pub peak_memory: Option<u64>,
    /// Frames that were handed out.
    pub frames: u64,
    /// Error records.
    pub errors: u64,
    /// Seconds of the presentation for each second it took, if it was read to its end and says how
    /// long it is.
    pub speed: Option<f64>,
    /// What each stage took, those that were never entered left out.
    pub stages: Vec<StageReport>,
}

/// What a stage took.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    /// Which.
    pub stage: Stage,
    /// Seconds on all threads, without the stages within it.
    pub seconds: f64,
    /// What it gave, in bytes, where it says so.
    pub bytes: u64,
    /// Packets it gave, or took.
    pub packets: u64,
    /// Pictures it gave.
    pub frames: u64,
    /// Milliseconds for a frame: half of them took no longer. Within 3 %, as the next.
    pub median: f64,
    /// Milliseconds for a frame: of twenty, nineteen took no longer.
    pub p95: f64,
    /// Milliseconds for the slowest frame.
    pub slowest: f64,
}

/// What the page will show.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) frames: Frames,
    pub(super) trace_is_full: bool,
    source: Option<SourceRecord>,
    end: Option<EndRecord>,
    errors: Vec<ErrorRecord>,
    error_count: u64,
    first_record: Option<Duration>,
    cpu_before: f64,
    cpu: f64,
    wall: f64,
    tally: SourceTally,
    duration: Option<f64>,
}

/// All that the page's script is given.
#[derive(Debug, Serialize)]
struct Data<'a> {
    source: Option<&'a SourceRecord>,
    end: Option<&'a EndRecord>,
    plan: String,
    /// Whether the plan wants every frame, so that there is nothing to decide.
    wants_all: bool,
    statistics: &'a Statistics,
    advice: Vec<String>,
    timeline: Drawn,
    frames: &'a [Shown],
    frame_count: u64,
    slowest: &'a [Shown],
    decisions: decisions::Shown<'a>,
    clock: Option<Clock>,
    environment: Vec<Fact>,
    errors: &'a [ErrorRecord],
    error_count: u64,
    messages: Vec<(&'a str, u64)>,
    trace_is_full: bool,
}

/// The timeline as it is drawn.
#[derive(Debug, Serialize)]
struct Drawn {
    /// Milliseconds.
    column: f64,
    lanes: Vec<DrawnLane>,
    waiting: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct DrawnLane {
    name: String,
    /// Of each stage that was entered, microseconds column by column.
    stages: Vec<(Stage, Vec<u64>)>,
}

impl Page {
    pub(super) fn new(frames: Frames) -> Self {
        Self {
            frames,
            trace_is_full: false,
            source: None,
            end: None,
            errors: Vec::new(),
            error_count: 0,
            first_record: None,
            cpu_before: cpu_seconds(),
            cpu: 0.0,
            wall: 0.0,
            tally: SourceTally::default(),
            duration: None,
        }
    }

    /// Notes a record, which came so long after the beginning.
    pub(super) fn take(&mut self, record: &Record, elapsed: Duration) {
        match record {
            Record::Source(source) => self.source = Some(source.clone()),
            Record::End(end) => {
                self.end = Some(end.clone());
                self.wall = seconds(elapsed);
            }
            Record::Error(error) => {
                self.error_count += 1;
                if self.errors.len() < MOST_ERRORS {
                    self.errors.push(error.clone());
                }
            }
            _ => {
                self.first_record.get_or_insert(elapsed);
            }
        }
    }

    /// Notes what a run took, now that it ends.
    pub(super) fn end(&mut self, collector: &Collector, records: &Records) {
        if self.end.is_none() {
            self.wall = seconds(collector.observed().started.elapsed());
        }
        self.cpu = cpu_seconds() - self.cpu_before;
        self.tally = records.tally();
        self.duration = records.duration();
    }

    /// The page, and the numbers it shows.
    pub(super) fn render(
        &self,
        fast: &Fast,
        provider: Option<&ProviderReport>,
        collector: &Collector,
    ) -> (String, Statistics) {
        let (plan, observed) = (fast.plan(), collector.observed());
        let statistics = self.statistics(plan, &observed);
        let features = cpu::features();
        let known = Known {
            plan,
            statistics: &statistics,
            times: &observed.times(),
            provider,
            decoded: observed.stages[Stage::Decode as usize].frames,
            has_bf16: features.contains(&"avx512_bf16"),
        };
        let data = Data {
            source: self.source.as_ref(),
            end: self.end.as_ref(),
            plan: toml::to_string(plan).unwrap_or_else(|error| error.to_string()),
            wants_all: plan.frames == Wanted::All,
            statistics: &statistics,
            advice: advice(&known),
            timeline: Drawn::of(&observed.timeline),
            frames: &self.frames.shown,
            frame_count: self.frames.count,
            slowest: &self.frames.slowest,
            decisions: observed.decisions.shown(),
            clock: self.frames.clock,
            environment: environment::facts(fast, self.source.as_ref(), &observed, provider),
            errors: &self.errors,
            error_count: self.error_count,
            messages: observed
                .messages
                .iter()
                .map(|(text, count)| (text.as_str(), *count))
                .collect(),
            trace_is_full: self.trace_is_full,
        };
        (fill(&data), statistics)
    }

    fn statistics(&self, plan: &Plan, observed: &Observed) -> Statistics {
        let (wall, cpu, cores) = (self.wall, self.cpu, budget::cores());
        let is_whole = self.end.is_some() && !self.tally.failed && reads_all(plan);
        Statistics {
            wall,
            first_record: self.first_record.map(seconds),
            cpu,
            cores,
            busy: (cpu / (wall * cores as f64).max(1e-9)).min(1.0),
            peak_memory: budget::peak_resident(),
            frames: self.tally.frames,
            errors: self.error_count,
            speed: self.duration.filter(|_| is_whole).map(|length| length / wall),
            stages: Stage::ALL
                .into_iter()
                .filter_map(|stage| StageReport::of(stage, observed))
                .collect(),
        }
    }
}

/// Whether a plan goes through the whole of a source.
fn reads_all(plan: &Plan) -> bool {
    match &plan.frames {
        Wanted::Keyframes | Wanted::All => true,
        Wanted::Played(times) => times.range == (f64::NEG_INFINITY..f64::INFINITY),
        Wanted::At(_) | Wanted::Index(_) => false,
    }
}

impl StageReport {
    fn of(stage: Stage, observed: &Observed) -> Option<Self> {
        let tally = &observed.stages[stage as usize];
        (tally.time > 0).then(|| Self {
            stage,
            seconds: millis(tally.time) / 1e3,
            bytes: tally.bytes,
            packets: tally.packets,
            frames: tally.frames,
            median: millis(tally.of_frames.percentile(0.5)),
            p95: millis(tally.of_frames.percentile(0.95)),
            slowest: millis(tally.of_frames.largest()),
        })
    }
}

impl Drawn {
    fn of(timeline: &Timeline) -> Self {
        let lanes = timeline.lanes().iter().map(|lane| {
            let of = |stage: Stage| lane.columns.iter().map(move |times| times.of(stage) / 1000);
            let stages = Stage::ALL.into_iter().filter(|stage| of(*stage).any(|time| time > 0));
            DrawnLane {
                name: lane.name.clone(),
                stages: stages.map(|stage| (stage, of(stage).collect())).collect(),
            }
        });
        Self {
            column: timeline.column_seconds() * 1e3,
            lanes: lanes.collect(),
            waiting: timeline.waiting().to_vec(),
        }
    }
}

/// Puts the data into the page.
fn fill(data: &Data<'_>) -> String {
    // A record of plain numbers and texts can't fail to be written.
    let json = serde_json::to_string(data).unwrap_or_default();
    // Nothing in it may look like the end of the script.
    let json = json.replace('<', "\\u003c");
    let parts = [
        ("{{style}}", STYLE),
        ("{{data}}", &json),
        ("{{base}}", BASE),
        ("{{timeline}}", TIMELINE),
        ("{{decisions}}", DECISIONS),
        ("{{page}}", PAGE),
    ];
    let mut page = String::with_capacity(2 * HTML.len() + json.len());
    let mut rest = HTML;
    for (mark, text) in parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page + rest
}

/// Seconds of CPU time that this process took.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
