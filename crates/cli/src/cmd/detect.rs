//! `moviola detect`: objects on keyframes or other frames.

use std::path::PathBuf;

use anyhow::bail;
use moviola::{
    Plan,
    plan::{Frames, Task},
    video::OnDamage,
};

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    inference::{InferenceArgs, ThreadsArg, check_model},
    output_dirs::OutputDirs,
    run::fast,
    source_args::{IndexArgs, SourceArgs},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Detect {
    #[command(flatten)]
    sources: SourceArgs,
    /// An ONNX file of a YOLO family, or `demo` for the built-in model
    #[arg(short, long)]
    model: PathBuf,
    /// Which frames: `keyframes`, `all`, those shown `every:0.5s`, in a range as `range:10s..20s`
    /// (or both, with a comma), at times as `at:1.5s,2s`, or by number as `index:0,100,-1`
    #[arg(long, value_name = "FRAMES", default_value = "keyframes")]
    on: Frames,
    /// What to do about damaged frames: keep, fail, skip, repeat the last whole one, black; not
    /// with keyframes
    #[arg(long, value_name = "HOW", default_value = "keep")]
    on_damage: OnDamage,
    #[arg(long, value_name = "DIR", help = "Draw the boxes into DIR/<stem>/<number>.jpg")]
    annotate: Option<PathBuf>,
    /// Replace images that are there already
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    threads: ThreadsArg,
    #[command(flatten)]
    inference: InferenceArgs,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Detect {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        self.sources.check()?;
        if self.on == Frames::Keyframes && self.on_damage != OnDamage::Keep {
            bail!(
                "--on-damage doesn't work on keyframes, which are decoded one by one: choose other frames, such as --on all"
            );
        }
        let detect = self.inference.detect(&self.model, self.annotate.is_some());
        check_model(&detect.model)?;
        let plan = Plan {
            frames: self.on.clone(),
            on_damage: self.on_damage,
            tasks: vec![Task::Detect(detect)],
        };
        let options = self.threads.on(self.index_args.source_options(global));
        let annotated = self.annotate.as_deref();
        let dirs = OutputDirs { stills: None, annotated, overwrite: self.overwrite };
        fast::run(plan, &self.sources, dirs, options, out)
    }
}
