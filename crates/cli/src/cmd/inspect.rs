//! `moviola inspect`: what a model takes and gives, and whether it can detect.

use std::path::{Path, PathBuf};

use moviola::{
    demo,
    infer::{
        head::HeadKind,
        model::{
            ModelOptions,
            names::NamesSource,
            report::{DetectorReport, DetectorVerdict, ModelReport, Port, inspect, inspect_bytes},
        },
    },
};

use crate::{console::Console, exit::Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// An ONNX file, or `demo` for the built-in model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// How the output is read where the file leaves it open: yolov5, yolov8, yolov10, yolox
    #[arg(long)]
    head: Option<HeadKind>,
}

impl Inspect {
    pub(crate) fn run(&self, out: &mut Console) -> anyhow::Result<Exit> {
        let options = ModelOptions { head: self.head, ..ModelOptions::default() };
        let report = if self.model == Path::new(demo::NAME) {
            inspect_bytes(demo::NAME, demo::MODEL, &options)?
        } else {
            inspect(&self.model, &options)?
        };
        out.text(&describe(&report))?;
        match &report.verdict {
            DetectorVerdict::Detector(_) => Ok(Exit::Done),
            DetectorVerdict::Refused(why) => anyhow::bail!("{why}"),
        }
    }
}

fn describe(report: &ModelReport) -> String {
    let mut rows = vec![("model", report.model.clone()), ("producer", report.producer.clone())];
    rows.extend(report.inputs.iter().map(|input| ("input", port(input))));
    rows.extend(report.outputs.iter().map(|output| ("output", port(output))));
    let metadata = &report.metadata;
    rows.extend(metadata.description.iter().map(|text| ("description", text.clone())));
    rows.extend(metadata.license.iter().map(|text| ("licence", text.clone())));
    match &report.verdict {
        DetectorVerdict::Detector(detector) => rows.extend(rows_of(detector)),
        DetectorVerdict::Refused(_) => rows.push(("detector", "no".into())),
    }
    let mut text = String::new();
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        text += &format!("{name:<13}{value}\n");
    }
    text
}

fn port(port: &Port) -> String {
    format!("{} {}[{}]", port.name, port.element, port.shape.join(", "))
}

fn rows_of(detector: &DetectorReport) -> Vec<(&'static str, String)> {
    let preprocess = &detector.preprocess;
    let (width, height) = (preprocess.size.width, preprocess.size.height);
    let letterbox = format!(
        "{width}x{height}, {:?}, {:?}, white is {}, border {}",
        preprocess.fit, preprocess.channels, preprocess.white, preprocess.border
    );
    let nms =
        if detector.needs_nms { "overlapping boxes are thinned out here" } else { "not needed" };
    let from = match detector.names_from {
        NamesSource::Caller => "given",
        NamesSource::Metadata => "from the file",
        NamesSource::AssumedCoco => "the file names none: COCO's are assumed",
        NamesSource::Numbered => "the file names none",
    };
    let names: Vec<&str> = detector.classes.iter().map(|name| &**name).collect();
    vec![
        ("head", format!("{}: {}", detector.head, detector.why)),
        ("letterbox", letterbox.to_lowercase()),
        ("NMS", nms.into()),
        ("classes", format!("{} ({from}): {}", names.len(), names.join(", "))),
    ]
}
