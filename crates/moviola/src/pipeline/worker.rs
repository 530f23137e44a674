//! One thread's part: all tasks of a plan, frame by frame.

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

/// Makes workers, and keeps those that are idle.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<WorkerFactory>);

#[derive(Debug)]
struct WorkerFactory {
    tasks: Tasks,
    observer: Option<Arc<dyn FrameObserver>>,
    /// How many workers have begun, which is how models are dealt out.
    begun: Arc<AtomicUsize>,
    idle: Mutex<Vec<Worker>>,
}

/// What one thread needs.
#[derive(Debug)]
struct Worker {
    /// Held until the thread is done.
    tasks: Tasks,
    observer: Option<Arc<dyn FrameObserver>>,
    begun: Arc<AtomicUsize>,
    /// Made when there is a frame: the first frame of all gets the first model.
    task_workers: Vec<Box<dyn TaskWorker>>,
}

impl Workers {
    pub(super) fn new(tasks: &Tasks, observer: Option<Arc<dyn FrameObserver>>) -> Self {
        let (tasks, begun, idle) = (tasks.clone(), Arc::default(), Mutex::default());
        Self(Arc::new(WorkerFactory { tasks, observer, begun, idle }))
    }

    /// A worker of its own for one thread.
    pub(super) fn function(&self) -> impl FnMut(Frame) -> FrameOutput + Send + 'static {
        let mut worker = self.another();
        move |frame| worker.work(&frame)
    }

    /// Lets a worker that is idle work on a frame.
    pub(super) fn work(&self, frame: &Frame) -> FrameOutput {
        let idle = || self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = idle().pop();
        let mut worker = worker.unwrap_or_else(|| self.another());
        let output = worker.work(frame);
        idle().push(worker);
        output
    }

    fn another(&self) -> Worker {
        let WorkerFactory { tasks, observer, begun, .. } = &*self.0;
        let (tasks, observer) = (tasks.clone(), observer.clone());
        Worker { tasks, observer, begun: Arc::clone(begun), task_workers: Vec::new() }
    }
}

impl Worker {
    fn work(&mut self, frame: &Frame) -> FrameOutput {
        let _stage = stage!("work");
        if self.task_workers.is_empty() {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
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
        // What models were given is large, and only for observers.
        outputs.iter_mut().flatten().for_each(|output| drop(mem::take(&mut output.model_input)));
        FrameOutput { index: None, outputs }
    }
}
