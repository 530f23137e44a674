//! Where the pictures of each source go.

use std::path::Path;

use moviola::{
    image::{Overwrite, Result},
    sink::images::{FolderNames, ImageFolder},
};

/// Gives each source a folder of its own.
pub(crate) struct Folders<'a> {
    names: FolderNames,
    parent: Option<&'a Path>,
    extension: &'static str,
    overwrite: Overwrite,
}

impl<'a> Folders<'a> {
    /// Folders in `parent`, if pictures are wanted at all.
    pub(crate) fn new(parent: Option<&'a Path>, extension: &'static str, overwrite: bool) -> Self {
        let overwrite = if overwrite { Overwrite::Replace } else { Overwrite::Refuse };
        Self { names: FolderNames::default(), parent, extension, overwrite }
    }

    /// The folder for the source of that name, if pictures are wanted; an error if it holds some
    /// already that may not be replaced.
    pub(crate) fn next(&mut self, source: &str) -> Result<Option<ImageFolder>> {
        let name = self.names.claim(source);
        let folder =
            |parent: &Path| ImageFolder::new(parent.join(name), self.extension, self.overwrite);
        self.parent.map(folder).transpose()
    }
}
