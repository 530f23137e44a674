//! One source of many, with the folders for its images.

use moviola_media::{image, source::Source};

use super::images::SourceFolders;
use crate::{error::SourceFailure, inputs::ResolvedSource};

/// One source of many.
#[derive(Debug)]
pub struct BulkInput {
    /// How its user knows it.
    pub name: String,
    /// The source, or why it isn't read.
    pub source: Result<Source, SourceFailure>,
    /// Where its images go; an error here becomes an error record.
    pub folders: image::Result<SourceFolders>,
}

impl From<Source> for BulkInput {
    fn from(source: Source) -> Self {
        let (name, folders) = (source.name().into(), Ok(SourceFolders::default()));
        Self { name, source: Ok(source), folders }
    }
}

impl BulkInput {
    /// A resolved source with the folders for its images.
    pub fn found(found: ResolvedSource, folders: image::Result<SourceFolders>) -> Self {
        let source = found.source.map_err(|message| SourceFailure { stage: "open", message });
        Self { name: found.name, source, folders }
    }
}
