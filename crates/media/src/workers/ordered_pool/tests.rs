use std::{
    panic::AssertUnwindSafe,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
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
    for (jobs, workers, window) in [(0, 3, 4), (1, 4, 2), (100, 1, 1), (100, 4, 1), (500, 3, 7)] {
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
        let (results, _) = OrderedPool::start_many(count_to(40), vec![work; 3], bounds).unwrap();
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
    let mut results = OrderedPool::start(count_to(u64::MAX), vec![|job: u64| job; 2], 4).unwrap();
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
