//! `moviola debug`: the same on one input, with a report of every detail.

use std::{ffi::OsString, path::PathBuf};

use moviola::still::StillOptions;

use crate::{
    args::Global, debug, exit::Exit, fast::Places, inference::ThreadsArg, input::IndexArgs,
    output::Output, pictures::LookArgs, wanted::WantedArgs,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Debug {
    /// A file, `-` for standard input, or an address
    #[arg(value_name = "INPUT")]
    input: OsString,
    /// Where report.html, trace.json and records.jsonl go
    #[arg(short, long, value_name = "REPORT_DIR")]
    output: PathBuf,
    /// Replace a report and images that are there already
    #[arg(long)]
    overwrite: bool,
    /// Write images to DIR/<stem>/<number>.jpg
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    wanted: WantedArgs,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    threads: ThreadsArg,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Debug {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        let places = Places {
            stills: self.images.as_deref(),
            annotated: self.wanted.annotate.as_deref(),
            overwrite: self.overwrite,
        };
        let mut plan = self.wanted.plan(&self.look, places)?;
        if plan.stills.is_none() && plan.detect.is_none() {
            plan.stills = Some(StillOptions::default()); // which frames there are is worth a look
        }
        let options = self.threads.on(self.index_args.source_options(global));
        debug::run(plan, self.input.clone(), (&self.output, places), options, out)
    }
}
