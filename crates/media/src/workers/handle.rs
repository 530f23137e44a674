//! A handle that adds workers to a running reader.

use std::{fmt, io, sync::Arc};

/// A handle that adds workers to a reader, each on a thread of its own, while another thread
/// iterates over the reader. A worker converts each `I` to a `T`.
///
/// Clones start workers of the same reader. A handle doesn't keep its reader alive.
pub struct WorkerHandle<I, T>(Arc<Join<I, T>>);

type Join<I, T> = dyn Fn(Work<I, T>) -> io::Result<bool> + Send + Sync;

/// What a worker does with each item.
pub(crate) type Work<I, T> = Box<dyn FnMut(I) -> T + Send>;

impl<I, T> WorkerHandle<I, T> {
    pub(crate) fn new(
        join: impl Fn(Work<I, T>) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(join))
    }

    /// Starts one more worker. `false` if the reader has no work left to begin; `work` is dropped.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
    pub fn join(&self, work: impl FnMut(I) -> T + Send + 'static) -> io::Result<bool> {
        (self.0)(Box::new(work))
    }
}

impl<I, T> Clone for WorkerHandle<I, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I, T> fmt::Debug for WorkerHandle<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle").finish_non_exhaustive()
    }
}
