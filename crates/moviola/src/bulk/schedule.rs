//! The schedule of a run: which worker is free, and which source it gets.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use moviola_av::interrupt::{Interrupt, StopReason};

use super::{isolate::WorkerSlot, memory_budget::StartKind};
use crate::pipeline::PipelineHandle;

/// The free workers and running sources of a run. Shared by its threads.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    changed: Condvar,
    /// Stops the run: the opening and reading of all its sources.
    interrupt: Interrupt,
}

#[derive(Debug)]
struct State {
    /// The numbers of the free workers. The last one is lent next.
    free: Vec<usize>,
    /// The sources being read, by their number among the inputs.
    running: BTreeMap<u64, RunningSource>,
    /// How many workers ever had work: those with the lowest numbers.
    started_workers: usize,
    /// Whether any source has had a frame.
    has_frame: bool,
    /// Whether a free worker could start a source if there were memory, and a source, for it.
    is_short_of_memory: bool,
    /// Whether a source started late because memory was short.
    was_held_back: bool,
    /// Whether all sources were taken.
    is_exhausted: bool,
}

/// A source that is being read.
#[derive(Debug, Default)]
pub(super) struct RunningSource {
    /// The pipeline that more workers can be added to; `None` if it takes none, or no work is left.
    pub(super) pipeline: Option<PipelineHandle>,
    /// The worker process that reads the source.
    pub(super) process: Option<Arc<WorkerSlot>>,
    /// The seconds of the source that are left to read; 0 if unknown.
    pub(super) seconds_left: f64,
}

/// The right to use a worker. Dropping it frees the worker.
#[derive(Debug)]
pub(super) struct Lease {
    schedule: Arc<Schedule>,
    worker: usize,
}

/// What a free worker does next.
pub(super) enum Assignment {
    /// Starts the next source.
    Start,
    /// Joins the workers of the source with this number.
    Join(u64, PipelineHandle),
}

impl Schedule {
    /// A schedule of `workers` workers, all free, for a run whose sources `interrupt` ends.
    pub(super) fn new(workers: usize, interrupt: Interrupt) -> Self {
        let state = State {
            free: (0..workers).rev().collect(),
            running: BTreeMap::new(),
            started_workers: 0,
            has_frame: false,
            is_short_of_memory: false,
            was_held_back: false,
            is_exhausted: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), interrupt }
    }

    /// Waits for a free worker and something for it to do: another source, if `has_room` for it, or
    /// a running one that can be joined. `None` when nothing is left or the run was stopped.
    pub(super) fn next(
        self: &Arc<Self>,
        has_room: impl Fn(StartKind) -> bool,
    ) -> Option<(Lease, Assignment)> {
        let mut state = self.lock();
        loop {
            if self.is_stopped() || (state.is_exhausted && state.running.is_empty()) {
                return None;
            }
            if let Some((next, worker)) = state.next(&has_room) {
                state.free.pop();
                state.started_workers = state.started_workers.max(worker + 1);
                return Some((Lease { schedule: Arc::clone(self), worker }, next));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sets that all sources were taken.
    pub(super) fn exhaust(&self) {
        self.change(|state| state.is_exhausted = true);
    }

    /// Adds a source that is being read. Workers can't join it yet.
    pub(super) fn start_source(&self, number: u64) {
        self.change(|state| {
            state.was_held_back |= std::mem::take(&mut state.is_short_of_memory);
            state.running.insert(number, RunningSource::default());
        });
    }

    /// Sets how workers are added to a source, and the process that reads it. Stops the process at
    /// once if the run was stopped.
    pub(super) fn set_running(&self, number: u64, running: RunningSource) {
        self.change(|state| match state.running.get_mut(&number) {
            Some(_) if self.is_stopped() => running.stop_process(),
            Some(known) => *known = running,
            None => {}
        });
    }

    /// Updates how many seconds of a source are left to read, and whether it has had a frame.
    pub(super) fn report_progress(&self, number: u64, seconds_left: f64, has_frame: bool) {
        let mut state = self.lock();
        if let Some(running) = state.running.get_mut(&number) {
            running.seconds_left = seconds_left;
        }
        if has_frame && !std::mem::replace(&mut state.has_frame, true) {
            self.changed.notify_all(); // the memory that a worker uses is known from now on
        }
    }

    /// Stops adding workers to a source, because all of its work is assigned.
    pub(super) fn close_to_workers(&self, number: u64) {
        if let Some(running) = self.lock().running.get_mut(&number) {
            running.pipeline = None;
        }
    }

    /// Removes a source that has ended.
    pub(super) fn end_source(&self, number: u64) {
        self.change(|state| drop(state.running.remove(&number)));
    }

    /// Stops the run: interrupts running sources and starts no others.
    pub(super) fn stop(&self) {
        self.interrupt.cancel();
        self.change(|state| state.running.values().for_each(RunningSource::stop_process));
    }

    /// The interrupt of the run's sources.
    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Whether the run was stopped, here or by the interrupt in its options.
    pub(super) fn is_stopped(&self) -> bool {
        self.interrupt.reason() == Some(StopReason::Cancelled)
    }

    /// Whether a source started late because memory was short.
    pub(super) fn was_held_back(&self) -> bool {
        self.lock().was_held_back
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
    /// What the next free worker does, and its number.
    fn next(&mut self, has_room: impl Fn(StartKind) -> bool) -> Option<(Assignment, usize)> {
        let worker = *self.free.last()?;
        let (started, has_frame) = (self.started_workers, self.has_frame);
        let is_new = worker >= started && !self.running.is_empty();
        if is_new && !has_room(StartKind::Worker { started, has_frame }) {
            self.is_short_of_memory |= has_frame && !self.is_exhausted;
            return None;
        }
        let can_start =
            !self.is_exhausted && (self.running.is_empty() || has_room(StartKind::Source));
        self.is_short_of_memory |= !self.is_exhausted && !can_start;
        let next = if can_start { Assignment::Start } else { self.join()? };
        Some((next, worker))
    }

    /// The assignment to the source with most left to read; `None` if no source takes more workers.
    fn join(&self) -> Option<Assignment> {
        let open = self.running.iter();
        let open = open.filter_map(|(number, running)| {
            Some((*number, running.pipeline.as_ref()?, running.seconds_left))
        });
        let (number, pipeline, _) = open.max_by(|(.., a), (.., b)| a.total_cmp(b))?;
        Some(Assignment::Join(number, pipeline.clone()))
    }
}

impl RunningSource {
    fn stop_process(&self) {
        self.process.iter().for_each(|process| process.stop());
    }
}

impl Lease {
    /// The worker's number, from 0.
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
    fn sources_start_while_workers_are_free() {
        let schedule = Arc::new(Schedule::new(2, Interrupt::new()));
        let (first, next) = schedule.next(|_| true).unwrap();
        assert!(matches!(next, Assignment::Start));
        schedule.start_source(0);
        let (second, _) = schedule.next(|_| true).unwrap();
        assert_ne!(first.worker(), second.worker());
        let worker = first.worker();
        drop(first);
        assert_eq!(schedule.next(|_| true).unwrap().0.worker(), worker);
    }

    #[test]
    fn without_memory_one_source_runs_at_a_time() {
        let schedule = Arc::new(Schedule::new(2, Interrupt::new()));
        assert!(matches!(schedule.next(|_| false), Some((_, Assignment::Start))));
        schedule.start_source(0);
        assert!(schedule.lock().next(|_| false).is_none());
        assert!(!schedule.was_held_back(), "there may be no further source");
        let waits = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| schedule.next(|_| false).is_some());
            schedule.end_source(0);
            waiting.join().unwrap()
        });
        assert!(waits, "the next starts when the first has ended");
        schedule.start_source(1);
        assert!(schedule.was_held_back());
    }

    #[test]
    fn nothing_is_left_after_the_last_source_or_a_stop() {
        let schedule = Arc::new(Schedule::new(1, Interrupt::new()));
        schedule.exhaust();
        assert!(schedule.next(|_| true).is_none());
        let schedule = Arc::new(Schedule::new(1, Interrupt::new()));
        schedule.start_source(0);
        schedule.stop();
        assert!(schedule.next(|_| true).is_none());
    }
}
