//! `moviola doctor`: what works on this machine, and what to install for the rest.

mod hardware;

use moviola::{
    demo,
    infer::{
        detect::{Detector, DetectorOptions},
        error::Error,
        provider::Provider,
        runtime::Runtime,
        session::SessionOptions,
    },
    system::{cpu, ffmpeg, hardware::HwKind},
};

use self::hardware::hardware;
use super::version::ffmpeg_line;
use crate::{console::Console, exit::Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {}

/// Decoders that users expect, by FFmpeg's names.
const DECODERS: [&str; 11] = [
    "h264",
    "hevc",
    "vvc",
    "libdav1d",
    "vp8",
    "vp9",
    "mpeg2video",
    "mpeg4",
    "mjpeg",
    "prores",
    "aac",
];

/// The result of a check, as text.
enum Finding {
    /// It works.
    Ok(String),
    /// It is missing; the text contains how to install it.
    Missing(String),
    /// It is absent, and not needed.
    Absent(String),
}

impl Doctor {
    pub(crate) fn run(&self, out: &mut Console) -> anyhow::Result<Exit> {
        let mut findings = vec![
            ("FFmpeg", Finding::Ok(ffmpeg_line())),
            ("decoders", decoders()),
            ("CPU", Finding::Ok(cpu())),
        ];
        findings.extend(HwKind::ALL.map(|kind| ("hardware", hardware(kind))));
        match Runtime::load() {
            Ok(runtime) => {
                let (version, place) = (runtime.version(), runtime.place());
                let path = runtime.path().display();
                findings
                    .push(("ONNX Runtime", Finding::Ok(format!("{version}, {path} ({place})"))));
                findings.extend(Provider::ALL.map(|one| ("provider", provider(one))));
            }
            Err(error) => findings.push(("ONNX Runtime", Finding::Missing(error.to_string()))),
        }
        findings.push(("whisper.cpp", Finding::Absent("not in this build".into())));
        out.text(&table(&findings))?;
        let well = !findings.iter().any(|(_, finding)| matches!(finding, Finding::Missing(_)));
        Ok(if well { Exit::Done } else { Exit::Partly })
    }
}

fn decoders() -> Finding {
    let all: Vec<_> = ffmpeg::decoders().collect();
    let (here, missing): (Vec<_>, Vec<_>) = DECODERS.iter().partition(|name| all.contains(name));
    match missing.as_slice() {
        [] => Finding::Ok(format!("{}, among them {}", all.len(), join(&here))),
        _ => Finding::Missing(format!("FFmpeg was built without {}", join(&missing))),
    }
}

fn join(names: &[&&str]) -> String {
    names.iter().map(|name| **name).collect::<Vec<_>>().join(", ")
}

fn cpu() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let features = cpu::features();
    let features =
        if features.is_empty() { "no vector units we use".into() } else { features.join(", ") };
    format!("{cores} cores for this process, {}, {features}", std::env::consts::ARCH)
}

/// Whether the demo model runs on `provider`. Only a run shows it: a library may contain a provider
/// that doesn't work on this machine.
fn provider(provider: Provider) -> Finding {
    let session = SessionOptions { provider, threads: 1, ..SessionOptions::default() };
    let options = DetectorOptions { session, ..DetectorOptions::default() };
    match Detector::from_bytes(demo::NAME, demo::MODEL, &options) {
        Ok(_) => Finding::Ok(format!("{provider} runs")),
        Err(Error::Provider { reason, .. }) => Finding::Absent(format!("{provider}: {reason}")),
        Err(error) => Finding::Missing(format!("{provider}: {error}")),
    }
}

fn table(findings: &[(&str, Finding)]) -> String {
    let mut table = String::new();
    for (name, finding) in findings {
        let (sign, text) = match finding {
            Finding::Ok(text) => ("\x1b[32mok\x1b[0m", text),
            Finding::Missing(text) => ("\x1b[31mno\x1b[0m", text),
            Finding::Absent(text) => ("- ", text),
        };
        let text = text.replace('\n', "\n                      ");
        table += &format!("{sign}  {name:<18}{text}\n");
    }
    table
}
