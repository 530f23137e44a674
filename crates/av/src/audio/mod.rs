//! Audio: decoding packets to frames of samples, and the formats of samples.

mod format;
mod frame;
mod layout;
mod mix;

use std::fmt;

use ffmpeg_sys_next as ffi;

pub(crate) use self::mix::EncodedStereo;
pub use self::{
    format::{SampleFormat, SampleKind},
    frame::AudioFrame,
    layout::{ChannelLayout, MAX_CHANNELS},
    mix::MixLevels,
};
use crate::{
    decoder::{
        Received, Sent,
        context::{self, Context},
    },
    dict::Dictionary,
    error::{Error, Result, check},
    frame::RawFrame,
    media_kind::MediaKind,
    packet::Packet,
    parameters::CodecParameters,
    time::TimeBase,
};

/// A decoder of one audio stream, with one thread.
///
/// It is used like a [`Decoder`](crate::decoder::Decoder): call [`receive`](Self::receive) until it
/// returns [`Received::NeedPacket`], [`send`](Self::send) one packet, and so on; at the end of the
/// stream call [`send_end`](Self::send_end), then receive until [`Received::End`]. After an
/// [error about corrupt data](Error::is_corrupt) it can be used further.
///
/// FFmpeg trims the samples that an encoder added before and after the audio, where the container
/// says how many there are.
pub struct AudioDecoder {
    context: Context,
    /// An empty frame for the next `receive`; kept if the decoder returned nothing.
    spare: Option<RawFrame>,
}

/// How to open an audio decoder. Every field has a working default.
#[derive(Clone, Debug, Default)]
pub struct AudioDecoderOptions {
    /// The tick of the packets' timestamps. Without it, trimming an encoder's added samples does
    /// not adjust the times of the others. Default: unknown.
    pub time_base: Option<TimeBase>,
    /// FFmpeg's name of the decoder to use. Default: the one that FFmpeg prefers.
    pub decoder: Option<String>,
    /// Options of the decoder, by FFmpeg's names; an unknown one is an error. Default: none.
    pub options: Dictionary,
}

impl AudioDecoder {
    /// Opens a decoder for a stream with these parameters.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the stream isn't audio; [`Error::NoDecoder`];
    /// [`Error::UnusedOptions`]; [`Error::Ffmpeg`] if the decoder rejects the parameters.
    pub fn open(parameters: &CodecParameters, options: &AudioDecoderOptions) -> Result<Self> {
        if parameters.kind() != MediaKind::Audio {
            return Err(Error::InvalidArgument {
                what: "the stream of an audio decoder",
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

    /// Sends a packet to the decoder.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if this packet or an earlier one is damaged; this one counts as sent.
    /// [`Error::InvalidArgument`] after [`send_end`](Self::send_end).
    pub fn send(&mut self, packet: &Packet) -> Result<Sent> {
        match self.context.send(packet)? {
            Ok(sent) => Ok(sent),
            Err(code) => check("avcodec_send_packet", code).map(|_| Sent::Accepted),
        }
    }

    /// Signals the end of the stream, so that the decoder returns the frames that it still holds.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if an earlier packet was damaged.
    pub fn send_end(&mut self) -> Result<()> {
        self.context.send_end()
    }

    /// Receives the next frame, or what the decoder needs first.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet was damaged; the next call continues after it.
    /// [`Error::InvalidArgument`] if a frame has more than [`MAX_CHANNELS`] channels.
    pub fn receive(&mut self) -> Result<Received<AudioFrame>> {
        let raw_frame = match self.spare.take() {
            Some(raw_frame) => raw_frame,
            None => RawFrame::new()?,
        };
        let code = self.context.receive(&raw_frame);
        if code >= 0 {
            return AudioFrame::from_raw_frame(raw_frame).map(Received::Frame);
        }
        self.spare = Some(raw_frame);
        match code {
            _ if code == ffi::AVERROR(libc::EAGAIN) => Ok(Received::NeedPacket),
            ffi::AVERROR_EOF => Ok(Received::End),
            _ => check("avcodec_receive_frame", code).map(|_| Received::NeedPacket),
        }
    }

    /// Discards everything sent so far, to decode from another position.
    pub fn flush(&mut self) {
        self.context.flush();
        while matches!(self.receive(), Ok(Received::Frame(_))) {}
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
