//! Runs of one source with a detailed report.
//!
//! The plan runs as with [`Fast`], while a tracing layer records the stages of all threads and an
//! observer records each frame. The report is a folder of three files: `report.html` for a browser,
//! `trace.json` for Perfetto, and `records.jsonl` with the same records as any other run.
//!
//! Memory doesn't grow with the length of the source. The timeline has a fixed number of columns
//! for each thread (some 200 KB), and so have the decisions (some 2 MB). The report shows at most
//! 120 frames, and the trace is written during the run.

mod advice;
mod collector;
mod decisions;
mod environment;
mod frames;
mod histogram;
mod inspector;
mod lanes;
mod listener;
mod page;
mod sample;
mod stage;
#[cfg(test)]
mod tests;
mod timeline;
mod trace;

use std::{
    fs,
    io::{self, BufWriter, IntoInnerError, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use moviola_av::{error::ErrorKind, remedy::Remedy, stage, trace::record_bytes};
use moviola_infer::error::Error as InferError;
use moviola_media::{
    image::{ImageError, NewFile, Overwrite},
    source::{Source, SourceOptions},
};
use tracing::{Dispatch, dispatcher};

use crate::{
    Fast, Plan, Records,
    error::StartError,
    records::Record,
    sink::{
        images::{SavedRecords, SourceFolders},
        jsonl::JsonLines,
    },
};
use collector::Collector;
use frames::FrameSelection;
use inspector::Inspector;
use page::Page;
use trace::TraceWriter;

pub use page::{StageReport, Statistics};
pub use stage::Stage;

/// The files in a report's folder.
const FILES: [&str; 3] = ["report.html", "trace.json", "records.jsonl"];

/// A run of a plan on one source, with a report of its stages, decisions and frames.
///
/// ```
/// use moviola::{Debug, Plan, Source, image::Overwrite};
///
/// # let video = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
/// # let folder = std::env::temp_dir().join("moviola-report");
/// let plan = Plan::from_toml("[stills]")?;
/// let debug = Debug::new(plan, Default::default()).overwrite(Overwrite::Replace);
/// let mut run = debug.run(Source::path(video), &folder)?;
/// for record in &mut run {
///     let record = record?; // the same records as from `Fast`
/// }
/// let statistics = run.finish()?;
/// assert_eq!(statistics.frames, 10);
/// println!("{:.3} s: see {}/report.html", statistics.wall, folder.display());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Debug {
    plan: Plan,
    options: SourceOptions,
    folders: SourceFolders,
    overwrite: Overwrite,
}

/// Why a report can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DebugError {
    /// The plan can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file of the report exists already, or can't be written.
    #[error(transparent)]
    Output(#[from] ImageError),
    /// A model can't be loaded, or failed.
    #[error(transparent)]
    Model(#[from] InferError),
}

impl DebugError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Start(cause) => cause.kind(),
            Self::Output(cause) => cause.kind(),
            Self::Model(cause) => cause.kind(),
        }
    }

    /// What the caller can change to avoid the error.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Start(cause) => cause.remedy(),
            Self::Output(cause) => cause.remedy(),
            Self::Model(cause) => cause.remedy(),
        }
    }
}

impl Debug {
    /// Creates a run of `plan`. The source is opened with `options`, except for those that the plan
    /// sets.
    pub fn new(plan: Plan, options: SourceOptions) -> Self {
        Self { plan, options, folders: SourceFolders::default(), overwrite: Overwrite::default() }
    }

    /// Sets the folders that the plan's images are written to. Default: they
    /// are not written, and stay in their records.
    #[must_use]
    pub fn images_in(self, folders: SourceFolders) -> Self {
        Self { folders, ..self }
    }

    /// Sets whether an existing report is replaced. Default: it is an error.
    #[must_use]
    pub fn overwrite(self, overwrite: Overwrite) -> Self {
        Self { overwrite, ..self }
    }

    /// Starts to run the plan on `source`; the report is written to `folder`, which is created if
    /// missing.
    ///
    /// # Errors
    ///
    /// [`DebugError::Output`] or [`DebugError::Start`]. Errors of the source are records.
    pub fn run(self, source: Source, folder: &Path) -> Result<DebugRun, DebugError> {
        let Self { plan, options, folders, overwrite } = self;
        let [html, trace, lines] = prepare(folder, overwrite)?;
        let collector = Collector::new(TraceWriter::new(BufWriter::new(trace)));
        let dispatch = collector.dispatch();
        let inspector = Inspector::new(collector.clone());
        // The page measures CPU time, and the collector wall time, from here on.
        let page = Page::new(FrameSelection::new(inspector.clone()));
        let (fast, records) = dispatcher::with_default(&dispatch, || {
            let mut fast = Fast::new(plan, options)?;
            fast.observe(Arc::new(inspector));
            let records = fast.run_into(source, Ok(folders));
            Ok::<_, StartError>((fast, records))
        })?;
        Ok(DebugRun {
            fast,
            records,
            dispatch,
            collector,
            page,
            html,
            lines: JsonLines::new(RecordsFile(lines)),
            folder: folder.into(),
            failure: None,
        })
    }
}

/// Creates the folder, and in it the files of the page, the trace and the records.
fn prepare(folder: &Path, overwrite: Overwrite) -> Result<[NewFile; 3], DebugError> {
    fs::create_dir_all(folder).map_err(|cause| ImageError::unwritable(folder, cause))?;
    let [page, trace, lines] = FILES.map(|name| NewFile::create(&folder.join(name), overwrite));
    Ok([page?, trace?, lines?])
}

/// The file of records. Its writes are timed and counted as the stage `write`.
#[derive(Debug)]
struct RecordsFile(NewFile);

impl Write for RecordsFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stage = stage!("write");
        let written = self.0.write(bytes)?;
        record_bytes(&stage, written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// An iterator over the records of a run with a report. [`finish`](Self::finish) writes the report.
///
/// If it is dropped, the work stops and no report is written.
#[derive(Debug)]
pub struct DebugRun {
    fast: Fast,
    records: SavedRecords,
    dispatch: Dispatch,
    collector: Collector,
    page: Page,
    html: NewFile,
    lines: JsonLines<RecordsFile>,
    folder: PathBuf,
    /// The error of writing a record, which ends the run.
    failure: Option<io::Error>,
}

impl Iterator for DebugRun {
    type Item = Result<Record, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failure.is_some() {
            return None; // `finish` returns the error
        }
        let Self { records, page, lines, failure, collector, .. } = self;
        dispatcher::with_default(&self.dispatch, || {
            let record = records.next()?;
            if let Ok(record) = &record {
                page.frames.add_taken();
                page.take(record, collector.measurements().started.elapsed());
                let _stage = stage!("write");
                *failure = lines.write(record).err();
            }
            Some(record)
        })
    }
}

impl DebugRun {
    /// The source's records, for their counts and progress.
    pub fn records(&self) -> &Records {
        self.records.records()
    }

    /// As [`Records::hardware_fallback`].
    pub fn hardware_fallback(&mut self) -> Option<String> {
        self.records.hardware_fallback()
    }

    /// Stops the work if it isn't done, and writes the report.
    ///
    /// # Errors
    ///
    /// [`DebugError::Output`], or [`DebugError::Model`] if a model can't be loaded.
    pub fn finish(self) -> Result<Statistics, DebugError> {
        let Self { fast, records, dispatch, collector, mut page, .. } = self;
        let (mut html, lines, folder) = (self.html, self.lines, self.folder);
        let unwritable = |name: &str, cause| ImageError::unwritable(&folder.join(name), cause);
        let [page_name, trace_name, lines_name] = FILES;
        if let Some(cause) = self.failure {
            return Err(unwritable(lines_name, cause).into());
        }
        page.end(&collector, records.records());
        let provider = dispatcher::with_default(&dispatch, || {
            drop(records); // ends its threads, so that their last stages are measured
            fast.provider()
        })?;
        let trace = collector.measurements().trace.take();
        page.trace_is_full = trace.as_ref().is_some_and(TraceWriter::is_full);
        let trace = trace.map(TraceWriter::finish).transpose();
        let trace = trace.and_then(|trace| match trace {
            Some(buffer) => buffer.into_inner().map(Some).map_err(IntoInnerError::into_error),
            None => Ok(None),
        });
        let trace = trace.map_err(|cause| unwritable(trace_name, cause))?;
        let (text, statistics) = page.render(&fast, provider.as_ref(), &collector);
        html.write_all(text.as_bytes()).map_err(|cause| unwritable(page_name, cause))?;
        for file in trace.into_iter().chain([lines.into_inner().0, html]) {
            file.finish()?;
        }
        Ok(statistics)
    }
}
