//! Who works on what: free workers, and the sources that they can be sent to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use moviola_av::interrupt::Interrupt;

use super::{isolate::WorkerSlot, memory_budget::Begin};
use crate::pipeline::Helper;

/// The workers and the sources of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Numbers of the workers that have nothing to do.
    free: Vec<usize>,
    /// The sources at work, by their place among the inputs.
    running: BTreeMap<u64, Running>,
    /// How many workers have been given work: those of the lowest numbers.
    begun: usize,
    /// Whether a frame of a source has come.
    have_told: bool,
    /// A worker is free that could begin a source, if there were one, and memory for it.
    is_short: bool,
    /// A source was begun later than it could have been, for want of memory.
    held_back: bool,
    /// All sources were taken.
    exhausted: bool,
    stopped: bool,
}

/// A source at work.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// How others join it; `None` if they can't, or there is nothing left to begin.
    pub(super) helper: Option<Helper>,
    /// Ends reading it.
    pub(super) interrupt: Option<Interrupt>,
    /// The worker process that reads it.
    pub(super) process: Option<Arc<WorkerSlot>>,
    /// Seconds of it that are left; 0 as long as that is unknown.
    pub(super) left: f64,
}

/// The right to use a worker, until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    schedule: Arc<Schedule>,
    worker: usize,
}

/// What a free worker is to do.
pub(super) enum Next {
    /// Begin with another source.
    Begin,
    /// Join those at work on the source of that number.
    Join(u64, Helper),
}

impl Schedule {
    /// All of so many workers are free.
    pub(super) fn new(workers: usize) -> Self {
        let state = State {
            free: (0..workers).rev().collect(),
            running: BTreeMap::new(),
            begun: 0,
            have_told: false,
            is_short: false,
            held_back: false,
            exhausted: false,
            stopped: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for a worker that is free and for something to do: another source, unless there is no
    /// room for it, or one at work that can be joined. `None` when nothing is left.
    pub(super) fn next(
        self: &Arc<Self>,
        has_room: impl Fn(Begin) -> bool,
    ) -> Option<(Lease, Next)> {
        let mut state = self.lock();
        loop {
            if state.stopped || (state.exhausted && state.running.is_empty()) {
                return None;
            }
            if let Some((next, worker)) = state.next(&has_room) {
                state.free.pop();
                state.begun = state.begun.max(worker + 1);
                return Some((Lease { schedule: Arc::clone(self), worker }, next));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All sources were taken.
    pub(super) fn exhaust(&self) {
        self.change(|state| state.exhausted = true);
    }

    /// A source is at work, but can't be joined yet.
    pub(super) fn begin(&self, number: u64) {
        self.change(|state| {
            state.held_back |= std::mem::take(&mut state.is_short);
            state.running.insert(number, Running::default());
        });
    }

    /// It is open.
    pub(super) fn open(&self, number: u64, running: Running) {
        self.change(|state| match state.running.get_mut(&number) {
            Some(_) if state.stopped => running.cancel(),
            Some(known) => *known = running,
            None => {}
        });
    }

    /// So many seconds of it are left; whether a frame of it has come.
    pub(super) fn progress(&self, number: u64, left: f64, has_frame: bool) {
        let mut state = self.lock();
        if let Some(running) = state.running.get_mut(&number) {
            running.left = left;
        }
        if has_frame && !std::mem::replace(&mut state.have_told, true) {
            self.changed.notify_all(); // now it is known what a worker takes
        }
    }

    /// It has nothing left to begin.
    pub(super) fn is_begun(&self, number: u64) {
        if let Some(running) = self.lock().running.get_mut(&number) {
            running.helper = None;
        }
    }

    /// A source is done.
    pub(super) fn end(&self, number: u64) {
        self.change(|state| drop(state.running.remove(&number)));
    }

    /// Nothing more is to be begun, nor read.
    pub(super) fn stop(&self) {
        self.change(|state| {
            state.stopped = true;
            state.running.values().for_each(Running::cancel);
        });
    }

    /// Whether nothing more is to be read.
    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Whether sources had to wait for memory.
    pub(super) fn was_held_back(&self) -> bool {
        self.lock().held_back
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl State {
    /// What the next free worker is to do.
    fn next(&mut self, has_room: impl Fn(Begin) -> bool) -> Option<(Next, usize)> {
        let worker = *self.free.last()?;
        let (beside, have_told) = (self.begun, self.have_told);
        let is_new = worker >= self.begun && !self.running.is_empty();
        if is_new && !has_room(Begin::Worker { beside, have_told }) {
            self.is_short |= have_told && !self.exhausted;
            return None;
        }
        let another = !self.exhausted && (self.running.is_empty() || has_room(Begin::Source));
        self.is_short |= !self.exhausted && !another;
        let next = if another { Next::Begin } else { self.join()? };
        Some((next, worker))
    }

    /// To join the source of which most is left.
    fn join(&self) -> Option<Next> {
        let open = self.running.iter();
        let open = open.filter_map(|(number, running)| {
            Some((*number, running.helper.as_ref()?, running.left))
        });
        let (number, helper, _) = open.max_by(|(.., a), (.., b)| a.total_cmp(b))?;
        Some(Next::Join(number, helper.clone()))
    }
}

impl Running {
    fn cancel(&self) {
        self.interrupt.iter().for_each(Interrupt::cancel);
        self.process.iter().for_each(|process| process.stop());
    }
}

impl Lease {
    /// The worker's number.
    pub(super) fn worker(&self) -> usize {
        self.worker
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.schedule.change(|state| state.free.push(self.worker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_begun_as_long_as_workers_are_free() {
        let schedule = Arc::new(Schedule::new(2));
        let (first, next) = schedule.next(|_| true).unwrap();
        assert!(matches!(next, Next::Begin));
        schedule.begin(0);
        let (second, _) = schedule.next(|_| true).unwrap();
        assert_ne!(first.worker(), second.worker());
        let worker = first.worker();
        drop(first);
        assert_eq!(schedule.next(|_| true).unwrap().0.worker(), worker);
    }

    #[test]
    fn without_memory_one_source_is_begun_at_a_time() {
        let schedule = Arc::new(Schedule::new(2));
        assert!(matches!(schedule.next(|_| false), Some((_, Next::Begin))));
        schedule.begin(0);
        assert!(schedule.lock().next(|_| false).is_none());
        assert!(!schedule.was_held_back(), "there may be no further source");
        let waits = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| schedule.next(|_| false).is_some());
            schedule.end(0);
            waiting.join().unwrap()
        });
        assert!(waits, "the next is begun when the first has ended");
        schedule.begin(1);
        assert!(schedule.was_held_back());
    }

    #[test]
    fn when_all_has_ended_nothing_is_left() {
        let schedule = Arc::new(Schedule::new(1));
        schedule.exhaust();
        assert!(schedule.next(|_| true).is_none());
        let schedule = Arc::new(Schedule::new(1));
        schedule.begin(0);
        schedule.stop();
        assert!(schedule.next(|_| true).is_none());
    }
}
