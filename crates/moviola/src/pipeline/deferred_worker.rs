//! A worker that starts when the first frame is decoded.
//!
//! Loading a model occupies a core. If all cores decoded meanwhile, loading would take longer and
//! delay the first result.

use std::{
    io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moviola_media::{frame::Frame, workers::WorkerHandle};

use super::{FrameOutput, worker::Workers};

/// Adds one worker to a reader, once the reader is known and a frame is decoded.
#[derive(Clone, Debug)]
pub(super) struct DeferredWorker {
    workers: Workers,
    state: Arc<Mutex<DeferredState>>,
}

#[derive(Debug)]
enum DeferredState {
    /// No frame is decoded, and the reader isn't known.
    Waiting,
    /// The reader is known; no frame is decoded.
    HasReader(WorkerHandle<Frame, FrameOutput>),
    /// A frame is decoded.
    HasFrame,
}

impl DeferredWorker {
    pub(super) fn new(workers: Workers) -> Self {
        Self { workers, state: Arc::new(Mutex::new(DeferredState::Waiting)) }
    }

    /// A worker function that starts the deferred worker at its first frame.
    pub(super) fn function(&self) -> impl FnMut(Frame) -> FrameOutput + Send + 'static {
        let (deferred, mut work) = (self.clone(), self.workers.function());
        let mut is_first = true;
        move |frame| {
            if mem::take(&mut is_first) {
                deferred.receive_frame();
            }
            work(frame)
        }
    }

    /// Sets the reader that the deferred worker joins.
    pub(super) fn set_reader(&self, worker_handle: WorkerHandle<Frame, FrameOutput>) {
        let mut state = self.state();
        if matches!(*state, DeferredState::HasFrame) {
            drop(state);
            return self.join(&worker_handle);
        }
        *state = DeferredState::HasReader(worker_handle);
    }

    fn receive_frame(&self) {
        let before = mem::replace(&mut *self.state(), DeferredState::HasFrame);
        if let DeferredState::HasReader(worker_handle) = before {
            self.join(&worker_handle);
        }
    }

    fn join(&self, worker_handle: &WorkerHandle<Frame, FrameOutput>) {
        // Without this worker, the others do its work.
        let joined: io::Result<bool> = worker_handle.join(self.workers.function());
        if let Err(error) = joined {
            tracing::warn!(%error, "no thread for one more worker: the source is read with fewer");
        }
    }

    fn state(&self) -> MutexGuard<'_, DeferredState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
