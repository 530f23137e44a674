//! The warning that memory is short.

use std::time::{Duration, Instant};

use indicatif::HumanBytes;
use moviola::system::budget::{MemoryInUse, memory_in_use};

use crate::console::Console;

/// How often the memory in use is looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// The share of memory in use that is worth a warning.
const THRESHOLD: f64 = 0.8;

/// Warns once that the memory in use by all processes together has passed 80 %.
#[derive(Debug)]
pub(crate) struct MemoryWarning {
    /// What the user can do about it.
    remedy: &'static str,
    is_given: bool,
    looked: Option<Instant>,
}

impl MemoryWarning {
    pub(crate) fn new(remedy: &'static str) -> Self {
        Self { remedy, is_given: false, looked: None }
    }

    /// Looks at the memory in use, if it wasn't within the last second, and warns if it is short.
    pub(crate) fn check(&mut self, out: &Console) {
        if self.is_given || self.looked.is_some_and(|looked| looked.elapsed() < INTERVAL) {
            return;
        }
        self.looked = Some(Instant::now());
        if let Some(message) = memory_in_use().and_then(|memory| self.message(memory)) {
            self.is_given = true;
            out.note(message);
        }
    }

    /// The warning, if so much is in use.
    fn message(&self, memory: MemoryInUse) -> Option<String> {
        if memory.share() <= THRESHOLD {
            return None;
        }
        let place = if memory.is_group { "the control group" } else { "this machine" };
        let (used, total) = (HumanBytes(memory.used), HumanBytes(memory.total));
        Some(format!(
            "memory is short: all processes of {place} use {used} of {total}; {}",
            self.remedy
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_four_fifths_are_worth_a_warning() {
        let warning = MemoryWarning::new("use less");
        let message =
            |used, is_group| warning.message(MemoryInUse { used, total: 10 << 30, is_group });
        assert_eq!(message(8 << 30, false), None);
        let machine =
            "memory is short: all processes of this machine use 9.00 GiB of 10.00 GiB; use less";
        assert_eq!(message(9 << 30, false).as_deref(), Some(machine));
        assert!(
            message(9 << 30, true).is_some_and(|text| text.contains("of the control group use"))
        );
    }
}
