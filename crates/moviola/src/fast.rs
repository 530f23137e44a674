//! Runs of a plan on one source after another, each with the least latency.

use std::sync::Arc;

use moviola_infer::{error::Error as InferError, provider::ProviderReport};
use moviola_media::{
    image,
    source::{Source, SourceOptions},
};

use crate::{
    error::StartError,
    pipeline::FrameObserver,
    plan::Plan,
    records::Records,
    sink::images::{SavedRecords, SourceFolders},
    task::Tasks,
};

/// A runner of a plan on one source at a time, on all cores.
///
/// Models are loaded once, while the first source is opened and decoded. A frame's records are
/// returned as soon as they are ready, in the order of the plan.
///
/// Memory is bounded by the workers, one for each core unless [`SourceOptions::decoders`] says
/// otherwise: each holds one frame and its model.
///
/// ```
/// use moviola::{Fast, Plan, Record, Source};
///
/// # let video = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
/// let plan = Plan::from_toml("frames = { every = '2s' }\n[stills]\nhash = true")?;
/// let fast = Fast::new(plan, Default::default())?;
/// let mut times = Vec::new();
/// for record in fast.run(Source::path(video)) {
///     if let Record::Frame(frame) = record? {
///         times.extend(frame.position.time);
///     }
/// }
/// assert_eq!(times, [0.0, 2.0, 4.0, 6.0, 8.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Fast {
    plan: Plan,
    options: SourceOptions,
    tasks: Tasks,
    observer: Option<Arc<dyn FrameObserver>>,
}

impl Fast {
    /// Starts to load the models of `plan`. Sources will be opened with `options`, except for those
    /// that the plan sets.
    ///
    /// # Errors
    ///
    /// [`StartError::Plan`] for a plan that can't be carried out, [`StartError::Options`] for options
    /// outside their ranges, [`StartError::Thread`].
    /// Errors of a model are returned by [`provider`](Self::provider) and by the records.
    pub fn new(plan: Plan, options: SourceOptions) -> Result<Self, StartError> {
        plan.check()?;
        options.check()?;
        let tasks = Tasks::load(&plan, options.decoders)?;
        Ok(Self { plan, options, tasks, observer: None })
    }

    /// Sets the observer of the sources that are started from now on.
    pub(crate) fn observe(&mut self, observer: Arc<dyn FrameObserver>) {
        self.observer = Some(observer);
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs the plan on `source`. Images are in their records.
    pub fn run(&self, source: Source) -> Records {
        let Self { plan, options, tasks, observer } = self;
        Records::start(source, options, plan, tasks, observer.clone())
    }

    /// As [`run`](Self::run), with images written to the source's `folders`; an error in their
    /// place becomes an error record.
    pub fn run_into(&self, source: Source, folders: image::Result<SourceFolders>) -> SavedRecords {
        let name = source.name().to_owned();
        SavedRecords::new(&self.plan, &name, folders, || self.run(source))
    }

    /// Waits until a model is loaded; returns the provider that runs it, and why. `None` if the
    /// plan has no model.
    ///
    /// # Errors
    ///
    /// The error of loading it.
    pub fn provider(&self) -> Result<Option<ProviderReport>, InferError> {
        self.tasks.provider()
    }

    /// Loads the models that aren't loaded yet, so that later runs can be timed without it.
    ///
    /// # Errors
    ///
    /// The first error of loading.
    pub fn ready(&self) -> Result<(), InferError> {
        self.tasks.load_models()
    }

    /// How often a model was loaded so far: at most once for each worker, whatever the number of
    /// sources.
    pub fn models_loaded(&self) -> u64 {
        self.tasks.models_loaded()
    }
}
