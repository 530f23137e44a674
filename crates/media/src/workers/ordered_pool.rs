//! Results of several workers in the order of their jobs.
//!
//! There is no queue of jobs: a worker that is free pulls the next job itself, so the threads are as
//! many as the workers; through a [`PoolHandle`] more workers may join them.

use std::{
    collections::VecDeque,
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use moviola_av::stage;

use super::{
    state::{Bounds, Made, State},
    with_dispatch,
};

/// Results of several workers, in the order of the jobs they were made from.
///
/// Memory is bounded: no worker takes a job that is more than [`Bounds::jobs`] ahead of the result
/// the caller waits for, and no more than [`Bounds::results`] of that job, and as many of all later
/// ones, wait for their turn. Dropping it stops
/// the workers at their next result, and waits for them. A panic in a worker goes on in the caller's
/// `next`.
#[derive(Debug)]
pub struct OrderedPool<T> {
    shared: Arc<Shared<T>>,
}

/// Lets workers join those of an [`OrderedPool`] while they are at work.
pub struct PoolHandle<J, T> {
    shared: Arc<Shared<T>>,
    pull: Arc<Mutex<Pull<J>>>,
}

/// Gives the next job.
type Pull<J> = dyn FnMut() -> Option<J> + Send;

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// The threads; locked for itself, because they are waited for without the state.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where a worker puts a job's results.
#[derive(Debug)]
pub struct Results<'a, T> {
    shared: &'a Shared<T>,
    job: u64,
}

impl<T> Results<'_, T> {
    /// From now on at most so many results may wait, if that is fewer than [`Bounds::results`] said.
    pub fn bound(&self, results: usize) {
        let mut state = self.shared.lock();
        state.bounds.results = state.bounds.results.min(results);
    }

    /// Hands in a result, once there is room for it. `false` if nobody wants any more.
    pub fn put(&mut self, result: T) -> bool {
        let mut state = self.shared.lock();
        while !state.abandoned && !state.has_room(self.job) {
            state = self.shared.wait(state);
        }
        state.waiting += usize::from(self.job != state.wanted);
        if let Some(made) = state.made.get_mut(&self.job) {
            made.results.push_back(result);
        }
        state.tell_how_full();
        let go_on = !state.abandoned;
        drop(state);
        self.shared.changed.notify_all();
        go_on
    }
}

impl<T: Send + 'static> OrderedPool<T> {
    /// As [`start_many`](Self::start_many) where each job has one result.
    ///
    /// At most `window` results (at least one) are finished or in the making beyond the one the
    /// caller has taken.
    ///
    /// # Errors
    ///
    /// As [`start_many`](Self::start_many).
    pub fn start<J, P, W>(pull: P, workers: Vec<W>, window: usize) -> std::io::Result<Self>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J) -> T + Send + 'static,
    {
        Self::open(pull, workers, window).map(|(ordered, _)| ordered)
    }

    /// As [`start`](Self::start), with a way for others to join.
    ///
    /// # Errors
    ///
    /// As [`start_many`](Self::start_many).
    pub fn open<J, P, W>(
        pull: P,
        workers: Vec<W>,
        window: usize,
    ) -> std::io::Result<(Self, PoolHandle<J, T>)>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J) -> T + Send + 'static,
    {
        let workers = workers.into_iter().map(one_result).collect();
        Self::start_many(pull, workers, Bounds { jobs: window, results: usize::MAX })
    }

    /// Starts one thread for each of `workers`; others may join them.
    ///
    /// `pull` gives the jobs, on whichever thread is free, never on two at once. A worker puts the
    /// results of a job, however many, where it is told.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started. Fewer threads than asked for are not an
    /// error: the work is done by those that run.
    pub fn start_many<J, P, W>(
        pull: P,
        workers: Vec<W>,
        bounds: Bounds,
    ) -> std::io::Result<(Self, PoolHandle<J, T>)>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(bounds)),
            changed: Condvar::new(),
            threads: Mutex::default(),
        });
        let handle = PoolHandle { shared: Arc::clone(&shared), pull: Arc::new(Mutex::new(pull)) };
        let ordered = Self { shared };
        for (running, work) in workers.into_iter().enumerate() {
            match handle.spawn(work, &mut handle.shared.threads()) {
                Ok(()) => {}
                Err(error) if running == 0 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, running, "fewer threads");
                    break;
                }
            }
        }
        Ok((ordered, handle))
    }
}

/// A worker that puts one result for each job.
fn one_result<J, T>(
    mut work: impl FnMut(J) -> T + Send + 'static,
) -> impl FnMut(J, &mut Results<'_, T>) + Send + 'static {
    move |job, results| {
        results.put(work(job));
    }
}

impl<J: 'static, T: Send + 'static> PoolHandle<J, T> {
    /// Starts a thread for one more worker, whose job may be one further ahead; `false` if there are
    /// no more jobs, and it isn't needed.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no thread.
    pub fn join_many<W>(&self, work: W) -> std::io::Result<bool>
    where
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        // Held until the thread is among them: whoever abandons the work waits for all of these.
        let mut threads = self.shared.threads();
        {
            let mut state = self.shared.lock();
            if state.ended || state.abandoned {
                return Ok(false);
            }
            state.bounds.jobs = state.bounds.jobs.saturating_add(1);
        }
        self.spawn(work, &mut threads).map(|()| true)
    }

    /// As [`join_many`](Self::join_many) where each job has one result.
    ///
    /// # Errors
    ///
    /// As [`join_many`](Self::join_many).
    pub fn join(&self, work: impl FnMut(J) -> T + Send + 'static) -> std::io::Result<bool> {
        self.join_many(one_result(work))
    }

    fn spawn<W>(&self, work: W, threads: &mut Vec<JoinHandle<()>>) -> std::io::Result<()>
    where
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        let (shared, pull) = (Arc::clone(&self.shared), Arc::clone(&self.pull));
        let work = with_dispatch(move || shared.run(&pull, work));
        self.shared.lock().alive += 1;
        let started = thread::Builder::new().name("moviola-worker".into()).spawn(work);
        match started {
            Ok(thread) => {
                threads.push(thread);
                Ok(())
            }
            Err(error) => {
                self.shared.lock().alive -= 1;
                Err(error)
            }
        }
    }
}

impl<J, T> fmt::Debug for PoolHandle<J, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolHandle").finish_non_exhaustive()
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        let _stage = stage!("wait");
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life: pull a job, work, hand in the result, until there are no more jobs.
    fn run<J>(&self, pull: &Mutex<Pull<J>>, mut work: impl FnMut(J, &mut Results<'_, T>)) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            while let Some((number, job)) = self.take(pull) {
                work(job, &mut Results { shared: self, job: number });
                if let Some(made) = self.lock().made.get_mut(&number) {
                    made.finished = true;
                }
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
    fn take<J>(&self, pull: &Mutex<Pull<J>>) -> Option<(u64, J)> {
        let mut state = self.lock();
        while !state.ended && (state.pulling || !state.is_in_window()) {
            state = self.wait(state);
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
        if job.is_some() {
            state.pulled += 1;
            state.made.insert(number, Made { results: VecDeque::new(), finished: false });
        }
        drop(state);
        self.changed.notify_all();
        job.map(|job| (number, job))
    }
}

impl<T> Iterator for OrderedPool<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let mut state = self.shared.lock();
        loop {
            let wanted = state.wanted;
            let result = state.next_result();
            if result.is_some() || state.wanted != wanted {
                self.shared.changed.notify_all(); // there is room for more
            }
            if result.is_some() {
                state.tell_how_full();
                return result;
            }
            if let Some(panic) = state.panicked.take() {
                // What the dead worker held never comes: this is the end.
                (state.ended, state.abandoned, state.pulled) = (true, true, state.wanted);
                drop(state);
                self.shared.changed.notify_all();
                panic::resume_unwind(panic);
            }
            // Without a worker the wanted result never comes: one that panicked took it along.
            if state.alive == 0 || (state.ended && state.wanted >= state.pulled) {
                return None;
            }
            state = self.shared.wait(state);
        }
    }
}

impl<T> Drop for OrderedPool<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        (state.ended, state.abandoned) = (true, true);
        drop(state);
        self.shared.changed.notify_all();
        loop {
            let Some(thread) = self.shared.threads().pop() else { return };
            // A worker catches its own panic and leaves it in the shared state.
            drop(thread.join());
        }
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
        let results: Vec<_> = OrderedPool::start(count_to(jobs), work, window).unwrap().collect();
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
        let results: Vec<_> = OrderedPool::start(count_to(4), workers, 2).unwrap().collect();
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
        let mut results = OrderedPool::start(pull, vec![|job: u64| job; 4], 3).unwrap();
        for taken in 0..50 {
            assert!(pulled.load(SeqCst) <= taken + 3);
            assert_eq!(results.next(), Some(taken));
        }
    }

    #[test]
    fn a_job_may_have_any_number_of_results() {
        let work = |job: u64, results: &mut Results<'_, u64>| {
            (0..job % 4).for_each(|result| assert!(results.put(job * 10 + result)));
        };
        for (jobs, waiting) in [(1, 0), (3, 1), (8, 100)] {
            let bounds = Bounds { jobs, results: waiting };
            let (results, _) =
                OrderedPool::start_many(count_to(40), vec![work; 3], bounds).unwrap();
            let want: Vec<_> =
                (0..40).flat_map(|job| (0..job % 4).map(move |n| job * 10 + n)).collect();
            assert_eq!(results.collect::<Vec<_>>(), want, "{bounds:?}");
        }
    }

    #[test]
    fn results_of_later_jobs_wait_within_their_bound() {
        let waiting = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&waiting);
        let work = move |job: u64, results: &mut Results<'_, u64>| {
            for result in 0..50 {
                counter.fetch_add(1, SeqCst);
                results.put(job * 100 + result);
            }
        };
        let bounds = Bounds { jobs: 4, results: 5 };
        let (mut results, _) = OrderedPool::start_many(count_to(8), vec![work; 2], bounds).unwrap();
        for taken in 1..=400 {
            assert!(results.next().is_some());
            // Five of the job whose turn it is, five of later ones, and one in each worker's hands.
            assert!(waiting.load(SeqCst) <= taken + 5 + 5 + 2);
        }
        assert_eq!(results.next(), None);
    }

    #[test]
    fn a_bound_that_shrinks_holds_from_then_on() {
        let made = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&made);
        let work = move |job: u64, results: &mut Results<'_, u64>| {
            for result in 0..50 {
                results.bound(2);
                counter.fetch_add(1, SeqCst);
                results.put(job * 100 + result);
            }
        };
        let bounds = Bounds { jobs: 4, results: usize::MAX };
        let (mut results, _) = OrderedPool::start_many(count_to(8), vec![work; 2], bounds).unwrap();
        for taken in 1..=400 {
            assert!(results.next().is_some());
            assert!(made.load(SeqCst) <= taken + 2 + 2 + 2);
        }
    }

    #[test]
    fn dropping_it_halfway_stops_the_workers() {
        let mut results =
            OrderedPool::start(count_to(u64::MAX), vec![|job: u64| job; 2], 4).unwrap();
        assert_eq!(results.next(), Some(0));
        drop(results);
    }

    #[test]
    fn a_panic_in_a_worker_reaches_the_caller() {
        let work = |job: u64| if job == 2 { panic::resume_unwind(Box::new("broken")) } else { job };
        let results = OrderedPool::start(count_to(9), vec![work; 2], 4).unwrap();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| results.count()));
        assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"broken"));
    }

    #[test]
    fn workers_may_join_while_others_are_at_work() {
        let both_at_work = Arc::new(Barrier::new(2));
        let worker = |barrier: Arc<Barrier>| {
            move |job: u64| {
                barrier.wait();
                job
            }
        };
        // Alone, the first would wait for ever.
        let first = vec![worker(Arc::clone(&both_at_work))];
        let (results, handle) = OrderedPool::open(count_to(6), first, 1).unwrap();
        assert!(handle.join(worker(both_at_work)).unwrap());
        assert_eq!(results.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert!(!handle.join(|job| job).unwrap(), "there is nothing left to do");
    }
}
