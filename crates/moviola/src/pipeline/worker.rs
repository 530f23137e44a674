//! Workers, which run all tasks of a plan on frames.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use moviola_av::stage;
use moviola_media::frame::Frame;

use super::{FrameObserver, FrameOutput, Observation};
use crate::task::{TaskWorker, Tasks};

/// Creates workers, and keeps idle ones for reuse. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<WorkerFactory>);

#[derive(Debug)]
struct WorkerFactory {
    tasks: Tasks,
    observer: Option<Arc<dyn FrameObserver>>,
    /// The number of workers with a first frame; it selects the next worker's models.
    started: Arc<AtomicUsize>,
    idle: Mutex<Vec<Worker>>,
}

/// A worker of one thread.
#[derive(Debug)]
struct Worker {
    /// Kept until the thread ends, because it may hold a lease.
    tasks: Tasks,
    observer: Option<Arc<dyn FrameObserver>>,
    started: Arc<AtomicUsize>,
    /// Started at the worker's first frame, so that the first decoded frame has the first model.
    task_workers: Vec<Box<dyn TaskWorker>>,
}

impl Workers {
    pub(super) fn new(tasks: &Tasks, observer: Option<Arc<dyn FrameObserver>>) -> Self {
        let (tasks, started, idle) = (tasks.clone(), Arc::default(), Mutex::default());
        Self(Arc::new(WorkerFactory { tasks, observer, started, idle }))
    }

    /// A function with its own worker, for one thread.
    pub(super) fn function(&self) -> impl FnMut(Frame) -> FrameOutput + Send + 'static {
        let mut worker = self.new_worker();
        move |frame| worker.work(&frame)
    }

    /// Runs the tasks on a frame with an idle worker, or a new one.
    pub(super) fn work(&self, frame: &Frame) -> FrameOutput {
        let idle = || self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = idle().pop();
        let mut worker = worker.unwrap_or_else(|| self.new_worker());
        let output = worker.work(frame);
        idle().push(worker);
        output
    }

    fn new_worker(&self) -> Worker {
        let WorkerFactory { tasks, observer, started, .. } = &*self.0;
        let (tasks, observer) = (tasks.clone(), observer.clone());
        Worker { tasks, observer, started: Arc::clone(started), task_workers: Vec::new() }
    }
}

impl Worker {
    fn work(&mut self, frame: &Frame) -> FrameOutput {
        let _stage = stage!("work");
        if self.task_workers.is_empty() {
            let number = self.started.fetch_add(1, Ordering::Relaxed);
            self.task_workers = self.tasks.start_workers(number);
        }
        let observer = self.observer.as_deref();
        let observation = observer.map(|observer| observer.before(frame)).unwrap_or_default();
        let Observation { keeps_input, .. } = observation;
        let work = |worker: &mut Box<dyn TaskWorker>| worker.work(frame, keeps_input);
        let mut outputs: Vec<_> = self.task_workers.iter_mut().map(work).collect();
        if let Some(observer) = observer {
            observer.after(frame, observation, &outputs);
        }
        // The models' inputs are large, and only observers use them.
        outputs.iter_mut().flatten().for_each(|output| drop(mem::take(&mut output.model_input)));
        FrameOutput { index: None, outputs, observation }
    }
}
