//! Video decoders: packets in, frames out.

pub(crate) mod context;
mod hardware;
mod open;
mod options;

use std::{ffi::c_int, fmt};

use ffmpeg_sys_next as ffi;

pub use self::options::{Concealment, DecoderOptions, ThreadKind};
use self::{context::Context, hardware::DeviceState};
use crate::{
    discard::Discard,
    error::{Error, Result, check},
    frame::{RawFrame, VideoFrame},
    packet::Packet,
    parameters::CodecParameters,
    pool::BufferAllocator,
    stage, trace,
};

/// A decoder of one video stream.
///
/// To lose no frame, call [`receive`](Self::receive) until it returns [`Received::NeedPacket`],
/// then [`send`](Self::send) one packet, and so on; at the end of the stream call
/// [`send_end`](Self::send_end), then receive until [`Received::End`]. One packet may give no
/// frame, one or several.
///
/// After an [error about corrupt data](Error::is_corrupt) the decoder can be used further: the
/// packet counts as sent, and frames that were finished earlier can still be received.
pub struct Decoder {
    context: Context,
    /// An empty frame for the next `receive`; kept if the decoder returned nothing.
    spare: Option<RawFrame>,
    /// The largest number of pixels that a frame may have.
    max_pixels: u64,
    /// Whether the context had a valid frame size at some time.
    had_size: bool,
    device: DeviceState,
    /// Used by the context, which is freed first.
    _allocator: Option<Box<BufferAllocator>>,
}

const _: () = {
    const fn assert_send<T: Send>() {}
    // The context's get_buffer2 callback uses the BufferAllocator from FFmpeg's threads.
    assert_send::<Decoder>();
};

/// The result of asking a decoder for a frame: a [`VideoFrame`], or an
/// [`AudioFrame`](crate::audio::AudioFrame) from an [`AudioDecoder`](crate::audio::AudioDecoder).
#[derive(Debug)]
pub enum Received<F = VideoFrame> {
    /// The next frame, in presentation order.
    Frame(F),
    /// The decoder needs another packet before it can return a frame.
    NeedPacket,
    /// The decoder is drained: no frame follows until it is flushed.
    End,
}

/// Whether a decoder accepted a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a packet that was not accepted has to be sent again"]
pub enum Sent {
    /// The decoder has taken the packet.
    Accepted,
    /// The decoder's queue is full: receive frames, then send the packet again.
    Full,
}

impl Decoder {
    /// Opens a decoder for a stream with these parameters.
    ///
    /// # Errors
    ///
    /// [`Error::NoDecoder`], also if no decoder supports the device; [`Error::Limit`] if the
    /// container declares frames over the limit; [`Error::UnusedOptions`]; [`Error::Ffmpeg`] if the
    /// decoder rejects the parameters.
    pub fn open(parameters: &CodecParameters, options: &DecoderOptions) -> Result<Self> {
        let _stage = stage!("open");
        let decoder = open::open(parameters, options)?;
        if options.hardware.is_none() {
            decoder.emit_decoder_event();
        }
        Ok(decoder)
    }

    /// Sends a packet to the decoder.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if this packet or an earlier one is damaged; this one counts as sent.
    /// [`Error::Limit`] if the stream now has frames over the limit.
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

    /// Signals the end of the stream, so that the decoder returns the frames that it still holds.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if an earlier packet was damaged.
    pub fn send_end(&mut self) -> Result<()> {
        let _stage = stage!("decode");
        self.context.send_end()
    }

    /// Receives the next frame, or what the decoder needs first.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if a packet was damaged; the next call continues after it.
    /// [`Error::Limit`] if the stream now has frames over the limit.
    pub fn receive(&mut self) -> Result<Received> {
        let stage = stage!("decode");
        self.note_size();
        let raw_frame = match self.spare.take() {
            Some(raw_frame) => raw_frame,
            None => RawFrame::new()?,
        };
        let code = self.context.receive(&raw_frame);
        if code >= 0 {
            stage.record("frames", 1_u64);
            return self.accept(VideoFrame::from_raw_frame(raw_frame)?);
        }
        self.spare = Some(raw_frame);
        match code {
            _ if code == ffi::AVERROR(libc::EAGAIN) => Ok(Received::NeedPacket),
            ffi::AVERROR_EOF => Ok(Received::End),
            _ => self.checked("avcodec_receive_frame", code).map(|_| Received::NeedPacket),
        }
    }

    /// Discards everything sent so far, to decode from another position.
    ///
    /// After the end was sent, some decoders return frames from before the flush; this drops them.
    pub fn flush(&mut self) {
        let _stage = stage!("decode");
        self.context.flush();
        while matches!(self.receive(), Ok(Received::Frame(_))) {}
    }

    /// Changes which frames are skipped, from the next packet on. Returns `false` if this decoder
    /// reads the setting only when it is opened, as libdav1d does: then open another decoder.
    pub fn set_skip_frame(&mut self, skip: Discard) -> bool {
        if self.name() == "libdav1d" {
            return false;
        }
        // SAFETY: `self` owns an open context, and no call is running; frame threads copy the
        // field when they take their next packet.
        unsafe { (*self.context.as_ptr()).skip_frame = skip.to_raw() };
        true
    }

    /// Changes which frames skip the loop filter, from the next packet on.
    ///
    /// Frames that others depend on need it, or those others decode wrong:
    /// [`Discard::NonReference`] is safe.
    pub fn set_skip_loop_filter(&mut self, skip: Discard) {
        // SAFETY: as in `set_skip_frame`.
        unsafe { (*self.context.as_ptr()).skip_loop_filter = skip.to_raw() };
    }

    /// Why frames are decoded in software although the decoder has a device. `None` before the
    /// first frame, on the device, and without a device.
    pub fn hardware_refusal(&self) -> Option<&str> {
        match &self.device {
            DeviceState::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    /// FFmpeg's name of the decoder, such as `"h264"` or `"libdav1d"`.
    pub fn name(&self) -> &'static str {
        self.context.name()
    }

    /// How many frames the decoder holds back to reorder them, as far as known so far.
    pub fn reorder_delay(&self) -> u32 {
        // SAFETY: `self` owns an open context.
        u32::try_from(unsafe { (*self.context.as_ptr()).has_b_frames }).unwrap_or(0)
    }

    /// The number of threads that decode whole frames in parallel, each adding one frame of delay;
    /// 1 without frame threading.
    pub fn frame_threads(&self) -> u32 {
        // SAFETY: `self` owns an open context.
        let active = unsafe { (*self.context.as_ptr()).active_thread_type };
        // SAFETY: as above.
        let count = unsafe { (*self.context.as_ptr()).thread_count };
        if active & ffi::FF_THREAD_FRAME != 0 { count.unsigned_abs() } else { 1 }
    }

    /// Checks the exact pixel limit on a decoded frame, because FFmpeg checks a coarse one.
    fn accept(&mut self, frame: VideoFrame) -> Result<Received> {
        let pixels = u64::from(frame.width()) * u64::from(frame.height());
        if pixels > self.max_pixels {
            return Err(over_pixel_limit(self.max_pixels, pixels));
        }
        if self.device.update(&frame) {
            self.emit_decoder_event();
        }
        Ok(Received::Frame(frame))
    }

    /// Emits a [`trace::DECODER`] event, once it is known whether the device is used.
    fn emit_decoder_event(&self) {
        // SAFETY: `self` owns an open context.
        let threads = unsafe { (*self.context.as_ptr()).thread_count };
        tracing::trace!(
            target: trace::DECODER,
            decoder = self.name(),
            threads = threads.unsigned_abs(),
            device = self.device == DeviceState::Active,
            refusal = self.hardware_refusal().unwrap_or_default(),
        );
    }

    /// The error for `code`, or [`Error::Limit`] if FFmpeg rejected the frame size: it then resets
    /// the size, and returns EINVAL if it never accepted one.
    fn checked(&self, op: &'static str, code: c_int) -> Result<c_int> {
        let may_be_size = self.had_size || code == ffi::AVERROR(libc::EINVAL);
        if code < 0 && may_be_size && !self.has_size() {
            return Err(over_pixel_limit(self.max_pixels, self.max_pixels.saturating_add(1)));
        }
        check(op, code).map_err(|error| self.device.explain(error))
    }

    fn note_size(&mut self) {
        self.had_size |= self.has_size();
    }

    /// Whether the context has a frame size; FFmpeg resets it to 0 when it rejects one.
    fn has_size(&self) -> bool {
        // SAFETY: `self` owns an open context.
        let width = unsafe { (*self.context.as_ptr()).coded_width };
        // SAFETY: as above.
        let height = unsafe { (*self.context.as_ptr()).coded_height };
        width > 0 && height > 0
    }
}

/// The largest frame that FFmpeg can address, in pixels: it counts 8 bytes per pixel in an `int`.
pub(crate) const MAX_PIXELS: u64 = i32::MAX as u64 / 8;

/// The error for a frame of `got` pixels, or of at least that many.
pub(crate) fn over_pixel_limit(limit: u64, got: u64) -> Error {
    Error::Limit { what: "pixels of a frame", limit, got }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("name", &self.name()).finish_non_exhaustive()
    }
}
