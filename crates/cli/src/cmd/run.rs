//! `moviola run`: several things at once from one read of each input.

use std::path::PathBuf;

use moviola::{
    Plan,
    plan::Frames,
    still::{ImageFormat, StillOptions},
    video::OnDamage,
};

use crate::{
    args::Global,
    exit::Exit,
    fast,
    inference::{ANNOTATED_QUALITY, InferenceArgs, ThreadsArg, check_model},
    input::{IndexArgs, Inputs},
    output::Output,
    pictures::ImageArgs,
};

/// The flags that a plan's file stands for.
const WANTED: [&str; 17] = [
    "keyframes",
    "on",
    "on_damage",
    "format",
    "quality",
    "max_size",
    "hash",
    "coded",
    "detect",
    "conf",
    "iou",
    "max_det",
    "classes",
    "agnostic_nms",
    "head",
    "provider",
    "precision",
];

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    inputs: Inputs,
    /// A plan in TOML or JSON, in place of the flags that say what is wanted
    #[arg(long, value_name = "FILE", conflicts_with_all = WANTED)]
    plan: Option<PathBuf>,
    /// A record of each frame, be it a keyframe or another; -o adds an image
    #[arg(long, visible_alias = "frames")]
    keyframes: bool,
    /// Find objects with this model: an ONNX file of a YOLO family, or `demo`
    #[arg(long, value_name = "MODEL")]
    detect: Option<PathBuf>,
    /// Which frames: `keyframes`, `all`, or those shown `every:0.5s`
    #[arg(long, value_name = "FRAMES", default_value = "keyframes")]
    on: Frames,
    /// What to do about damaged frames: keep, fail, skip, repeat the last whole one, black; not with
    /// keyframes
    #[arg(long, value_name = "HOW", default_value = "keep")]
    on_damage: OnDamage,
    #[arg(long, value_name = "DIR", help = "Draw the boxes into DIR/<stem>/<number>.jpg")]
    annotate: Option<PathBuf>,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    threads: ThreadsArg,
    #[command(flatten)]
    inference: InferenceArgs,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Run {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        self.inputs.check()?;
        let plan = self.plan()?;
        if let Some(detect) = &plan.detect {
            check_model(&detect.model)?;
        }
        let options = self.threads.on(self.index_args.source_options(global));
        let places = self.images.places(self.annotate.as_deref());
        fast::run(plan, &self.inputs, places, options, out)
    }

    fn plan(&self) -> anyhow::Result<Plan> {
        let Some(path) = &self.plan else { return Ok(self.flags()) };
        let mut plan = Plan::read(path)?;
        let places = self.images.places(self.annotate.as_deref());
        if places.stills.is_some() {
            let stills = plan.stills.get_or_insert_with(StillOptions::default);
            stills.image.get_or_insert(ImageFormat::Jpeg);
        } else if let Some(stills) = &mut plan.stills {
            stills.image = None; // there is no place for it
        }
        if let Some(detect) = &mut plan.detect {
            let quality = detect.annotate.unwrap_or(ANNOTATED_QUALITY);
            detect.annotate = places.annotated.map(|_| quality);
        }
        Ok(plan)
    }

    /// What the flags want.
    fn flags(&self) -> Plan {
        let stills = self.images.still_options();
        let wants_stills = self.keyframes || stills.image.is_some() || stills.hash;
        let annotate = self.annotate.is_some();
        let detect = self.detect.as_deref().map(|model| self.inference.detect(model, annotate));
        Plan {
            frames: self.on.clone(),
            on_damage: self.on_damage,
            stills: wants_stills.then_some(stills),
            detect,
        }
    }
}
