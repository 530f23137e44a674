//! More workers for an [`OrderedPool`](super::OrderedPool) that is running.

use std::{
    fmt,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use super::{
    monitor::{PoolMonitor, Pull, Results},
    with_dispatch,
};

/// Starts more workers of an [`OrderedPool`](super::OrderedPool) that is running.
pub struct PoolHandle<J, T> {
    pub(super) monitor: Arc<PoolMonitor<T>>,
    pub(super) pull: Arc<Mutex<Pull<J>>>,
}

impl<J: 'static, T: Send + 'static> PoolHandle<J, T> {
    /// Starts a thread for one more worker and raises [`Bounds::jobs`](super::Bounds::jobs) by one.
    /// `false`, and no thread, if there are no more jobs.
    ///
    /// # Errors
    ///
    /// The system's error if no thread can be started.
    pub fn join_many<W>(&self, work: W) -> std::io::Result<bool>
    where
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        // Held until the new thread is listed: a drop of the pool joins the threads listed here.
        let mut threads = self.monitor.threads();
        {
            let mut state = self.monitor.lock();
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

    pub(super) fn spawn<W>(&self, work: W, threads: &mut Vec<JoinHandle<()>>) -> std::io::Result<()>
    where
        W: FnMut(J, &mut Results<'_, T>) + Send + 'static,
    {
        let (monitor, pull) = (Arc::clone(&self.monitor), Arc::clone(&self.pull));
        let work = with_dispatch(move || monitor.run(&pull, work));
        self.monitor.lock().alive += 1;
        let started = thread::Builder::new().name("moviola-worker".into()).spawn(work);
        match started {
            Ok(thread) => {
                threads.push(thread);
                Ok(())
            }
            Err(error) => {
                self.monitor.lock().alive -= 1;
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

/// A worker that puts one result for each job.
pub(super) fn one_result<J, T>(
    mut work: impl FnMut(J) -> T + Send + 'static,
) -> impl FnMut(J, &mut Results<'_, T>) + Send + 'static {
    move |job, results| {
        results.put(work(job));
    }
}
