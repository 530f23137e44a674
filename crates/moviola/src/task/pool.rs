//! The models of a run: one session for each worker, or one that all workers share.
//!
//! The first model is loaded beside opening and decoding. What it runs on decides the [`SessionPolicy`]: on a CPU each
//! further worker loads a session of its own when it has its first frame, on a device all share the first, and inputs
//! that wait for it are run together. Loading two sessions at once would slow both down, so the others wait for the
//! first: the first result comes early, and a source with one frame loads one model.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
};

use moviola_av::stage;
use moviola_infer::{
    error::Error,
    provider::{Provider, ProviderReport},
};
use moviola_media::workers::WorkerThread;

/// A loaded model, as a pool uses it.
pub(crate) trait Model: Send + 'static {
    /// One prepared input.
    type Input: Send;
    /// What the model makes of one input.
    type Output: Send;

    /// What runs it, and why.
    fn provider(&self) -> &ProviderReport;

    /// How many inputs it takes in one run, at least 1.
    fn max_batch(&self) -> usize;

    /// Runs it on up to [`max_batch`](Self::max_batch) inputs; gives an output for each, in their order.
    fn run(&mut self, inputs: Vec<Self::Input>) -> Vec<Self::Output>;
}

/// How many sessions the workers of a run have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionPolicy {
    /// One for each worker, with one thread: all cores are busy, and none waits for another.
    PerWorker,
    /// One for all: a second copy on a device would take its memory and no less time.
    Shared,
}

impl SessionPolicy {
    /// The policy for models that `provider` runs.
    pub(crate) fn of(provider: Provider) -> Self {
        match provider {
            Provider::Auto | Provider::Cpu | Provider::OpenVino => Self::PerWorker,
            Provider::Cuda | Provider::TensorRt | Provider::CoreMl => Self::Shared,
        }
    }
}

/// The models of a run. Clones share them.
pub(crate) struct ModelPool<M: Model> {
    slots: Vec<Slot<M>>,
    /// How often a model was loaded.
    loaded: Arc<AtomicU64>,
}

/// One worker's session, which is loaded, or found to be the shared one, when it is first needed.
type Slot<M> = Arc<LazyLock<Loaded<M>, Box<dyn FnOnce() -> Loaded<M> + Send>>>;

type Loaded<M> = Result<Arc<Session<M>>, Error>;

/// A model, and the inputs that wait for it.
struct Session<M: Model> {
    model: Mutex<M>,
    report: ProviderReport,
    policy: SessionPolicy,
    waiting: Mutex<VecDeque<Request<M>>>,
}

/// An input, and where its output goes.
type Request<M> = (<M as Model>::Input, SyncSender<<M as Model>::Output>);

impl<M: Model> ModelPool<M> {
    /// Starts to load the first model for `workers` workers (at least one), and doesn't wait for it.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub(crate) fn start(
        workers: usize,
        load: impl Fn() -> Result<M, Error> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let loaded = Arc::new(AtomicU64::new(0));
        let load = {
            let loaded = Arc::clone(&loaded);
            Arc::new(move || load_session(&load, &loaded))
        };
        let first_load = Arc::clone(&load);
        let thread = WorkerThread::start(move || first_load())?;
        let first: Slot<M> = Arc::new(LazyLock::new(Box::new(move || thread.wait())));
        let others = (1..workers).map(|_| {
            let (first, load) = (Arc::clone(&first), Arc::clone(&load));
            let share_or_load = move || match wait_for(&first) {
                Ok(session) if session.policy == SessionPolicy::PerWorker => load(),
                shared_or_failed => shared_or_failed.clone(),
            };
            Arc::new(LazyLock::new(Box::new(share_or_load) as Box<dyn FnOnce() -> _ + Send>))
        });
        let slots = std::iter::once(Arc::clone(&first)).chain(others).collect();
        Ok(Self { slots, loaded })
    }

    /// The session of a worker, for as long as that works.
    pub(crate) fn handle(&self, worker: usize) -> ModelHandle<M> {
        ModelHandle { slot: Arc::clone(&self.slots[worker % self.slots.len()]) }
    }
}

/// What every pool says of its models, whatever they are.
pub(crate) trait PoolStatus {
    /// How often a model was loaded so far: at most once for each worker.
    fn loaded(&self) -> u64;

    /// Waits until the first model is loaded, but not for what it is doing then; says what runs it, and why.
    fn provider(&self) -> Result<ProviderReport, Error>;

    /// Loads the models that aren't loaded yet.
    fn ready(&self) -> Result<(), Error>;
}

impl<M: Model> PoolStatus for ModelPool<M> {
    fn loaded(&self) -> u64 {
        self.loaded.load(Ordering::Relaxed)
    }

    fn provider(&self) -> Result<ProviderReport, Error> {
        wait_for(&self.slots[0])
            .as_ref()
            .map(|session| session.report.clone())
            .map_err(Clone::clone)
    }

    fn ready(&self) -> Result<(), Error> {
        self.slots.iter().try_for_each(|slot| wait_for(slot).clone().map(drop))
    }
}

/// One worker's way to its model.
pub(crate) struct ModelHandle<M: Model> {
    slot: Slot<M>,
}

impl<M: Model> ModelHandle<M> {
    /// Reads something of the model, which is loaded first, or waited for, if need be.
    ///
    /// # Errors
    ///
    /// The error of loading it.
    pub(crate) fn describe<T>(&self, read: impl FnOnce(&M) -> T) -> Result<T, Error> {
        let session = wait_for(&self.slot).as_ref().map_err(Clone::clone)?;
        Ok(read(&lock_or_wait(&session.model)))
    }

    /// Runs the model on one input, perhaps together with those that other workers hand in meanwhile.
    ///
    /// # Errors
    ///
    /// The error of loading it.
    pub(crate) fn run(&self, input: M::Input) -> Result<M::Output, Error> {
        let session = wait_for(&self.slot).as_ref().map_err(Clone::clone)?;
        Ok(session.run(input))
    }
}

impl<M: Model> Session<M> {
    /// Whoever gets hold of the model runs all inputs that wait for it, its own among them.
    fn run(&self, input: M::Input) -> M::Output {
        let (sender, output) = sync_channel(1);
        lock(&self.waiting).push_back((input, sender));
        loop {
            let mut model = lock_or_wait(&self.model);
            if let Ok(output) = output.try_recv() {
                return output; // another worker ran it
            }
            self.run_batch(&mut model);
        }
    }

    fn run_batch(&self, model: &mut M) {
        let mut waiting = lock(&self.waiting);
        let count = model.max_batch().clamp(1, waiting.len().max(1)).min(waiting.len());
        let (inputs, senders): (Vec<_>, Vec<_>) = waiting.drain(..count).unzip();
        drop(waiting);
        for (output, sender) in model.run(inputs).into_iter().zip(senders) {
            // Its worker is gone only if it panicked.
            drop(sender.send(output));
        }
    }
}

fn load_session<M: Model>(load: &impl Fn() -> Result<M, Error>, loaded: &AtomicU64) -> Loaded<M> {
    let model = load()?;
    loaded.fetch_add(1, Ordering::Relaxed);
    let report = model.provider().clone();
    let policy = SessionPolicy::of(report.provider);
    let (model, waiting) = (Mutex::new(model), Mutex::default());
    Ok(Arc::new(Session { model, report, policy, waiting }))
}

/// The slot's session, loaded here if it isn't yet. Time until it is there, apart from stages of loading, counts as
/// waiting.
fn wait_for<M: Model>(slot: &Slot<M>) -> &Loaded<M> {
    LazyLock::get(slot).unwrap_or_else(|| {
        let _stage = stage!("wait");
        LazyLock::force(slot)
    })
}

/// The lock; time spent waiting for it counts as waiting.
fn lock_or_wait<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            let _stage = stage!("wait");
            lock(mutex)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: Model> fmt::Debug for ModelPool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelPool")
            .field("workers", &self.slots.len())
            .field("loaded", &self.loaded)
            .finish()
    }
}

impl<M: Model> fmt::Debug for ModelHandle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelHandle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
