//! A worker that begins late.
//!
//! Loading a model takes a core. If as many workers as there are cores decoded meanwhile, loading would
//! take longer, and with it the first result. So one of them begins when the first frame is decoded.

use std::{
    io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moviola_media::{frame::Frame, workers::WorkerHandle};

use super::{FrameOutput, worker::Workers};

/// Brings one more worker to a reader, once.
#[derive(Clone, Debug)]
pub(super) struct DeferredWorker {
    workers: Workers,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
enum State {
    /// No frame has come, and the reader isn't known.
    Nothing,
    /// The reader is known.
    Reader(WorkerHandle<Frame, FrameOutput>),
    /// A frame has come.
    Frame,
}

impl DeferredWorker {
    pub(super) fn new(workers: Workers) -> Self {
        Self { workers, state: Arc::new(Mutex::new(State::Nothing)) }
    }

    /// A worker that brings the late one when it gets its first frame.
    pub(super) fn function(&self) -> impl FnMut(Frame) -> FrameOutput + Send + 'static {
        let (late, mut work) = (self.clone(), self.workers.function());
        let mut is_first = true;
        move |frame| {
            if mem::take(&mut is_first) {
                late.frame_came();
            }
            work(frame)
        }
    }

    /// The reader that the late one is to join.
    pub(super) fn reader(&self, worker_handle: WorkerHandle<Frame, FrameOutput>) {
        let mut state = self.state();
        if matches!(*state, State::Frame) {
            drop(state);
            return self.join(&worker_handle);
        }
        *state = State::Reader(worker_handle);
    }

    fn frame_came(&self) {
        let before = mem::replace(&mut *self.state(), State::Frame);
        if let State::Reader(worker_handle) = before {
            self.join(&worker_handle);
        }
    }

    fn join(&self, worker_handle: &WorkerHandle<Frame, FrameOutput>) {
        // The others do its work if there is none.
        let joined: io::Result<bool> = worker_handle.join(self.workers.function());
        if let Err(error) = joined {
            tracing::warn!(%error, "fewer threads");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
