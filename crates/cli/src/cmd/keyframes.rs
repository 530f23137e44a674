//! `moviola keyframes`: every keyframe, as records and images.

use moviola::{Plan, plan::Task};

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    image_args::ImageArgs,
    run::fast,
    source_args::{SourceArgs, source_options},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Keyframes {
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    images: ImageArgs,
}

impl Keyframes {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        self.sources.check()?;
        let plan =
            Plan { tasks: vec![Task::Still(self.images.still_options())], ..Plan::default() };
        fast::run(plan, &self.sources, self.images.dirs(None), source_options(global), out)
    }
}
