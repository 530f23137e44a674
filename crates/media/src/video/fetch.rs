//! Fetching frames: jobs are shared out among decoders, results put where they were asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use moviola_av::{error::Error as AvError, frame::VideoFrame, time::Pts, trace};

use super::{
    OnDamage, Video,
    cursor::{AfterJob, DecoderCursor},
    packets::PacketReader,
    schedule::{self, Parallelism},
    sources::Sources,
    wanted::{GroupJob, Target},
};
use crate::{
    budget::Cores,
    decode::DecoderConfig,
    error::{Error, Result},
    frame::Frame,
    index::{FrameIndex, FrameMetadata, RandomAccessPoint},
    media::VideoStream,
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

/// What became of frames that were asked for, in no order, each with its number.
pub(super) struct Fetched<T, S> {
    /// What was made of those that came.
    pub(super) came: Vec<(u32, T)>,
    /// What was meant for those that can't be decoded.
    pub(super) missing: Vec<(u32, S)>,
}

/// The lanes that are to work.
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

    /// How its decoders are opened.
    pub(super) fn config(&self) -> &Arc<DecoderConfig> {
        &self.config
    }

    /// Fetches frames, given in ascending order without doubles, and calls `see` with each on the
    /// thread of its decoder; what they gave comes back in no order, with those that failed.
    ///
    /// # Errors
    ///
    /// The first error of reading.
    pub(super) fn fetch<S: Send, T: Send>(
        &mut self,
        reader: &Mutex<PacketReader>,
        index: &FrameIndex,
        frames: Vec<(u32, S)>,
        see: impl Fn(Target, S, VideoFrame) -> T + Sync,
    ) -> Result<Fetched<T, S>> {
        let last =
            if schedule::reads_on(index, &frames) { AfterJob::Stay } else { AfterJob::Drain };
        let mut jobs = schedule::jobs(index, frames);
        jobs.sort_by_key(schedule::cost); // the longest is taken first, from the end
        let cores = Cores::take(self.cores);
        let sources = Sources { reader, index };
        let costs: Vec<_> = jobs.iter().rev().map(schedule::cost).collect();
        let way = schedule::choose(&costs, cores.count());
        let cursors = self.cursors(way, cores.count().min(jobs.len()), &jobs);
        let queue = Queue { jobs: Mutex::new(jobs), last };
        let outcomes = match cursors {
            Cursors::Narrow(mut cursors) => side_by_side(&mut cursors, |cursor| {
                let mut came = Vec::new();
                let missing = run(cursor, &sources, &queue, |target, slot, frame| {
                    came.push((target.frame, see(target, slot, frame)));
                    true
                })?;
                Ok(Fetched { came, missing })
            }),
            Cursors::Wide(cursor) => one_for_all(cursor, &sources, &queue, cores.count(), &see),
        };
        let (mut came, mut missing) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            let of_cursor: Fetched<T, S> = outcome?;
            came.extend(of_cursor.came);
            missing.extend(of_cursor.missing);
        }
        Ok(Fetched { came, missing })
    }

    /// The lanes to work with.
    fn cursors<S>(&mut self, way: Parallelism, count: usize, jobs: &[GroupJob<S>]) -> Cursors<'_> {
        // One job that a lane can go on to is best left to it.
        if let [job] = jobs
            && let Some((_, place)) = self.goes_on(job)
        {
            return match place {
                Some(place) => Cursors::Narrow(self.narrow.get_mut(place).into_iter().collect()),
                None => Cursors::Wide(self.wide()),
            };
        }
        match way {
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

    /// The lane that is nearest before a job, and what it has to decode; its number among the
    /// narrow ones, or `None` for the wide one.
    fn goes_on<S>(&self, job: &GroupJob<S>) -> Option<(u32, Option<usize>)> {
        let targets: Vec<_> = job.targets.iter().map(|(target, _)| *target).collect();
        let cost = |cursor: &DecoderCursor| cursor.cost_to_go_on(job.access_point, &targets);
        let narrow = self.narrow.iter().enumerate();
        let narrow = narrow.filter_map(|(place, cursor)| Some((cost(cursor)?, Some(place))));
        let wide = self.wide.iter().filter_map(|cursor| Some((cost(cursor)?, None)));
        wide.chain(narrow).min_by_key(|(cost, _)| *cost)
    }

    /// Entrances that proved to be none, since last asked.
    pub(super) fn refused(&mut self) -> Vec<RandomAccessPoint> {
        let cursors = self.narrow.iter_mut().chain(&mut self.wide);
        cursors.flat_map(|cursor| std::mem::take(&mut cursor.refused)).collect()
    }
}

/// One lane decodes with threads of its own, and others make something of what comes: so that the
/// decoder doesn't wait for that. When they can't keep up, or the system gave them no threads, the
/// lane's thread does it too.
fn one_for_all<S: Send, T: Send>(
    cursor: &mut DecoderCursor,
    sources: &Sources<'_>,
    queue: &Queue<S>,
    cores: usize,
    see: &(impl Fn(Target, S, VideoFrame) -> T + Sync),
) -> Vec<Result<Fetched<T, S>>> {
    let decoded = BoundedQueue::new(2 * cores);
    let made =
        |(target, slot, frame): (Target, S, VideoFrame)| (target.frame, see(target, slot, frame));
    let mut workers = vec![Some(cursor)];
    workers.resize_with(1 + cores, || None);
    side_by_side(&mut workers, |cursor| {
        // Whoever ends early, by a panic, keeps nobody waiting.
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

/// What the lanes share out among them.
struct Queue<S> {
    jobs: Mutex<Vec<GroupJob<S>>>,
    /// What becomes of the decoder that has done the last job.
    last: AfterJob,
}

/// Has a lane take jobs until there are none; gives what didn't come.
fn run<S>(
    cursor: &mut DecoderCursor,
    sources: &Sources<'_>,
    queue: &Queue<S>,
    mut see: impl FnMut(Target, S, VideoFrame) -> bool,
) -> Result<Vec<(u32, S)>> {
    let mut missing = Vec::new();
    trace::emit_begin(); // the caller's thread may have opened and indexed the source
    while let Some((job, after)) = next_job(cursor, queue) {
        let left = cursor.run(sources, job, after, &mut see)?;
        missing.extend(left.into_iter().map(|(target, slot)| (target.frame, slot)));
    }
    Ok(missing)
}

/// The next job, and what to do behind it: one that the lane can go on to, else the longest.
fn next_job<S>(cursor: &DecoderCursor, queue: &Queue<S>) -> Option<(GroupJob<S>, AfterJob)> {
    let mut jobs = queue.jobs.lock().unwrap_or_else(PoisonError::into_inner);
    let goes_on = |job: &GroupJob<S>| {
        let targets: Vec<_> = job.targets.iter().map(|(target, _)| *target).collect();
        cursor.cost_to_go_on(job.access_point, &targets).is_some()
    };
    let place = if cursor.has_position() { jobs.iter().position(goes_on) } else { None };
    let job = match place {
        Some(place) => jobs.remove(place),
        None => jobs.pop()?,
    };
    Some((job, if jobs.is_empty() { queue.last } else { AfterJob::Drain }))
}

impl Video {
    /// The frames of these numbers, which exist, in this order.
    pub(super) fn fetch(&mut self, numbers: &[u64]) -> Result<Vec<Frame>> {
        let frames = self.map(numbers, |_, frame| frame.try_clone())?;
        frames.into_iter().map(|frame| frame?.map_err(|cause| self.no_memory(&cause))).collect()
    }

    fn no_memory(&self, cause: &AvError) -> Error {
        Error::Pixels { name: self.name.clone(), reason: cause.to_string(), kind: cause.kind() }
    }

    /// Calls `work` once for each of `numbers`, which exist, with its place among them, on the
    /// threads of the decoders; gives the results in this order, without frames that are left out.
    pub(super) fn map<T: Send>(
        &mut self,
        numbers: &[u64],
        work: impl Fn(usize, &Frame) -> T + Sync,
    ) -> Result<Vec<Result<T>>> {
        self.index()?;
        let mut asked: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, &number) in numbers.iter().enumerate() {
            asked.entry(u32::try_from(number).unwrap_or(u32::MAX)).or_default().push(place);
        }
        let frames = asked.iter().map(|(&frame, places)| (frame, places.as_slice())).collect();
        let told = self.fetch_mended(frames, |places: &[usize], frame| {
            places.iter().map(|&place| (place, work(place, &frame))).collect::<Vec<_>>()
        })?;
        let mut results: Vec<Option<Result<T>>> = Vec::new();
        results.resize_with(numbers.len(), || None);
        for (frame, shown) in told {
            match shown {
                Some(Ok(made)) => {
                    made.into_iter().for_each(|(place, made)| results[place] = Some(Ok(made)));
                }
                Some(Err(error)) => {
                    let places = asked.get(&frame).into_iter().flatten();
                    places.for_each(|&place| results[place] = Some(Err(error.clone())));
                }
                None => {}
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Calls `see` once for each of the frames that the policy hands out: on the threads of the
    /// decoders, and behind them on the caller's with those that take the place of damaged ones.
    /// What it gave comes in no order, each with its number.
    pub(super) fn fetch_mended<S: Send, T: Send>(
        &mut self,
        frames: Vec<(u32, S)>,
        see: impl Fn(S, Frame) -> T + Sync,
    ) -> Result<Vec<(u32, Option<Result<T>>)>> {
        let keeps = self.damage_handler.policy == OnDamage::Keep;
        let Fetched { came, missing: mut bad } = self.fetch_each(frames, |slot, frame| {
            let damaged = frame.damaged;
            if damaged && !keeps { Err(slot) } else { Ok((damaged, see(slot, frame))) }
        })?;
        let mut told = Vec::with_capacity(came.len() + bad.len());
        for (number, outcome) in came {
            match outcome {
                Ok((damaged, made)) => {
                    if damaged {
                        self.damage_handler.note(number.into());
                    }
                    told.push((number, Some(Ok(made))));
                }
                Err(slot) => bad.push((number, slot)),
            }
        }
        bad.sort_by_key(|(number, _)| *number); // a range of them has one whole frame before it
        for (number, slot) in bad {
            let shown = self.mend(number.into());
            told.push((number, shown.map(|frame| frame.map(|frame| see(slot, frame)))));
        }
        Ok(told)
    }

    /// What is handed out for a frame of that number, which is damaged.
    fn mend(&mut self, number: u64) -> Option<Result<Frame>> {
        let info = self.info(number);
        let Self { reader, index, fetcher, damage_handler, .. } = self;
        damage_handler.apply(Err(info), |numbers| {
            let Some(index) = index.as_deref() else { return Ok(None) };
            let numbers = numbers.filter_map(|number| Some((u32::try_from(number).ok()?, ())));
            let last = Mutex::new(None);
            fetcher.fetch(reader, index, numbers.collect(), |target, (), picture| {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                keep_last_whole(&mut last, target, picture);
            })?;
            Ok(last.into_inner().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Calls `see` with each of the frames, on the threads of the decoders; what it gave comes in
    /// no order. The slots of those that can't be decoded come back.
    pub(super) fn fetch_each<S: Send, T: Send>(
        &mut self,
        frames: Vec<(u32, S)>,
        see: impl Fn(S, Frame) -> T + Sync,
    ) -> Result<Fetched<T, S>> {
        let Self { stream, start, reader, index, fetcher, .. } = self;
        let Some(index) = index else { return Ok(Fetched { came: Vec::new(), missing: frames }) };
        let outcome = fetcher.fetch(reader, index, frames, |target, slot, picture| {
            see(slot, frame(target.frame.into(), picture, index, stream, *start))
        });
        let refused = fetcher.refused();
        if !refused.is_empty() {
            let index = Arc::make_mut(index);
            refused.into_iter().for_each(|access_point| index.remove_access_point(access_point));
        }
        outcome
    }
}

/// Keeps a picture, with its number, if it is whole and none so far is shown later.
pub(super) fn keep_last_whole(
    last: &mut Option<(u64, VideoFrame)>,
    target: Target,
    picture: VideoFrame,
) {
    let number = u64::from(target.frame);
    if !picture.is_corrupt() && last.as_ref().is_none_or(|(before, _)| *before < number) {
        *last = Some((number, picture));
    }
}

/// A picture with all that the index knows of it.
pub(super) fn frame(
    number: u64,
    picture: VideoFrame,
    index: &FrameIndex,
    stream: &Arc<VideoStream>,
    start: Pts,
) -> Frame {
    let damaged = picture.is_corrupt();
    let info = FrameMetadata { damaged, ..FrameMetadata::of(number, index, start) };
    info.with_pixels(picture, Arc::clone(stream))
}
