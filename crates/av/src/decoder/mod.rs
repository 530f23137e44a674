//! Decoders: packets in, pictures out.

mod hardware;
mod open;
mod options;

use std::{ffi::c_int, fmt, mem, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use self::hardware::Hardware;
pub use self::options::{Concealment, DecoderOptions, ThreadKind};
use crate::{
    discard::Discard,
    error::{Error, Result, check},
    frame::{Shell, VideoFrame},
    packet::Packet,
    parameters::CodecParameters,
    pool::Lender,
    raw,
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
    raw: NonNull<ffi::AVCodecContext>,
    /// Filled by the next `receive`; kept while a decoder has nothing to give.
    spare: Option<Shell>,
    /// The most pixels a picture may have.
    max_pixels: u64,
    /// Whether the stream had a valid size at some time.
    had_size: bool,
    hardware: Hardware,
    /// Kept alive for the context, which is freed before.
    _lender: Option<Box<Lender>>,
}

// SAFETY: a codec context may be used from any thread, by one at a time; `&mut self` sees to it.
// Its callback for memory uses a Lender, which is Sync.
unsafe impl Send for Decoder {}

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
        open::open(parameters, options)
    }

    /// Gives the decoder a packet.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if the packet, or one before it, is damaged: it counts as sent.
    /// [`Error::Limit`] if the pictures have become too large.
    /// [`Error::InvalidArgument`] after [`send_end`](Self::send_end).
    pub fn send(&mut self, packet: &Packet) -> Result<Sent> {
        if packet.is_blank() {
            // FFmpeg would take it for the end of the stream.
            return Ok(Sent::Accepted);
        }
        self.note_size();
        // SAFETY: `self` owns an open context and `packet` is valid; the call makes its own
        // reference to the packet's bytes.
        let code = unsafe { ffi::avcodec_send_packet(self.raw.as_ptr(), packet.raw()) };
        match code {
            _ if code == ffi::AVERROR(libc::EAGAIN) => Ok(Sent::Full),
            ffi::AVERROR_EOF => Err(Error::InvalidArgument {
                what: "the packet after the end of a stream",
                expected: "sent after a flush",
                got: format!("{packet:?}"),
            }),
            _ => self.checked("avcodec_send_packet", code).map(|_| Sent::Accepted),
        }
    }

    /// Says that no packet will follow: the decoder gives out what it held back.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet before was damaged.
    pub fn send_end(&mut self) -> Result<()> {
        // SAFETY: `self` owns an open context; a null packet means the end.
        let code = unsafe { ffi::avcodec_send_packet(self.raw.as_ptr(), std::ptr::null()) };
        // It may be said twice.
        if code == ffi::AVERROR_EOF { Ok(()) } else { check("avcodec_send_packet", code).map(drop) }
    }

    /// Asks for the next picture.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet was damaged; the next call goes on behind it.
    /// [`Error::Limit`] if the pictures have become too large.
    pub fn receive(&mut self) -> Result<Received> {
        self.note_size();
        let shell = match self.spare.take() {
            Some(shell) => shell,
            None => Shell::new()?,
        };
        // SAFETY: `self` owns an open context and `shell` a frame, which is emptied first.
        let code = unsafe { ffi::avcodec_receive_frame(self.raw.as_ptr(), shell.as_ptr()) };
        if code >= 0 {
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
        // SAFETY: `self` owns an open context.
        unsafe { ffi::avcodec_flush_buffers(self.raw.as_ptr()) };
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
        unsafe { (*self.raw.as_ptr()).skip_frame = skip.to_raw() };
        true
    }

    /// Changes which pictures are left without their loop filter, from the next packet on.
    ///
    /// Pictures that others depend on must keep it, or the others come out wrong:
    /// [`Discard::NonReference`] is safe.
    pub fn set_skip_loop_filter(&mut self, skip: Discard) {
        // SAFETY: as in `set_skip_frame`.
        unsafe { (*self.raw.as_ptr()).skip_loop_filter = skip.to_raw() };
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
        // SAFETY: `self` owns an open context.
        let codec = unsafe { (*self.raw.as_ptr()).codec };
        // SAFETY: an open context has a codec, which is static data of libavcodec.
        let name = unsafe { (*codec).name };
        // SAFETY: so is its name.
        unsafe { raw::constant(name) }
    }

    /// How many pictures the decoder holds back to put them in order, as far as it knows yet.
    pub fn reorder_delay(&self) -> u32 {
        // SAFETY: `self` owns an open context.
        u32::try_from(unsafe { (*self.raw.as_ptr()).has_b_frames }).unwrap_or(0)
    }

    /// How many threads decode whole pictures side by side, each adding one picture of delay; 1
    /// if none do.
    pub fn frame_threads(&self) -> u32 {
        // SAFETY: `self` owns an open context.
        let active = unsafe { (*self.raw.as_ptr()).active_thread_type };
        // SAFETY: as above.
        let count = unsafe { (*self.raw.as_ptr()).thread_count };
        if active & ffi::FF_THREAD_FRAME != 0 { count.unsigned_abs() } else { 1 }
    }

    /// Refuses pictures over the limit that FFmpeg let pass: its own check is a coarse one.
    fn accept(&mut self, frame: VideoFrame) -> Result<Received> {
        let pixels = u64::from(frame.width()) * u64::from(frame.height());
        if pixels > self.max_pixels {
            return Err(too_large(self.max_pixels, pixels));
        }
        self.hardware.learn(&frame);
        Ok(Received::Frame(frame))
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
        let width = unsafe { (*self.raw.as_ptr()).coded_width };
        // SAFETY: as above.
        let height = unsafe { (*self.raw.as_ptr()).coded_height };
        width > 0 && height > 0
    }
}

/// The most pixels that FFmpeg can address: it counts eight bytes each in an int.
pub(crate) const MOST_PIXELS: u64 = i32::MAX as u64 / 8;

pub(crate) fn too_large(limit: u64, got: u64) -> Error {
    Error::Limit { what: "pixels of a picture", limit, got }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `self` owns the context, and nothing uses it after this.
        unsafe { free(self.raw) }
    }
}

/// Closes and frees a codec context, open or not.
///
/// # Safety
///
/// `context` must come from avcodec_alloc_context3 and never be used again.
unsafe fn free(context: NonNull<ffi::AVCodecContext>) {
    let mut context = context.as_ptr();
    // SAFETY: the caller promises an owned context.
    unsafe { ffi::avcodec_free_context(&raw mut context) };
    debug_assert!(mem::take(&mut context).is_null());
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("name", &self.name()).finish_non_exhaustive()
    }
}
