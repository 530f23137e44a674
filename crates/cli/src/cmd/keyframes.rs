//! `moviola keyframes`: every keyframe as a record and, if wanted, as an image.

use std::{io, path::PathBuf};

use clap::ValueEnum;
use moviola::{
    keyframes::KeyframeReader,
    media::Media,
    results::Record,
    sink::images::ImageFolder,
    source::{Source, SourceOptions},
    still::{ImageFormat, Still, StillError, StillMaker, StillOptions},
};

use crate::{
    args::Global,
    exit::Exit,
    input::{Inputs, source_options},
    interrupt,
    output::Output,
    pictures::Folders,
    report::{Next, Report, each_source},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Keyframes {
    #[command(flatten)]
    inputs: Inputs,
    #[arg(short, long, value_name = "DIR", help = "Write images to DIR/<stem>/<index>.jpg")]
    output: Option<PathBuf>,
    /// The format of the images
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// JPEG quality, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Shrink images to fit, such as 1280x720; they keep their shape
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    max_size: Option<(usize, usize)>,
    /// Add to each record, as `md5`, the MD5 of the decoded planes: that of `ffmpeg -f framemd5`
    #[arg(long)]
    hash: bool,
    /// Keep the coded size and orientation instead of upright images with square pixels
    #[arg(long)]
    coded: bool,
    /// Replace images that are there already
    #[arg(long)]
    overwrite: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Jpg,
    Png,
    None,
}

fn parse_size(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    sides
        .filter(|&(width, height)| width > 0 && height > 0)
        .ok_or_else(|| "expected WIDTHxHEIGHT in pixels, such as 1280x720".into())
}

impl Keyframes {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        self.inputs.check()?;
        let options = source_options(global);
        let image = self.image();
        let parent = self.output.as_deref().filter(|_| image.is_some());
        let extension = image.map_or("", ImageFormat::extension);
        let mut folders = Folders::new(parent, extension, self.overwrite);
        each_source(&self.inputs, out, |source, report| match folders.next(source.name()) {
            Ok(folder) => self.read(source, &options, folder, report),
            Err(error) => report.fail("write", error.to_string()).map(drop).map_err(Into::into),
        })
    }

    /// The format of the images, if there are any.
    fn image(&self) -> Option<ImageFormat> {
        self.output.as_ref()?;
        match self.format {
            Format::Jpg => Some(ImageFormat::Jpeg),
            Format::Png => Some(ImageFormat::Png),
            Format::None => None,
        }
    }

    fn read(
        &self,
        source: Source,
        options: &SourceOptions,
        mut folder: Option<ImageFolder>,
        report: &mut Report<'_>,
    ) -> anyhow::Result<()> {
        let media = report.open(source, options);
        let stills = match media.and_then(|media| self.start(media)) {
            Ok(stills) => stills,
            Err(error) => return Ok(report.media_error(&error).map(drop)?),
        };
        for (index, still) in (0..).zip(stills) {
            if interrupt::requested() {
                break;
            }
            let next = match still {
                Ok(Ok(still)) => hand_out(&still, index, folder.as_mut(), report)?,
                Ok(Err(error)) => report.error("image", error.time, error.to_string())?,
                Err(error) => report.media_error(&error)?,
            };
            if next.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn start(&self, media: Media) -> moviola::error::Result<Stills> {
        let options = StillOptions {
            image: self.image(),
            quality: self.quality,
            max_size: self.max_size,
            coded: self.coded,
            hash: self.hash,
        };
        let worker = || {
            let mut maker = StillMaker::new(options);
            move |keyframe| maker.make(keyframe)
        };
        let workers = (0..media.decoders()).map(|_| worker()).collect();
        KeyframeReader::start(media, workers)
    }
}

type Stills = KeyframeReader<Result<Still, StillError>>;

fn hand_out(
    still: &Still,
    index: u64,
    folder: Option<&mut ImageFolder>,
    report: &mut Report<'_>,
) -> io::Result<Next> {
    report.learn(still.format, still.color);
    let path = match report.save(still.image.as_deref(), index, folder) {
        Ok(path) => path,
        Err(error) => return report.fail("write", error.to_string()),
    };
    let record = still.record(&report.source, index, path);
    report.keyframe(&Record::Keyframe(record), still.time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_two_positive_numbers() {
        assert_eq!(parse_size("1280x720"), Ok((1280, 720)));
        for wrong in
            ["", "x", "1280", "1280x", "0x720", "1280x-1", "1e3x4", "99999999999999999999x1"]
        {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
