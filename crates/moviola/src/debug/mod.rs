//! One source, and every detail of what happens.
//!
//! The plan is carried out as [`Fast`] does it, while a listener hears what the stages of the work
//! tell and each worker makes notes about its frames. A folder has the outcome: `report.html` to
//! look at, `trace.json` for Perfetto, `records.jsonl` as from any other run.
//!
//! Memory is bounded whatever the length of the source: the timeline has a fixed number of columns,
//! the report shows at most [`MOST_SHOWN`] frames, and the trace is written as it comes.

mod advice;
mod collector;
mod environment;
mod frames;
mod inspector;
mod lanes;
mod listener;
mod page;
mod spread;
mod stage;
mod timeline;
mod trace;

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use moviola_av::stage;
use moviola_infer::error::Error as InferError;
use moviola_media::{
    image::{ImageError, Overwrite, remedy, write_atomic},
    source::{Source, SourceOptions},
};
use tracing::{Dispatch, dispatcher};

use crate::{
    Fast, Plan, Records,
    fast::StartError,
    results::Record,
    sink::{images::SourceFolders, jsonl::JsonLines},
};
use collector::Collector;
use frames::Frames;
use page::Page;
use trace::TraceWriter;

pub use frames::MOST_SHOWN;
pub(crate) use inspector::{Inspector, Looker, Note};
pub use lanes::Candidates;
pub use page::{StageReport, Statistics};
pub use stage::{Stage, Times};

/// Files of a report's folder.
const FILES: [&str; 3] = ["report.html", "trace.json", "records.jsonl"];

/// Carries out a plan on a source, and reports every detail.
///
/// ```no_run
/// use moviola::{Debug, Plan, Source};
///
/// let plan = Plan::from_toml("[detect]\nmodel = 'yolov8n.onnx'")?;
/// let debug = Debug::new(plan, Default::default());
/// let mut run = debug.run(Source::path("video.mp4"), "report".as_ref())?;
/// for record in &mut run {
///     let record = record?; // the same records as from `Fast`
/// }
/// let statistics = run.finish()?;
/// println!("{} frames in {:.3} s: see report/report.html", statistics.frames, statistics.wall);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Debug {
    plan: Plan,
    options: SourceOptions,
    folders: SourceFolders,
    overwrite: Overwrite,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DebugError {
    /// The plan can't be begun.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file of the report exists already, or can't be written.
    #[error(transparent)]
    Output(#[from] ImageError),
    /// A model can't be loaded, or failed.
    #[error(transparent)]
    Model(#[from] InferError),
}

impl Debug {
    /// A run of `plan`; the source will be opened with `options`, but for what the plan says.
    pub fn new(plan: Plan, options: SourceOptions) -> Self {
        Self { plan, options, folders: SourceFolders::default(), overwrite: Overwrite::default() }
    }

    /// With the images that the plan wants in `folders`; else they are made and dropped.
    #[must_use]
    pub fn images_in(self, folders: SourceFolders) -> Self {
        Self { folders, ..self }
    }

    /// What to do about a report that is in the folder already. Default: refuse.
    #[must_use]
    pub fn overwrite(self, overwrite: Overwrite) -> Self {
        Self { overwrite, ..self }
    }

    /// Starts to carry out the plan on `source`; the report goes to `folder`, which is made if need
    /// be.
    ///
    /// # Errors
    ///
    /// [`DebugError::Output`] or [`DebugError::Start`]. What is wrong with
    /// the source is told by the records.
    pub fn run(self, source: Source, folder: &Path) -> Result<DebugRun, DebugError> {
        let Self { plan, options, folders, overwrite } = self;
        let [trace, lines] = prepare(folder, overwrite)?;
        let collector = Collector::new(TraceWriter::new(BufWriter::new(trace)));
        let dispatch = collector.dispatch();
        let inspector = Inspector::new(collector.clone());
        let frames = Frames::new(inspector.clone());
        let (fast, records) = dispatcher::with_default(&dispatch, || {
            let mut fast = Fast::new(plan, options)?;
            fast.inspect(inspector);
            let records = fast.run_into(source, Ok(folders));
            Ok::<_, StartError>((fast, records))
        })?;
        Ok(DebugRun {
            fast,
            records,
            dispatch,
            collector,
            page: Page::new(frames),
            lines: JsonLines::new(lines),
            folder: folder.into(),
            failure: None,
        })
    }
}

/// Makes the folder, and the files in it that are written from the beginning.
fn prepare(folder: &Path, overwrite: Overwrite) -> Result<[File; 2], DebugError> {
    fs::create_dir_all(folder).map_err(|cause| cannot_write(folder, cause))?;
    for path in FILES.map(|name| folder.join(name)) {
        if overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok() {
            return Err(ImageError::Exists { path }.into());
        }
    }
    let [page, trace, lines] = FILES.map(|name| folder.join(name));
    match fs::remove_file(&page) {
        // Beside a new trace, an old report would mislead.
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(cannot_write(&page, cause));
        }
        _ => {}
    }
    let create = |path: &Path| File::create(path).map_err(|cause| cannot_write(path, cause));
    Ok([create(&trace)?, create(&lines)?])
}

fn cannot_write(path: &Path, cause: io::Error) -> DebugError {
    let remedy = remedy(cause.kind());
    ImageError::Write { path: path.into(), remedy, cause }.into()
}

/// A run that is reported: its records, as they come, then [`finish`](Self::finish).
///
/// Dropping it stops the work; there is no `report.html` then.
#[derive(Debug)]
pub struct DebugRun {
    fast: Fast,
    records: Records,
    dispatch: Dispatch,
    collector: Collector,
    page: Page,
    lines: JsonLines<File>,
    folder: PathBuf,
    /// That a record couldn't be written.
    failure: Option<io::Error>,
}

impl Iterator for DebugRun {
    type Item = Result<Record, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failure.is_some() {
            return None; // `finish` says why
        }
        let Self { records, page, lines, failure, collector, .. } = self;
        dispatcher::with_default(&self.dispatch, || {
            let record = records.next()?;
            page.frames.take(records.take_notes());
            if let Ok(record) = &record {
                page.take(record, collector.heard().started.elapsed());
                let _stage = stage!("write");
                *failure = lines.write(record).err();
            }
            Some(record)
        })
    }
}

impl DebugRun {
    /// The source's records, for how far they have come.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// As [`Records::hardware_fallback`].
    pub fn hardware_fallback(&mut self) -> Option<String> {
        self.records.hardware_fallback()
    }

    /// Ends the work if it isn't done, and writes the report.
    ///
    /// # Errors
    ///
    /// [`DebugError::Output`], or [`DebugError::Model`] if a model can't be loaded.
    pub fn finish(self) -> Result<Statistics, DebugError> {
        let Self { fast, records, dispatch, collector, mut page, lines, folder, failure } = self;
        let [html, trace, jsonl] = FILES.map(|name| folder.join(name));
        if let Some(cause) = failure {
            return Err(cannot_write(&jsonl, cause));
        }
        drop(lines);
        page.end(&collector, &records);
        let provider = dispatcher::with_default(&dispatch, || {
            drop(records); // its threads end, and are heard to
            fast.provider()
        })?;
        let writer = collector.heard().trace.take();
        page.trace_is_full = writer.as_ref().is_some_and(TraceWriter::is_full);
        writer.map(TraceWriter::finish).transpose().map_err(|cause| cannot_write(&trace, cause))?;
        let (text, statistics) = page.render(&fast, provider.as_ref(), &collector);
        // The old one, if there was any, is gone: nobody else's may be replaced.
        write_atomic(&html, text.as_bytes(), Overwrite::Replace)?;
        Ok(statistics)
    }
}
