//! The folders that images are written to.

use std::path::Path;

use moviola::{
    Plan,
    image::{self, Overwrite},
    plan::TaskKind,
    sink::images::Folders,
};

/// The folders for images; `None` if they aren't written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutputDirs<'a> {
    /// The frames' images.
    pub(crate) stills: Option<&'a Path>,
    /// The images with boxes drawn in.
    pub(crate) annotated: Option<&'a Path>,
    /// Whether existing images are replaced; otherwise they are an error.
    pub(crate) overwrite: bool,
}

impl OutputDirs<'_> {
    /// The folders of each source for the images of `plan`'s tasks.
    pub(crate) fn folders(&self, plan: &Plan) -> image::Result<Folders> {
        let still = self.stills.map(|folder| (TaskKind::Still, folder));
        let annotated = self.annotated.map(|folder| (TaskKind::Detect, folder));
        Folders::new(plan, still.into_iter().chain(annotated), self.existing())
    }

    /// What to do about images that are there already.
    pub(crate) fn existing(&self) -> Overwrite {
        if self.overwrite { Overwrite::Replace } else { Overwrite::Refuse }
    }
}
