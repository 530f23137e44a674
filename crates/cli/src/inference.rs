//! The flags of every command that runs a model.

use std::{fs::File, path::Path};

use anyhow::Context;
use moviola::{
    infer::{
        detect::filter::ClassFilter,
        head::HeadKind,
        provider::{Precision, Provider},
    },
    plan::{Detect, Model},
    source::SourceOptions,
};

const INFERENCE: &str = "Inference";

/// JPEG quality of images with boxes drawn in.
pub(crate) const ANNOTATED_QUALITY: u8 = 90;

#[derive(Debug, clap::Args)]
pub(crate) struct InferenceArgs {
    /// Leave out objects of a lower confidence
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = parse_share, help_heading = INFERENCE)]
    conf: f32,
    /// Of two boxes that overlap more than this, leave out the one of lower confidence
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = parse_share, help_heading = INFERENCE)]
    iou: f32,
    /// The most objects on one frame
    #[arg(long, value_name = "N", default_value_t = 300, help_heading = INFERENCE)]
    max_det: usize,
    /// Only these classes, by number or name, such as `0,2` or `person,car`
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true, help_heading = INFERENCE)]
    classes: ClassFilter,
    /// Leave out overlapping boxes of different classes too
    #[arg(long, help_heading = INFERENCE)]
    agnostic_nms: bool,
    /// How the model's output is read where the file leaves it open: yolov5, yolov8, yolov10, yolox
    #[arg(long, help_heading = INFERENCE)]
    head: Option<HeadKind>,
    /// What runs the model: auto, cpu, openvino, cuda, tensorrt, coreml
    #[arg(long, default_value_t, help_heading = INFERENCE)]
    provider: Provider,
    /// The precision of the model's arithmetic: f32, bf16, f16
    #[arg(long, default_value_t, help_heading = INFERENCE)]
    precision: Precision,
}

fn parse_share(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0.0 to 1.0".into())
}

impl InferenceArgs {
    /// The plan's part that these flags describe; with boxes drawn if `annotate`.
    pub(crate) fn detect(&self, model: &Path, annotate: bool) -> Detect {
        Detect {
            conf: self.conf,
            iou: self.iou,
            max_det: self.max_det,
            classes: self.classes.clone(),
            agnostic_nms: self.agnostic_nms,
            head: self.head,
            provider: self.provider,
            precision: self.precision,
            annotate: annotate.then_some(ANNOTATED_QUALITY),
            ..Detect::new(Model::parse(model))
        }
    }
}

/// The flag about threads.
#[derive(Debug, clap::Args)]
pub(crate) struct ThreadsArg {
    /// Threads for decoding and for the model together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

impl ThreadsArg {
    /// `options` with as many threads as the flag says.
    pub(crate) fn on(&self, options: SourceOptions) -> SourceOptions {
        let decoders = self.threads.map_or(options.decoders, usize::from);
        SourceOptions { decoders, ..options }
    }
}

/// Refuses a model file that can't be opened. Other faults of the model are found when it is
/// loaded, while the first source is opened.
pub(crate) fn check_model(model: &Model) -> anyhow::Result<()> {
    if let Model::File(path) = model {
        File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(())
}
