//! Fetches frames of a video by their numbers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use moviola_av::{error::Error as AvError, frame::VideoFrame, time::Pts};

use super::{OnDamage, Video, fetcher::Fetched, wanted::Target};
use crate::{
    error::{Error, Result},
    frame::Frame,
    index::{FrameIndex, FrameMetadata},
    input::VideoStream,
};

impl Video {
    /// The frames of these numbers, which exist, in this order.
    pub(super) fn fetch(&mut self, numbers: &[u64]) -> Result<Vec<Frame>> {
        let frames = self.map(numbers, |_, frame| frame.try_clone())?;
        frames.into_iter().map(|frame| frame?.map_err(|cause| self.no_memory(&cause))).collect()
    }

    fn no_memory(&self, cause: &AvError) -> Error {
        Error::Pixels { name: self.name.clone(), reason: cause.to_string(), kind: cause.kind() }
    }

    /// Calls `work` for each of `numbers`, which exist, with its place among them, on the decoders'
    /// threads. The results are in the order of `numbers`, without frames that are left out.
    pub(super) fn map<T: Send>(
        &mut self,
        numbers: &[u64],
        work: impl Fn(usize, &Frame) -> T + Sync,
    ) -> Result<Vec<Result<T>>> {
        self.index()?;
        let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, &number) in numbers.iter().enumerate() {
            places.entry(u32::try_from(number).unwrap_or(u32::MAX)).or_default().push(place);
        }
        let frames = places.iter().map(|(&frame, places)| (frame, places.as_slice())).collect();
        let outcomes = self.fetch_under_policy(frames, |places: &[usize], frame| {
            places.iter().map(|&place| (place, work(place, &frame))).collect::<Vec<_>>()
        })?;
        let mut results: Vec<Option<Result<T>>> = Vec::new();
        results.resize_with(numbers.len(), || None);
        for (frame, outcome) in outcomes {
            match outcome {
                Some(Ok(made)) => {
                    made.into_iter().for_each(|(place, made)| results[place] = Some(Ok(made)));
                }
                Some(Err(error)) => {
                    let places = places.get(&frame).into_iter().flatten();
                    places.for_each(|&place| results[place] = Some(Err(error.clone())));
                }
                None => {}
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Calls `take` for each of the frames, under the damage policy: on the decoders' threads, and
    /// after that, on the caller's, for those that replace damaged ones. The results come in no
    /// order, each with the frame's number; `None` for frames that are left out.
    pub(super) fn fetch_under_policy<S: Send, T: Send>(
        &mut self,
        frames: Vec<(u32, S)>,
        take: impl Fn(S, Frame) -> T + Sync,
    ) -> Result<Vec<(u32, Option<Result<T>>)>> {
        let keeps = self.damage_handler.policy == OnDamage::Keep;
        let Fetched { came, missing: mut bad } = self.fetch_each(frames, |slot, frame| {
            let damaged = frame.damaged;
            if damaged && !keeps { Err(slot) } else { Ok((damaged, take(slot, frame))) }
        })?;
        let mut results = Vec::with_capacity(came.len() + bad.len());
        for (number, outcome) in came {
            match outcome {
                Ok((damaged, result)) => {
                    if damaged {
                        self.damage_handler.note(number.into());
                    }
                    results.push((number, Some(Ok(result))));
                }
                Err(slot) => bad.push((number, slot)),
            }
        }
        bad.sort_by_key(|(number, _)| *number); // a range of them has one undamaged frame before it
        for (number, slot) in bad {
            let frame = self.replace_damaged(number.into());
            results.push((number, frame.map(|frame| frame.map(|frame| take(slot, frame)))));
        }
        Ok(results)
    }

    /// The frame to return in place of a damaged one; `None` if it is left out.
    fn replace_damaged(&mut self, number: u64) -> Option<Result<Frame>> {
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

    /// Calls `take` with each of the frames that can be decoded, on the decoders' threads.
    pub(super) fn fetch_each<S: Send, T: Send>(
        &mut self,
        frames: Vec<(u32, S)>,
        take: impl Fn(S, Frame) -> T + Sync,
    ) -> Result<Fetched<T, S>> {
        let Self { stream, start, reader, index, fetcher, .. } = self;
        let Some(index) = index else { return Ok(Fetched { came: Vec::new(), missing: frames }) };
        let outcome = fetcher.fetch(reader, index, frames, |target, slot, picture| {
            take(slot, frame(target.frame.into(), picture, index, stream, *start))
        });
        let refused = fetcher.take_refused();
        if !refused.is_empty() {
            let index = Arc::make_mut(index);
            refused.into_iter().for_each(|access_point| index.remove_access_point(access_point));
        }
        outcome
    }
}

/// Keeps a frame, with its number, if it is undamaged and later than the one kept so far.
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

/// A decoded frame with the index's metadata.
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
