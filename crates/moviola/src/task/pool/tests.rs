//! Tests of loading and batching with a fake model.

use std::sync::{Barrier, atomic::AtomicUsize};

use moviola_infer::provider::Precision;
use moviola_media::workers::side_by_side;

use super::*;

/// A model that doubles its inputs, and records the size of each batch.
struct FakeModel {
    report: ProviderReport,
    max_batch: usize,
    batches: Arc<Mutex<Vec<usize>>>,
    /// Called at the start of each run; the first may block until other inputs are queued.
    gate: Arc<dyn Fn() + Send + Sync>,
}

impl Model for FakeModel {
    type Input = u64;
    type Output = u64;

    fn provider(&self) -> &ProviderReport {
        &self.report
    }

    fn max_batch(&self) -> usize {
        self.max_batch
    }

    fn run(&mut self, inputs: Vec<u64>) -> Vec<u64> {
        (self.gate)();
        lock(&self.batches).push(inputs.len());
        inputs.into_iter().map(|input| 2 * input).collect()
    }
}

fn report(provider: Provider) -> ProviderReport {
    let (reason, skipped, nodes) = (String::new(), Vec::new(), Vec::new());
    ProviderReport { provider, reason, skipped, nodes, precision: Precision::F32, threads: 1 }
}

type Batches = Arc<Mutex<Vec<usize>>>;

fn pool(
    provider: Provider,
    workers: usize,
    max_batch: usize,
    gate: Arc<dyn Fn() + Send + Sync>,
) -> (ModelPool<FakeModel>, Batches) {
    let batches = Batches::default();
    let recorded = Arc::clone(&batches);
    let load = move || {
        let (batches, gate) = (Arc::clone(&recorded), Arc::clone(&gate));
        Ok(FakeModel { report: report(provider), max_batch, batches, gate })
    };
    (ModelPool::start(workers, load).expect("there are threads"), batches)
}

/// Runs `inputs` inputs on each of `workers` workers at once.
fn run_all(pool: &ModelPool<FakeModel>, workers: usize, inputs: u64) {
    let mut handles: Vec<_> = (0..workers).map(|worker| pool.handle(worker)).collect();
    let start = Barrier::new(workers);
    side_by_side(&mut handles, |handle| {
        start.wait();
        for input in 0..inputs {
            assert_eq!(handle.run(input), Ok(2 * input));
        }
    });
}

#[test]
fn on_a_cpu_each_worker_has_a_session_and_on_a_device_all_share_one() {
    for (provider, loaded) in [
        (Provider::Cpu, 4),
        (Provider::OpenVino, 4),
        (Provider::Cuda, 1),
        (Provider::TensorRt, 1),
        (Provider::CoreMl, 1),
    ] {
        let (pool, batches) = pool(provider, 4, 8, Arc::new(|| {}));
        run_all(&pool, 4, 50);
        assert_eq!(pool.loaded(), loaded, "{provider}");
        assert_eq!(pool.provider().unwrap().provider, provider);
        assert_eq!(lock(&batches).iter().sum::<usize>(), 200, "{provider}: each input ran once");
    }
}

#[test]
fn a_worker_without_a_frame_loads_nothing() {
    let (pool, _) = pool(Provider::Cpu, 4, 1, Arc::new(|| {}));
    assert_eq!(pool.handle(0).run(3), Ok(6));
    assert_eq!(pool.loaded(), 1);
    pool.load_all().unwrap();
    assert_eq!(pool.loaded(), 4, "unless all are asked to");
}

#[test]
fn inputs_that_wait_for_a_shared_session_run_together() {
    // The first worker's run holds the session until the inputs of three others wait for it.
    let (runs, first_runs, all_wait) =
        (AtomicUsize::new(0), Arc::new(Barrier::new(4)), Arc::new(Barrier::new(2)));
    let gate = {
        let (first_runs, all_wait) = (Arc::clone(&first_runs), Arc::clone(&all_wait));
        move || {
            if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                first_runs.wait();
                all_wait.wait();
            }
        }
    };
    let (pool, batches) = pool(Provider::Cuda, 4, 2, Arc::new(gate));
    let mut handles: Vec<_> = (0..4).map(|worker| Some((worker, pool.handle(worker)))).collect();
    handles.push(None);
    side_by_side(&mut handles, |handle| match handle {
        Some((worker, handle)) => {
            if *worker > 0 {
                first_runs.wait();
            }
            assert_eq!(handle.run(1), Ok(2));
        }
        None => {
            let slot = pool.slots[0].as_ref();
            let Ok(session) = LazyLock::force(slot) else { panic!("it can be loaded") };
            while lock(&session.queue).len() < 3 {
                std::thread::yield_now();
            }
            all_wait.wait();
        }
    });
    assert_eq!(*lock(&batches), [1, 2, 1]);
}

#[test]
fn a_panic_in_a_shared_run_ends_every_worker_of_its_batch() {
    let gate = Arc::new(|| panic!("a fault in the model"));
    let (pool, _) = pool(Provider::Cuda, 4, 4, gate);
    let handles: Vec<_> = (0..4).map(|worker| pool.handle(worker)).collect();
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        let start = &start;
        let workers: Vec<_> = handles
            .iter()
            .map(|handle| {
                scope.spawn(move || {
                    start.wait();
                    handle.run(1)
                })
            })
            .collect();
        for worker in workers {
            assert!(worker.join().is_err(), "no worker waits for an output that can't come");
        }
    });
}

#[test]
fn loading_error_is_returned_to_every_worker() {
    let failure = || Error::RuntimeMissing { looked: Vec::new() };
    let pool = ModelPool::<FakeModel>::start(2, move || Err(failure())).unwrap();
    for worker in 0..2 {
        assert_eq!(pool.handle(worker).run(1), Err(failure()));
    }
    assert_eq!(pool.provider(), Err(failure()));
    assert_eq!(pool.loaded(), 0);
}
