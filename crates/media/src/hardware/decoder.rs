//! A stream's decoder, in hardware or in software, whose pictures are always in memory.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{
    decoder::{Decoder, DecoderOptions, Received, Sent},
    discard::Discard,
    error::{Error, ErrorKind, Result},
    frame::VideoFrame,
    packet::Packet,
    parameters::CodecParameters,
};

use super::Hardware;

/// How many packets a device may take without a picture before it is trusted: more than any stream
/// holds back.
const MAX_TRIAL_PACKETS: usize = 64;

/// As [`Decoder`], for a stream that hardware may decode: on a device, if there is one and it takes
/// the stream, else in software.
///
/// If the device fails before its first picture, a software decoder gets the same packets again, and
/// the caller sees nothing of it. Until then those packets are kept, at most 64.
#[derive(Debug)]
pub struct StreamDecoder {
    decoder: Decoder,
    hardware: Arc<Hardware>,
    /// Until the device has given its first picture.
    trial: Option<Trial>,
    /// Pictures of a software decoder that has caught up.
    ready: VecDeque<VideoFrame>,
}

/// What a software decoder needs to take over.
#[derive(Debug)]
struct Trial {
    parameters: Arc<CodecParameters>,
    options: DecoderOptions,
    sent: Vec<Packet>,
    ended: bool,
}

impl StreamDecoder {
    /// A decoder for a stream. `options` are those of a software decoder; a device gets one thread.
    ///
    /// # Errors
    ///
    /// As [`Decoder::open`], in software.
    pub fn open(
        parameters: &Arc<CodecParameters>,
        options: &DecoderOptions,
        hardware: &Arc<Hardware>,
    ) -> Result<Self> {
        let new = |decoder, trial| {
            let hardware = Arc::clone(hardware);
            Self { decoder, hardware, trial, ready: VecDeque::new() }
        };
        if let Some(device) = hardware.device().cloned() {
            let trial = Trial {
                parameters: Arc::clone(parameters),
                options: options.clone(),
                sent: Vec::new(),
                ended: false,
            };
            let options = DecoderOptions { hardware: Some(device), threads: 1, ..options.clone() };
            match Decoder::open(parameters, &options) {
                Ok(decoder) => return Ok(new(decoder, Some(trial))),
                Err(error) => hardware.refuse(&error.to_string()),
            }
        }
        Ok(new(Decoder::open(parameters, options)?, None))
    }

    /// As [`Decoder::send`].
    ///
    /// # Errors
    ///
    /// As [`Decoder::send`].
    pub fn send(&mut self, packet: &Packet) -> Result<Sent> {
        let sent = self.decoder.send(packet);
        let Some(trial) = &mut self.trial else { return sent };
        if sent == Ok(Sent::Full) {
            return sent;
        }
        trial.sent.push(packet.try_clone()?);
        match sent {
            Err(error) => self.take_over(error).map(|()| Sent::Accepted),
            Ok(_) if trial.sent.len() < MAX_TRIAL_PACKETS => sent,
            Ok(_) => {
                self.trial = None;
                sent
            }
        }
    }

    /// As [`Decoder::send_end`].
    ///
    /// # Errors
    ///
    /// As [`Decoder::send_end`].
    pub fn send_end(&mut self) -> Result<()> {
        if let Some(trial) = &mut self.trial {
            trial.ended = true;
        }
        self.decoder.send_end().or_else(|error| self.take_over(error))
    }

    /// As [`Decoder::receive`]; the picture is in memory.
    ///
    /// # Errors
    ///
    /// As [`Decoder::receive`], and [`Error::Ffmpeg`] if a device doesn't hand a picture over.
    pub fn receive(&mut self) -> Result<Received> {
        if let Some(frame) = self.ready.pop_front() {
            return Ok(Received::Frame(frame));
        }
        let received = self.decoder.receive().and_then(in_memory);
        if let Some(reason) = self.decoder.hardware_refusal() {
            self.hardware.refuse(reason);
        }
        match received {
            Err(error) if self.trial.is_some() => {
                self.take_over(error)?;
                self.receive()
            }
            Ok(Received::Frame(_)) => {
                self.trial = None;
                received
            }
            _ => received,
        }
    }

    /// As [`Decoder::flush`].
    pub fn flush(&mut self) {
        self.decoder.flush();
        self.ready.clear();
        if let Some(trial) = &mut self.trial {
            trial.sent.clear();
            trial.ended = false;
        }
    }

    /// As [`Decoder::set_skip_frame`].
    pub fn set_skip_frame(&mut self, skip: Discard) -> bool {
        if let Some(trial) = &mut self.trial {
            trial.options.skip_frame = skip;
        }
        self.decoder.set_skip_frame(skip)
    }

    /// As [`Decoder::set_skip_loop_filter`].
    pub fn set_skip_loop_filter(&mut self, skip: Discard) {
        if let Some(trial) = &mut self.trial {
            trial.options.skip_loop_filter = skip;
        }
        self.decoder.set_skip_loop_filter(skip);
    }

    /// As [`Decoder::name`].
    pub fn name(&self) -> &'static str {
        self.decoder.name()
    }

    /// As [`Decoder::reorder_delay`].
    pub fn reorder_delay(&self) -> u32 {
        self.decoder.reorder_delay()
    }

    /// As [`Decoder::frame_threads`].
    pub fn frame_threads(&self) -> u32 {
        self.decoder.frame_threads()
    }

    /// Goes on in software after `cause`, which is the device's failure only if software gets
    /// further: else the packets are at fault, and the error is theirs.
    fn take_over(&mut self, cause: Error) -> Result<()> {
        let blameless = matches!(cause.kind(), ErrorKind::Forbidden | ErrorKind::Usage);
        let Some(trial) = self.trial.take().filter(|_| !blameless) else { return Err(cause) };
        self.decoder = Decoder::open(&trial.parameters, &trial.options)?;
        let mut outcome = Ok(());
        for packet in &trial.sent {
            outcome = outcome.and(self.catch_up_with(packet));
        }
        if trial.ended {
            outcome = outcome.and(self.decoder.send_end());
        }
        if outcome.is_ok() {
            self.hardware.refuse(&cause.to_string());
        }
        outcome
    }

    /// Sends a packet; pictures that are in its way become ready.
    fn catch_up_with(&mut self, packet: &Packet) -> Result<()> {
        while self.decoder.send(packet)? == Sent::Full {
            while let Received::Frame(frame) = self.decoder.receive()? {
                self.ready.push_back(frame);
            }
        }
        Ok(())
    }
}

/// A picture of a device as a software decoder would have given it.
fn in_memory(received: Received) -> Result<Received> {
    let frame = match received {
        Received::Frame(frame) if frame.is_hardware() => frame.download()?,
        other => return Ok(other),
    };
    let planar = frame.to_planar()?;
    Ok(Received::Frame(planar.unwrap_or(frame)))
}
