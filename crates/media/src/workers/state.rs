//! The state of an [`OrderedPool`](super::OrderedPool): which jobs are done, which results wait.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
};

use moviola_av::trace;

/// The payload of a thread's panic; it resumes in the thread that waits for results.
pub(super) type Panic = Box<dyn Any + Send>;

/// How far workers may run ahead of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Jobs that may be running or finished after the one whose results the caller takes; at least
    /// one.
    pub jobs: usize,
    /// Results of the current job that may wait for the caller, and of all later jobs together. A
    /// worker that has more waits.
    pub results: usize,
}

/// Jobs and results of a pool.
#[derive(Debug)]
pub(super) struct PoolState<T> {
    /// Number of the next job to be pulled.
    pub(super) pulled: u64,
    /// Number of the job whose results the caller takes.
    pub(super) current: u64,
    pub(super) bounds: Bounds,
    pub(super) jobs: BTreeMap<u64, JobResults<T>>,
    /// Results in `jobs` of jobs after the current one.
    pub(super) waiting: usize,
    /// Workers that still run.
    pub(super) alive: usize,
    /// A worker is pulling a job: one at a time, because jobs have an order.
    pub(super) pulling: bool,
    /// No more jobs are pulled.
    pub(super) ended: bool,
    /// The pool was dropped: no more results are taken.
    pub(super) abandoned: bool,
    pub(super) panicked: Option<Panic>,
}

/// The results of a job that weren't taken yet.
#[derive(Debug)]
pub(super) struct JobResults<T> {
    pub(super) results: VecDeque<T>,
    pub(super) finished: bool,
}

impl<T> PoolState<T> {
    /// The state before the first job.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            pulled: 0,
            current: 0,
            bounds,
            jobs: BTreeMap::new(),
            waiting: 0,
            alive: 0,
            pulling: false,
            ended: false,
            abandoned: false,
            panicked: None,
        }
    }

    /// Whether the next job is within [`Bounds::jobs`] of the current one.
    pub(super) fn is_in_window(&self) -> bool {
        let window = u64::try_from(self.bounds.jobs).unwrap_or(u64::MAX).max(1);
        self.pulled < self.current.saturating_add(window)
    }

    /// Whether a job may put a result. The current job has room of its own, so that later jobs
    /// can't block it.
    pub(super) fn has_room(&self, job: u64) -> bool {
        if job != self.current {
            return self.waiting < self.bounds.results;
        }
        let waiting = self.jobs.get(&job).map_or(0, |job| job.results.len());
        waiting < self.bounds.results.max(1)
    }

    /// Emits a QUEUE event with the number of results that wait.
    pub(super) fn trace_waiting(&self) {
        let waiting = || self.jobs.values().map(|job| job.results.len()).sum::<usize>();
        tracing::trace!(target: trace::QUEUE, waiting = waiting());
    }

    /// The next result in the order of the jobs, if there is one yet.
    pub(super) fn next_result(&mut self) -> Option<T> {
        loop {
            let job = self.jobs.get_mut(&self.current)?;
            if let Some(result) = job.results.pop_front() {
                return Some(result);
            }
            if !job.finished {
                return None;
            }
            self.jobs.remove(&self.current);
            self.current += 1;
            let next = self.jobs.get(&self.current).map_or(0, |job| job.results.len());
            self.waiting = self.waiting.saturating_sub(next);
        }
    }
}
