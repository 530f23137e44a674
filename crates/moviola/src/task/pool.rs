//! Pools of model sessions: one session for each worker, or one that all workers share.
//!
//! The first session is loaded while the source is opened and decoded. Its provider decides the
//! [`SessionPolicy`]: on a CPU each other worker loads its own session at its first frame; on a
//! device all workers share the first session, and inputs that wait for it run together, as many as
//! its model allows. Loading two sessions at once would slow both down, so the others wait for the
//! first: the first result comes early, and a source with one frame loads one model.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TryRecvError, sync_channel},
    },
};

use moviola_av::stage;
use moviola_infer::{
    error::Error,
    provider::{Provider, ProviderReport},
};
use moviola_media::workers::WorkerThread;

/// A loaded model that a pool can run.
pub(crate) trait Model: Send + 'static {
    /// One prepared input.
    type Input: Send;
    /// The model's output for one input.
    type Output: Send;

    /// The provider that runs the model, with the reason for it.
    fn provider(&self) -> &ProviderReport;

    /// The most inputs in one run, at least 1.
    fn max_batch(&self) -> usize;

    /// Runs the model on up to [`max_batch`](Self::max_batch) inputs; returns their outputs in
    /// order.
    fn run(&mut self, inputs: Vec<Self::Input>) -> Vec<Self::Output>;
}

/// How the workers of a run share sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionPolicy {
    /// One session with one thread for each worker: all cores are busy, and no worker waits for
    /// another.
    PerWorker,
    /// One session for all workers: a second one would take the device's memory without saving
    /// time.
    Shared,
}

impl SessionPolicy {
    /// The policy for a provider.
    pub(crate) fn of(provider: Provider) -> Self {
        match provider {
            Provider::Auto | Provider::Cpu | Provider::OpenVino => Self::PerWorker,
            Provider::Cuda | Provider::TensorRt | Provider::CoreMl => Self::Shared,
        }
    }
}

/// The model sessions of a run.
pub(crate) struct ModelPool<M: Model> {
    slots: Vec<Slot<M>>,
    /// The number of models loaded.
    loaded: Arc<AtomicU64>,
}

/// A worker's session; on first use it is loaded, or set to the shared session.
type Slot<M> = Arc<LazyLock<Loaded<M>, Box<dyn FnOnce() -> Loaded<M> + Send>>>;

type Loaded<M> = Result<Arc<Session<M>>, Error>;

/// A model, with the queue of inputs for it.
struct Session<M: Model> {
    model: Mutex<M>,
    report: ProviderReport,
    policy: SessionPolicy,
    queue: Mutex<VecDeque<Request<M>>>,
}

/// An input, with the sender for its output.
type Request<M> = (<M as Model>::Input, SyncSender<<M as Model>::Output>);

impl<M: Model> ModelPool<M> {
    /// Creates a pool for `workers` workers (at least 1), and starts to load the first model in the
    /// background.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
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

    /// The handle of a worker to its session.
    pub(crate) fn handle(&self, worker: usize) -> ModelHandle<M> {
        ModelHandle { slot: Arc::clone(&self.slots[worker % self.slots.len()]) }
    }
}

/// The state of a pool, independent of its type of model.
pub(crate) trait PoolStatus {
    /// The number of models loaded so far: at most one for each worker.
    fn loaded(&self) -> u64;

    /// Waits until the first model is loaded, but not for its current run; returns its provider,
    /// with the reason for it.
    fn provider(&self) -> Result<ProviderReport, Error>;

    /// Loads the models that aren't loaded yet.
    fn load_all(&self) -> Result<(), Error>;
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

    fn load_all(&self) -> Result<(), Error> {
        self.slots.iter().try_for_each(|slot| wait_for(slot).clone().map(drop))
    }
}

/// A worker's handle to its session.
pub(crate) struct ModelHandle<M: Model> {
    slot: Slot<M>,
}

impl<M: Model> ModelHandle<M> {
    /// Calls `read` with the model; loads the model, or waits for it, first.
    ///
    /// # Errors
    ///
    /// The error of loading it.
    pub(crate) fn describe<T>(&self, read: impl FnOnce(&M) -> T) -> Result<T, Error> {
        let session = wait_for(&self.slot).as_ref().map_err(Clone::clone)?;
        Ok(read(&lock_or_wait(&session.model)))
    }

    /// Runs the model on one input; on a shared session it may run in a batch with inputs of other
    /// workers.
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
    /// Queues the input and waits for its output. The thread that locks the model runs a batch of
    /// the queue.
    ///
    /// # Panics
    ///
    /// If the model panics while it runs a batch with this input, in this thread or another.
    fn run(&self, input: M::Input) -> M::Output {
        let (sender, output) = sync_channel(1);
        lock(&self.queue).push_back((input, sender));
        loop {
            let mut model = lock_or_wait(&self.model);
            match output.try_recv() {
                Ok(output) => return output, // another worker's batch contained it
                Err(TryRecvError::Empty) => self.run_batch(&mut model),
                Err(TryRecvError::Disconnected) => {
                    panic!("the model panicked while another worker ran it on this input")
                }
            }
        }
    }

    fn run_batch(&self, model: &mut M) {
        let mut queue = lock(&self.queue);
        let count = model.max_batch().clamp(1, queue.len().max(1)).min(queue.len());
        let (inputs, senders): (Vec<_>, Vec<_>) = queue.drain(..count).unzip();
        drop(queue);
        for (output, sender) in model.run(inputs).into_iter().zip(senders) {
            // Sending fails only if the worker panicked.
            drop(sender.send(output));
        }
    }
}

fn load_session<M: Model>(load: &impl Fn() -> Result<M, Error>, loaded: &AtomicU64) -> Loaded<M> {
    let model = load()?;
    loaded.fetch_add(1, Ordering::Relaxed);
    let report = model.provider().clone();
    let policy = SessionPolicy::of(report.provider);
    let (model, queue) = (Mutex::new(model), Mutex::default());
    Ok(Arc::new(Session { model, report, policy, queue }))
}

/// The slot's session, loaded first if necessary. The time until it is loaded, without the stages
/// within loading, counts as waiting.
fn wait_for<M: Model>(slot: &Slot<M>) -> &Loaded<M> {
    LazyLock::get(slot).unwrap_or_else(|| {
        let _stage = stage!("wait");
        LazyLock::force(slot)
    })
}

/// Locks the mutex; time blocked on it counts as waiting.
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
