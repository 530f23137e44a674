//! `moviola keyframes`: every keyframe as a record and, if wanted, as an image.

use moviola::Plan;

use crate::{
    args::Global,
    exit::Exit,
    input::{Inputs, source_options},
    output::Output,
    pictures::ImageArgs,
    run::fast,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Keyframes {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    images: ImageArgs,
}

impl Keyframes {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        self.inputs.check()?;
        let plan = Plan { stills: Some(self.images.still_options()), ..Plan::default() };
        fast::run(plan, &self.inputs, self.images.dirs(None), source_options(global), out)
    }
}
