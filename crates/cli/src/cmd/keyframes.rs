//! `moviola keyframes`: every keyframe as a record and, if wanted, as an image.

use moviola::{
    keyframes::KeyframeReader,
    sink::images::{ImageFolder, Numbering},
    source::{Source, SourceOptions},
};

use crate::{
    args::Global,
    exit::Exit,
    input::{Inputs, source_options},
    output::Output,
    pictures::ImageArgs,
    report::{Report, each_source},
    stills::{Kind, workers, write_all},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Keyframes {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    images: ImageArgs,
}

impl Keyframes {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        self.inputs.check()?;
        let options = source_options(global);
        let mut folders = self.images.folders(Numbering::Keyframes);
        each_source(&self.inputs, out, |source, report| match folders.next(source.name()) {
            Ok(folder) => self.read(source, &options, folder, report),
            Err(error) => report.fail("write", error.to_string()).map(drop).map_err(Into::into),
        })
    }

    fn read(
        &self,
        source: Source,
        options: &SourceOptions,
        folder: Option<ImageFolder>,
        report: &mut Report<'_>,
    ) -> anyhow::Result<()> {
        let stills = report.open(source, options).and_then(|media| {
            let workers = workers(media.decoders(), self.images.still_options());
            KeyframeReader::start(media, workers)
        });
        match stills {
            Ok(stills) => write_all(stills, Kind::Keyframes, folder, report)?,
            Err(error) => drop(report.media_error(&error)?),
        }
        Ok(())
    }
}
