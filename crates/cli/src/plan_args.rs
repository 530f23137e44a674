//! What is wanted of each input: the flags of the commands that do several things at once.

use std::path::PathBuf;

use anyhow::bail;
use moviola::{
    Plan,
    plan::Frames,
    source::SourceOptions,
    still::{ImageFormat, StillOptions},
    video::OnDamage,
};

use crate::{
    args::Global,
    inference::{ANNOTATED_QUALITY, InferenceArgs, check_model},
    input::IndexArgs,
    pictures::LookArgs,
    run::fast::OutputDirs,
};

/// The flags that a plan's file stands for.
const FLAGS: [&str; 17] = [
    "keyframes",
    "detect",
    "on",
    "on_damage",
    "format",
    "quality",
    "max_size",
    "hash",
    "coded",
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
pub(crate) struct PlanArgs {
    /// A plan in TOML or JSON, in place of the flags that say what is wanted
    #[arg(long, value_name = "FILE", conflicts_with_all = FLAGS, group = "searched")]
    plan: Option<PathBuf>,
    /// A record of each frame, be it a keyframe or another, and an image if there is a folder for it
    #[arg(long, visible_alias = "frames")]
    keyframes: bool,
    /// Find objects with this model: an ONNX file of a YOLO family, or `demo`
    #[arg(long, value_name = "MODEL", group = "searched")]
    detect: Option<PathBuf>,
    /// Which frames: `keyframes`, `all`, those shown `every:0.5s`, in the `range:10s..20s` (or both, with a
    /// comma), `at:1.5s,2s`, or those of numbers, as `index:0,100,-1`
    #[arg(long, value_name = "FRAMES", default_value = "keyframes")]
    on: Frames,
    /// What to do about damaged frames: keep, fail, skip, repeat the last whole one, black; not with
    /// keyframes
    #[arg(long, value_name = "HOW", default_value = "keep")]
    on_damage: OnDamage,
    #[arg(
        long,
        value_name = "DIR",
        requires = "searched",
        help = "Draw the boxes into DIR/<stem>/<number>.jpg"
    )]
    pub(crate) annotate: Option<PathBuf>,
    #[command(flatten)]
    inference: InferenceArgs,
}

/// What is wanted of each input and where images go: the flags that `bulk` and `debug` share.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    /// Replace results and images that are there already
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write images to DIR/<stem>/<number>.jpg
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    wanted: PlanArgs,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl WorkArgs {
    /// Where images go.
    pub(crate) fn dirs(&self) -> OutputDirs<'_> {
        let (stills, annotated) = (self.images.as_deref(), self.wanted.annotate.as_deref());
        OutputDirs { stills, annotated, overwrite: self.overwrite }
    }

    /// The plan, with the images that there are places for.
    pub(crate) fn plan(&self) -> anyhow::Result<Plan> {
        self.wanted.plan(&self.look, self.dirs())
    }

    /// How sources are opened.
    pub(crate) fn source_options(&self, global: &Global) -> SourceOptions {
        self.index_args.source_options(global)
    }
}

impl PlanArgs {
    /// The plan, with the images that there are places for.
    pub(crate) fn plan(&self, look: &LookArgs, dirs: OutputDirs<'_>) -> anyhow::Result<Plan> {
        let plan = match &self.plan {
            Some(path) => fitted(Plan::read(path)?, dirs)?,
            None => self.flags(look, dirs),
        };
        if let Some(detect) = &plan.detect {
            check_model(&detect.model)?;
        }
        Ok(plan)
    }

    /// What the flags want.
    fn flags(&self, look: &LookArgs, dirs: OutputDirs<'_>) -> Plan {
        let stills = look.still_options(dirs.stills.is_some());
        let wants_stills = self.keyframes || stills.image.is_some() || stills.hash;
        let annotate = dirs.annotated.is_some();
        let detect = self.detect.as_deref().map(|model| self.inference.detect(model, annotate));
        Plan {
            frames: self.on.clone(),
            on_damage: self.on_damage,
            stills: wants_stills.then_some(stills),
            detect,
        }
    }
}

/// The plan, whose images have to have places.
fn fitted(mut plan: Plan, dirs: OutputDirs<'_>) -> anyhow::Result<Plan> {
    let wants_images = plan.stills.is_some_and(|stills| stills.image.is_some());
    let wants_boxes = plan.detect.as_ref().is_some_and(|detect| detect.annotate.is_some());
    if wants_images && dirs.stills.is_none() {
        bail!(
            "the plan wants images, and there is no folder for them: name one, or leave out `format`"
        );
    }
    if wants_boxes && dirs.annotated.is_none() {
        bail!("the plan wants boxes drawn: --annotate says where, or leave out `annotate`");
    }
    if dirs.stills.is_some() {
        let stills = plan.stills.get_or_insert_with(StillOptions::default);
        stills.image.get_or_insert(ImageFormat::Jpeg);
    }
    if dirs.annotated.is_some() {
        let Some(detect) = &mut plan.detect else { bail!("--annotate: the plan has no model") };
        detect.annotate.get_or_insert(ANNOTATED_QUALITY);
    }
    Ok(plan)
}
