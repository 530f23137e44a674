//! Advice on how to make a run faster.
//!
//! Each rule examines the measurements of a run. Its advice contains the numbers that it is based
//! on. Rules about loading, reading and idle cores don't apply to runs of a few milliseconds.

use moviola_av::remedy::Remedy;
use moviola_infer::provider::{Precision, Provider, ProviderReport};

use super::{
    page::Statistics,
    stage::{Stage, StageTimes},
};
use crate::{Plan, plan::Frames};

/// The seconds up to which a run is too short for some of the rules.
const SHORT_RUN: f64 = 0.2;

/// The facts about a run that the rules examine.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunFacts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) statistics: &'a Statistics,
    pub(super) times: &'a StageTimes,
    pub(super) provider: Option<&'a ProviderReport>,
    /// Number of frames that were decoded.
    pub(super) decoded: u64,
    /// Whether the CPU supports bf16.
    pub(super) has_bf16: bool,
}

type Rule = fn(&RunFacts<'_>) -> Option<String>;

const RULES: [Rule; 7] =
    [model_loads, precision, slow_provider, decodes_more, encodes, reads_slowly, idle_cores];

/// The advice for a run, in the order of the rules; a summary of the measurements if none applies.
pub(super) fn advice(run: &RunFacts<'_>) -> Vec<String> {
    let mut advice: Vec<_> = RULES.iter().filter_map(|rule| rule(run)).collect();
    if advice.is_empty() {
        advice.push(summary(run));
    }
    advice.extend(own_cost(run));
    advice
}

impl RunFacts<'_> {
    /// A stage's share of the work, 0.0 to 1.0. Waiting and the report are not work.
    fn share(&self, stage: Stage) -> f64 {
        self.times.of(stage) as f64 / (self.times.busy() as f64).max(1.0)
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn model_loads(run: &RunFacts<'_>) -> Option<String> {
    let share = run.share(Stage::Load);
    (share > 0.3 && run.statistics.wall > SHORT_RUN).then(|| {
        format!(
            "Loading the model is {} of the work. Over several files `{}` loads it once for each \
             worker, whatever their number.",
            percent(share),
            Remedy::UseBulk
        )
    })
}

fn precision(run: &RunFacts<'_>) -> Option<String> {
    let report = run.provider?;
    let share = run.share(Stage::Infer);
    let can_use_bf16 = run.has_bf16 && report.provider == Provider::OpenVino;
    (share > 0.4 && can_use_bf16 && report.precision == Precision::F32).then(|| {
        format!(
            "The model is {} of the work, in f32. This CPU computes with bf16, which takes about \
             half the time: `{}`. It moves the confidences of unsure boxes.",
            percent(share),
            Remedy::UsePrecision("bf16")
        )
    })
}

fn slow_provider(run: &RunFacts<'_>) -> Option<String> {
    let report = run.provider?;
    let share = run.share(Stage::Infer);
    // OpenVINO runs on CPUs; the list starts with providers for other devices.
    let on_cpus = report.skipped.iter().find(|(provider, _)| *provider == Provider::OpenVino);
    let (better, why) = on_cpus.or(report.skipped.last())?;
    (share > 0.4 && report.provider == Provider::Cpu).then(|| {
        format!(
            "The model is {} of the work, on ONNX Runtime's own CPU provider. {better} is not used: \
             {why}",
            percent(share)
        )
    })
}

fn decodes_more(run: &RunFacts<'_>) -> Option<String> {
    let (share, frames) = (run.share(Stage::Decode), run.statistics.frames.max(1));
    let each = run.decoded as f64 / frames as f64;
    if share < 0.4 || each < 3.0 || run.plan.frames == Frames::Keyframes {
        return None;
    }
    Some(format!(
        "Decoding is {} of the work: {} frames were decoded to get {frames}, because frames refer to \
         others. Keyframes need no other frames: `{}`, or a source with more of them, would \
         do with less.",
        percent(share),
        run.decoded,
        Remedy::OnlyKeyframes
    ))
}

fn encodes(run: &RunFacts<'_>) -> Option<String> {
    let share = run.share(Stage::Encode);
    (share > 0.3).then(|| {
        format!(
            "Making image files is {} of the work. Smaller ones (`{}`) and JPEG instead of PNG \
             take less.",
            percent(share),
            Remedy::ShrinkImage
        )
    })
}

fn reads_slowly(run: &RunFacts<'_>) -> Option<String> {
    let share = run.share(Stage::Demux) + run.share(Stage::Open);
    (share > 0.3 && run.statistics.wall > SHORT_RUN).then(|| {
        format!(
            "Opening and reading the source is {} of the work: its medium or the network is slow, or \
             its container has to be searched. A copy on a local disk would show which.",
            percent(share)
        )
    })
}

fn idle_cores(run: &RunFacts<'_>) -> Option<String> {
    let Statistics { busy, wall, cores, .. } = *run.statistics;
    (busy < 0.7 && wall > SHORT_RUN && cores > 1).then(|| {
        format!(
            "The {cores} cores were busy {} of the time. The lanes below show what was waited for: \
             a short source, a model that loads, one group of pictures too long to share, or \
             nothing, if `{}` gave fewer threads than there are cores.",
            percent(busy),
            Remedy::SetThreads
        )
    })
}

/// The cost of the report itself, which other runs don't have.
fn own_cost(run: &RunFacts<'_>) -> Option<String> {
    let report = run.times.of(Stage::Report) as f64;
    let share = report / (report + run.times.busy() as f64).max(1.0);
    (share > 0.1).then(|| {
        format!(
            "The images in this report took {} of the time; other runs don't make them.",
            percent(share)
        )
    })
}

fn summary(run: &RunFacts<'_>) -> String {
    if run.statistics.frames == 0 {
        return "There are no frames, so there is nothing to make faster.".into();
    }
    let stages = [Stage::Decode, Stage::Infer, Stage::Convert, Stage::Encode];
    let parts: Vec<_> = stages
        .into_iter()
        .filter(|stage| run.share(*stage) >= 0.01)
        .map(|stage| format!("{} {}", stage.name(), percent(run.share(stage))))
        .collect();
    let with = if parts.is_empty() { "" } else { ", with " };
    format!(
        "Nothing stands out: the cores were busy {} of the time{with}{}.",
        percent(run.statistics.busy),
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of 2 s with 10 frames, to test the rules on.
    struct Case<'a> {
        /// The time of each stage.
        shares: &'a [(Stage, u64)],
        frames: Frames,
        decoded: u64,
        busy: f64,
        provider: Option<ProviderReport>,
        has_bf16: bool,
    }

    impl Default for Case<'_> {
        fn default() -> Self {
            let (frames, provider) = (Frames::Keyframes, None);
            Self { shares: &[], frames, decoded: 10, busy: 0.95, provider, has_bf16: false }
        }
    }

    /// Checks that each advice for a case contains the text in `want`.
    #[track_caller]
    fn check(case: Case<'_>, want: &[&str]) {
        let Case { shares, frames, decoded, busy, provider, has_bf16 } = case;
        let statistics = Statistics {
            wall: 2.0,
            first_record: None,
            cpu: busy * 4.0,
            cores: 2,
            busy,
            peak_memory: None,
            frames: 10,
            errors: 0,
            speed: None,
            stages: Vec::new(),
        };
        let mut times = StageTimes::default();
        shares.iter().for_each(|(stage, share)| times.add(*stage, *share));
        let plan = Plan { frames, ..Plan::default() };
        let got = advice(&RunFacts {
            plan: &plan,
            statistics: &statistics,
            times: &times,
            provider: provider.as_ref(),
            decoded,
            has_bf16,
        });
        assert_eq!(got.len(), want.len(), "{got:#?}");
        for (text, words) in got.iter().zip(want) {
            assert!(text.contains(words), "{words:?} is not in {text:?}");
        }
    }

    #[test]
    fn each_rule_applies_if_its_stage_takes_long() {
        use Stage::{Decode, Demux, Encode, Infer, Load, Open, Report};
        for (shares, want) in [
            (&[(Decode, 60), (Infer, 40)][..], &["95 % of the time, with decode 60 %"][..]),
            (&[(Load, 40), (Decode, 60)], &["`Bulk` loads it once"]),
            (&[(Encode, 40), (Decode, 60)], &["(`max_size`)"]),
            (&[(Demux, 30), (Open, 10), (Decode, 60)], &["its medium"]),
            (&[(Decode, 80), (Report, 20)], &["Nothing stands out", "took 20 %"]),
            (&[(Stage::Write, 100)], &["busy 95 % of the time."]),
        ] {
            check(Case { shares, ..Case::default() }, want);
        }
    }

    #[test]
    fn idle_cores_and_additional_decoding_are_named() {
        let shares = &[(Stage::Decode, 100)];
        let idle = Case { shares, busy: 0.5, ..Case::default() };
        check(idle, &["2 cores were busy 50 %"]);
        let decodes_more = || Case { shares, decoded: 90, ..Case::default() };
        check(
            Case { frames: Frames::All, ..decodes_more() },
            &["90 frames were decoded to get 10"],
        );
        check(decodes_more(), &["Nothing stands out"]);
    }

    #[test]
    fn another_provider_or_precision_is_named_where_it_would_help() {
        let shares = &[(Stage::Decode, 30), (Stage::Infer, 70)];
        for (provider, precision, has_bf16, want) in [
            (Provider::OpenVino, Precision::F32, true, "`precision bf16`"),
            (Provider::OpenVino, Precision::F32, false, "Nothing stands out"),
            (Provider::OpenVino, Precision::Bf16, true, "Nothing stands out"),
            (Provider::Cpu, Precision::F32, true, "openvino is not used: it isn't there"),
        ] {
            let report = ProviderReport {
                provider,
                reason: String::new(),
                skipped: [
                    (Provider::Cuda, "not built in"),
                    (Provider::CoreMl, "not built in"),
                    (Provider::OpenVino, "it isn't there"),
                ]
                .map(|(provider, why)| (provider, why.into()))
                .into(),
                nodes: Vec::new(),
                precision,
                threads: 1,
            };
            check(Case { shares, provider: Some(report), has_bf16, ..Case::default() }, &[want]);
        }
    }
}
