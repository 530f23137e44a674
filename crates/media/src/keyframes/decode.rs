//! Decodes one keyframe at a time, each from the same state.

use std::sync::Arc;

use moviola_av::{
    decoder::Received,
    error::{Error as AvError, Result as AvResult},
    frame::VideoFrame,
    packet::Packet,
};

use super::select::KeyframeJob;
use crate::decode::{self, DecoderConfig, StreamDecoder, with_headers};

/// Threads of a decoder: the decoders themselves are spread over the cores.
const THREADS: u16 = 1;

/// A decoder that starts every keyframe from the same state.
///
/// After each keyframe the decoder is drained and flushed: the next one finds no reference
/// frames, no pending output, and the parameter sets that a single decoder would have at that
/// point. Memory for a frame is all zeros, and a keyframe that comes out damaged is decoded again
/// by a new decoder, because what concealment leaves untouched would show earlier content. So the
/// frame depends on the job alone, not on how many decoders share the stream.
pub(super) struct KeyframeDecoder {
    config: Arc<DecoderConfig>,
    decoder: Option<PrimedDecoder>,
}

/// A decoder and the headers it has had.
struct PrimedDecoder {
    decoder: StreamDecoder,
    /// Version of the parameter sets.
    parameter_sets: u64,
    /// Version of the extradata.
    extradata: u64,
}

impl KeyframeDecoder {
    pub(super) fn new(config: Arc<DecoderConfig>) -> Self {
        Self { config, decoder: None }
    }

    /// Opens the decoder now, to find out whether it can be.
    pub(super) fn warm_up(&mut self) -> AvResult<()> {
        self.decoder = Some(PrimedDecoder::open(&self.config)?);
        Ok(())
    }

    /// Decodes one keyframe. `None` if the decoder finds that it is none.
    pub(super) fn decode(&mut self, job: &KeyframeJob) -> AvResult<Option<VideoFrame>> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(PrimedDecoder::open(&self.config)?),
        };
        let outcome = decoder.decode(job);
        let is_damaged = match &outcome {
            Ok(Some(frame)) => frame.is_corrupt(),
            Ok(None) => !self.config.skips_other_frames(),
            Err(_) => true,
        };
        if is_damaged || self.config.outlives_flush() {
            self.decoder = None;
        }
        if !is_damaged {
            return outcome;
        }
        // Devices differ in what they make of damage.
        PrimedDecoder::open(&self.config.in_software())?.decode(job)
    }
}

impl PrimedDecoder {
    fn open(config: &DecoderConfig) -> AvResult<Self> {
        Ok(Self { decoder: config.open(THREADS, 0)?, parameter_sets: 0, extradata: 0 })
    }

    fn decode(&mut self, job: &KeyframeJob) -> AvResult<Option<VideoFrame>> {
        let (extradata_version, extradata) = &job.extradata;
        for (number, packet) in job.packets.iter().enumerate() {
            if number > 0 {
                self.send(packet)?;
                continue;
            }
            let sets = (self.parameter_sets != job.before.version).then_some(&job.before.bytes);
            let extradata = extradata.as_ref().filter(|_| self.extradata != *extradata_version);
            let prepared = with_headers(packet, sets, extradata)?;
            self.send(prepared.as_ref().unwrap_or(packet))?;
        }
        (self.parameter_sets, self.extradata) = (job.after, *extradata_version);
        let outcome = self.drain();
        self.decoder.flush();
        outcome
    }

    fn send(&mut self, packet: &Packet) -> AvResult<()> {
        // A decoder that holds at most two packets of one frame is never full.
        let full = || AvError::InvalidArgument {
            what: "packet",
            expected: "one the decoder has room for",
            got: "a full decoder".into(),
        };
        decode::send(&mut self.decoder, packet, |_| Err(full()))
    }

    /// Drains the decoder and keeps the first frame.
    fn drain(&mut self) -> AvResult<Option<VideoFrame>> {
        self.decoder.send_end()?;
        let mut first = None;
        while let Received::Frame(frame) = decode::receive(&mut self.decoder, |_| false)? {
            first.get_or_insert(frame);
        }
        Ok(first)
    }
}
