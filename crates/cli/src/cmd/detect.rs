//! `moviola detect`: objects on keyframes or other frames.

use std::path::PathBuf;

use moviola::{Plan, plan::Task};

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    inference::{InferenceArgs, ThreadsArg, check_model},
    output_dirs::OutputDirs,
    plan_args::FrameArgs,
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
    #[command(flatten)]
    frames: FrameArgs,
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
        let detect = self.inference.detect(&self.model, self.annotate.is_some());
        check_model(&detect.model)?;
        let plan = Plan {
            frames: self.frames.on.clone(),
            on_damage: self.frames.on_damage,
            tasks: vec![Task::Detect(detect)],
        };
        let options = self.threads.on(self.index_args.source_options(global));
        let annotated = self.annotate.as_deref();
        let dirs = OutputDirs { stills: None, annotated, overwrite: self.overwrite };
        fast::run(plan, &self.sources, dirs, options, out)
    }
}
