//! The one place below `moviola` that starts threads.
//!
//! [`Ordered`] runs one function over a stream of jobs on several threads and hands the results
//! out in the order of the jobs. There is no queue of jobs: a worker that is free pulls the next
//! job itself, so the threads are as many as the workers. [`side_by_side`] runs a function for
//! several workers while the caller waits, [`Task`] one beside the caller.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

/// What a panicking thread leaves behind; handed on to the thread that waits for it.
type Panic = Box<dyn Any + Send>;

/// Results of several workers, in the order of the jobs they were made from.
///
/// Memory is bounded: no worker takes a job that is more than [`Bounds::jobs`] ahead of the result
/// the caller waits for, and no more than [`Bounds::results`] of that job, and as many of all later
/// ones, wait for their turn. Dropping it stops
/// the workers at their next result, and waits for them. A panic in a worker goes on in the caller's
/// `next`.
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

/// How far workers may run ahead of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Jobs that are finished or in the making beyond the one whose results the caller takes; at
    /// least one.
    pub jobs: usize,
    /// Results that may wait of the job whose turn it is, and of all later ones together. A worker
    /// with more of them waits, too.
    pub results: usize,
}

#[derive(Debug)]
struct State<T> {
    /// Number of the next job to be pulled.
    pulled: u64,
    /// Number of the job whose results are handed out.
    wanted: u64,
    bounds: Bounds,
    made: BTreeMap<u64, Made<T>>,
    /// Results in `made` of jobs after the wanted one.
    waiting: usize,
    /// Workers that still run.
    alive: usize,
    /// A worker is pulling: only one at a time, because jobs have an order.
    pulling: bool,
    /// There are no more jobs, or nobody wants them.
    ended: bool,
    /// Nobody wants any more results.
    abandoned: bool,
    panicked: Option<Panic>,
}

/// What a job has given so far.
#[derive(Debug)]
struct Made<T> {
    results: VecDeque<T>,
    finished: bool,
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
        let go_on = !state.abandoned;
        drop(state);
        self.shared.changed.notify_all();
        go_on
    }
}

impl<T: Send + 'static> Ordered<T> {
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
        let one = |mut work: W| {
            move |job, results: &mut Results<'_, T>| {
                results.put(work(job));
            }
        };
        let workers = workers.into_iter().map(one).collect();
        Self::start_many(pull, workers, Bounds { jobs: window, results: usize::MAX })
    }

    /// Starts one thread for each of `workers`.
    ///
    /// `pull` gives the jobs, on whichever thread is free, never on two at once. A worker puts the
    /// results of a job, however many, where it is told.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started. Fewer threads than asked for are not an
    /// error: the work is done by those that run.
    pub fn start_many<J, P, W>(pull: P, workers: Vec<W>, bounds: Bounds) -> std::io::Result<Self>
    where
        J: 'static,
        P: FnMut() -> Option<J> + Send + 'static,
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                pulled: 0,
                wanted: 0,
                bounds,
                made: BTreeMap::new(),
                waiting: 0,
                alive: 0,
                pulling: false,
                ended: false,
                abandoned: false,
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

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life: pull a job, work, hand in the result, until there are no more jobs.
    fn run<J>(
        &self,
        pull: &Mutex<impl FnMut() -> Option<J>>,
        mut work: impl FnMut(J, &mut Results<'_, T>),
    ) {
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
    fn take<J>(&self, pull: &Mutex<impl FnMut() -> Option<J>>) -> Option<(u64, J)> {
        let mut state = self.lock();
        let window = u64::try_from(state.bounds.jobs).unwrap_or(u64::MAX).max(1);
        while !state.ended && (state.pulling || state.pulled >= state.wanted.saturating_add(window))
        {
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

impl<T> Iterator for Ordered<T> {
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

impl<T> State<T> {
    /// Whether a result of a job may be put: the job whose turn it is has room of its own, so that
    /// those after it can't keep it waiting.
    fn has_room(&self, job: u64) -> bool {
        if job != self.wanted {
            return self.waiting < self.bounds.results;
        }
        let made = self.made.get(&job).map_or(0, |made| made.results.len());
        made < self.bounds.results.max(1)
    }

    /// The next result in the order of the jobs, if it is there.
    fn next_result(&mut self) -> Option<T> {
        loop {
            let made = self.made.get_mut(&self.wanted)?;
            if let Some(result) = made.results.pop_front() {
                return Some(result);
            }
            if !made.finished {
                return None;
            }
            self.made.remove(&self.wanted);
            self.wanted += 1;
            let next = self.made.get(&self.wanted).map_or(0, |made| made.results.len());
            self.waiting = self.waiting.saturating_sub(next);
        }
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        (state.ended, state.abandoned) = (true, true);
        drop(state);
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its own panic and leaves it in the shared state.
            drop(worker.join());
        }
    }
}

/// Runs `work` once for each of `workers`, side by side, the first on the caller's own thread, and
/// waits for all.
///
/// Where the system gives fewer threads than there are workers, those that run do the work of the
/// others when they are done with their own: so `work` must not wait for a worker other than the
/// first. A panic of one goes on here, after the others have ended.
pub fn side_by_side<W: Send, T: Send>(
    workers: &mut [W],
    work: impl Fn(&mut W) -> T + Sync,
) -> Vec<T> {
    on_threads(thread::Builder::new, workers, work)
}

/// [`side_by_side`] on threads of a kind.
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
        let start = |_| kind().name("moviola-worker".into()).spawn_scoped(scope, work_on);
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
    fn a_job_may_have_any_number_of_results() {
        let work = |job: u64, results: &mut Results<'_, u64>| {
            (0..job % 4).for_each(|result| assert!(results.put(job * 10 + result)));
        };
        for (jobs, waiting) in [(1, 0), (3, 1), (8, 100)] {
            let bounds = Bounds { jobs, results: waiting };
            let results = Ordered::start_many(count_to(40), vec![work; 3], bounds).unwrap();
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
        let mut results = Ordered::start_many(count_to(8), vec![work; 2], bounds).unwrap();
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
        let mut results = Ordered::start_many(count_to(8), vec![work; 2], bounds).unwrap();
        for taken in 1..=400 {
            assert!(results.next().is_some());
            assert!(made.load(SeqCst) <= taken + 2 + 2 + 2);
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
    fn a_task_gives_its_result() {
        assert_eq!(Task::start(|| 7).unwrap().wait(), 7);
    }
}
