//! The memory budget of a run, which decides whether another source or worker may start.

use moviola_media::budget;

use super::workers::Workers;

/// The bytes for each worker with which workers start without waiting for the measured use of the
/// first.
const AMPLE_PER_WORKER: u64 = 512 << 20;

/// The bytes that a run may use.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    memory: u64,
    /// Resident bytes before the run.
    before: u64,
    /// Whether workers load models: on a CPU each, on a device only the first.
    has_models: bool,
}

/// What is about to start.
#[derive(Clone, Copy, Debug)]
pub(super) enum StartKind {
    /// One more source.
    Source,
    /// One more worker. `started` others have started; `has_frame` once one of them gave a frame.
    Worker { started: usize, has_frame: bool },
}

impl MemoryBudget {
    /// The budget of a run that may use `memory` bytes. Call it before anything is loaded.
    pub(super) fn new(memory: u64, has_models: bool) -> Self {
        Self { memory, before: budget::resident().unwrap_or_default(), has_models }
    }

    /// How many of `jobs` worker processes fit, each with its model.
    pub(super) fn max_processes(&self, jobs: usize) -> usize {
        let most = usize::try_from(self.memory / AMPLE_PER_WORKER).unwrap_or(usize::MAX).max(1);
        if self.has_models { jobs.min(most) } else { jobs }
    }

    /// Whether there is memory for `start`. What a worker uses is known once one has given a frame.
    pub(super) fn has_room(&self, start: StartKind, workers: &Workers) -> bool {
        let Some(taken) = workers.resident() else { return true };
        match start {
            StartKind::Source => taken <= self.memory / 4 * 3,
            StartKind::Worker { started: 0, .. } => true,
            StartKind::Worker { started, has_frame } => {
                // Worker processes run already, each with its model.
                matches!(workers, Workers::Processes(_))
                    || !self.has_models
                    || self.memory / workers.len() as u64 >= AMPLE_PER_WORKER
                    || (has_frame && self.has_room_for_one_more(taken, started as u64))
            }
        }
    }

    /// Whether one more worker fits if it uses as much as each of the `count` that use `taken`
    /// bytes.
    fn has_room_for_one_more(&self, taken: u64, count: u64) -> bool {
        let each = taken.saturating_sub(self.before) / count.max(1);
        taken.saturating_add(each) <= self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_with_models_are_limited_by_memory() {
        let budget = |memory, has_models| MemoryBudget { memory, before: 0, has_models };
        for (memory, has_models, jobs) in [(4, true, 4), (2, true, 2), (0, true, 1), (0, false, 4)]
        {
            assert_eq!(
                budget(memory * AMPLE_PER_WORKER, has_models).max_processes(4),
                jobs,
                "{memory}"
            );
        }
    }

    #[test]
    fn one_more_worker_is_assumed_to_use_as_much_as_the_others() {
        let budget = MemoryBudget { memory: 300, before: 20, has_models: true };
        for (taken, count, want) in
            [(160, 1, true), (161, 1, false), (240, 2, false), (206, 2, true)]
        {
            assert_eq!(budget.has_room_for_one_more(taken, count), want, "{taken} of {count}");
        }
    }
}
