//! The report's page: one HTML file without external resources.

use std::time::Duration;

use moviola_infer::provider::ProviderReport;
use moviola_media::budget;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::{
    advice::{RunFacts, advice},
    collector::{Collector, Measurements},
    decisions,
    environment::{self, Fact},
    frames::{Clock, FrameData, FrameSelection, millis},
    stage::Stage,
    timeline::Timeline,
};
use crate::{
    Fast, Plan, Records,
    plan::Frames as PlanFrames,
    records::{EndRecord, ErrorRecord, Record, SourceRecord},
    records::{SourceTally, seconds},
    system::cpu,
};

/// The most error records that are shown.
const MAX_ERRORS: usize = 200;

const HTML: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/style.css");
const BASE: &str = include_str!("report/base.js");
const TIMELINE: &str = include_str!("report/timeline.js");
const DECISIONS: &str = include_str!("report/decisions.js");
const PAGE: &str = include_str!("report/page.js");

/// The measurements of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Statistics {
    /// Seconds from the start to the `end` record, or to the stop of a run that was stopped
    /// earlier.
    pub wall: f64,
    /// Seconds to the first record of a frame, if there was one.
    pub first_record: Option<f64>,
    /// Seconds of CPU time of the whole process, the report included.
    pub cpu: f64,
    /// Number of available cores.
    pub cores: usize,
    /// The share of the cores' time that was used, 0.0 to 1.0.
    pub busy: f64,
    /// The process's peak of resident memory in bytes, if the system reports it.
    pub peak_memory: Option<u64>,
    /// Number of frames with at least one record that isn't an error.
    pub frames: u64,
    /// Number of error records.
    pub errors: u64,
    /// Seconds of presentation per second of wall time, if the source was read whole and its length
    /// is known.
    pub speed: Option<f64>,
    /// The measurements of each stage that was entered.
    pub stages: Vec<StageReport>,
}

/// The measurements of a stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// Seconds on all threads, without the stages within it.
    pub seconds: f64,
    /// Bytes of output, if the stage reports them.
    pub bytes: u64,
    /// Number of packets that were read or decoded.
    pub packets: u64,
    /// Number of frames of output.
    pub frames: u64,
    /// Median of the milliseconds for a frame, within 3 %.
    pub median: f64,
    /// 95th percentile of the milliseconds for a frame, within 3 %.
    pub p95: f64,
    /// Milliseconds for the slowest frame.
    pub slowest: f64,
}

/// What the page shows, collected during the run.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) frames: FrameSelection,
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

/// The data for the page's script.
#[derive(Debug, Serialize)]
struct PageData<'a> {
    source: Option<&'a SourceRecord>,
    end: Option<&'a EndRecord>,
    plan: String,
    /// Whether the plan selects all frames, so that no packet is skipped.
    wants_all: bool,
    statistics: &'a Statistics,
    advice: Vec<String>,
    timeline: TimelineData,
    frames: &'a [FrameData],
    frame_count: u64,
    slowest: &'a [FrameData],
    decisions: decisions::DecisionsData<'a>,
    clock: Option<Clock>,
    environment: Vec<Fact>,
    errors: &'a [ErrorRecord],
    error_count: u64,
    messages: Vec<(&'a str, u64)>,
    trace_is_full: bool,
}

/// The timeline as data for the page.
#[derive(Debug, Serialize)]
struct TimelineData {
    /// Width of a column in milliseconds.
    column: f64,
    lanes: Vec<LaneData>,
    waiting: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct LaneData {
    name: String,
    /// For each stage that was entered, the microseconds in each column.
    stages: Vec<(Stage, Vec<u64>)>,
}

impl Page {
    pub(super) fn new(frames: FrameSelection) -> Self {
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

    /// Adds a record that was returned `elapsed` after the start.
    pub(super) fn take(&mut self, record: &Record, elapsed: Duration) {
        match record {
            Record::Source(source) => self.source = Some(source.clone()),
            Record::End(end) => {
                self.end = Some(end.clone());
                self.wall = seconds(elapsed);
            }
            Record::Error(error) => {
                self.error_count += 1;
                if self.errors.len() < MAX_ERRORS {
                    self.errors.push(error.clone());
                }
            }
            _ => {
                self.first_record.get_or_insert(elapsed);
            }
        }
    }

    /// Takes the final measurements at the end of the run.
    pub(super) fn end(&mut self, collector: &Collector, records: &Records) {
        if self.end.is_none() {
            self.wall = seconds(collector.measurements().started.elapsed());
        }
        self.cpu = cpu_seconds() - self.cpu_before;
        self.tally = records.tally();
        self.duration = records.duration();
    }

    /// The page's HTML, and the statistics that it shows.
    pub(super) fn render(
        &self,
        fast: &Fast,
        provider: Option<&ProviderReport>,
        collector: &Collector,
    ) -> (String, Statistics) {
        let (plan, measurements) = (fast.plan(), collector.measurements());
        let statistics = self.statistics(plan, &measurements);
        let features = cpu::features();
        let run = RunFacts {
            plan,
            statistics: &statistics,
            times: &measurements.times(),
            provider,
            decoded: measurements.stages[Stage::Decode as usize].frames,
            has_bf16: features.contains(&"avx512_bf16"),
        };
        let data = PageData {
            source: self.source.as_ref(),
            end: self.end.as_ref(),
            plan: toml::to_string(plan).unwrap_or_else(|error| error.to_string()),
            wants_all: plan.frames == PlanFrames::All,
            statistics: &statistics,
            advice: advice(&run),
            timeline: TimelineData::of(&measurements.timeline),
            frames: &self.frames.selected,
            frame_count: self.frames.count,
            slowest: &self.frames.slowest,
            decisions: measurements.decisions.data(),
            clock: self.frames.clock,
            environment: environment::facts(fast, self.source.as_ref(), &measurements, provider),
            errors: &self.errors,
            error_count: self.error_count,
            messages: measurements
                .messages
                .iter()
                .map(|(text, count)| (text.as_str(), *count))
                .collect(),
            trace_is_full: self.trace_is_full,
        };
        (fill(&data), statistics)
    }

    fn statistics(&self, plan: &Plan, measurements: &Measurements) -> Statistics {
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
                .filter_map(|stage| StageReport::of(stage, measurements))
                .collect(),
        }
    }
}

/// Whether the plan reads the source from start to end.
fn reads_all(plan: &Plan) -> bool {
    match &plan.frames {
        PlanFrames::Keyframes | PlanFrames::All => true,
        PlanFrames::Played(times) => times.range == (f64::NEG_INFINITY..f64::INFINITY),
        PlanFrames::At(_) | PlanFrames::Index(_) => false,
    }
}

impl StageReport {
    fn of(stage: Stage, measurements: &Measurements) -> Option<Self> {
        let totals = &measurements.stages[stage as usize];
        (totals.time > 0).then(|| Self {
            stage,
            seconds: millis(totals.time) / 1e3,
            bytes: totals.bytes,
            packets: totals.packets,
            frames: totals.frames,
            median: millis(totals.frame_times.percentile(0.5)),
            p95: millis(totals.frame_times.percentile(0.95)),
            slowest: millis(totals.frame_times.largest()),
        })
    }
}

impl TimelineData {
    fn of(timeline: &Timeline) -> Self {
        let lanes = timeline.lanes().iter().map(|lane| {
            let of = |stage: Stage| lane.columns.iter().map(move |times| times.of(stage) / 1000);
            let stages = Stage::ALL.into_iter().filter(|stage| of(*stage).any(|time| time > 0));
            LaneData {
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

/// Inserts the data, styles and scripts into the page's template.
fn fill(data: &PageData<'_>) -> String {
    // Numbers and texts can always be serialised.
    let json = serde_json::to_string(data).unwrap_or_default();
    // `<` is escaped so that no text can end the script element.
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

/// CPU time of this process in seconds.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
