//! `moviola bulk`: a plan carried out on many sources at once.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::bail;
use moviola::{bulk::BulkOptions, plan::times::parse_step, sink::dataset::Existing};

use crate::{
    cmd::worker,
    console::Console,
    exit::Exit,
    global::Global,
    plan_args::WorkArgs,
    run::bulk::{self, BulkRequest, Destination, MemoryAdvice},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Bulk {
    /// Files, folders, patterns such as `clips/**/*.mp4`, `@list` (a file with one of these in each
    /// line; `@-` is standard input) or URLs
    #[arg(required = true, value_name = "INPUT")]
    sources: Vec<OsString>,
    /// Where records go: a file that ends in .jsonl, a folder of tables that ends in .parquet, or
    /// another folder, with a .jsonl file for each input
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Continue an earlier run, however it ended
    #[arg(long, requires = "output", conflicts_with = "overwrite")]
    resume: bool,
    /// Stop at the first input that fails
    #[arg(long)]
    fail_fast: bool,
    /// How many workers there are, each with one thread and its own model; default: one for each
    /// core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// How much memory the run may take, such as 4G or 800M; default: half of what there is
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Make each worker a process of its own: an input that crashes it fails alone. Each input is
    /// then read by one worker
    #[arg(long)]
    isolate: bool,
    /// The longest time that one input may take, such as 30s or 5m; after that its process is
    /// killed
    #[arg(long, value_name = "TIME", requires = "isolate", value_parser = parse_step)]
    deadline: Option<f64>,
    #[command(flatten)]
    work: WorkArgs,
}

/// A size in bytes; the units are powers of 1024.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let digits = text.trim_end_matches(['B', 'b', 'i']);
    let in_unit = |(unit, bits): (&str, u32)| Some((digits.strip_suffix(unit)?, bits));
    let (digits, bits) = units.into_iter().find_map(in_unit).unwrap_or((digits, 0));
    let count = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << bits));
    count.filter(|&bytes| bytes > 0).ok_or_else(|| "expected a size such as 4G or 800M".into())
}

impl Bulk {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        let plan = self.work.plan()?;
        let defaults = BulkOptions::default();
        let options = BulkOptions {
            source: self.work.source_options(global),
            jobs: self.jobs.map_or(defaults.jobs, usize::from),
            memory: self.memory.unwrap_or(defaults.memory),
            isolate: self.isolate.then(|| worker::isolation(global, self.deadline)).transpose()?,
        };
        let existing = match (self.resume, self.work.overwrite) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        };
        let destination =
            Destination { images: self.work.dirs(), records: self.records()?, existing };
        let (words, fail_fast) = (self.sources.clone(), self.fail_fast);
        let memory_advice = MemoryAdvice {
            to_take_less: "fewer --jobs take less",
            to_use_all_workers: "more --memory, or fewer --jobs",
        };
        bulk::run(BulkRequest { plan, words, options, destination, fail_fast, memory_advice }, out)
    }

    /// The records' file or folder, if they don't go to standard output.
    fn records(&self) -> anyhow::Result<Option<&Path>> {
        let records = self.output.as_deref().filter(|path| *path != Path::new("-"));
        if self.resume && records.is_none() {
            bail!(
                "--resume continues the records in a file or a folder, not on standard output: name it with --output"
            );
        }
        Ok(records)
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
