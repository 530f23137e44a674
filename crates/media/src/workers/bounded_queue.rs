//! A bounded queue between workers that run in parallel.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// A bounded queue with one producer and several consumers.
///
/// A full queue returns items instead of blocking. The producer then does the consumers' work
/// itself, so that it never waits for a consumer whose thread couldn't be started.
#[derive(Debug)]
pub(crate) struct BoundedQueue<T> {
    state: Mutex<QueueState<T>>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct QueueState<T> {
    queue: VecDeque<T>,
    closed: bool,
}

impl<T> BoundedQueue<T> {
    /// A queue of at most `capacity` items, at least one.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = QueueState { queue: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity: capacity.max(1) }
    }

    /// Adds an item, or gives it back if the queue is full. After [`close`](Self::close) the item
    /// is dropped.
    pub(crate) fn put(&self, item: T) -> Option<T> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        if state.queue.len() >= self.capacity {
            return Some(item);
        }
        state.queue.push_back(item);
        drop(state);
        self.changed.notify_one();
        None
    }

    /// Waits for the next item; `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.queue.pop_front()
    }

    /// Ends the queue: no item follows. The producer must call it, through [`CloseOnDrop`] where it
    /// may panic.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a queue when its producer returns or panics.
#[derive(Debug)]
pub(crate) struct CloseOnDrop<'a, T>(pub(crate) &'a BoundedQueue<T>);

impl<T> Drop for CloseOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::side_by_side;

    #[test]
    fn every_item_is_taken_once() {
        let queue = BoundedQueue::new(2);
        let mut workers = [true, false, false];
        let sums = side_by_side(&mut workers, |is_producer| {
            let mut sum = 0;
            if *is_producer {
                let _close = CloseOnDrop(&queue);
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
    fn a_full_queue_gives_items_back() {
        let queue = BoundedQueue::new(2);
        assert_eq!([1, 2, 3].map(|number| queue.put(number)), [None, None, Some(3)]);
        assert_eq!(queue.take(), Some(1));
        assert_eq!(queue.put(4), None);
    }
}
