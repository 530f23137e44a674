//! The events of a bulk run.

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

/// A run over many sources: an iterator over its events. Dropping it stops the run and waits for
/// its threads.
///
/// An `Err` is an error of a model, a worker process or a thread. It is the last item.
#[derive(Debug)]
pub struct BulkRun {
    pub(super) schedule: Arc<Schedule>,
    pub(super) events: Option<Receiver<Result<Event, BulkError>>>,
    pub(super) dispatcher: Option<JoinHandle<()>>,
}

/// The result of waiting for an event.
#[derive(Debug)]
pub enum Wakeup {
    /// The next event.
    Event(Result<Event, BulkError>),
    /// The time passed without an event.
    Nothing,
    /// The run has ended.
    End,
}

impl BulkRun {
    /// Stops the run without waiting for its threads. Events that are queued are still returned.
    pub fn stop(&self) {
        self.schedule.stop();
    }

    /// Whether sources had to wait because memory was short.
    pub fn was_held_back(&self) -> bool {
        self.schedule.was_held_back()
    }

    /// Stops the run and waits for its threads, at most for `timeout`. Threads that can't be
    /// interrupted, such as one that reads a silent pipe, are detached.
    pub fn shutdown_timeout(mut self, timeout: Duration) {
        self.stop();
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.next_within(left) {
                Wakeup::Event(Ok(_)) if !left.is_zero() => {}
                _ => break,
            }
        }
        // Not joined: a thread that still runs may never end.
        drop(self.dispatcher.take());
    }

    /// Waits for the next event, at most for `timeout`.
    pub fn next_within(&mut self, timeout: Duration) -> Wakeup {
        let Some(events) = &self.events else { return Wakeup::End };
        match events.recv_timeout(timeout) {
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
        self.events = None; // senders that wait for room in the queue return
        if let Some(dispatcher) = self.dispatcher.take() {
            // The caller may be unwinding already: a second panic would abort.
            drop(dispatcher.join());
        }
    }
}
