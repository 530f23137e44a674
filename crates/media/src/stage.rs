//! The one place below `moviola` that starts threads.
//!
//! [`Ordered`] runs one function over a stream of jobs on several threads and hands the results
//! out in the order of the jobs. There is no queue of jobs: a worker that is free pulls the next
//! job itself, so the threads are as many as the workers. [`Task`] runs one function beside the
//! caller.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

/// What a panicking thread leaves behind; handed on to the thread that waits for it.
type Panic = Box<dyn Any + Send>;

/// Results of several workers, in the order of the jobs they were made from.
///
/// Memory is bounded: no worker takes a job that is more than `window` jobs ahead of the result
/// the caller waits for. Dropping it stops the workers after the job each is at, and waits for
/// them. A panic in a worker goes on in the caller's `next`.
#[derive(Debug)]
pub struct Ordered<T> {
    shared: Arc<Shared<T>>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// Number of the next job to be pulled.
    pulled: u64,
    /// Number of the next result to be handed out.
    wanted: u64,
    /// How many jobs may be pulled beyond `wanted`.
    window: u64,
    finished: BTreeMap<u64, T>,
    /// Workers that still run.
    alive: usize,
    /// A worker is pulling: only one at a time, because jobs have an order.
    pulling: bool,
    /// There are no more jobs, or nobody wants them.
    ended: bool,
    panicked: Option<Panic>,
}

impl<T: Send + 'static> Ordered<T> {
    /// Starts one thread for each of `workers`.
    ///
    /// `pull` gives the jobs, on whichever thread is free, never on two at once. At most `window`
    /// results (at least one) are finished or in the making beyond the one the caller has taken.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started. Fewer threads than asked for are not an
    /// error: the work is done by those that run.
    pub fn start<J, P, W>(pull: P, workers: Vec<W>, window: usize) -> std::io::Result<Self>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J) -> T + Send + 'static,
    {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                pulled: 0,
                wanted: 0,
                window: u64::try_from(window).unwrap_or(u64::MAX).max(1),
                finished: BTreeMap::new(),
                alive: 0,
                pulling: false,
                ended: false,
                panicked: None,
            }),
            changed: Condvar::new(),
        });
        let pull = Arc::new(Mutex::new(pull));
        let mut ordered = Self { shared, workers: Vec::new() };
        for work in workers {
            let (shared, pull) = (Arc::clone(&ordered.shared), Arc::clone(&pull));
            ordered.shared.lock().alive += 1;
            let started = thread::Builder::new()
                .name("moviola-worker".into())
                .spawn(move || shared.run(&pull, work));
            match started {
                Ok(worker) => ordered.workers.push(worker),
                Err(error) => {
                    ordered.shared.lock().alive -= 1;
                    if ordered.workers.is_empty() {
                        return Err(error);
                    }
                    tracing::warn!(%error, running = ordered.workers.len(), "fewer threads");
                    break;
                }
            }
        }
        Ok(ordered)
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life: pull a job, work, hand in the result, until there are no more jobs.
    fn run<J>(&self, pull: &Mutex<impl FnMut() -> Option<J>>, mut work: impl FnMut(J) -> T) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            while let Some((number, job)) = self.take(pull) {
                let result = work(job);
                self.lock().finished.insert(number, result);
                self.changed.notify_all();
            }
        }));
        let mut state = self.lock();
        state.alive -= 1;
        if let Err(panic) = outcome {
            state.ended = true;
            state.pulling = false;
            state.panicked.get_or_insert(panic);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The next job and its number; waits while the window is full or another worker pulls.
    fn take<J>(&self, pull: &Mutex<impl FnMut() -> Option<J>>) -> Option<(u64, J)> {
        let mut state = self.lock();
        while !state.ended && (state.pulling || state.pulled >= state.wanted + state.window) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended {
            return None;
        }
        state.pulling = true;
        drop(state); // reading a job may take long: results are handed out meanwhile
        let job = (pull.lock().unwrap_or_else(PoisonError::into_inner))();
        let mut state = self.lock();
        state.pulling = false;
        state.ended |= job.is_none();
        let number = state.pulled;
        state.pulled += u64::from(job.is_some());
        drop(state);
        self.changed.notify_all();
        job.map(|job| (number, job))
    }
}

impl<T> Iterator for Ordered<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let mut state = self.shared.lock();
        loop {
            let wanted = state.wanted;
            if let Some(result) = state.finished.remove(&wanted) {
                state.wanted += 1;
                drop(state);
                self.shared.changed.notify_all();
                return Some(result);
            }
            if let Some(panic) = state.panicked.take() {
                drop(state);
                panic::resume_unwind(panic);
            }
            // Without a worker the wanted result never comes: one that panicked took it along.
            if state.alive == 0 || (state.ended && state.wanted >= state.pulled) {
                return None;
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its own panic and leaves it in the shared state.
            drop(worker.join());
        }
    }
}

/// One function that runs on a thread of its own.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Starts `work`.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<Self> {
        thread::Builder::new().name("moviola-task".into()).spawn(work).map(Self)
    }

    /// Waits for the result. A panic in the task goes on here.
    pub fn wait(self) -> T {
        self.0.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    };

    use super::*;

    fn count_to(end: u64) -> impl FnMut() -> Option<u64> + Send {
        let mut numbers = 0..end;
        move || numbers.next()
    }

    #[track_caller]
    fn check_order(jobs: u64, workers: usize, window: usize) {
        let work = vec![|job: u64| job * 10; workers];
        let results: Vec<_> = Ordered::start(count_to(jobs), work, window).unwrap().collect();
        assert_eq!(results, (0..jobs).map(|job| job * 10).collect::<Vec<_>>());
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for (jobs, workers, window) in [(0, 3, 4), (1, 4, 2), (100, 1, 1), (100, 4, 1), (500, 3, 7)]
        {
            check_order(jobs, workers, window);
        }
    }

    #[test]
    fn the_second_worker_works_while_the_first_is_busy() {
        let both_at_work = Arc::new(Barrier::new(2));
        let worker = |barrier: Arc<Barrier>| {
            move |job: u64| {
                barrier.wait();
                job
            }
        };
        let workers = vec![worker(Arc::clone(&both_at_work)), worker(both_at_work)];
        let results: Vec<_> = Ordered::start(count_to(4), workers, 2).unwrap().collect();
        assert_eq!(results, [0, 1, 2, 3]);
    }

    #[test]
    fn no_job_is_pulled_beyond_the_window() {
        let pulled = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&pulled);
        let mut jobs = count_to(100);
        let pull = move || {
            counter.fetch_add(1, SeqCst);
            jobs()
        };
        let mut results = Ordered::start(pull, vec![|job: u64| job; 4], 3).unwrap();
        for taken in 0..50 {
            assert!(pulled.load(SeqCst) <= taken + 3);
            assert_eq!(results.next(), Some(taken));
        }
    }

    #[test]
    fn dropping_it_halfway_stops_the_workers() {
        let mut results = Ordered::start(count_to(u64::MAX), vec![|job: u64| job; 2], 4).unwrap();
        assert_eq!(results.next(), Some(0));
        drop(results);
    }

    #[test]
    fn a_panic_in_a_worker_reaches_the_caller() {
        let work = |job: u64| if job == 2 { panic::resume_unwind(Box::new("broken")) } else { job };
        let results = Ordered::start(count_to(9), vec![work; 2], 4).unwrap();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| results.count()));
        assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"broken"));
    }

    #[test]
    fn a_task_gives_its_result() {
        assert_eq!(Task::start(|| 7).unwrap().wait(), 7);
    }
}
