//! A decoder positioned in a stream: it fetches frames by their packets' numbers.

mod feed;

use std::sync::Arc;

use moviola_av::{frame::VideoFrame, packet::Packet};

use super::{
    packets::{Batch, Span},
    sources::Sources,
    wanted::{GroupJob, Target, Wanted},
};
use crate::{
    bitstream::{access::RandomAccess, references::References},
    decode::{DecoderConfig, StreamDecoder},
    error::Result,
    index::{FrameIndex, Origin, RandomAccessPoint},
};

/// The bytes of packets that are read at a time.
const BATCH_BYTES: usize = 4 << 20;

/// One job, as a cursor does it.
struct FetchRequest<'a, S> {
    sources: &'a Sources<'a>,
    wanted: Wanted<S>,
    after: AfterJob,
    /// Takes each frame, and returns whether to continue.
    take: &'a mut dyn FnMut(Target, S, VideoFrame) -> bool,
}

/// A decoder positioned in a stream.
#[derive(Debug)]
pub(super) struct DecoderCursor {
    config: Arc<DecoderConfig>,
    threads: u16,
    decoder: Option<StreamDecoder>,
    references: References,
    /// `None` if the decoder has to start over.
    position: Option<Position>,
    /// Whether the decoder has had parameter sets from packets.
    has_sets: bool,
    /// Version of the latest extradata that was sent to the decoder.
    extradata: u64,
    /// Access points of the index at which decoding couldn't start.
    pub(super) refused: Vec<RandomAccessPoint>,
}

/// The position of a decoder in its stream.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// Where it started.
    access_point: RandomAccessPoint,
    /// The packet to send next.
    next: u32,
    /// From this packet on no packet was skipped.
    whole_from: u32,
    /// Time of the latest frame that came out, in ticks.
    shown: i64,
}

/// What to do with a decoder after the last frame of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterJob {
    /// Drain it: the quickest way to the last frame.
    Drain,
    /// Keep its position, so that it can continue from there.
    Stay,
}

impl DecoderCursor {
    /// A cursor whose decoder has `threads` threads.
    pub(super) fn new(config: Arc<DecoderConfig>, threads: u16) -> Self {
        let parameters = &config.parameters;
        let references = References::new(parameters.codec_name(), parameters.extradata());
        Self {
            config,
            threads,
            decoder: None,
            references,
            position: None,
            has_sets: false,
            extradata: 0,
            refused: Vec::new(),
        }
    }

    /// Whether the decoder has a position from which it could continue.
    pub(super) fn has_position(&self) -> bool {
        self.position.is_some()
    }

    /// The number of packets to decode for `targets` from the cursor's position. `None` if they
    /// can't be reached from there, or starting over takes no longer.
    pub(super) fn cost_to_continue(
        &self,
        access_point: RandomAccessPoint,
        targets: &[Target],
    ) -> Option<u32> {
        let position = self.position?;
        let within = position.access_point.packet <= access_point.packet
            && access_point.packet <= position.next;
        let is_ahead = |target: &Target| {
            target.packet >= position.next
                || (target.packet >= position.whole_from && target.pts > position.shown)
        };
        let last = targets.iter().map(|target| target.packet).max()?;
        (within && targets.iter().all(is_ahead))
            .then(|| last.saturating_add(1).saturating_sub(position.next))
    }

    /// Fetches the frames of `job` and passes each to `take`, which returns whether to continue.
    /// Returns the targets without a frame.
    ///
    /// # Errors
    ///
    /// If reading fails or the decoder can't be opened. Some frames may have been passed to `take`.
    pub(super) fn run<S>(
        &mut self,
        sources: &Sources<'_>,
        job: GroupJob<S>,
        after: AfterJob,
        take: &mut dyn FnMut(Target, S, VideoFrame) -> bool,
    ) -> Result<Vec<(Target, S)>> {
        let targets: Vec<_> = job.targets.iter().map(|(target, _)| *target).collect();
        let continues = self.cost_to_continue(job.access_point, &targets).is_some();
        if !continues {
            self.position = None;
        }
        let wanted = Wanted::new(job.targets, self.config.parameters.codec_name());
        let mut request = FetchRequest { sources, wanted, after, take };
        let mut outcome = self.fetch(&mut request, job.access_point);
        if continues && outcome.is_ok() && !request.wanted.is_empty() {
            // The stream's times are wrong: start over from the access point.
            self.position = None;
            outcome = self.fetch(&mut request, job.access_point);
        }
        if outcome.is_err() {
            self.position = None;
        }
        outcome.map(|()| request.wanted.rest())
    }

    fn fetch<S>(
        &mut self,
        request: &mut FetchRequest<'_, S>,
        mut access_point: RandomAccessPoint,
    ) -> Result<()> {
        self.receive(request)?;
        while !request.wanted.is_empty() {
            let Some(span) = self.next_span(request, access_point) else {
                return self.drain(request);
            };
            let batch = self.read(request, &span)?;
            if self.position.is_none() {
                let Some(first) = batch.packets.first() else {
                    // The stream ends before it, as it didn't when it was indexed.
                    return batch.broken.map_or(Ok(()), Err);
                };
                if !self.is_access_point(request.sources.index, access_point, first) {
                    self.refused.push(access_point);
                    access_point = request.sources.index.access_point_before(access_point);
                    continue;
                }
                self.restart(access_point);
            }
            if self.send_all(request, batch)? {
                return Ok(());
            }
        }
        if request.after == AfterJob::Drain {
            // Nothing more is wanted from here: the next job starts elsewhere.
            self.position = self.position.filter(|position| position.next <= request.wanted.last);
        }
        Ok(())
    }

    /// The packets to read next, from the position, or else from `access_point`; `None` if the
    /// decoder has had all that are needed.
    fn next_span<S>(
        &self,
        request: &FetchRequest<'_, S>,
        access_point: RandomAccessPoint,
    ) -> Option<Span> {
        let index = request.sources.index;
        let from = self.position.map_or(access_point.packet, |position| position.next);
        let last = index.last_packet_of(request.wanted.last);
        let is_past_last = from > last && request.after == AfterJob::Drain;
        if is_past_last || from >= index.packets() {
            return None;
        }
        let access_point = self.position.map_or(access_point, |position| position.access_point);
        let until = last.max(from).saturating_add(1);
        Some(Span { access_point, from, until, bytes: BATCH_BYTES })
    }

    fn read<S>(&mut self, request: &mut FetchRequest<'_, S>, span: &Span) -> Result<Batch> {
        let read = request.sources.read(span);
        if read.is_err() {
            self.drain(request)?; // what the decoder holds was read before
        }
        read
    }

    /// Whether decoding can start at a packet, by its bytes.
    fn is_access_point(
        &mut self,
        index: &FrameIndex,
        access_point: RandomAccessPoint,
        packet: &Packet,
    ) -> bool {
        if index.origin() != Origin::Tables {
            return true; // the bytes were looked at already
        }
        let access = RandomAccess::of(&self.config.parameters, packet);
        if self.has_sets && !access.has_sets {
            self.decoder = None; // it may have others than those in force here
        }
        self.has_sets |= access.has_sets;
        access.is_point || access_point.packet == 0
    }

    /// Makes the decoder start at an access point.
    fn restart(&mut self, access_point: RandomAccessPoint) {
        if self.config.outlives_flush() {
            self.decoder = None;
        }
        if let Some(decoder) = &mut self.decoder {
            decoder.flush();
        }
        let (next, whole_from) = (access_point.packet, access_point.packet);
        self.position = Some(Position { access_point, next, whole_from, shown: i64::MIN });
    }
}
