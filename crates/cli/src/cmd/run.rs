//! `moviola run`: several things at once from one read of each input.

use std::{ffi::OsString, path::PathBuf};

use anyhow::bail;
use clap::ValueEnum;
use moviola::bulk::BulkOptions;

use crate::{
    args::Global,
    exit::Exit,
    inference::ThreadsArg,
    input::{IndexArgs, Inputs},
    output::Output,
    pictures::ImageArgs,
    plan_args::PlanArgs,
    run::bulk::{self, Job, Results},
    run::debug,
    run::fast,
};

/// How inputs are worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// One after another, each with the least delay
    Fast,
    /// Several side by side, with the most work done
    Bulk,
    /// One, with a report of every detail
    Debug,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Files, `-` for standard input, or addresses; in bulk folders, patterns and `@list`, too
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<OsString>,
    /// How to work on the inputs; one is read fast, several in bulk
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// With `--mode debug`: where report.html, trace.json and records.jsonl go
    #[arg(long, value_name = "DIR", required_if_eq("mode", "debug"))]
    report: Option<PathBuf>,
    #[command(flatten)]
    wanted: PlanArgs,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    threads: ThreadsArg,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Run {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        if self.report.is_some() && self.mode() != Mode::Debug {
            bail!("--report is written with `--mode debug`");
        }
        let dirs = self.images.dirs(self.wanted.annotate.as_deref());
        let plan = self.wanted.plan(self.images.look(), dirs)?;
        let options = self.threads.on(self.index_args.source_options(global));
        if self.mode() == Mode::Debug {
            let ([input], Some(folder)) = (self.inputs.as_slice(), &self.report) else {
                bail!("`--mode debug` takes one input and `--report DIR`");
            };
            return debug::run(plan, input.clone(), (folder, dirs), options, out);
        }
        if self.mode() == Mode::Fast {
            let inputs = Inputs::of(self.inputs.clone());
            inputs.check()?;
            return fast::run(plan, &inputs, dirs, options, out);
        }
        let jobs = options.decoders;
        let options = BulkOptions { source: options, jobs, ..BulkOptions::default() };
        let results = Results { images: dirs, ..Results::default() };
        bulk::run(Job { plan, words: self.inputs.clone(), options, results }, out)
    }

    fn mode(&self) -> Mode {
        self.mode.unwrap_or(match self.inputs.as_slice() {
            [one] if !bulk::means_many(one) => Mode::Fast,
            _ => Mode::Bulk,
        })
    }
}
