//! What the threads of an [`OrderedPool`](super::OrderedPool) know of each other.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
};

use moviola_av::trace;

/// What a panicking thread leaves behind; handed on to the thread that waits for it.
pub(super) type Panic = Box<dyn Any + Send>;

/// How far workers may run ahead of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Jobs that are finished or in the making beyond the one whose results the caller takes; at
    /// least one.
    pub jobs: usize,
    /// Results that may wait of the job whose turn it is, and of all later ones together. A worker
    /// with more of them waits, too.
    pub results: usize,
}

#[derive(Debug)]
pub(super) struct State<T> {
    /// Number of the next job to be pulled.
    pub(super) pulled: u64,
    /// Number of the job whose results are handed out.
    pub(super) wanted: u64,
    pub(super) bounds: Bounds,
    pub(super) made: BTreeMap<u64, Made<T>>,
    /// Results in `made` of jobs after the wanted one.
    pub(super) waiting: usize,
    /// Workers that still run.
    pub(super) alive: usize,
    /// A worker is pulling: only one at a time, because jobs have an order.
    pub(super) pulling: bool,
    /// There are no more jobs, or nobody wants them.
    pub(super) ended: bool,
    /// Nobody wants any more results.
    pub(super) abandoned: bool,
    pub(super) panicked: Option<Panic>,
}

/// What a job has given so far.
#[derive(Debug)]
pub(super) struct Made<T> {
    pub(super) results: VecDeque<T>,
    pub(super) finished: bool,
}

impl<T> State<T> {
    /// Before the first job.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            pulled: 0,
            wanted: 0,
            bounds,
            made: BTreeMap::new(),
            waiting: 0,
            alive: 0,
            pulling: false,
            ended: false,
            abandoned: false,
            panicked: None,
        }
    }

    /// Whether the next job may be pulled, as far as the caller has come.
    pub(super) fn is_in_window(&self) -> bool {
        let window = u64::try_from(self.bounds.jobs).unwrap_or(u64::MAX).max(1);
        self.pulled < self.wanted.saturating_add(window)
    }

    /// Whether a result of a job may be put: the job whose turn it is has room of its own, so that
    /// those after it can't keep it waiting.
    pub(super) fn has_room(&self, job: u64) -> bool {
        if job != self.wanted {
            return self.waiting < self.bounds.results;
        }
        let made = self.made.get(&job).map_or(0, |made| made.results.len());
        made < self.bounds.results.max(1)
    }

    /// Tells who listens how many results wait for their turn, or to be taken.
    pub(super) fn tell_how_full(&self) {
        let waiting = || self.made.values().map(|made| made.results.len()).sum::<usize>();
        tracing::trace!(target: trace::QUEUE, waiting = waiting());
    }

    /// The next result in the order of the jobs, if it is there.
    pub(super) fn next_result(&mut self) -> Option<T> {
        loop {
            let made = self.made.get_mut(&self.wanted)?;
            if let Some(result) = made.results.pop_front() {
                return Some(result);
            }
            if !made.finished {
                return None;
            }
            self.made.remove(&self.wanted);
            self.wanted += 1;
            let next = self.made.get(&self.wanted).map_or(0, |made| made.results.len());
            self.waiting = self.waiting.saturating_sub(next);
        }
    }
}
