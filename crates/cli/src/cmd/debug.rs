//! `moviola debug`: a plan carried out on one source, with a report of every detail.

use std::{ffi::OsString, path::PathBuf};

use anyhow::bail;
use moviola::plan::{StillOptions, Task};

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    inference::ThreadsArg,
    plan_args::WorkArgs,
    run::{bulk::means_many, debug},
    source_args::parse_source,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Debug {
    /// A file, `-` for standard input, or a URL
    #[arg(value_name = "INPUT")]
    source: OsString,
    /// Where report.html, trace.json and records.jsonl go
    #[arg(short, long, value_name = "REPORT_DIR")]
    output: PathBuf,
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    threads: ThreadsArg,
}

impl Debug {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        let mut plan = self.work.plan()?;
        if plan.tasks.is_empty() {
            plan.tasks.push(Task::Still(StillOptions::default())); // the report then lists the frames
        }
        let options = self.threads.on(self.work.source_options(global));
        if means_many(&self.source) {
            let name = self.source.display();
            bail!("{name}: a report is about one input: name a single file");
        }
        let source = parse_source(&self.source);
        let dirs = self.work.dirs();
        let images = dirs.folders(&plan)?.next(source.name())?;
        let debug = moviola::Debug::new(plan, options).images_in(images).overwrite(dirs.existing());
        debug::run(debug, source, &self.output, out)
    }
}
