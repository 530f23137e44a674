//! The folders that images are written to.

use std::path::Path;

use moviola::{
    Plan,
    image::{self, Overwrite},
    plan::TaskKind,
    sink::images::Folders,
};

/// Where images go; `None` is nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutputDirs<'a> {
    /// The frames' images.
    pub(crate) stills: Option<&'a Path>,
    /// The images with boxes drawn in.
    pub(crate) annotated: Option<&'a Path>,
    /// Images that are there already are replaced, not refused.
    pub(crate) overwrite: bool,
}

impl OutputDirs<'_> {
    /// The folders of each source for what `plan` makes.
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
