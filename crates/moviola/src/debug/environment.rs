//! Facts about the software and the machine of a run.

use moviola_av::version as ffmpeg;
use moviola_infer::{provider::ProviderReport, runtime::Runtime};
use moviola_media::budget;
use serde::Serialize;

use super::collector::Measurements;
use crate::{Fast, records::SourceRecord, system::cpu};

/// A fact about the software or the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fact {
    name: &'static str,
    value: String,
    /// Details; empty if there are none.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl Fact {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), detail: String::new() }
    }

    fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

/// All facts about a run.
pub(super) fn facts(
    fast: &Fast,
    source: Option<&SourceRecord>,
    measurements: &Measurements,
    provider: Option<&ProviderReport>,
) -> Vec<Fact> {
    let mut facts = vec![Fact::new("Moviola", env!("CARGO_PKG_VERSION"))];
    facts.extend(source.into_iter().flat_map(of_source));
    facts.push(ffmpeg_fact());
    facts.extend(measurements.decoders.iter().map(|((decoder, refusal), opened)| {
        let reason = if refusal.is_empty() { "" } else { "; not on the device: " };
        let times = if *opened == 1 { "once".into() } else { format!("{opened} times") };
        Fact::new("Decoder", decoder.clone())
            .with_detail(format!("opened {times}{reason}{refusal}"))
    }));
    if let Some(detect) = fast.plan().detect() {
        facts.push(Fact::new("Model", detect.model.to_string()));
        facts.extend(runtime());
        facts.extend(provider.into_iter().flat_map(|one| of_provider(one, fast.models_loaded())));
    }
    facts.push(machine());
    facts
}

fn of_source(source: &SourceRecord) -> Vec<Fact> {
    let mut facts = vec![Fact::new("Container", source.container.clone())];
    facts.extend(source.video.as_ref().map(|video| {
        let side = |side: Option<u32>| side.map_or_else(|| "?".into(), |side| side.to_string());
        let size = format!("{}x{}", side(video.width), side(video.height));
        let rate = video.frame_rate.map(|rate| format!(", {rate:.3} frames a second"));
        let format = video.pixel_format.as_ref().map(|format| format!(", {format}"));
        let value = [video.codec.clone(), format!(", {size}")];
        let value = value.into_iter().chain(rate).chain(format).collect::<String>();
        Fact::new("Video", value)
    }));
    facts
}

fn ffmpeg_fact() -> Fact {
    let linkage = match ffmpeg::linkage() {
        ffmpeg::Linkage::Static => "built in",
        ffmpeg::Linkage::Shared => "the system's",
    };
    let value = format!("{}, {linkage}, {}", ffmpeg::release(), ffmpeg::license());
    Fact::new("FFmpeg", value).with_detail(ffmpeg::configuration())
}

fn runtime() -> Option<Fact> {
    let runtime = Runtime::load().ok()?;
    let value = format!("{}, {}", runtime.version(), runtime.path().display());
    Some(Fact::new("ONNX Runtime", value).with_detail(format!("found in {}", runtime.place())))
}

fn of_provider(report: &ProviderReport, count: u64) -> Vec<Fact> {
    let value = format!("{} in {}", report.provider, report.precision);
    let threads = u64::try_from(report.threads).unwrap_or(u64::MAX);
    let [sessions, threads] = [counted(count, "session"), counted(threads, "thread")];
    let value = format!("{value}, {sessions} with {threads} each");
    let mut facts = vec![Fact::new("Provider", value).with_detail(report.reason.clone())];
    facts.extend(report.skipped.iter().map(|(provider, why)| {
        Fact::new("Not used", provider.to_string()).with_detail(why.clone())
    }));
    let nodes = report.nodes.iter().map(|(name, count)| format!("{name} {count}"));
    let nodes = nodes.collect::<Vec<_>>().join(", ");
    facts.extend((!nodes.is_empty()).then(|| Fact::new("Nodes of the model", nodes)));
    facts
}

fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

fn machine() -> Fact {
    let features = cpu::features().join(", ");
    let memory = budget::memory() as f64 / f64::from(1 << 30);
    let (cores, os) = (budget::cores(), std::env::consts::OS);
    let arch = std::env::consts::ARCH;
    Fact::new("Machine", format!("{cores} cores, {memory:.1} GiB, {arch}, {os}"))
        .with_detail(format!("vector units: {features}"))
}
