//! One source after another, each with the least delay.

use std::io;

use moviola_av::{error::ErrorKind, remedy::Remedy};
use moviola_infer::{error::Error as InferError, provider::ProviderReport};
use moviola_media::{
    image,
    source::{Source, SourceOptions},
};

use crate::{
    bulk::BulkError,
    debug::Inspector,
    pipeline::Models,
    plan::{Plan, PlanError},
    records::Records,
    sink::images::SourceFolders,
};

/// Carries out a plan on one source at a time, with all cores at work on it.
///
/// Models are loaded once, beside opening and decoding the first source. Each frame's records leave
/// as soon as it is ready and its turn has come.
///
/// Memory is bounded by the workers, one for each core unless [`SourceOptions::decoders`] says
/// otherwise: each has a picture in work, and its model.
///
/// ```
/// use moviola::{Fast, Plan, Source, results::Record};
///
/// # let video = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
/// let plan = Plan::from_toml("frames = { every = '2s' }\n[stills]\nhash = true")?;
/// let fast = Fast::new(plan, Default::default())?;
/// let mut times = Vec::new();
/// for record in fast.run(Source::path(video)) {
///     if let Record::Frame(frame) = record? {
///         times.extend(frame.place.time);
///     }
/// }
/// assert_eq!(times, [0.0, 2.0, 4.0, 6.0, 8.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Fast {
    plan: Plan,
    options: SourceOptions,
    models: Models,
}

/// Why a plan can't be begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The plan can't be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The system gives no thread.
    #[error("the system gives no thread: {0}")]
    Thread(#[from] io::Error),
    /// A worker process can't be started.
    #[error(transparent)]
    Worker(#[from] BulkError),
}

impl StartError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Plan(cause) => cause.kind(),
            Self::Thread(_) => ErrorKind::Worker,
            Self::Worker(cause) => cause.kind(),
        }
    }

    /// What the caller can change so that it does not come again.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Plan(cause) => cause.remedy(),
            Self::Thread(_) => None,
            Self::Worker(cause) => cause.remedy(),
        }
    }
}

impl Fast {
    /// Starts to load what `plan` needs; sources will be opened with `options`, but for what the plan
    /// says.
    ///
    /// # Errors
    ///
    /// [`StartError::Plan`] for a plan that can't be carried out, [`StartError::Thread`]. What is
    /// wrong with a model is told by [`provider`](Self::provider) and by the records.
    pub fn new(plan: Plan, options: SourceOptions) -> Result<Self, StartError> {
        plan.check()?;
        let models = Models::load(&plan, options.decoders)?;
        Ok(Self { plan, options, models })
    }

    /// Has notes made about each frame of the sources that are begun from now on.
    pub(crate) fn inspect(&mut self, inspector: Inspector) {
        self.models.inspect(inspector);
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Carries out the plan on `source`; images stay in memory and are dropped with their frames'
    /// outputs.
    pub fn run(&self, source: Source) -> Records {
        self.run_into(source, Ok(SourceFolders::default()))
    }

    /// As [`run`](Self::run), with images in the source's `folders`; that there are none for it is
    /// told by the records.
    pub fn run_into(&self, source: Source, folders: image::Result<SourceFolders>) -> Records {
        Records::start(source, &self.options, &self.plan, &self.models, folders)
    }

    /// Waits until a model is loaded; says what runs it, and why. `None` if the plan needs none.
    ///
    /// # Errors
    ///
    /// What loading it met.
    pub fn provider(&self) -> Result<Option<ProviderReport>, InferError> {
        self.models.provider()
    }

    /// How many models were loaded so far: at most one for each worker, however many sources there
    /// are.
    pub fn models_loaded(&self) -> u64 {
        self.models.models_loaded()
    }
}
