//! More workers for a reader that is at work.

use std::{fmt, io, sync::Arc};

use crate::frame::Frame;

/// Starts further workers of a reader, each on a thread of its own, while the reader is read
/// elsewhere. Clones serve the same reader; they don't keep it from ending.
pub struct WorkerHandle<T>(Arc<Join<T>>);

type Join<T> = dyn Fn(Work<T>) -> io::Result<bool> + Send + Sync;

/// What a worker makes of each frame.
pub(crate) type Work<T> = Box<dyn FnMut(Frame) -> T + Send>;

impl<T> WorkerHandle<T> {
    pub(crate) fn new(join: impl Fn(Work<T>) -> io::Result<bool> + Send + Sync + 'static) -> Self {
        Self(Arc::new(join))
    }

    /// Starts one more. `false` if the reader has nothing left to begin: `work` is dropped.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn join(&self, work: impl FnMut(Frame) -> T + Send + 'static) -> io::Result<bool> {
        (self.0)(Box::new(work))
    }
}

impl<T> Clone for WorkerHandle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for WorkerHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle").finish_non_exhaustive()
    }
}
