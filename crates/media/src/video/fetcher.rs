//! The decoders of a video: they share out jobs and fetch frames.

use std::sync::{Arc, Mutex, PoisonError};

use moviola_av::{frame::VideoFrame, trace};

use super::{
    cursor::{AfterJob, DecoderCursor},
    packets::PacketReader,
    schedule::{self, Parallelism},
    sources::Sources,
    wanted::{GroupJob, Target},
};
use crate::{
    budget::Cores,
    decode::DecoderConfig,
    error::Result,
    index::{FrameIndex, RandomAccessPoint},
    workers::{BoundedQueue, CloseOnDrop, side_by_side},
};

/// The decoders of a video.
#[derive(Debug)]
pub(super) struct Fetcher {
    config: Arc<DecoderConfig>,
    cores: usize,
    /// With one thread each.
    narrow: Vec<DecoderCursor>,
    /// With threads for all cores.
    wide: Option<DecoderCursor>,
}

/// The outcome of fetching frames, in no order, each with the frame's number.
pub(super) struct Fetched<T, S> {
    /// The results for frames that were decoded.
    pub(super) came: Vec<(u32, T)>,
    /// The slots of frames that can't be decoded.
    pub(super) missing: Vec<(u32, S)>,
}

impl<T, S> Fetched<T, S> {
    /// All outcomes as one.
    fn collect(outcomes: Vec<Result<Self>>) -> Result<Self> {
        let (mut came, mut missing) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            let outcome = outcome?;
            came.extend(outcome.came);
            missing.extend(outcome.missing);
        }
        Ok(Self { came, missing })
    }
}

/// The cursors that do the jobs.
enum Cursors<'a> {
    /// With one thread each.
    Narrow(Vec<&'a mut DecoderCursor>),
    /// With threads for all cores.
    Wide(&'a mut DecoderCursor),
}

impl Fetcher {
    pub(super) fn new(config: DecoderConfig, cores: usize) -> Self {
        Self { config: Arc::new(config), cores, narrow: Vec::new(), wide: None }
    }

    /// The configuration of its decoders.
    pub(super) fn config(&self) -> &Arc<DecoderConfig> {
        &self.config
    }

    /// Fetches frames, given in ascending order without duplicates, each with a slot of its own,
    /// and calls `take` with each on its decoder's thread.
    ///
    /// # Errors
    ///
    /// The first error of reading.
    pub(super) fn fetch<S: Send, T: Send>(
        &mut self,
        reader: &Mutex<PacketReader>,
        index: &FrameIndex,
        frames: Vec<(u32, S)>,
        take: impl Fn(Target, S, VideoFrame) -> T + Sync,
    ) -> Result<Fetched<T, S>> {
        let last =
            if schedule::reads_on(index, &frames) { AfterJob::Stay } else { AfterJob::Drain };
        let mut jobs = schedule::jobs(index, frames);
        jobs.sort_by_key(schedule::cost); // the longest is taken first, from the end
        let cores = Cores::take(self.cores);
        let sources = Sources { reader, index };
        let costs: Vec<_> = jobs.iter().rev().map(schedule::cost).collect();
        let parallelism = schedule::choose(&costs, cores.count());
        let cursors = self.cursors(parallelism, cores.count().min(jobs.len()), &jobs);
        let queue = Queue { jobs: Mutex::new(jobs), last };
        let outcomes = match cursors {
            Cursors::Narrow(mut cursors) => side_by_side(&mut cursors, |cursor| {
                let mut came = Vec::new();
                let missing = run(cursor, &sources, &queue, |target, slot, frame| {
                    came.push((target.frame, take(target, slot, frame)));
                    true
                })?;
                Ok(Fetched { came, missing })
            }),
            Cursors::Wide(cursor) => one_for_all(cursor, &sources, &queue, cores.count(), &take),
        };
        Fetched::collect(outcomes)
    }

    /// The cursors to do the jobs with.
    fn cursors<S>(
        &mut self,
        parallelism: Parallelism,
        count: usize,
        jobs: &[GroupJob<S>],
    ) -> Cursors<'_> {
        // A single job is best done by a cursor that can continue to it.
        if let [job] = jobs
            && let Some((_, place)) = self.nearest(job)
        {
            return match place {
                Some(place) => Cursors::Narrow(self.narrow.get_mut(place).into_iter().collect()),
                None => Cursors::Wide(self.wide()),
            };
        }
        match parallelism {
            Parallelism::Together => Cursors::Wide(self.wide()),
            Parallelism::SideBySide => {
                let count = count.max(1);
                while self.narrow.len() < count {
                    self.narrow.push(DecoderCursor::new(Arc::clone(&self.config), 1));
                }
                Cursors::Narrow(self.narrow.iter_mut().take(count).collect())
            }
        }
    }

    fn wide(&mut self) -> &mut DecoderCursor {
        let (config, threads) = (&self.config, schedule::threads_for_jobs(self.cores));
        self.wide.get_or_insert_with(|| DecoderCursor::new(Arc::clone(config), threads))
    }

    /// The cursor that reaches a job with the least decoding: its cost, and its place among the
    /// narrow ones, or `None` for the wide one.
    fn nearest<S>(&self, job: &GroupJob<S>) -> Option<(u32, Option<usize>)> {
        let targets: Vec<_> = job.targets.iter().map(|(target, _)| *target).collect();
        let cost = |cursor: &DecoderCursor| cursor.cost_to_continue(job.access_point, &targets);
        let narrow = self.narrow.iter().enumerate();
        let narrow = narrow.filter_map(|(place, cursor)| Some((cost(cursor)?, Some(place))));
        let wide = self.wide.iter().filter_map(|cursor| Some((cost(cursor)?, None)));
        wide.chain(narrow).min_by_key(|(cost, _)| *cost)
    }

    /// Removes the access points at which decoding couldn't start.
    pub(super) fn take_refused(&mut self) -> Vec<RandomAccessPoint> {
        let cursors = self.narrow.iter_mut().chain(&mut self.wide);
        cursors.flat_map(|cursor| std::mem::take(&mut cursor.refused)).collect()
    }
}

/// One cursor decodes with several threads, and other workers call `take`, so that the decoder
/// doesn't wait for it. If they can't keep up, or their threads can't be started, the
/// cursor's thread calls it too.
fn one_for_all<S: Send, T: Send>(
    cursor: &mut DecoderCursor,
    sources: &Sources<'_>,
    queue: &Queue<S>,
    cores: usize,
    take: &(impl Fn(Target, S, VideoFrame) -> T + Sync),
) -> Vec<Result<Fetched<T, S>>> {
    let decoded = BoundedQueue::new(2 * cores);
    let made =
        |(target, slot, frame): (Target, S, VideoFrame)| (target.frame, take(target, slot, frame));
    let mut workers = vec![Some(cursor)];
    workers.resize_with(1 + cores, || None);
    side_by_side(&mut workers, |cursor| {
        // A worker that panics doesn't block the others.
        let _close = CloseOnDrop(&decoded);
        match cursor {
            Some(cursor) => {
                let mut came = Vec::new();
                let missing = run(cursor, sources, queue, |target, slot, frame| {
                    came.extend(decoded.put((target, slot, frame)).map(made));
                    true
                })?;
                Ok(Fetched { came, missing })
            }
            None => {
                let came = std::iter::from_fn(|| decoded.take().map(made)).collect();
                Ok(Fetched { came, missing: Vec::new() })
            }
        }
    })
}

/// The jobs that cursors take from.
struct Queue<S> {
    jobs: Mutex<Vec<GroupJob<S>>>,
    /// What to do with the decoder after the last job.
    last: AfterJob,
}

/// Does jobs with a cursor until there are none. Returns the slots of frames that can't be decoded.
fn run<S>(
    cursor: &mut DecoderCursor,
    sources: &Sources<'_>,
    queue: &Queue<S>,
    mut take: impl FnMut(Target, S, VideoFrame) -> bool,
) -> Result<Vec<(u32, S)>> {
    let mut missing = Vec::new();
    trace::emit_begin(); // the caller's thread may have opened and indexed the source
    while let Some((job, after)) = next_job(cursor, queue) {
        let left = cursor.run(sources, job, after, &mut take)?;
        missing.extend(left.into_iter().map(|(target, slot)| (target.frame, slot)));
    }
    Ok(missing)
}

/// The next job, and what to do after it: a job that the cursor can continue to, else the longest.
fn next_job<S>(cursor: &DecoderCursor, queue: &Queue<S>) -> Option<(GroupJob<S>, AfterJob)> {
    let mut jobs = queue.jobs.lock().unwrap_or_else(PoisonError::into_inner);
    let continues = |job: &GroupJob<S>| {
        let targets: Vec<_> = job.targets.iter().map(|(target, _)| *target).collect();
        cursor.cost_to_continue(job.access_point, &targets).is_some()
    };
    let place = if cursor.has_position() { jobs.iter().position(continues) } else { None };
    let job = match place {
        Some(place) => jobs.remove(place),
        None => jobs.pop()?,
    };
    Some((job, if jobs.is_empty() { queue.last } else { AfterJob::Drain }))
}
