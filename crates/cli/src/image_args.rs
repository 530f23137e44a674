//! The flags about images: their format and size, and where they go.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use moviola::plan::{ImageFormat, StillOptions};

use crate::output_dirs::OutputDirs;

/// What is kept of each frame, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    #[arg(short, long, value_name = "DIR", help = "Write images to DIR/<stem>/<number>.jpg")]
    output: Option<PathBuf>,
    #[command(flatten)]
    stills: StillArgs,
    /// Replace images that are there already
    #[arg(long)]
    overwrite: bool,
}

/// What is kept of each frame.
#[derive(Debug, clap::Args)]
pub(crate) struct StillArgs {
    /// The format of the images
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// JPEG quality, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Shrink images to fit into this size, such as 1280x720; they keep their shape
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    max_size: Option<(usize, usize)>,
    /// Add to each record, as `md5`, the MD5 of the decoded planes: that of `ffmpeg -f framemd5`
    #[arg(long)]
    hash: bool,
    /// Keep the coded size and orientation instead of upright images with square pixels
    #[arg(long)]
    coded: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Jpg,
    Png,
    None,
}

fn parse_size(text: &str) -> std::result::Result<(usize, usize), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    sides
        .filter(|&(width, height)| width > 0 && height > 0)
        .ok_or_else(|| "expected WIDTHxHEIGHT in pixels, such as 1280x720".into())
}

impl ImageArgs {
    /// What is kept of each frame.
    pub(crate) fn still_options(&self) -> StillOptions {
        self.stills.still_options(self.output.is_some())
    }

    /// The folders of the images; those with boxes drawn in go to `annotated`.
    pub(crate) fn dirs<'a>(&'a self, annotated: Option<&'a Path>) -> OutputDirs<'a> {
        OutputDirs { stills: self.output.as_deref(), annotated, overwrite: self.overwrite }
    }

    /// The flags, without the place of the images.
    pub(crate) fn stills(&self) -> &StillArgs {
        &self.stills
    }
}

impl StillArgs {
    /// What is kept of each frame: an image only if there is a folder for it.
    pub(crate) fn still_options(&self, has_folder: bool) -> StillOptions {
        let image = match self.format {
            Format::Jpg => Some(ImageFormat::Jpeg),
            Format::Png => Some(ImageFormat::Png),
            Format::None => None,
        };
        StillOptions {
            image: image.filter(|_| has_folder),
            quality: self.quality,
            max_size: self.max_size,
            coded: self.coded,
            hash: self.hash,
        }
    }
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
