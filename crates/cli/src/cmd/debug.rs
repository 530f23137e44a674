//! `moviola debug`: the same on one input, with a report of every detail.

use std::{ffi::OsString, path::PathBuf};

use moviola::still::StillOptions;

use crate::{
    args::Global, exit::Exit, inference::ThreadsArg, output::Output, plan_args::WorkArgs,
    run::debug,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Debug {
    /// A file, `-` for standard input, or an address
    #[arg(value_name = "INPUT")]
    input: OsString,
    /// Where report.html, trace.json and records.jsonl go
    #[arg(short, long, value_name = "REPORT_DIR")]
    output: PathBuf,
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    threads: ThreadsArg,
}

impl Debug {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        let mut plan = self.work.plan()?;
        if plan.stills.is_none() && plan.detect.is_none() {
            plan.stills = Some(StillOptions::default()); // which frames there are is worth a look
        }
        let options = self.threads.on(self.work.source_options(global));
        debug::run(plan, self.input.clone(), (&self.output, self.work.dirs()), options, out)
    }
}
