//! A queue between workers that run side by side.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// What one worker makes and others take. It holds so many things at most; who makes more has to
/// do what the others would have done: so nobody waits for a taker that may never run.
#[derive(Debug)]
pub(crate) struct BoundedQueue<T> {
    state: Mutex<Relayed<T>>,
    changed: Condvar,
    room: usize,
}

#[derive(Debug)]
struct Relayed<T> {
    queue: VecDeque<T>,
    closed: bool,
}

impl<T> BoundedQueue<T> {
    /// A queue for `room` things, at least one.
    pub(crate) fn new(room: usize) -> Self {
        let state = Relayed { queue: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), room: room.max(1) }
    }

    /// Hands in a thing, or gives it back if there is no room. What comes after
    /// [`close`](Self::close) is dropped.
    pub(crate) fn put(&self, thing: T) -> Option<T> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        if state.queue.len() >= self.room {
            return Some(thing);
        }
        state.queue.push_back(thing);
        drop(state);
        self.changed.notify_one();
        None
    }

    /// The next thing, once there is one; `None` when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.queue.pop_front()
    }

    /// Says that nothing follows. Must be called, by a guard where the maker may panic.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Relayed<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a relay when its maker is done, or panics.
#[derive(Debug)]
pub(crate) struct ClosesAtEnd<'a, T>(pub(crate) &'a BoundedQueue<T>);

impl<T> Drop for ClosesAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::side_by_side;

    #[test]
    fn a_relay_hands_on_all_that_was_made() {
        let queue = BoundedQueue::new(2);
        let mut workers = [true, false, false];
        let sums = side_by_side(&mut workers, |makes| {
            let mut sum = 0;
            if *makes {
                let _closes = ClosesAtEnd(&queue);
                sum = (1..=100).filter_map(|number| queue.put(number)).sum();
            } else {
                while let Some(number) = queue.take() {
                    sum += number;
                }
            }
            sum
        });
        assert_eq!(sums.iter().sum::<u64>(), 5050);
        assert_eq!((queue.put(1), queue.take()), (None, None));
    }

    #[test]
    fn what_has_no_room_comes_back() {
        let queue = BoundedQueue::new(2);
        assert_eq!([1, 2, 3].map(|number| queue.put(number)), [None, None, Some(3)]);
        assert_eq!(queue.take(), Some(1));
        assert_eq!(queue.put(4), None);
    }
}
