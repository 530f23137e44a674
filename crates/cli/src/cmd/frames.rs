//! `moviola frames`: any frames, as records and, if wanted, as images.

use std::{ffi::OsString, ops::Range};

use clap::ArgGroup;
use moviola::{
    Video,
    error::Result,
    media::Media,
    sink::images::Numbering,
    source::SourceOptions,
    video::{FrameReader, OnDamage, Times},
};

use crate::{
    args::Global,
    asked::{self, Asked},
    exit::Exit,
    input::{IndexArgs, Inputs},
    output::Output,
    pictures::ImageArgs,
    report::each_source,
    stills::{Kind, Made, workers, write_all},
    times::{parse_range, parse_step, parse_time},
};

const FRAMES: &str = "Frames";

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("frames").required(true).multiple(true)))]
pub(crate) struct Frames {
    /// A file, `-` for standard input, or an address
    input: OsString,
    /// The frame shown at every so many seconds, such as `0.5s`; with --range within that
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
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        let options = self.index_args.source_options(global);
        let options = SourceOptions { on_damage: self.on_damage, ..options };
        let folders = self.images.folders(Numbering::Frames);
        let kind = if self.asked().is_empty() { Kind::Frames } else { Kind::AskedFor };
        let inputs = Inputs::one(self.input.clone());
        each_source(&inputs, folders, out, |source, folder, report| {
            let stills = report.open(source, &options).and_then(|media| self.start(media));
            write_all(stills, kind, folder, report)?;
            if self.range.is_some() && report.is_empty() {
                report.error("demux", None, "there is no frame in this range".into()).map(drop)?;
            }
            Ok(())
        })
    }

    fn start(&self, media: Media) -> Result<Box<dyn Iterator<Item = Made>>> {
        let (options, asked) = (self.images.still_options(), self.asked());
        if !asked.is_empty() {
            return Ok(Box::new(asked::stills(Video::of_media(media)?, asked, options)));
        }
        let workers = workers(media.decoders(), options);
        Ok(Box::new(if self.all {
            FrameReader::all(media, workers)?
        } else {
            FrameReader::played(media, self.times(), workers)?
        }))
    }

    /// The frames that are asked for one by one.
    fn asked(&self) -> Vec<Asked> {
        let times = self.at.iter().copied().map(Asked::Time);
        times.chain(self.index.iter().copied().map(Asked::Number)).collect()
    }

    fn times(&self) -> Times {
        let range = self.range.clone().unwrap_or(Times::default().range);
        Times { range, every: self.every }
    }
}
