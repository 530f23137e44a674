//! Several decoders of one stream, each of which decodes a group of pictures at a time.

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
    input::VideoStream,
    workers::Results,
};

/// A worker with its decoder, and the function it calls with each frame.
struct GroupWorker<W> {
    cursor: DecoderCursor,
    source: GroupSource,
    damage_handler: DamageHandler,
    work: W,
}

/// The state that all workers share.
#[derive(Clone)]
pub(super) struct GroupSource {
    pub(super) config: Arc<DecoderConfig>,
    pub(super) stream: Arc<VideoStream>,
    pub(super) start: Pts,
    pub(super) reader: Arc<Mutex<PacketReader>>,
    pub(super) index: Arc<FrameIndex>,
    /// Bytes of frames that may wait for their turn.
    pub(super) memory: usize,
}

impl<W> GroupWorker<W> {
    /// Decodes a group and puts its frames in presentation order, and after them an error of the
    /// container.
    ///
    /// A decoder outputs frames in presentation order, so frames that are missing when a later one
    /// is returned won't follow.
    fn run<T>(&mut self, job: GroupJob<()>, results: &mut Results<'_, Result<T>>)
    where
        W: FnMut(Frame) -> T,
    {
        let Self { cursor, source, damage_handler, work } = self;
        let GroupSource { stream, start, reader, index, .. } = &*source;
        let mut numbers: Vec<_> = job.targets.iter().map(|(target, ())| target.frame).collect();
        numbers.sort_unstable();
        let mut waiting = VecDeque::from(numbers);
        let mut put = |outcome: DecodeOutcome| {
            if let Ok(frame) = &outcome {
                // Frames may be larger than the container says.
                let picture = &frame.decoded;
                let size = (picture.width(), picture.height());
                results.bound(source.memory / schedule::frame_bytes(size, Some(picture.format())));
            }
            let shown = damage_handler.apply(outcome, |numbers| source.last_whole(numbers));
            shown.is_none_or(|frame| results.put(frame.map(&mut *work)))
        };
        let missing = |number: u32| Err(FrameMetadata::of(number.into(), index, *start));
        let sources = Sources { reader, index };
        let outcome = cursor.run(&sources, job, AfterJob::Drain, &mut |target, (), picture| {
            while let Some(number) = waiting.pop_front_if(|number| *number < target.frame) {
                if !put(missing(number)) {
                    return false;
                }
            }
            let in_turn = waiting.pop_front_if(|number| *number == target.frame).is_some();
            !in_turn || put(Ok(frame(target.frame.into(), picture, index, stream, *start)))
        });
        cursor.refused.clear(); // the index is shared and doesn't change
        match outcome {
            Ok(_) => waiting.into_iter().all(|number| put(missing(number))),
            Err(error) => results.put(Err(error)),
        };
    }
}

impl GroupSource {
    /// A worker whose decoder has `threads` threads.
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

    /// The last undamaged frame among these numbers, by a decoder that is used once.
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
