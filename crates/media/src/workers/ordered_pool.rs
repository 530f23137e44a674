//! Results of several workers in the order of their jobs.
//!
//! There is no queue of jobs: a free worker pulls the next job itself, so there is one thread for
//! each worker. A [`PoolHandle`] starts more workers.

use std::{
    panic,
    sync::{Arc, Mutex},
};

use super::{
    monitor::{PoolMonitor, Results},
    pool_handle::{PoolHandle, one_result},
    state::Bounds,
};

/// Results of several workers, in the order of the jobs they were made from.
///
/// Memory is bounded: no worker takes a job that is more than [`Bounds::jobs`] ahead of the result
/// the caller waits for. At most [`Bounds::results`] results of that job wait, and as many of all
/// later jobs together. Dropping the pool stops the workers at their next result, and joins their
/// threads. A panic in a worker resumes in the caller's `next`.
#[derive(Debug)]
pub struct OrderedPool<T> {
    monitor: Arc<PoolMonitor<T>>,
}

impl<T: Send + 'static> OrderedPool<T> {
    /// As [`start_many`](Self::start_many) where each job has one result.
    ///
    /// At most `window` results (at least one) are finished or in the making beyond the one the
    /// caller has taken.
    ///
    /// # Errors
    ///
    /// As [`start_many`](Self::start_many).
    pub fn start<J, P, W>(pull: P, workers: Vec<W>, window: usize) -> std::io::Result<Self>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J) -> T + Send + 'static,
    {
        Self::open(pull, workers, window).map(|(pool, _)| pool)
    }

    /// As [`start`](Self::start), with a handle that starts more workers.
    ///
    /// # Errors
    ///
    /// As [`start_many`](Self::start_many).
    pub fn open<J, P, W>(
        pull: P,
        workers: Vec<W>,
        window: usize,
    ) -> std::io::Result<(Self, PoolHandle<J, T>)>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J) -> T + Send + 'static,
    {
        let workers = workers.into_iter().map(one_result).collect();
        Self::start_many(pull, workers, Bounds { jobs: window, results: usize::MAX })
    }

    /// Starts one thread for each of `workers`; the handle starts more.
    ///
    /// `pull` gives the jobs, on whichever thread is free, never on two at once. A worker puts any
    /// number of results for a job into its [`Results`].
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started. Fewer threads than asked for are not an
    /// error: those that run do all the work.
    pub fn start_many<J, P, W>(
        pull: P,
        workers: Vec<W>,
        bounds: Bounds,
    ) -> std::io::Result<(Self, PoolHandle<J, T>)>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        let monitor = Arc::new(PoolMonitor::new(bounds));
        let handle = PoolHandle { monitor: Arc::clone(&monitor), pull: Arc::new(Mutex::new(pull)) };
        let pool = Self { monitor };
        for (running, work) in workers.into_iter().enumerate() {
            match handle.spawn(work, &mut handle.monitor.threads()) {
                Ok(()) => {}
                Err(error) if running == 0 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, running, "fewer threads");
                    break;
                }
            }
        }
        Ok((pool, handle))
    }
}

impl<T> Iterator for OrderedPool<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let mut state = self.monitor.lock();
        loop {
            let current = state.current;
            let result = state.next_result();
            if result.is_some() || state.current != current {
                self.monitor.notify(); // there is room for more
            }
            if result.is_some() {
                state.trace_waiting();
                return result;
            }
            if let Some(panic) = state.panicked.take() {
                // The results of the job that panicked never come: the pool ends here.
                (state.ended, state.abandoned, state.pulled) = (true, true, state.current);
                drop(state);
                self.monitor.notify();
                panic::resume_unwind(panic);
            }
            // Without a worker the next result never comes: the job of a worker that panicked is
            // lost.
            if state.alive == 0 || (state.ended && state.current >= state.pulled) {
                return None;
            }
            state = self.monitor.wait(state);
        }
    }
}

impl<T> Drop for OrderedPool<T> {
    fn drop(&mut self) {
        let mut state = self.monitor.lock();
        (state.ended, state.abandoned) = (true, true);
        drop(state);
        self.monitor.notify();
        loop {
            let Some(thread) = self.monitor.threads().pop() else { return };
            // A worker catches its own panic and leaves it in the state.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests;
