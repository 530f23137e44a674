//! Whether there is memory for more.

use moviola_media::budget;

use super::workers::Workers;

/// Bytes for each worker that are taken for enough: there a worker need not wait to learn what the
/// first one takes.
const AMPLE: u64 = 512 << 20;

/// What a run may take, and what it took before it began.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    memory: u64,
    before: u64,
    /// Whether workers bring a model each.
    has_models: bool,
}

/// What is to be begun.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    /// One more source, by whoever it may be.
    Source,
    /// The work of one more worker, beside so many; whether these have told of a frame.
    Worker { beside: usize, have_told: bool },
}

impl MemoryBudget {
    /// For a run that may take so many bytes, and hasn't loaded anything.
    pub(super) fn new(memory: u64, has_models: bool) -> Self {
        Self { memory, before: budget::resident().unwrap_or_default(), has_models }
    }

    /// How many of so many worker processes there is room for, each with its model.
    pub(super) fn processes(&self, jobs: usize) -> usize {
        let most = usize::try_from(self.memory / AMPLE).unwrap_or(usize::MAX).max(1);
        if self.has_models { jobs.min(most) } else { jobs }
    }

    /// Whether there is room for it. What a worker takes is known once the first ones have told of a
    /// frame.
    pub(super) fn has(&self, begin: Begin, workers: &Workers) -> bool {
        let Some(taken) = workers.resident() else { return true };
        match begin {
            Begin::Source => taken <= self.memory / 4 * 3,
            Begin::Worker { beside: 0, .. } => true,
            Begin::Worker { beside, have_told } => {
                // Processes are there, each with its model.
                matches!(workers, Workers::Processes(_))
                    || !self.has_models
                    || self.memory / workers.len() as u64 >= AMPLE
                    || (have_told && self.has_one_more(taken, beside as u64))
            }
        }
    }

    /// Whether one more worker that takes what each of `count` does stays within the bound.
    fn has_one_more(&self, taken: u64, count: u64) -> bool {
        let each = taken.saturating_sub(self.before) / count.max(1);
        taken.saturating_add(each) <= self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_with_models_need_room() {
        let budget = |memory, has_models| MemoryBudget { memory, before: 0, has_models };
        for (memory, has_models, jobs) in [(4, true, 4), (2, true, 2), (0, true, 1), (0, false, 4)]
        {
            assert_eq!(budget(memory * AMPLE, has_models).processes(4), jobs, "{memory}");
        }
    }

    #[test]
    fn one_more_worker_takes_what_the_others_do() {
        let budget = MemoryBudget { memory: 300, before: 20, has_models: true };
        for (taken, count, want) in
            [(160, 1, true), (161, 1, false), (240, 2, false), (206, 2, true)]
        {
            assert_eq!(budget.has_one_more(taken, count), want, "{taken} of {count}");
        }
    }
}
