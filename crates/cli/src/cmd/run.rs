//! `moviola run`: several tasks from one read of each input.

use std::ffi::OsString;

use clap::ValueEnum;
use moviola::bulk::BulkOptions;

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    image_args::ImageArgs,
    inference::ThreadsArg,
    plan_args::PlanArgs,
    run::bulk::{self, BulkRequest, Destination, MemoryAdvice},
    run::fast,
    source_args::{IndexArgs, SourceArgs},
};

/// How several sources are read, if not as `moviola bulk` reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// One after another, each with the least delay
    Fast,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Files, `-` for standard input, or URLs; also folders, patterns and `@list`, as `bulk` takes
    /// them
    #[arg(required = true, value_name = "INPUT")]
    sources: Vec<OsString>,
    /// How to read several inputs; without this they are read side by side, as by `bulk`
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    threads: ThreadsArg,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Run {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        let dirs = self.images.dirs(self.plan.annotate.as_deref());
        let plan = self.plan.plan(self.images.stills(), dirs)?;
        let options = self.threads.on(self.index_args.source_options(global));
        if self.is_fast() {
            let sources = SourceArgs::new(self.sources.clone());
            sources.check()?;
            return fast::run(plan, &sources, dirs, options, out);
        }
        let jobs = options.decoders;
        let options = BulkOptions { source: options, jobs, ..BulkOptions::default() };
        let destination = Destination { images: dirs, ..Destination::default() };
        let words = self.sources.clone();
        let memory_advice = MemoryAdvice {
            to_take_less: "fewer --threads take less",
            to_use_all_workers: "use fewer --threads, or `moviola bulk` with more --memory",
        };
        let request =
            BulkRequest { plan, words, options, destination, fail_fast: false, memory_advice };
        bulk::run(request, out)
    }

    /// Whether sources are read one after another. A single one always is.
    fn is_fast(&self) -> bool {
        let is_single = || matches!(self.sources.as_slice(), [one] if !bulk::means_many(one));
        self.mode == Some(Mode::Fast) || is_single()
    }
}
