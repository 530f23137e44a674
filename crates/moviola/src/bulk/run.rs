//! A run under way: what happens, as it happens.

use std::{
    panic,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{Event, schedule::Schedule};
use crate::error::BulkError;

/// A run over many sources: what happens, as it happens. Dropping it stops the work.
///
/// An `Err` is one of a model, or of the system: nothing follows.
#[derive(Debug)]
pub struct BulkRun {
    pub(super) schedule: Arc<Schedule>,
    pub(super) events: Option<Receiver<Result<Event, BulkError>>>,
    pub(super) dispatcher: Option<JoinHandle<()>>,
}

/// What a time of waiting brought.
#[derive(Debug)]
pub enum Wakeup {
    /// Something happened.
    Event(Result<Event, BulkError>),
    /// Nothing did.
    Nothing,
    /// Nothing more will.
    End,
}

impl BulkRun {
    /// Stops the work, and doesn't wait for it: what was told already still comes.
    pub fn stop(&self) {
        self.schedule.stop();
    }

    /// Whether sources had to wait because memory was short.
    pub fn was_held_back(&self) -> bool {
        self.schedule.was_held_back()
    }

    /// Stops the work, and waits so long at most for those who are at it. Those who wait for what can't be
    /// interrupted, such as a silent pipe, are left behind.
    pub fn shutdown_timeout(mut self, patience: Duration) {
        self.stop();
        let late = Instant::now() + patience;
        loop {
            let left = late.saturating_duration_since(Instant::now());
            match self.next_within(left) {
                Wakeup::Event(Ok(_)) if !left.is_zero() => {} // nobody takes it any more
                _ => break,
            }
        }
        // Those who are done need not be waited for, and the others aren't.
        drop(self.dispatcher.take());
    }

    /// As [`next`](Iterator::next), but waits so long at most.
    pub fn next_within(&mut self, time: Duration) -> Wakeup {
        let Some(events) = &self.events else { return Wakeup::End };
        match events.recv_timeout(time) {
            Ok(event) => {
                if event.is_err() {
                    self.events = None;
                }
                Wakeup::Event(event)
            }
            Err(RecvTimeoutError::Timeout) => Wakeup::Nothing,
            Err(RecvTimeoutError::Disconnected) => {
                self.events = None;
                if let Some(Err(panic)) = self.dispatcher.take().map(JoinHandle::join) {
                    panic::resume_unwind(panic);
                }
                Wakeup::End
            }
        }
    }
}

impl Iterator for BulkRun {
    type Item = Result<Event, BulkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_within(Duration::MAX) {
                Wakeup::Event(event) => return Some(event),
                Wakeup::Nothing => {}
                Wakeup::End => return None,
            }
        }
    }
}

impl Drop for BulkRun {
    fn drop(&mut self) {
        self.schedule.stop();
        self.events = None; // whoever sends learns that nobody listens
        if let Some(dispatcher) = self.dispatcher.take() {
            // A panic was meant for a caller who is gone.
            drop(dispatcher.join());
        }
    }
}
