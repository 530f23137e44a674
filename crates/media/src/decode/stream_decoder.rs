//! A stream's decoder, in hardware or in software, whose frames are always in memory.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{
    decoder::{Decoder, DecoderOptions, Received, Sent},
    error::{Error, ErrorKind, Result},
    frame::VideoFrame,
    packet::Packet,
    parameters::CodecParameters,
};

use super::{PacketDecoder, receive, send};
use crate::hardware::Hardware;

/// How many packets a device may take before its first frame until it is trusted: more than any
/// stream holds back.
const MAX_TRIAL_PACKETS: usize = 64;

/// A decoder of a stream that hardware may decode: on a device, if there is one and it takes the
/// stream, else in software.
///
/// If the device fails before its first frame, the same packets are sent to a software decoder,
/// without an error for the caller. For this the packets before the first frame are kept, at most
/// 64.
#[derive(Debug)]
pub(crate) struct StreamDecoder {
    decoder: Decoder,
    hardware: Arc<Hardware>,
    /// `Some` until the device has returned its first frame.
    trial: Option<Trial>,
    /// Frames of a software decoder that was sent the packets again.
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
    pub(crate) fn open(
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

    /// As [`Decoder::send_end`].
    pub(crate) fn send_end(&mut self) -> Result<()> {
        if let Some(trial) = &mut self.trial {
            trial.ended = true;
        }
        self.decoder.send_end().or_else(|error| self.take_over(error))
    }

    /// As [`Decoder::flush`].
    pub(crate) fn flush(&mut self) {
        self.decoder.flush();
        self.ready.clear();
        if let Some(trial) = &mut self.trial {
            trial.sent.clear();
            trial.ended = false;
        }
    }

    /// As [`Decoder::name`].
    #[cfg(test)]
    pub(crate) fn name(&self) -> &'static str {
        self.decoder.name()
    }

    /// As [`Decoder::frame_threads`].
    pub(crate) fn frame_threads(&self) -> u32 {
        self.decoder.frame_threads()
    }

    /// Continues in software after `cause`. If software decodes the same packets, `cause` is the
    /// device's failure; otherwise the packets are damaged, and their error is returned.
    fn take_over(&mut self, cause: Error) -> Result<()> {
        let is_other = matches!(cause.kind(), ErrorKind::Limit | ErrorKind::InvalidArgument);
        let Some(trial) = self.trial.take().filter(|_| !is_other) else { return Err(cause) };
        self.decoder = Decoder::open(&trial.parameters, &trial.options)?;
        let mut outcome = Ok(());
        for packet in &trial.sent {
            outcome = outcome.and(self.send_again(packet));
        }
        if trial.ended {
            outcome = outcome.and(self.decoder.send_end());
        }
        if outcome.is_ok() {
            self.hardware.refuse(&cause.to_string());
        }
        outcome
    }

    /// Sends a packet again; frames that are received to make room for it become ready.
    fn send_again(&mut self, packet: &Packet) -> Result<()> {
        let Self { decoder, ready, .. } = self;
        send(decoder, packet, |decoder| {
            while let Received::Frame(frame) = receive(decoder, |_| false)? {
                ready.push_back(frame);
            }
            Ok(())
        })
    }
}

impl PacketDecoder for StreamDecoder {
    type Frame = VideoFrame;

    fn send(&mut self, packet: &Packet) -> Result<Sent> {
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

    /// As [`Decoder::receive`]; the frame is in memory.
    fn receive(&mut self) -> Result<Received> {
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
}

/// Copies a device's frame to memory, with planes as a software decoder's frame has them.
fn in_memory(received: Received) -> Result<Received> {
    let frame = match received {
        Received::Frame(frame) if frame.is_hardware() => frame.download()?,
        other => return Ok(other),
    };
    let planar = frame.to_planar()?;
    Ok(Received::Frame(planar.unwrap_or(frame)))
}
