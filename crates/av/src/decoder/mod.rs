//! Decoders: packets in, pictures out.

pub(crate) mod context;
mod hardware;
mod open;
mod options;

use std::{ffi::c_int, fmt};

use ffmpeg_sys_next as ffi;

pub use self::options::{Concealment, DecoderOptions, ThreadKind};
use self::{context::Context, hardware::Hardware};
use crate::{
    discard::Discard,
    error::{Error, Result, check},
    frame::{Shell, VideoFrame},
    packet::Packet,
    parameters::CodecParameters,
    pool::BufferAllocator,
    stage, trace,
};

/// One video decoder.
///
/// The order of calls that loses nothing: [`receive`](Self::receive) until it answers
/// [`Received::NeedPacket`], then [`send`](Self::send) one packet, and so on; at the end of the
/// stream [`send_end`](Self::send_end), then receive until [`Received::End`]. One packet may give
/// no picture, one or many.
///
/// A decoder that fails with an [error of corrupt data](Error::is_corrupt) can go on: the packet
/// counts as sent, and pictures finished before are still received.
pub struct Decoder {
    context: Context,
    /// Filled by the next `receive`; kept while a decoder has nothing to give.
    spare: Option<Shell>,
    /// The most pixels a picture may have.
    max_pixels: u64,
    /// Whether the stream had a valid size at some time.
    had_size: bool,
    hardware: Hardware,
    /// Kept alive for the context, which is freed before.
    _lender: Option<Box<BufferAllocator>>,
}

const _: () = {
    const fn assert_send<T: Send>() {}
    // The context's callback for memory uses a Lender, which has to be Sync.
    assert_send::<Decoder>();
};

/// What a decoder answered to a question for pictures.
#[derive(Debug)]
pub enum Received {
    /// The next picture, in presentation order.
    Frame(VideoFrame),
    /// Send a packet, then ask again.
    NeedPacket,
    /// Drained: no picture will follow until [`Decoder::flush`].
    End,
}

/// What a decoder did with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a packet that was not accepted has to be sent again"]
pub enum Sent {
    /// It is taken.
    Accepted,
    /// Receive pictures first, then send it again.
    Full,
}

impl Decoder {
    /// A decoder for a stream.
    ///
    /// # Errors
    ///
    /// [`Error::NoDecoder`], also if none takes the device; [`Error::Limit`] if the container announces pictures over the limit;
    /// [`Error::UnusedOptions`]; whatever the decoder says about the stream's parameters.
    pub fn open(parameters: &CodecParameters, options: &DecoderOptions) -> Result<Self> {
        let _stage = stage!("open");
        let decoder = open::open(parameters, options)?;
        if options.hardware.is_none() {
            decoder.tell();
        }
        Ok(decoder)
    }

    /// Gives the decoder a packet.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if the packet, or one before it, is damaged: it counts as sent.
    /// [`Error::Limit`] if the pictures have become too large.
    /// [`Error::InvalidArgument`] after [`send_end`](Self::send_end).
    pub fn send(&mut self, packet: &Packet) -> Result<Sent> {
        let stage = stage!("decode");
        self.note_size();
        match self.context.send(packet)? {
            Ok(sent) => {
                stage.record("packets", u64::from(sent == Sent::Accepted));
                Ok(sent)
            }
            Err(code) => self.checked("avcodec_send_packet", code).map(|_| Sent::Accepted),
        }
    }

    /// Says that no packet will follow: the decoder gives out what it held back.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet before was damaged.
    pub fn send_end(&mut self) -> Result<()> {
        let _stage = stage!("decode");
        self.context.send_end()
    }

    /// Asks for the next picture.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet was damaged; the next call goes on behind it.
    /// [`Error::Limit`] if the pictures have become too large.
    pub fn receive(&mut self) -> Result<Received> {
        let stage = stage!("decode");
        self.note_size();
        let shell = match self.spare.take() {
            Some(shell) => shell,
            None => Shell::new()?,
        };
        let code = self.context.receive(&shell);
        if code >= 0 {
            stage.record("frames", 1_u64);
            return self.accept(VideoFrame::from_shell(shell)?);
        }
        self.spare = Some(shell);
        match code {
            _ if code == ffi::AVERROR(libc::EAGAIN) => Ok(Received::NeedPacket),
            ffi::AVERROR_EOF => Ok(Received::End),
            _ => self.checked("avcodec_receive_frame", code).map(|_| Received::NeedPacket),
        }
    }

    /// Forgets everything sent so far, as before decoding from another place.
    ///
    /// Some decoders give out pictures from before the flush when the end had been sent; they are
    /// dropped here.
    pub fn flush(&mut self) {
        let _stage = stage!("decode");
        self.context.flush();
        while matches!(self.receive(), Ok(Received::Frame(_))) {}
    }

    /// Changes which pictures are skipped, from the next packet on. `false` if this decoder only
    /// reads it when it is opened, as libdav1d does: open another one instead.
    pub fn set_skip_frame(&mut self, skip: Discard) -> bool {
        if self.name() == "libdav1d" {
            return false;
        }
        // SAFETY: `self` owns an open context, and no call is running; frame threads copy the
        // field when they take their next packet.
        unsafe { (*self.context.as_ptr()).skip_frame = skip.to_raw() };
        true
    }

    /// Changes which pictures are left without their loop filter, from the next packet on.
    ///
    /// Pictures that others depend on must keep it, or the others come out wrong:
    /// [`Discard::NonReference`] is safe.
    pub fn set_skip_loop_filter(&mut self, skip: Discard) {
        // SAFETY: as in `set_skip_frame`.
        unsafe { (*self.context.as_ptr()).skip_loop_filter = skip.to_raw() };
    }

    /// Why pictures come from software although a device was given; `None` until the first picture.
    pub fn hardware_refusal(&self) -> Option<&str> {
        match &self.hardware {
            Hardware::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    /// FFmpeg's name of the decoder, such as `"h264"` or `"libdav1d"`.
    pub fn name(&self) -> &'static str {
        self.context.name()
    }

    /// How many pictures the decoder holds back to put them in order, as far as it knows yet.
    pub fn reorder_delay(&self) -> u32 {
        // SAFETY: `self` owns an open context.
        u32::try_from(unsafe { (*self.context.as_ptr()).has_b_frames }).unwrap_or(0)
    }

    /// How many threads decode whole pictures side by side, each adding one picture of delay; 1
    /// if none do.
    pub fn frame_threads(&self) -> u32 {
        // SAFETY: `self` owns an open context.
        let active = unsafe { (*self.context.as_ptr()).active_thread_type };
        // SAFETY: as above.
        let count = unsafe { (*self.context.as_ptr()).thread_count };
        if active & ffi::FF_THREAD_FRAME != 0 { count.unsigned_abs() } else { 1 }
    }

    /// Refuses pictures over the limit that FFmpeg let pass: its own check is a coarse one.
    fn accept(&mut self, frame: VideoFrame) -> Result<Received> {
        let pixels = u64::from(frame.width()) * u64::from(frame.height());
        if pixels > self.max_pixels {
            return Err(too_large(self.max_pixels, pixels));
        }
        if self.hardware.learn(&frame) {
            self.tell();
        }
        Ok(Received::Frame(frame))
    }

    /// Tells who listens what decodes, as soon as that is known.
    fn tell(&self) {
        // SAFETY: `self` owns an open context.
        let threads = unsafe { (*self.context.as_ptr()).thread_count };
        tracing::trace!(
            target: trace::DECODER,
            decoder = self.name(),
            threads = threads.unsigned_abs(),
            device = self.hardware == Hardware::Works,
            refusal = self.hardware_refusal().unwrap_or_default(),
        );
    }

    /// The error for `code`; a refusal of the picture's size becomes [`Error::Limit`]. FFmpeg tells
    /// it by forgetting the size, and from the start by calling an argument invalid.
    fn checked(&self, op: &'static str, code: c_int) -> Result<c_int> {
        let refused = self.had_size || code == ffi::AVERROR(libc::EINVAL);
        if code < 0 && refused && !self.has_size() {
            return Err(too_large(self.max_pixels, self.max_pixels.saturating_add(1)));
        }
        check(op, code).map_err(|error| self.hardware.explain(error))
    }

    fn note_size(&mut self) {
        self.had_size |= self.has_size();
    }

    /// Whether the context has a picture size; FFmpeg resets it to 0 when it refuses one.
    fn has_size(&self) -> bool {
        // SAFETY: `self` owns an open context.
        let width = unsafe { (*self.context.as_ptr()).coded_width };
        // SAFETY: as above.
        let height = unsafe { (*self.context.as_ptr()).coded_height };
        width > 0 && height > 0
    }
}

/// The most pixels that FFmpeg can address: it counts eight bytes each in an int.
pub(crate) const MOST_PIXELS: u64 = i32::MAX as u64 / 8;

pub(crate) fn too_large(limit: u64, got: u64) -> Error {
    Error::Limit { what: "pixels of a picture", limit, got }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("name", &self.name()).finish_non_exhaustive()
    }
}
