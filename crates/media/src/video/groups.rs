//! Frames of a stream by several decoders, each of which decodes a group of pictures at a time.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex},
};

use moviola_av::{frame::VideoFrame, time::Pts};

use super::{
    cursor::{AfterJob, DecoderCursor},
    fetch::{frame, keep_last_whole},
    packets::PacketReader,
    schedule::{self, jobs},
    sources::Sources,
    wanted::GroupJob,
};
use crate::{
    damage::{DamageHandler, DecodeOutcome},
    decode::DecoderConfig,
    error::Result,
    frame::Frame,
    index::{FrameIndex, FrameMetadata},
    media::VideoStream,
    workers::Results,
};

/// One worker, its decoder, and what it does with the frames.
struct GroupWorker<W> {
    cursor: DecoderCursor,
    source: GroupSource,
    damage_handler: DamageHandler,
    work: W,
}

/// What all workers read from.
#[derive(Clone)]
pub(super) struct GroupSource {
    pub(super) config: Arc<DecoderConfig>,
    pub(super) stream: Arc<VideoStream>,
    pub(super) start: Pts,
    pub(super) reader: Arc<Mutex<PacketReader>>,
    pub(super) index: Arc<FrameIndex>,
    /// Bytes that pictures may take which wait for their turn.
    pub(super) memory: usize,
}

impl<W> GroupWorker<W> {
    /// Decodes a group and puts its frames in the order they are shown, and what is wrong with the
    /// container behind those that came.
    ///
    /// A decoder gives pictures in that order: what hasn't come when a later one does, won't.
    fn run<T>(&mut self, job: GroupJob<()>, results: &mut Results<'_, Result<T>>)
    where
        W: FnMut(Frame) -> T,
    {
        let Self { cursor, source, damage_handler, work } = self;
        let GroupSource { stream, start, reader, index, .. } = &*source;
        let mut numbers: Vec<_> = job.targets.iter().map(|(target, ())| target.frame).collect();
        numbers.sort_unstable();
        let mut waiting = VecDeque::from(numbers);
        let mut tell = |came: DecodeOutcome| {
            if let Ok(frame) = &came {
                // The container may have told of smaller ones.
                let picture = &frame.decoded;
                let size = (picture.width(), picture.height());
                results
                    .bound(source.memory / schedule::picture_bytes(size, Some(picture.format())));
            }
            let shown = damage_handler.apply(came, |numbers| source.last_whole(numbers));
            shown.is_none_or(|frame| results.put(frame.map(&mut *work)))
        };
        let missing = |number: u32| Err(FrameMetadata::of(number.into(), index, *start));
        let sources = Sources { reader, index };
        let outcome = cursor.run(&sources, job, AfterJob::Drain, &mut |target, (), picture| {
            while let Some(number) = waiting.pop_front_if(|number| *number < target.frame) {
                if !tell(missing(number)) {
                    return false;
                }
            }
            let in_turn = waiting.pop_front_if(|number| *number == target.frame).is_some();
            !in_turn || tell(Ok(frame(target.frame.into(), picture, index, stream, *start)))
        });
        cursor.refused.clear(); // the index is shared, and stays as it is
        match outcome {
            Ok(_) => waiting.into_iter().all(|number| tell(missing(number))),
            Err(error) => results.put(Err(error)),
        };
    }
}

impl GroupSource {
    /// A worker whose decoder has so many threads.
    pub(super) fn worker<T, W>(
        &self,
        threads: u16,
        damage_handler: DamageHandler,
        work: W,
    ) -> impl FnMut(GroupJob<()>, &mut Results<'_, Result<T>>) + Send + use<T, W> + 'static
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        let cursor = DecoderCursor::new(Arc::clone(&self.config), threads);
        let mut worker = GroupWorker { cursor, source: self.clone(), damage_handler, work };
        move |job, results| worker.run(job, results)
    }

    /// The last whole frame among those of these numbers, by a decoder that is used but once.
    fn last_whole(&self, numbers: Range<u64>) -> Result<Option<(u64, VideoFrame)>> {
        let numbers = numbers.filter_map(|number| Some((u32::try_from(number).ok()?, ())));
        let mut cursor = DecoderCursor::new(Arc::clone(&self.config), 1);
        let sources = Sources { reader: &self.reader, index: &self.index };
        let mut last = None;
        for job in jobs(&self.index, numbers.collect()) {
            cursor.run(&sources, job, AfterJob::Drain, &mut |target, (), picture| {
                keep_last_whole(&mut last, target, picture);
                true
            })?;
        }
        Ok(last)
    }
}
