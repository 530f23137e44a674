//! The state of an [`OrderedPool`](super::OrderedPool), which its threads change and wait for.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use moviola_av::stage;

use super::state::{Bounds, JobResults, PoolState};

/// Gives the next job.
pub(super) type Pull<J> = dyn FnMut() -> Option<J> + Send;

/// A pool's state, its lock, and the condition that its threads wait for.
#[derive(Debug)]
pub(super) struct PoolMonitor<T> {
    state: Mutex<PoolState<T>>,
    changed: Condvar,
    /// The threads, under a lock of their own: they are joined while the state is unlocked.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where a worker puts a job's results.
#[derive(Debug)]
pub struct Results<'a, T> {
    monitor: &'a PoolMonitor<T>,
    job: u64,
}

impl<T> Results<'_, T> {
    /// Lowers [`Bounds::results`] to `results`, if that is less.
    pub fn bound(&self, results: usize) {
        let mut state = self.monitor.lock();
        state.bounds.results = state.bounds.results.min(results);
    }

    /// Adds a result, after waiting for room. `false` if the pool was dropped.
    pub fn put(&mut self, result: T) -> bool {
        let mut state = self.monitor.lock();
        while !state.abandoned && !state.has_room(self.job) {
            state = self.monitor.wait(state);
        }
        state.waiting += usize::from(self.job != state.current);
        if let Some(job) = state.jobs.get_mut(&self.job) {
            job.results.push_back(result);
        }
        state.trace_waiting();
        let is_running = !state.abandoned;
        drop(state);
        self.monitor.notify();
        is_running
    }
}

impl<T> PoolMonitor<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            state: Mutex::new(PoolState::new(bounds)),
            changed: Condvar::new(),
            threads: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PoolState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all threads that wait for a change of the state.
    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, PoolState<T>>,
    ) -> MutexGuard<'a, PoolState<T>> {
        let _stage = stage!("wait");
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a worker: it pulls a job and puts its results, until there are no more jobs.
    pub(super) fn run<J>(
        &self,
        pull: &Mutex<Pull<J>>,
        mut work: impl FnMut(J, &mut Results<'_, T>),
    ) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            while let Some((number, job)) = self.take(pull) {
                work(job, &mut Results { monitor: self, job: number });
                if let Some(job) = self.lock().jobs.get_mut(&number) {
                    job.finished = true;
                }
                self.notify();
            }
        }));
        let mut state = self.lock();
        state.alive -= 1;
        if let Err(panic) = outcome {
            state.ended = true;
            state.pulling = false;
            state.panicked.get_or_insert(panic);
        }
        drop(state);
        self.notify();
    }

    /// The next job and its number; waits while the window is full or another worker pulls.
    fn take<J>(&self, pull: &Mutex<Pull<J>>) -> Option<(u64, J)> {
        let mut state = self.lock();
        while !state.ended && (state.pulling || !state.is_in_window()) {
            state = self.wait(state);
        }
        if state.ended {
            return None;
        }
        state.pulling = true;
        drop(state); // reading a job may take long; results are taken meanwhile
        let job = (pull.lock().unwrap_or_else(PoisonError::into_inner))();
        let mut state = self.lock();
        state.pulling = false;
        state.ended |= job.is_none();
        let number = state.pulled;
        if job.is_some() {
            state.pulled += 1;
            state.jobs.insert(number, JobResults { results: VecDeque::new(), finished: false });
        }
        drop(state);
        self.notify();
        job.map(|job| (number, job))
    }
}
