//! `moviola bulk`: the same over many inputs.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::bail;
use moviola::{bulk::BulkOptions, plan::times::parse_step, sink::dataset::Existing};

use crate::{
    args::Global,
    cmd::worker,
    exit::Exit,
    output::Output,
    plan_args::WorkArgs,
    run::bulk::{self, Job, Results},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Bulk {
    /// Files, folders, patterns such as `clips/**/*.mp4`, `@list` (a file with one in each line; `@-`
    /// is standard input) or addresses
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<OsString>,
    /// Where records go: a file that ends in .jsonl, a folder of tables that ends in .parquet, or a folder
    /// of a .jsonl file for each input
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Go on where an earlier run ended, however it did
    #[arg(long, requires = "output", conflicts_with = "overwrite")]
    resume: bool,
    /// Stop at the first input that fails
    #[arg(long)]
    fail_fast: bool,
    /// How many work at once, each on one thread and with a model of its own; one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// What memory it may take, such as 4G or 800M; half of what there is
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Let each worker be a process of its own: an input that kills it costs nothing but itself, and a long
    /// one is read by one worker
    #[arg(long)]
    isolate: bool,
    /// The longest that one input may take, such as 30s or 5m; its process is killed then
    #[arg(long, value_name = "TIME", requires = "isolate", value_parser = parse_step)]
    deadline: Option<f64>,
    #[command(flatten)]
    work: WorkArgs,
}

/// A size in bytes, with a unit of 1024s.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let digits = text.trim_end_matches(['B', 'b', 'i']);
    let in_unit = |(unit, bits): (&str, u32)| Some((digits.strip_suffix(unit)?, bits));
    let (digits, bits) = units.into_iter().find_map(in_unit).unwrap_or((digits, 0));
    let count = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << bits));
    count.filter(|&bytes| bytes > 0).ok_or_else(|| "expected a size such as 4G or 800M".into())
}

impl Bulk {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        let plan = self.work.plan()?;
        let usual = BulkOptions::default();
        let options = BulkOptions {
            source: self.work.source_options(global),
            jobs: self.jobs.map_or(usual.jobs, usize::from),
            memory: self.memory.unwrap_or(usual.memory),
            isolate: self.isolate.then(|| worker::isolation(global, self.deadline)).transpose()?,
        };
        let existing = match (self.resume, self.work.overwrite) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        };
        let (images, fail_fast) = (self.work.dirs(), self.fail_fast);
        let results = Results { images, target: self.target()?, existing, fail_fast };
        bulk::run(Job { plan, words: self.inputs.clone(), options, results }, out)
    }
}

impl Bulk {
    /// Where records go, if not to standard output.
    fn target(&self) -> anyhow::Result<Option<&Path>> {
        let target = self.output.as_deref().filter(|path| *path != Path::new("-"));
        if self.resume && target.is_none() {
            bail!(
                "what goes to standard output can't be gone on with: --output takes a file or a folder"
            );
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024s() {
        for (text, want) in
            [("4G", 4 << 30), ("800M", 800 << 20), ("1GiB", 1 << 30), ("2kB", 0), ("512", 512)]
        {
            assert_eq!(parse_bytes(text).unwrap_or(0), want, "{text}");
        }
        for wrong in ["", "G", "0", "-1G", "1.5G", "99999999999G"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
