//! The decoding side: one job becomes one picture, whatever the decoder did before.

use std::sync::Arc;

use moviola_av::{
    decoder::{DecoderOptions, Received, Sent},
    discard::Discard,
    error::{Error as AvError, Result as AvResult},
    frame::VideoFrame,
    packet::Packet,
    parameters::CodecParameters,
};

use super::select::Job;
use crate::{
    entry::prepare,
    hardware::{Hardware, StreamDecoder},
    media::Media,
};

/// A decoder that starts every keyframe from the same state.
///
/// After each keyframe the decoder is drained and flushed: the next one finds no reference
/// pictures, no pending output, and the parameter sets that a single decoder would have at that
/// point. Memory for a picture is all zeros, and a keyframe that comes out damaged is decoded again
/// in a new context, because what concealment leaves untouched would show earlier content. So the
/// picture depends on the job alone, not on how many decoders share the stream.
pub(super) struct KeyframeDecoder {
    config: Arc<DecoderConfig>,
    context: Option<Context>,
}

/// How to open a decoder for the stream.
pub(super) struct DecoderConfig {
    pub(super) parameters: Arc<CodecParameters>,
    pub(super) options: DecoderOptions,
    /// Whether the decoder keeps something of each picture that flushing leaves there: MJPEG's
    /// tables, which a damaged picture would decode with, or leave behind.
    pub(super) remembers: bool,
    hardware: Arc<Hardware>,
}

/// A decoder and what it has been told.
struct Context {
    decoder: StreamDecoder,
    parameter_sets: u64,
    extradata: u64,
}

impl DecoderConfig {
    /// One thread a decoder: the decoders themselves are spread over the cores.
    ///
    /// `sure` says that every job is a keyframe; else the decoder skips those that aren't.
    pub(super) fn new(media: &Media, sure: bool) -> Self {
        let options = DecoderOptions {
            threads: 1,
            skip_frame: if sure { Discard::Useless } else { Discard::NonKey },
            ..media.decoder_options()
        };
        let parameters = Arc::clone(&media.video.parameters);
        let remembers = parameters.codec_name() == "mjpeg";
        Self { parameters, options, remembers, hardware: Arc::clone(&media.hardware) }
    }

    /// Whether the decoder itself passes over what is no keyframe.
    pub(super) fn skips(&self) -> bool {
        self.options.skip_frame == Discard::NonKey
    }

    fn open(&self) -> AvResult<Context> {
        self.open_on(&self.hardware)
    }

    fn open_on(&self, hardware: &Arc<Hardware>) -> AvResult<Context> {
        let decoder = StreamDecoder::open(&self.parameters, &self.options, hardware)?;
        Ok(Context { decoder, parameter_sets: 0, extradata: 0 })
    }
}

impl KeyframeDecoder {
    pub(super) fn new(config: Arc<DecoderConfig>) -> Self {
        Self { config, context: None }
    }

    /// Opens the decoder now, to find out whether it can be.
    pub(super) fn warm_up(&mut self) -> AvResult<()> {
        self.context = Some(self.config.open()?);
        Ok(())
    }

    /// Decodes one keyframe. `None` if the decoder finds that it is none.
    pub(super) fn decode(&mut self, job: &Job) -> AvResult<Option<VideoFrame>> {
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(self.config.open()?),
        };
        let outcome = context.decode(job);
        let damaged = match &outcome {
            Ok(Some(frame)) => frame.is_corrupt(),
            Ok(None) => !self.config.skips(),
            Err(_) => true,
        };
        if damaged || self.config.remembers {
            self.context = None;
        }
        if !damaged {
            return outcome;
        }
        // Of damage, devices make what they like.
        self.config.open_on(&Hardware::none())?.decode(job)
    }
}

impl Context {
    fn decode(&mut self, job: &Job) -> AvResult<Option<VideoFrame>> {
        let (extradata_version, extradata) = &job.extradata;
        for (number, packet) in job.packets.iter().enumerate() {
            if number > 0 {
                self.send(packet)?;
                continue;
            }
            let sets = (self.parameter_sets != job.before.version).then_some(&job.before.bytes);
            let extradata = extradata.as_ref().filter(|_| self.extradata != *extradata_version);
            let changed = prepare(packet, sets, extradata)?;
            self.send(changed.as_ref().unwrap_or(packet))?;
        }
        (self.parameter_sets, self.extradata) = (job.after, *extradata_version);
        self.finish()
    }

    fn send(&mut self, packet: &Packet) -> AvResult<()> {
        match self.decoder.send(packet)? {
            Sent::Accepted => Ok(()),
            // A decoder that holds at most two packets of one frame is never full.
            Sent::Full => Err(AvError::InvalidArgument {
                what: "packet",
                expected: "one the decoder has room for",
                got: "a full decoder".into(),
            }),
        }
    }

    /// Drains the decoder, keeps the first picture, and makes it ready for the next keyframe.
    fn finish(&mut self) -> AvResult<Option<VideoFrame>> {
        let outcome = self.drain();
        self.decoder.flush();
        outcome
    }

    fn drain(&mut self) -> AvResult<Option<VideoFrame>> {
        self.decoder.send_end()?;
        let mut first = None;
        loop {
            match self.decoder.receive()? {
                Received::Frame(frame) => {
                    first.get_or_insert(frame);
                }
                Received::NeedPacket | Received::End => return Ok(first),
            }
        }
    }
}
