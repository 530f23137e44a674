//! Records whose images are written to files.

use std::collections::HashSet;

use moviola_av::{stage, trace};
use moviola_infer::error::Error as InferError;
use moviola_media::image::Result as ImageResult;

use super::SourceFolders;
use crate::{
    error::SourceFailure,
    plan::{Plan, TaskKind},
    records::{ImageFields, Record, RecordImage, Records},
};

/// The records of one source, whose images are written to files before the record is returned.
///
/// If a task has no folder, its images stay in the records. If an image can't be written, an error
/// record follows and the source is read no further. The image of a frame that was requested more
/// than once is written once.
#[derive(Debug)]
pub struct SavedRecords {
    records: Records,
    folders: SourceFolders,
    /// The images that were written; `None` if each frame has one record at most.
    written: Option<HashSet<(TaskKind, u64)>>,
}

impl SavedRecords {
    /// The records that `start` returns for a source of `plan`, with their images in `folders`. If
    /// `folders` is an error, the only record is that error, and `start` isn't called.
    pub(crate) fn new(
        plan: &Plan,
        source: &str,
        folders: ImageResult<SourceFolders>,
        start: impl FnOnce() -> Records,
    ) -> Self {
        match folders {
            Ok(folders) => {
                let written = (!plan.frames.is_in_order()).then(HashSet::new);
                Self { records: start(), folders, written }
            }
            Err(error) => {
                let failure = SourceFailure::unwritten(error.to_string());
                Records::failed(source.into(), plan, failure).into()
            }
        }
    }

    /// The source's records, for their counts and progress.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// As [`Records::hardware_fallback`].
    pub fn hardware_fallback(&mut self) -> Option<String> {
        self.records.hardware_fallback()
    }

    /// Writes the record's image to a file, if the record has one and its task has a folder.
    fn save(&mut self, record: &mut Record) -> ImageResult<()> {
        let Some(ImageFields { task, image, path }) = record.image() else { return Ok(()) };
        let Some(folder) = self.folders.of(task) else { return Ok(()) };
        let Some(RecordImage { bytes, number }) = image.take() else { return Ok(()) };
        let is_new = self.written.as_mut().is_none_or(|written| written.insert((task, number)));
        let file = if is_new {
            let stage = stage!("write");
            trace::record_bytes(&stage, bytes.len());
            folder.write(number, &bytes)?
        } else {
            folder.path(number)
        };
        *path = Some(file.display().to_string());
        Ok(())
    }
}

/// Records whose images stay with them.
impl From<Records> for SavedRecords {
    fn from(records: Records) -> Self {
        Self { records, folders: SourceFolders::default(), written: None }
    }
}

impl Iterator for SavedRecords {
    type Item = Result<Record, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = match self.records.next()? {
            Ok(record) => record,
            Err(error) => return Some(Err(error)),
        };
        match self.save(&mut record) {
            Ok(()) => Some(Ok(record)),
            Err(error) => {
                self.records.fail_writing(error.to_string());
                self.records.next()
            }
        }
    }
}
