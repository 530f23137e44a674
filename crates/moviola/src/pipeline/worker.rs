//! One thread's part: all that is wanted of a frame.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use moviola_av::stage;
use moviola_media::frame::Frame;

use super::{Models, Output};
use crate::{
    debug::{FrameSnapshotter, Inspector},
    detect::worker::DetectWorker,
    plan::Plan,
    still::{StillMaker, StillOptions},
};

/// Makes workers, and keeps those that are idle.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    models: Models,
    outputs: Outputs,
    /// How many models were dealt out.
    dealt: Arc<AtomicUsize>,
    idle: Mutex<Vec<Worker>>,
}

/// What a plan wants of each frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outputs {
    stills: Option<StillOptions>,
    annotate: Option<u8>,
}

impl Outputs {
    pub(super) fn of(plan: &Plan) -> Self {
        let annotate = plan.detect.as_ref().and_then(|detect| detect.annotate);
        Self { stills: plan.stills, annotate }
    }
}

/// What one thread needs.
#[derive(Debug)]
struct Worker {
    /// Held until the thread is done.
    models: Models,
    dealt: Arc<AtomicUsize>,
    annotate: Option<u8>,
    stills: Option<StillMaker>,
    /// Made when there is a frame for it: the first frame of all gets the first model.
    worker: Option<DetectWorker>,
    snapshotter: Option<FrameSnapshotter>,
}

impl Workers {
    pub(super) fn new(outputs: Outputs, models: &Models) -> Self {
        Self(Arc::new(Shared {
            models: models.clone(),
            outputs,
            dealt: Arc::default(),
            idle: Mutex::default(),
        }))
    }

    /// Whether a frame leaves an image behind.
    pub(super) fn makes_images(&self) -> bool {
        let Outputs { stills, annotate } = self.0.outputs;
        annotate.is_some() || stills.is_some_and(|stills| stills.image.is_some())
    }

    /// A worker of its own for one thread.
    pub(super) fn function(&self) -> impl FnMut(Frame) -> Output + Send + 'static {
        let mut worker = self.another();
        move |frame| worker.work(&frame)
    }

    /// Lets a worker that is idle work on a frame.
    pub(super) fn work(&self, frame: &Frame) -> Output {
        let idle = || self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = idle().pop();
        let mut worker = worker.unwrap_or_else(|| self.another());
        let output = worker.work(frame);
        idle().push(worker);
        output
    }

    /// One more.
    fn another(&self) -> Worker {
        let Shared { models, outputs: Outputs { stills, annotate }, dealt, .. } = &*self.0;
        Worker {
            models: models.clone(),
            dealt: Arc::clone(dealt),
            annotate: *annotate,
            stills: stills.map(StillMaker::new),
            worker: None,
            snapshotter: models.inspector().map(Inspector::snapshotter),
        }
    }
}

impl Worker {
    /// With one of the models, which are dealt out in turns; `None` if there are none.
    fn worker(&self) -> Option<DetectWorker> {
        let detectors = self.models.detectors()?;
        Some(detectors.worker(self.dealt.fetch_add(1, Ordering::Relaxed), self.annotate))
    }

    fn work(&mut self, frame: &Frame) -> Output {
        let _stage = stage!("work");
        if self.worker.is_none() {
            self.worker = self.worker();
        }
        if let Some(snapshotter) = &mut self.snapshotter {
            snapshotter.begin(frame, self.worker.as_mut());
        }
        let mut output = Output {
            index: None,
            still: self.stills.as_mut().map(|stills| stills.make(frame)),
            detected: self.worker.as_mut().map(|worker| worker.search(frame)),
            note: None,
        };
        if let Some(snapshotter) = &mut self.snapshotter {
            output.note = Some(Box::new(snapshotter.look(frame, &output, self.worker.as_ref())));
        }
        output
    }
}
