//! Audio: packets in, frames of samples out.

mod format;
mod frame;
mod layout;
mod mix;

use std::fmt;

use ffmpeg_sys_next as ffi;

pub use self::{
    format::{SampleFormat, SampleKind},
    frame::AudioFrame,
    layout::{ChannelLayout, MAX_CHANNELS},
    mix::MixLevels,
};
use crate::{
    decoder::{
        Sent,
        context::{self, Context},
    },
    dict::Dictionary,
    error::{Error, Result, check},
    frame::Shell,
    packet::Packet,
    parameters::CodecParameters,
    stream::MediaKind,
    time::TimeBase,
};

/// One decoder of audio, with one thread.
///
/// It is used like a [`Decoder`](crate::decoder::Decoder): receive until it answers
/// [`Heard::NeedPacket`], send one packet, and so on; at the end [`send_end`](Self::send_end), then
/// receive until [`Heard::End`]. An [error of corrupt data](Error::is_corrupt) doesn't end it.
///
/// What an encoder put before and behind the audio is cut off where the container says so: FFmpeg
/// applies the packets' side data itself.
pub struct AudioDecoder {
    context: Context,
    /// Filled by the next `receive`; kept while a decoder has nothing to give.
    spare: Option<Shell>,
}

/// How to open a decoder of audio. Every field has a working default.
#[derive(Clone, Debug, Default)]
pub struct AudioDecoderOptions {
    /// What the packets' timestamps count. Without it, cutting off what an encoder added can't
    /// move the times of what is left. Default: unknown.
    pub time_base: Option<TimeBase>,
    /// The decoder by FFmpeg's name. Default: the one FFmpeg prefers.
    pub decoder: Option<String>,
    /// Options of the decoder by FFmpeg's names; one that it does not know is an error.
    /// Default: none.
    pub options: Dictionary,
}

/// What a decoder answered to a question for audio.
#[derive(Debug)]
pub enum Heard {
    /// The next frame.
    Frame(AudioFrame),
    /// Send a packet, then ask again.
    NeedPacket,
    /// Drained: nothing will follow until [`AudioDecoder::flush`].
    End,
}

impl AudioDecoder {
    /// A decoder for a stream.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the stream isn't audio; [`Error::NoDecoder`];
    /// [`Error::UnusedOptions`]; whatever the decoder says about the stream's parameters.
    pub fn open(parameters: &CodecParameters, options: &AudioDecoderOptions) -> Result<Self> {
        if parameters.kind() != MediaKind::Audio {
            return Err(Error::InvalidArgument {
                what: "the stream of a audio decoder",
                expected: "audio",
                got: format!("{:?}", parameters.kind()),
            });
        }
        let codec = context::find(parameters, options.decoder.as_deref())?;
        let mut context = Context::new(codec, parameters)?;
        // SAFETY: the context is owned and not open yet.
        unsafe { (*context.as_ptr()).flags |= ffi::AV_CODEC_FLAG_COPY_OPAQUE.cast_signed() };
        // SAFETY: as above.
        unsafe { (*context.as_ptr()).thread_count = 1 };
        if let Some(base) = options.time_base.and_then(TimeBase::to_raw) {
            // SAFETY: as above.
            unsafe { (*context.as_ptr()).pkt_timebase = base };
        }
        context.open(codec, &options.options)?;
        Ok(Self { context, spare: None })
    }

    /// Gives the decoder a packet.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if the packet, or one before it, is damaged: it counts as sent.
    /// [`Error::InvalidArgument`] after [`send_end`](Self::send_end).
    pub fn send(&mut self, packet: &Packet) -> Result<Sent> {
        match self.context.send(packet)? {
            Ok(sent) => Ok(sent),
            Err(code) => check("avcodec_send_packet", code).map(|_| Sent::Accepted),
        }
    }

    /// Says that no packet will follow: the decoder gives out what it held back.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet before was damaged.
    pub fn send_end(&mut self) -> Result<()> {
        self.context.send_end()
    }

    /// Asks for the next frame.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet was damaged; the next call goes on behind it.
    /// [`Error::InvalidArgument`] if a frame has more than [`MAX_CHANNELS`] channels.
    pub fn receive(&mut self) -> Result<Heard> {
        let shell = match self.spare.take() {
            Some(shell) => shell,
            None => Shell::new()?,
        };
        let code = self.context.receive(&shell);
        if code >= 0 {
            return AudioFrame::from_shell(shell).map(Heard::Frame);
        }
        self.spare = Some(shell);
        match code {
            _ if code == ffi::AVERROR(libc::EAGAIN) => Ok(Heard::NeedPacket),
            ffi::AVERROR_EOF => Ok(Heard::End),
            _ => check("avcodec_receive_frame", code).map(|_| Heard::NeedPacket),
        }
    }

    /// Forgets everything sent so far, as before decoding from another place.
    pub fn flush(&mut self) {
        self.context.flush();
        while matches!(self.receive(), Ok(Heard::Frame(_))) {}
    }

    /// FFmpeg's name of the decoder, such as `"aac"`.
    pub fn name(&self) -> &'static str {
        self.context.name()
    }
}

impl fmt::Debug for AudioDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioDecoder").field("name", &self.name()).finish_non_exhaustive()
    }
}
