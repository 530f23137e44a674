//! `moviola frames`: any frames, as records and images.

use std::{ffi::OsString, ops::Range};

use clap::ArgGroup;
use moviola::{
    Plan,
    plan::{
        self, Task,
        times::{parse_range, parse_step, parse_time},
    },
    video::{OnDamage, TimeSelection},
};

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    image_args::ImageArgs,
    run::fast,
    source_args::{IndexArgs, SourceArgs},
};

const FRAMES: &str = "Frames";

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("frames").required(true).multiple(true)))]
pub(crate) struct Frames {
    /// A file, `-` for standard input, or a URL
    #[arg(value_name = "INPUT")]
    source: OsString,
    /// The frames shown at regular times, such as every `0.5s`; in --range, if that is given
    #[arg(long, value_name = "TIME", group = "frames", value_parser = parse_step, help_heading = FRAMES)]
    every: Option<f64>,
    /// The frames shown in a range, such as `10s..20s`, `10s..` or `..20s`; the end is left out
    #[arg(long, value_name = "RANGE", group = "frames", value_parser = parse_range, allow_hyphen_values = true, help_heading = FRAMES)]
    range: Option<Range<f64>>,
    /// The frames shown at these times, such as `1.5s,500ms,2m,01:02:03.5`, in this order
    #[arg(long, value_name = "TIMES", group = "frames", value_parser = parse_time, value_delimiter = ',', allow_hyphen_values = true, conflicts_with_all = ["every", "range"], help_heading = FRAMES)]
    at: Vec<f64>,
    /// The frames of these numbers, such as `0,100,-1`, in this order; -1 is the last
    #[arg(long, value_name = "NUMBERS", group = "frames", value_delimiter = ',', allow_hyphen_values = true, conflicts_with_all = ["every", "range", "at"], help_heading = FRAMES)]
    index: Vec<i64>,
    /// All frames
    #[arg(long, group = "frames", conflicts_with_all = ["every", "range", "at", "index"], help_heading = FRAMES)]
    all: bool,
    /// What to do about damaged frames: keep, fail, skip, repeat the last whole one, black
    #[arg(long, value_name = "HOW", default_value = "keep", help_heading = FRAMES)]
    on_damage: OnDamage,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Frames {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        let plan = Plan {
            frames: self.frames(),
            on_damage: self.on_damage,
            tasks: vec![Task::Still(self.images.still_options())],
        };
        let options = self.index_args.source_options(global);
        let source = SourceArgs::new(vec![self.source.clone()]);
        fast::run(plan, &source, self.images.dirs(None), options, out)
    }

    fn frames(&self) -> plan::Frames {
        if self.all {
            return plan::Frames::All;
        }
        if !self.at.is_empty() {
            return plan::Frames::At(self.at.clone());
        }
        if !self.index.is_empty() {
            return plan::Frames::Index(self.index.clone());
        }
        let range = self.range.clone().unwrap_or(TimeSelection::default().range);
        plan::Frames::Played(TimeSelection { range, every: self.every })
    }
}
