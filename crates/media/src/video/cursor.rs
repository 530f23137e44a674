//! One decoder and where it stands: it fetches pictures by their packets' numbers.

use std::sync::Arc;

use moviola_av::{
    decoder::{DecoderOptions, Received, Sent},
    error::{Error as AvError, Result as AvResult},
    frame::VideoFrame,
    packet::Packet,
    parameters::CodecParameters,
    trace,
};

use super::{
    packets::{Batch, Extradata, Span},
    sources::Sources,
    wanted::{Job, Target, Wanted},
};
use crate::{
    bitstream::{access::RandomAccess, parameter_sets::Snapshot, references::References},
    entry::prepare,
    error::Result,
    hardware::{Hardware, StreamDecoder},
    index::{FrameIndex, Origin, RandomAccessPoint},
};

/// Compressed bytes that are read at a time.
const BATCH_BYTES: usize = 4 << 20;

/// Damaged packets in a row after which a decoder is given up, until the next packet.
pub(super) const MOST_FAILURES: usize = 64;

/// How to open a stream's decoders.
#[derive(Debug)]
pub(super) struct DecoderConfig {
    pub(super) parameters: Arc<CodecParameters>,
    pub(super) options: DecoderOptions,
    pub(super) hardware: Arc<Hardware>,
    /// What the stream's first packet tells every decoder.
    pub(super) first_sets: Snapshot,
}

/// What a lane is sent for.
struct FetchRequest<'a, S, F> {
    sources: &'a Sources<'a>,
    wanted: Wanted<S>,
    after: AfterJob,
    /// Takes each picture, and says whether to go on.
    see: F,
}

/// A decoder somewhere in the stream.
#[derive(Debug)]
pub(super) struct DecoderCursor {
    config: Arc<DecoderConfig>,
    threads: u16,
    decoder: Option<StreamDecoder>,
    references: References,
    place: Option<Place>,
    /// Whether the decoder has had parameter sets that stood in packets.
    has_sets: bool,
    /// Version of the extradata that the decoder has had last.
    extradata: u64,
    /// Entrances that proved to be none.
    pub(super) refused: Vec<RandomAccessPoint>,
}

/// How far a decoder has come.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Where it started.
    access_point: RandomAccessPoint,
    /// The packet to send next.
    next: u32,
    /// From this packet on none was left out.
    whole_from: u32,
    /// Time of the picture that came out last.
    shown: i64,
}

/// What to do with a decoder behind the last picture of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterJob {
    /// Have it give out all it holds: the quickest way to the last picture.
    Drain,
    /// Leave it as it is, ready to go on.
    Stay,
}

impl DecoderCursor {
    /// A lane whose decoder has so many threads.
    pub(super) fn new(config: Arc<DecoderConfig>, threads: u16) -> Self {
        let parameters = &config.parameters;
        let references = References::new(parameters.codec_name(), parameters.extradata());
        Self {
            config,
            threads,
            decoder: None,
            references,
            place: None,
            has_sets: false,
            extradata: 0,
            refused: Vec::new(),
        }
    }

    /// Whether the decoder stands somewhere, and could go on.
    pub(super) fn stands(&self) -> bool {
        self.place.is_some()
    }

    /// How many packets have to be decoded for `targets`, if the lane goes on from where it is;
    /// `None` if it can't, or starting over is no longer.
    pub(super) fn cost_to_go_on(
        &self,
        access_point: RandomAccessPoint,
        targets: &[Target],
    ) -> Option<u32> {
        let place = self.place?;
        let within =
            place.access_point.packet <= access_point.packet && access_point.packet <= place.next;
        let waits = |target: &Target| {
            target.packet >= place.next
                || (target.packet >= place.whole_from && target.pts > place.shown)
        };
        let last = targets.iter().map(|target| target.packet).max()?;
        (within && targets.iter().all(waits))
            .then(|| last.saturating_add(1).saturating_sub(place.next))
    }

    /// Fetches the pictures of `job` and hands each to `see`, which says whether to go on; gives back
    /// the targets that didn't come.
    ///
    /// # Errors
    ///
    /// If reading fails or the decoder can't be opened; some pictures may have come.
    pub(super) fn run<S, F>(
        &mut self,
        sources: &Sources<'_>,
        job: Job<S>,
        after: AfterJob,
        see: F,
    ) -> Result<Vec<(Target, S)>>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        let targets: Vec<_> = job.targets.iter().map(|(target, _)| *target).collect();
        let goes_on = self.cost_to_go_on(job.access_point, &targets).is_some();
        if !goes_on {
            self.place = None;
        }
        let wanted = Wanted::new(job.targets, self.config.parameters.codec_name());
        let mut request = FetchRequest { sources, wanted, after, see };
        let mut outcome = self.fetch(&mut request, job.access_point);
        if goes_on && outcome.is_ok() && !request.wanted.is_empty() {
            // The stream's times are wrong: start over from the access point.
            self.place = None;
            outcome = self.fetch(&mut request, job.access_point);
        }
        if outcome.is_err() {
            self.place = None;
        }
        outcome.map(|()| request.wanted.rest())
    }

    fn fetch<S, F>(
        &mut self,
        request: &mut FetchRequest<'_, S, F>,
        access_point: RandomAccessPoint,
    ) -> Result<()>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        let sources = request.sources;
        self.receive(request)?;
        let mut access_point = access_point;
        while !request.wanted.is_empty() {
            let start = self.place.map_or(access_point.packet, |place| place.next);
            let last = sources.index.last_packet_of(request.wanted.last);
            let past_last = start > last;
            let ends = start >= sources.index.packets();
            if ends || (past_last && request.after == AfterJob::Drain) {
                return self.drain(request);
            }
            let from = self.place.map_or(access_point, |place| place.access_point);
            let until = last.max(start).saturating_add(1);
            let span = Span { access_point: from, from: start, until, bytes: BATCH_BYTES };
            let batch = self.read(request, &span)?;
            if self.place.is_none() {
                let Some(first) = batch.packets.first() else {
                    // The stream ends before it, as it didn't when it was indexed.
                    return batch.broken.map_or(Ok(()), Err);
                };
                if !self.is_access_point(sources.index, access_point, first) {
                    self.refused.push(access_point);
                    access_point = sources.index.access_point_before(access_point);
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
            self.place = self.place.filter(|place| place.next <= request.wanted.last);
        }
        Ok(())
    }

    fn read<S, F>(&mut self, request: &mut FetchRequest<'_, S, F>, span: &Span) -> Result<Batch>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        let read = request.sources.read(span);
        if read.is_err() {
            self.drain(request)?; // what the decoder holds was read before
        }
        read
    }

    /// Sends the packets of a batch. `true` if the stream ends behind them.
    fn send_all<S, F>(&mut self, request: &mut FetchRequest<'_, S, F>, batch: Batch) -> Result<bool>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        let Batch { first, packets, extradata, ended, broken } = batch;
        for (number, packet) in (first..).zip(packets) {
            self.send(request, number, packet, &extradata)?;
            self.receive(request)?;
        }
        if ended || broken.is_some() {
            self.drain(request)?;
            return broken.map_or(Ok(true), Err);
        }
        Ok(false)
    }

    /// Whether decoding can start at a packet, by what its bytes say.
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
            self.decoder = None; // it may know others than those in force here
        }
        self.has_sets |= access.has_sets;
        access.is_point || access_point.packet == 0
    }

    /// Makes the decoder start at an access point.
    fn restart(&mut self, access_point: RandomAccessPoint) {
        // What an MJPEG decoder keeps of earlier pictures would show in damaged ones.
        if self.config.parameters.codec_name() == "mjpeg" {
            self.decoder = None;
        }
        if let Some(decoder) = &mut self.decoder {
            decoder.flush();
        }
        let (next, whole_from) = (access_point.packet, access_point.packet);
        self.place = Some(Place { access_point, next, whole_from, shown: i64::MIN });
    }

    /// Sends a packet, unless nothing that is wanted depends on it.
    fn send<S, F>(
        &mut self,
        request: &mut FetchRequest<'_, S, F>,
        number: u32,
        packet: Packet,
        extradata: &Extradata,
    ) -> Result<()>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        let FetchRequest { sources, wanted, after, .. } = request;
        let Some(place) = &mut self.place else { return Ok(()) };
        place.next = number.saturating_add(1);
        self.references.learn(packet.data());
        // Pictures just before the last one may be asked for next, unless the decoder starts over.
        let near = match after {
            AfterJob::Drain => 0,
            AfterJob::Stay => u32::from(sources.index.reorder_delay()),
        };
        let is_far = number.saturating_add(near) < wanted.last;
        // Of a frame in two packets one field may be needed and the other not.
        let skippable = is_far && !sources.index.has_fields() && !wanted.has(number);
        if skippable && self.references.is_disposable(packet.data()) {
            place.whole_from = number.saturating_add(1);
            let why = "nothing that is wanted refers to it";
            trace::emit_decision("left out", why, packet.pts(), packet.data().len());
            return Ok(());
        }
        match self.prepare(sources.index, number, packet, extradata) {
            Ok(packet) => self.offer(request, &packet),
            Err(error) => request.sources.lost(&error),
        }
    }

    /// The packet with its number, and with what the decoder must be told before it; opens the
    /// decoder if need be.
    fn prepare(
        &mut self,
        index: &FrameIndex,
        number: u32,
        packet: Packet,
        (version, extradata): &Extradata,
    ) -> AvResult<Packet> {
        let starts = self.place.is_some_and(|place| place.access_point.packet == number);
        let is_new = self.decoder.is_none();
        if is_new {
            let options = DecoderOptions {
                threads: self.threads,
                reorder_delay: index.reorder_delay(),
                ..self.config.options.clone()
            };
            let DecoderConfig { parameters, hardware, .. } = &*self.config;
            self.decoder = Some(StreamDecoder::open(parameters, &options, hardware)?);
            self.extradata = 0;
        }
        let known = index.parameter_sets(number);
        let first = Some(&self.config.first_sets).filter(|_| is_new);
        let sets = known.or(first).filter(|_| starts && number > 0).map(|sets| &sets.bytes);
        let (version, extradata) = match index.extradata(number) {
            Some((version, extradata)) => (version, Some(extradata)),
            None => (*version, extradata.as_ref()),
        };
        let extradata = extradata.filter(|_| starts && self.extradata != version);
        self.extradata = version;
        let mut tagged = prepare(&packet, sets, extradata)?.unwrap_or(packet);
        tagged.set_tag(number.into());
        Ok(tagged)
    }

    fn offer<S, F>(&mut self, request: &mut FetchRequest<'_, S, F>, packet: &Packet) -> Result<()>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        while let Some(decoder) = &mut self.decoder {
            match decoder.send(packet) {
                Ok(Sent::Accepted) => break,
                Ok(Sent::Full) => self.receive(request)?,
                Err(error) => return request.sources.lost(&error),
            }
        }
        Ok(())
    }

    /// Takes the pictures that are ready.
    ///
    /// # Errors
    ///
    /// What isn't the fault of a picture's bytes: one is too large, or memory is short.
    fn receive<S, F>(&mut self, request: &mut FetchRequest<'_, S, F>) -> Result<()>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        let mut failures = 0;
        while let Some(decoder) = &mut self.decoder {
            match decoder.receive() {
                Ok(Received::Frame(frame)) => {
                    if let (Some(place), Some(pts)) = (&mut self.place, frame.pts()) {
                        place.shown = place.shown.max(pts);
                    }
                    let target = request.wanted.take(&frame, request.sources.index);
                    if target.is_none() {
                        let why = "what is wanted refers to it";
                        trace::emit_decision("decoded and dropped", why, frame.pts(), 0);
                    }
                    let go_on =
                        target.is_none_or(|(target, slot)| (request.see)(target, slot, frame));
                    if !go_on {
                        request.wanted.give_up();
                        return Ok(());
                    }
                }
                Ok(Received::NeedPacket | Received::End) => return Ok(()),
                Err(AvError::Ffmpeg { .. }) if failures < MOST_FAILURES => failures += 1,
                Err(AvError::Ffmpeg { .. }) => return Ok(()),
                Err(error) => return Err(request.sources.cannot_decode(&error)),
            }
        }
        Ok(())
    }

    /// Takes all that the decoder holds; it has to start anew then.
    fn drain<S, F>(&mut self, request: &mut FetchRequest<'_, S, F>) -> Result<()>
    where
        F: FnMut(Target, S, VideoFrame) -> bool,
    {
        self.place = None;
        match self.decoder.as_mut().is_some_and(|decoder| decoder.send_end().is_ok()) {
            true => self.receive(request),
            false => Ok(()),
        }
    }
}
