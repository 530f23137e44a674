//! Sends packets to a cursor's decoder, and passes its frames to the job.

use std::ops::ControlFlow;

use moviola_av::{
    decoder::Received, error::Result as AvResult, frame::VideoFrame, packet::Packet, trace,
};

use super::{
    super::packets::{Batch, Extradata},
    AfterJob, DecoderCursor, FetchRequest, Position,
};
use crate::{
    decode::{self, StreamDecoder, is_damage, with_headers},
    error::Result,
    index::FrameIndex,
};

impl DecoderCursor {
    /// Sends the packets of a batch. `true` if the stream ends after them.
    pub(super) fn send_all<S>(
        &mut self,
        request: &mut FetchRequest<'_, S>,
        batch: Batch,
    ) -> Result<bool> {
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

    /// Sends a packet, unless nothing that is wanted depends on it.
    fn send<S>(
        &mut self,
        request: &mut FetchRequest<'_, S>,
        number: u32,
        packet: Packet,
        extradata: &Extradata,
    ) -> Result<()> {
        let Some(position) = &mut self.position else { return Ok(()) };
        position.next = number.saturating_add(1);
        self.references.learn(packet.data());
        if request.may_skip(number) && self.references.is_disposable(packet.data()) {
            position.whole_from = number.saturating_add(1);
            let why = "nothing that is wanted refers to it";
            trace::emit_decision("left out", why, packet.pts(), packet.data().len());
            return Ok(());
        }
        let sent = self.prepare(request.sources.index, number, packet, extradata);
        let sent = sent.and_then(|packet| self.send_prepared(request, &packet));
        sent.or_else(|cause| request.sources.lost(&cause))
    }

    /// The packet with its number, and with the headers that the decoder hasn't had.
    fn prepare(
        &mut self,
        index: &FrameIndex,
        number: u32,
        packet: Packet,
        (version, extradata): &Extradata,
    ) -> AvResult<Packet> {
        let starts = self.position.is_some_and(|position| position.access_point.packet == number);
        let is_new = self.decoder.is_none();
        if is_new {
            self.decoder = Some(self.config.open(self.threads, index.reorder_delay())?);
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
        let mut tagged = with_headers(&packet, sets, extradata)?.unwrap_or(packet);
        tagged.set_tag(number.into());
        Ok(tagged)
    }

    fn send_prepared<S>(
        &mut self,
        request: &mut FetchRequest<'_, S>,
        packet: &Packet,
    ) -> AvResult<()> {
        let Self { decoder, position, .. } = self;
        let Some(decoder) = decoder else { return Ok(()) };
        decode::send(decoder, packet, |decoder| request.receive(decoder, position))
    }

    /// Takes the frames that are ready.
    ///
    /// # Errors
    ///
    /// Those that aren't of damaged packets: a frame is too large, or memory is exhausted.
    pub(super) fn receive<S>(&mut self, request: &mut FetchRequest<'_, S>) -> Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let received = request.receive(decoder, &mut self.position);
        received.map_err(|cause| request.sources.cannot_decode(&cause))
    }

    /// Takes all frames that the decoder holds. After that it has to start over.
    pub(super) fn drain<S>(&mut self, request: &mut FetchRequest<'_, S>) -> Result<()> {
        self.position = None;
        match self.decoder.as_mut().is_some_and(|decoder| decoder.send_end().is_ok()) {
            true => self.receive(request),
            false => Ok(()),
        }
    }
}

impl<S> FetchRequest<'_, S> {
    /// Whether a packet's frame isn't wanted, so that the packet is needed only if another frame
    /// depends on it.
    fn may_skip(&self, number: u32) -> bool {
        let index = self.sources.index;
        // Frames just before the last one may be asked for next, unless the decoder starts over.
        let near = match self.after {
            AfterJob::Drain => 0,
            AfterJob::Stay => u32::from(index.reorder_delay()),
        };
        let is_far = number.saturating_add(near) < self.wanted.last;
        // Of a frame in two packets one field may be needed and the other not.
        is_far && !index.has_fields() && !self.wanted.has(number)
    }

    /// Takes the frames that a decoder has ready.
    fn receive(
        &mut self,
        decoder: &mut StreamDecoder,
        position: &mut Option<Position>,
    ) -> AvResult<()> {
        while let Received::Frame(frame) = decode::receive(decoder, is_damage)? {
            if let (Some(position), Some(pts)) = (&mut *position, frame.pts()) {
                position.shown = position.shown.max(pts);
            }
            if self.hand_over(frame).is_break() {
                self.wanted.give_up();
                break;
            }
        }
        Ok(())
    }

    /// Passes a frame to the job if it is wanted.
    fn hand_over(&mut self, frame: VideoFrame) -> ControlFlow<()> {
        let Some((target, slot)) = self.wanted.take(&frame, self.sources.index) else {
            trace::emit_decision(
                "decoded and dropped",
                "what is wanted refers to it",
                frame.pts(),
                0,
            );
            return ControlFlow::Continue(());
        };
        match (self.take)(target, slot, frame) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}
