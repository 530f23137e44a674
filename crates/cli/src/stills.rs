//! Stills become images and records.

use std::{collections::HashSet, io};

use moviola::{
    Frame,
    error::Error,
    sink::images::ImageFolder,
    still::{Still, StillError, StillMaker, StillOptions},
};

use crate::{
    interrupt,
    report::{Next, Report},
};

/// What becomes of a frame: the outer error is one of reading or decoding.
pub(crate) type Made = Result<Result<Still, StillError>, Error>;

/// What stills are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All keyframes, one after another.
    Keyframes,
    /// Frames in ascending order.
    Frames,
    /// Frames in any order, some perhaps several times.
    AskedFor,
}

/// One worker for each thread.
pub(crate) fn workers(
    count: usize,
    options: StillOptions,
) -> Vec<impl FnMut(Frame) -> Result<Still, StillError> + Send + 'static> {
    let worker = |_| {
        let mut maker = StillMaker::new(options);
        move |frame: Frame| maker.make(&frame)
    };
    (0..count).map(worker).collect()
}

/// Writes the images and records of stills as they come, or why none will.
pub(crate) fn write_all(
    stills: Result<impl Iterator<Item = Made>, Error>,
    kind: Kind,
    folder: Option<ImageFolder>,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let stills = match stills {
        Ok(stills) => stills,
        Err(error) => return report.media_error(&error).map(drop),
    };
    let mut writer = Writer { kind, folder, written: HashSet::new(), report };
    for (index, still) in (0..).zip(stills) {
        if interrupt::requested() {
            break;
        }
        let next = match still {
            Ok(Ok(still)) => writer.write(&still, index)?,
            Ok(Err(error)) => writer.report.error("image", error.time, error.to_string())?,
            Err(error) => writer.report.media_error(&error)?,
        };
        if next.is_break() {
            break;
        }
    }
    Ok(())
}

struct Writer<'a, 'b> {
    kind: Kind,
    folder: Option<ImageFolder>,
    /// Numbers of the frames whose images are there, if some may come again.
    written: HashSet<u64>,
    report: &'a mut Report<'b>,
}

impl Writer<'_, '_> {
    fn write(&mut self, still: &Still, index: u64) -> io::Result<Next> {
        self.report.learn(&still.facts);
        let path = match self.save(still, index) {
            Ok(path) => path,
            Err(error) => return self.report.fail("write", error.to_string()),
        };
        let index = (self.kind == Kind::Keyframes).then_some(index);
        let record = still.record(&self.report.source, index, path);
        self.report.picture(&record, &still.facts)
    }

    fn save(&mut self, still: &Still, index: u64) -> moviola::image::Result<Option<String>> {
        let number = match self.kind {
            Kind::Keyframes => index,
            _ => still.facts.number.unwrap_or(index),
        };
        let comes_again = self.kind == Kind::AskedFor && !self.written.insert(number);
        match &self.folder {
            Some(folder) if comes_again => Ok(Some(folder.path(number).display().to_string())),
            _ => self.report.save(still.image.as_deref(), number, self.folder.as_mut()),
        }
    }
}
