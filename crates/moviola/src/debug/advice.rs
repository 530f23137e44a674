//! What would make it faster.
//!
//! Each rule looks at what was measured and names the measurement, so that whoever reads it can
//! judge. Of a few milliseconds nothing is said.

use moviola_av::remedy::Remedy;
use moviola_infer::provider::{Precision, Provider, ProviderReport};

use super::{
    page::Statistics,
    stage::{Stage, Times},
};
use crate::{Plan, plan::Frames};

/// A run that takes less needs no advice, in seconds.
const QUICK: f64 = 0.2;

/// What is known when advice is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) plan: &'a Plan,
    pub(super) statistics: &'a Statistics,
    pub(super) times: &'a Times,
    pub(super) provider: Option<&'a ProviderReport>,
    /// Pictures that were decoded.
    pub(super) decoded: u64,
    /// Whether this CPU computes with bf16.
    pub(super) has_bf16: bool,
}

type Rule = fn(&Known<'_>) -> Option<String>;

const RULES: [Rule; 7] =
    [model_loads, precision, slow_provider, decodes_more, encodes, reads_slowly, idle_cores];

/// What would make it faster, the most promising first; what was measured if nothing would.
pub(super) fn advice(known: &Known<'_>) -> Vec<String> {
    let mut advice: Vec<_> = RULES.iter().filter_map(|rule| rule(known)).collect();
    if advice.is_empty() {
        advice.push(nothing_left(known));
    }
    advice.extend(own_cost(known));
    advice
}

impl Known<'_> {
    /// The share of a stage in what was done for the result.
    fn share(&self, stage: Stage) -> f64 {
        self.times.of(stage) as f64 / (self.times.busy() as f64).max(1.0)
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn model_loads(known: &Known<'_>) -> Option<String> {
    let share = known.share(Stage::Load);
    (share > 0.3 && known.statistics.wall > QUICK).then(|| {
        format!(
            "Loading the model is {} of the work. Over several files `{}` loads it once for each \
             worker, whatever their number.",
            percent(share),
            Remedy::UseBulk
        )
    })
}

fn precision(known: &Known<'_>) -> Option<String> {
    let report = known.provider?;
    let share = known.share(Stage::Infer);
    let could = known.has_bf16 && report.provider == Provider::OpenVino;
    (share > 0.4 && could && report.precision == Precision::F32).then(|| {
        format!(
            "The model is {} of the work, in f32. This CPU computes with bf16, which takes about \
             half the time: `{}`. It moves the confidences of unsure boxes.",
            percent(share),
            Remedy::UsePrecision("bf16")
        )
    })
}

fn slow_provider(known: &Known<'_>) -> Option<String> {
    let report = known.provider?;
    let share = known.share(Stage::Infer);
    // Of those that come first, most are for other machines; OpenVINO runs on CPUs.
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

fn decodes_more(known: &Known<'_>) -> Option<String> {
    let (share, frames) = (known.share(Stage::Decode), known.statistics.frames.max(1));
    let each = known.decoded as f64 / frames as f64;
    if share < 0.4 || each < 3.0 || known.plan.frames == Frames::Keyframes {
        return None;
    }
    Some(format!(
        "Decoding is {} of the work: {} pictures were decoded for {frames} frames, because others \
         refer to them. Keyframes need no other pictures: `{}`, or a source with more of them, would \
         do with less.",
        percent(share),
        known.decoded,
        Remedy::OnlyKeyframes
    ))
}

fn encodes(known: &Known<'_>) -> Option<String> {
    let share = known.share(Stage::Encode);
    (share > 0.3).then(|| {
        format!(
            "Making image files is {} of the work. Smaller ones (`{}`) and JPEG instead of PNG \
             take less.",
            percent(share),
            Remedy::ShrinkImage
        )
    })
}

fn reads_slowly(known: &Known<'_>) -> Option<String> {
    let share = known.share(Stage::Demux) + known.share(Stage::Open);
    (share > 0.3 && known.statistics.wall > QUICK).then(|| {
        format!(
            "Opening and reading the source is {} of the work: its medium or the network is slow, or \
             its container has to be searched. A copy on a local disk would show which.",
            percent(share)
        )
    })
}

fn idle_cores(known: &Known<'_>) -> Option<String> {
    let Statistics { busy, wall, cores, .. } = *known.statistics;
    (busy < 0.7 && wall > QUICK && cores > 1).then(|| {
        format!(
            "The {cores} cores were busy {} of the time. The lanes below show what was waited for: \
             a short source, a model that loads, one group of pictures too long to share, or \
             nothing, if `{}` gave fewer threads than there are cores.",
            percent(busy),
            Remedy::SetThreads
        )
    })
}

/// What the report takes is no part of other runs.
fn own_cost(known: &Known<'_>) -> Option<String> {
    let report = known.times.of(Stage::Report) as f64;
    let share = report / (report + known.times.busy() as f64).max(1.0);
    (share > 0.1).then(|| {
        format!(
            "The pictures in this report took {} of the time; other runs don't make them.",
            percent(share)
        )
    })
}

fn nothing_left(known: &Known<'_>) -> String {
    if known.statistics.frames == 0 {
        return "No frame came, so there is nothing to make faster.".into();
    }
    let stages = [Stage::Decode, Stage::Infer, Stage::Convert, Stage::Encode];
    let parts: Vec<_> = stages
        .into_iter()
        .filter(|stage| known.share(*stage) >= 0.01)
        .map(|stage| format!("{} {}", stage.name(), percent(known.share(stage))))
        .collect();
    let with = if parts.is_empty() { "" } else { ", with " };
    format!(
        "Nothing stands out: the cores were busy {} of the time{with}{}.",
        percent(known.statistics.busy),
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of 2 s with 10 frames.
    struct Case<'a> {
        /// What each stage took.
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

    /// The advice in a case, each of which contains those words.
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
        let mut times = Times::default();
        shares.iter().for_each(|(stage, share)| times.add(*stage, *share));
        let plan = Plan { frames, ..Plan::default() };
        let got = advice(&Known {
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
    fn each_rule_speaks_where_its_stage_weighs() {
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
    fn idle_cores_and_pictures_on_the_way_are_told() {
        let shares = &[(Stage::Decode, 100)];
        let idle = Case { shares, busy: 0.5, ..Case::default() };
        check(idle, &["2 cores were busy 50 %"]);
        let on_the_way = || Case { shares, decoded: 90, ..Case::default() };
        check(Case { frames: Frames::All, ..on_the_way() }, &["90 pictures were decoded for 10"]);
        check(on_the_way(), &["Nothing stands out"]);
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
