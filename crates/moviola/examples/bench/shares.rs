//! What the CPU time goes into: that of each thread, by the innermost stage it is at.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use moviola_av::trace::STAGE;
use rustix::time::{ClockId, clock_gettime};
use tracing::{Metadata, Subscriber, span::Id, subscriber::Interest};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Registry},
};

/// Seconds of CPU time of each stage, on all threads, since the listening began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares(Arc<Mutex<BTreeMap<&'static str, f64>>>);

thread_local! {
    /// The stages that this thread is at, and the CPU time it had when the innermost went on.
    static STAGES: RefCell<(Vec<&'static str>, Duration)> = RefCell::default();
}

impl Shares {
    /// Listens from now on, on all threads; once in a process.
    pub(crate) fn listen() -> Result<Self> {
        let shares = Self::default();
        tracing::subscriber::set_global_default(Registry::default().with(shares.clone()))?;
        Ok(shares)
    }

    /// Listens to what `work` does on this thread.
    pub(crate) fn listen_to<T>(&self, work: impl FnOnce() -> T) -> T {
        let listener = Registry::default().with(self.clone());
        let result = tracing::subscriber::with_default(listener, work);
        tracing::callsite::rebuild_interest_cache(); // what isn't listened to costs nothing again
        result
    }

    /// Seconds of the stages of these names.
    pub(crate) fn of(&self, stages: &[&str]) -> f64 {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stages.iter().filter_map(|stage| times.get(stage)).sum()
    }

    /// The time up to now goes to the innermost stage; then `change` sets what follows.
    fn charge(&self, change: impl FnOnce(&mut Vec<&'static str>)) {
        STAGES.with_borrow_mut(|(stages, since)| {
            let now = thread_cpu();
            if let Some(stage) = stages.last() {
                let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                *times.entry(stage).or_default() += (now - *since).as_secs_f64();
            }
            change(stages);
            *since = now;
        });
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Shares {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == STAGE { Interest::always() } else { Interest::never() }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(metadata) = context.metadata(id) {
            self.charge(|stages| stages.push(metadata.name()));
        }
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        self.charge(|stages| {
            stages.pop();
        });
    }
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
