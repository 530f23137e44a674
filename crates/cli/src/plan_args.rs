//! The flags that describe a plan, for the commands that run several tasks at once.

use std::path::PathBuf;

use anyhow::bail;
use moviola::{
    Plan,
    plan::{Frames, ImageFormat, StillOptions, Task},
    source::SourceOptions,
    video::OnDamage,
};

use crate::{
    global::Global,
    image_args::StillArgs,
    inference::{ANNOTATED_QUALITY, InferenceArgs, check_model},
    output_dirs::OutputDirs,
    source_args::IndexArgs,
};

/// The flags that a plan file replaces.
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

/// The flags about the frames that tasks run on.
#[derive(Debug, clap::Args)]
pub(crate) struct FrameArgs {
    /// Which frames: `keyframes`, `all`, those shown `every:0.5s`, in a range as `range:10s..20s`
    /// (or both, with a comma), at times as `at:1.5s,2s`, or by number as `index:0,100,-1`
    #[arg(long, value_name = "FRAMES", default_value = "keyframes")]
    pub(crate) on: Frames,
    /// What to do about damaged frames: keep, fail, skip, repeat the last whole one, black; not
    /// with keyframes
    #[arg(long, value_name = "HOW", default_value = "keep")]
    pub(crate) on_damage: OnDamage,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// A plan in TOML or JSON, in place of the flags that say what is wanted
    #[arg(long, value_name = "FILE", conflicts_with_all = FLAGS, group = "searched")]
    plan: Option<PathBuf>,
    /// A record for each frame, and an image if there is a folder for it
    #[arg(long, visible_alias = "frames")]
    keyframes: bool,
    /// Find objects with this model: an ONNX file of a YOLO family, or `demo`
    #[arg(long, value_name = "MODEL", group = "searched")]
    detect: Option<PathBuf>,
    #[command(flatten)]
    frames: FrameArgs,
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

/// The flags that `bulk` and `debug` share: what is wanted of each source, and where images go.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    /// Replace records, reports and images that are there already
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write images to DIR/<stem>/<number>.jpg
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    stills: StillArgs,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl WorkArgs {
    /// The folders of the images.
    pub(crate) fn dirs(&self) -> OutputDirs<'_> {
        let (stills, annotated) = (self.images.as_deref(), self.plan.annotate.as_deref());
        OutputDirs { stills, annotated, overwrite: self.overwrite }
    }

    /// The plan; it makes the images that there are folders for.
    pub(crate) fn plan(&self) -> anyhow::Result<Plan> {
        self.plan.plan(&self.stills, self.dirs())
    }

    /// How sources are opened.
    pub(crate) fn source_options(&self, global: &Global) -> SourceOptions {
        self.index_args.source_options(global)
    }
}

impl PlanArgs {
    /// The plan; it makes the images that there are folders for.
    pub(crate) fn plan(&self, stills: &StillArgs, dirs: OutputDirs<'_>) -> anyhow::Result<Plan> {
        let plan = match &self.plan {
            Some(path) => with_folders(Plan::read(path)?, dirs)?,
            None => self.plan_of_flags(stills, dirs),
        };
        if let Some(detect) = plan.detect() {
            check_model(&detect.model)?;
        }
        Ok(plan)
    }

    /// The plan that the flags describe.
    fn plan_of_flags(&self, stills: &StillArgs, dirs: OutputDirs<'_>) -> Plan {
        let stills = stills.still_options(dirs.stills.is_some());
        let wants_stills = self.keyframes || stills.image.is_some() || stills.hash;
        let annotate = dirs.annotated.is_some();
        let detect = self.detect.as_deref().map(|model| self.inference.detect(model, annotate));
        let still = wants_stills.then_some(Task::Still(stills));
        Plan {
            frames: self.frames.on.clone(),
            on_damage: self.frames.on_damage,
            tasks: still.into_iter().chain(detect.map(Task::Detect)).collect(),
        }
    }
}

/// A plan file's plan, with the images that there are folders for. Images without a folder are
/// refused.
fn with_folders(mut plan: Plan, dirs: OutputDirs<'_>) -> anyhow::Result<Plan> {
    let wants_images = plan.still().is_some_and(|still| still.image.is_some());
    let wants_boxes = plan.detect().is_some_and(|detect| detect.annotate.is_some());
    if wants_images && dirs.stills.is_none() {
        bail!(
            "the plan wants images, and there is no folder for them: name one, or leave out `format`"
        );
    }
    if wants_boxes && dirs.annotated.is_none() {
        bail!(
            "the plan draws boxes, and there is no folder for the images: name one with --annotate, or leave out `annotate`"
        );
    }
    if dirs.stills.is_some() {
        if plan.still().is_none() {
            plan.tasks.insert(0, Task::Still(StillOptions::default()));
        }
        if let Some(still) = plan.still_mut() {
            still.image.get_or_insert(ImageFormat::Jpeg);
        }
    }
    if dirs.annotated.is_some() {
        let Some(detect) = plan.detect_mut() else {
            bail!(
                "--annotate draws boxes, and the plan finds no objects: give it a model, or leave out --annotate"
            )
        };
        detect.annotate.get_or_insert(ANNOTATED_QUALITY);
    }
    Ok(plan)
}
