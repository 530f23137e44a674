//! `moviola keyframes`: every keyframe as a record and, if wanted, as an image.

use moviola::{keyframes::KeyframeReader, sink::images::Numbering};

use crate::{
    args::Global,
    exit::Exit,
    input::{Inputs, source_options},
    output::Output,
    pictures::ImageArgs,
    report::each_source,
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
        let folders = self.images.folders(Numbering::Keyframes);
        each_source(&self.inputs, folders, out, |source, folder, report| {
            let stills = report.open(source, &options).and_then(|media| {
                let workers = workers(media.decoders(), self.images.still_options());
                KeyframeReader::start(media, workers)
            });
            write_all(stills, Kind::Keyframes, folder, report).map_err(Into::into)
        })
    }
}
