//! Scoped workers that the caller waits for, and a thread beside the caller.

use std::{
    panic,
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use super::with_dispatch;

/// Runs `work` once for each of `workers`, side by side, the first on the caller's own thread, and
/// waits for all.
///
/// Where the system starts fewer threads than there are workers, those that run do the others' work
/// after their own: `work` must not wait for a worker other than the first. A panic of a worker
/// resumes here, after the others have ended.
pub fn side_by_side<W: Send, T: Send>(
    workers: &mut [W],
    work: impl Fn(&mut W) -> T + Sync,
) -> Vec<T> {
    on_threads(thread::Builder::new, workers, work)
}

/// [`side_by_side`] on threads that `kind` builds.
fn on_threads<W: Send, T: Send>(
    kind: impl Fn() -> thread::Builder,
    workers: &mut [W],
    work: impl Fn(&mut W) -> T + Sync,
) -> Vec<T> {
    let Some((first, others)) = workers.split_first_mut() else { return Vec::new() };
    let threads = others.len();
    let waiting = Mutex::new(others.iter_mut().enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_on = || {
        let done = std::iter::from_fn(|| next().map(|(place, worker)| (place, work(worker))));
        done.collect::<Vec<_>>()
    };
    let (first, mut others) = thread::scope(|scope| {
        let start =
            |_| kind().name("moviola-worker".into()).spawn_scoped(scope, with_dispatch(work_on));
        let warn = |error: &std::io::Error| tracing::warn!(%error, "fewer threads");
        let started: Vec<_> = (0..threads).map_while(|n| start(n).inspect_err(warn).ok()).collect();
        let first = work(first);
        let mut others = work_on();
        for thread in started {
            others.extend(thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        (first, others)
    });
    others.sort_by_key(|(place, _)| *place);
    std::iter::once(first).chain(others.into_iter().map(|(_, result)| result)).collect()
}

/// A thread that runs one function.
#[derive(Debug)]
pub struct WorkerThread<T>(JoinHandle<T>);

impl<T: Send + 'static> WorkerThread<T> {
    /// Starts `work`.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<Self> {
        thread::Builder::new().name("moviola-task".into()).spawn(with_dispatch(work)).map(Self)
    }

    /// Waits for the result. A panic of the function resumes here.
    pub fn wait(self) -> T {
        self.0.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn workers_side_by_side_keep_their_order_and_their_state() {
        let both_at_work = Barrier::new(2);
        let mut workers = [1, 2];
        let results = side_by_side(&mut workers, |worker| {
            both_at_work.wait();
            *worker *= 10;
            *worker + 1
        });
        assert_eq!((results, workers), (vec![11, 21], [10, 20]));
    }

    #[test]
    fn without_threads_the_caller_does_all_the_work() {
        let caller = thread::current().id();
        // No system has that much memory for a stack.
        let none = || thread::Builder::new().stack_size(usize::MAX / 4 + 1);
        let results = on_threads(none, &mut [1, 2, 3], |worker| {
            assert_eq!(thread::current().id(), caller);
            *worker * 10
        });
        assert_eq!(results, [10, 20, 30]);
    }

    #[test]
    fn a_thread_gives_its_result() {
        assert_eq!(WorkerThread::start(|| 7).unwrap().wait(), 7);
    }
}
