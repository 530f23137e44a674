//! What a plan's outputs need beside the sources.

use std::{any::Any, io, sync::Arc};

use moviola_infer::{error::Error as InferError, provider::ProviderReport};

use crate::{
    debug::Inspector,
    detect::Detectors,
    plan::{Detect, Plan},
};

/// What a plan's outputs need beside the sources: models, loaded once for each worker.
///
/// They serve one source after another, or several at once.
#[derive(Clone, Debug)]
pub struct Models {
    workers: usize,
    detectors: Option<Detectors>,
    /// Makes notes about each frame, if they are wanted.
    inspector: Option<Inspector>,
    /// Dropped when the last worker is done with them.
    _held: Option<Arc<dyn Any + Send + Sync>>,
}

impl Models {
    /// Starts loading what `plan` needs, for so many workers (at least one), and doesn't wait for it.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn load(plan: &Plan, workers: usize) -> io::Result<Self> {
        let workers = workers.max(1);
        let load = |detect: &Detect| Detectors::load(&detect.model, &detect.options(), workers);
        let detectors = plan.detect.as_ref().map(load).transpose()?;
        Ok(Self { workers, detectors, inspector: None, _held: None })
    }

    /// Models that are loaded already, a worker for each.
    pub fn of(detectors: Detectors) -> Self {
        let workers = detectors.len();
        Self { workers, detectors: Some(detectors), inspector: None, _held: None }
    }

    /// How many workers they serve.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The models that find objects, if objects are wanted.
    pub fn detectors(&self) -> Option<&Detectors> {
        self.detectors.as_ref()
    }

    /// Waits until the first model is loaded; says what runs it, and why. `None` if there are none.
    ///
    /// # Errors
    ///
    /// What loading it met.
    pub fn provider(&self) -> Result<Option<ProviderReport>, InferError> {
        self.detectors.as_ref().map(Detectors::provider).transpose()
    }

    /// Loads the models that aren't yet: for whoever wants to know how long the rest takes.
    ///
    /// # Errors
    ///
    /// The first error that loading met.
    pub fn ready(&self) -> Result<(), InferError> {
        self.detectors.as_ref().map_or(Ok(()), |detectors| detectors.wait().map(drop))
    }

    /// Whether a model is being loaded, and none is there yet.
    pub(crate) fn are_loading(&self) -> bool {
        self.detectors.as_ref().is_some_and(|detectors| detectors.loaded() == 0)
    }

    /// How many models were loaded so far.
    pub fn models_loaded(&self) -> u64 {
        self.detectors.as_ref().map_or(0, Detectors::loaded)
    }

    /// Those of one worker; `held` is dropped when that is done with them.
    pub(crate) fn only(&self, worker: usize, held: Arc<dyn Any + Send + Sync>) -> Self {
        let detectors = self.detectors.as_ref().map(|detectors| detectors.only(worker));
        Self { workers: 1, detectors, inspector: self.inspector.clone(), _held: Some(held) }
    }

    /// Has notes made about each frame.
    pub(crate) fn inspect(&mut self, inspector: Inspector) {
        self.inspector = Some(inspector);
    }

    pub(crate) fn inspector(&self) -> Option<&Inspector> {
        self.inspector.as_ref()
    }
}
