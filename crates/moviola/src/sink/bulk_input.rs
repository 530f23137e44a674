//! A source of a run over many, with the folders for its images.

use moviola_media::{image, source::Source};

use super::images::SourceFolders;
use crate::{error::SourceFailure, inputs::ResolvedSource};

/// A source of a run over many.
#[derive(Debug)]
pub struct BulkInput {
    /// The source's name in records and messages.
    pub name: String,
    /// The source, or the reason why it can't be read.
    pub source: Result<Source, SourceFailure>,
    /// The folders for its images; an error here becomes an error record.
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
    pub fn resolved(resolved: ResolvedSource, folders: image::Result<SourceFolders>) -> Self {
        let source = resolved.source.map_err(|message| SourceFailure { stage: "open", message });
        Self { name: resolved.name, source, folders }
    }
}
