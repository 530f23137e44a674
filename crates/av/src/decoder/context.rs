//! The codec context that video and audio decoders share.

use std::{
    ffi::{CStr, c_int},
    mem,
    ptr::{self, NonNull},
};

use ffmpeg_sys_next as ffi;

use super::Sent;
use crate::{
    dict::{Dictionary, RawDictionary},
    error::{Error, Result, check},
    frame::RawFrame,
    log,
    packet::Packet,
    parameters::CodecParameters,
    raw,
};

/// An owned `AVCodecContext` of a decoder, open or not yet.
pub(crate) struct Context(NonNull<ffi::AVCodecContext>);

// SAFETY: a codec context may be used from any thread, by one at a time; `&mut self` ensures that.
unsafe impl Send for Context {}

impl Context {
    /// Allocates a context for `codec` with the stream's parameters; it is not open yet.
    pub(crate) fn new(codec: NonNull<ffi::AVCodec>, parameters: &CodecParameters) -> Result<Self> {
        log::silence();
        // SAFETY: codecs are static data of libavcodec.
        let context = unsafe { ffi::avcodec_alloc_context3(codec.as_ptr()) };
        let context = NonNull::new(context).map(Self).ok_or(Error::OutOfMemory)?;
        // SAFETY: the context is new and the parameters are valid.
        let code =
            unsafe { ffi::avcodec_parameters_to_context(context.as_ptr(), parameters.raw()) };
        check("avcodec_parameters_to_context", code)?;
        Ok(context)
    }

    /// Opens the decoder.
    ///
    /// # Errors
    ///
    /// [`Error::UnusedOptions`] if it does not know an option; [`Error::Ffmpeg`] if it can't be
    /// opened.
    pub(crate) fn open(
        &mut self,
        codec: NonNull<ffi::AVCodec>,
        options: &Dictionary,
    ) -> Result<()> {
        let mut unused = RawDictionary::new(options)?;
        // SAFETY: the context is owned and not open yet, and its codec is the one it was made for.
        let code =
            unsafe { ffi::avcodec_open2(self.as_ptr(), codec.as_ptr(), unused.as_mut_ptr()) };
        check("avcodec_open2", code)?;
        unused.expect_used()
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::AVCodecContext {
        self.0.as_ptr()
    }

    /// Sends a packet to the open decoder. The inner error is FFmpeg's error code.
    pub(crate) fn send(&mut self, packet: &Packet) -> Result<std::result::Result<Sent, c_int>> {
        if packet.is_blank() {
            // FFmpeg would treat it as the end of the stream.
            return Ok(Ok(Sent::Accepted));
        }
        // SAFETY: `self` owns an open context and `packet` is valid; the call makes its own
        // reference to the packet's bytes.
        match unsafe { ffi::avcodec_send_packet(self.as_ptr(), packet.raw()) } {
            code if code == ffi::AVERROR(libc::EAGAIN) => Ok(Ok(Sent::Full)),
            ffi::AVERROR_EOF => Err(Error::InvalidArgument {
                what: "the packet after the end of a stream",
                expected: "sent after a flush",
                got: format!("{packet:?}"),
            }),
            0.. => Ok(Ok(Sent::Accepted)),
            code => Ok(Err(code)),
        }
    }

    /// Signals the end of the stream; calling it twice is allowed.
    pub(crate) fn send_end(&mut self) -> Result<()> {
        // SAFETY: `self` owns an open context; a null packet means the end.
        let code = unsafe { ffi::avcodec_send_packet(self.as_ptr(), ptr::null()) };
        if code == ffi::AVERROR_EOF { Ok(()) } else { check("avcodec_send_packet", code).map(drop) }
    }

    /// Lets the open decoder fill `raw_frame`; returns FFmpeg's error code, 0 on success.
    pub(crate) fn receive(&mut self, raw_frame: &RawFrame) -> c_int {
        // SAFETY: `self` owns an open context and `raw_frame` a frame, which is emptied first.
        unsafe { ffi::avcodec_receive_frame(self.as_ptr(), raw_frame.as_ptr()) }
    }

    /// Discards everything that was sent to the open decoder.
    pub(crate) fn flush(&mut self) {
        // SAFETY: `self` owns an open context.
        unsafe { ffi::avcodec_flush_buffers(self.as_ptr()) };
    }

    /// FFmpeg's name of the open decoder.
    pub(crate) fn name(&self) -> &'static str {
        // SAFETY: `self` owns an open context.
        let codec = unsafe { (*self.as_ptr()).codec };
        // SAFETY: an open context has a codec, which is static data of libavcodec.
        let name = unsafe { (*codec).name };
        // SAFETY: so is its name.
        unsafe { raw::constant(name) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let mut context = self.as_ptr();
        // SAFETY: `self` owns the context, and nothing uses it after this.
        unsafe { ffi::avcodec_free_context(&raw mut context) };
        debug_assert!(mem::take(&mut context).is_null());
    }
}

/// The decoder called `name`, or the one that FFmpeg prefers for the stream's codec.
pub(crate) fn find(
    parameters: &CodecParameters,
    name: Option<&str>,
) -> Result<NonNull<ffi::AVCodec>> {
    let Some(name) = name else {
        let missing = || Error::NoDecoder { codec: parameters.codec_name().to_owned() };
        return parameters.codec().decoder().ok_or_else(missing);
    };
    let c_name = raw::c_string("the decoder's name", name)?;
    let c_name: &CStr = &c_name;
    // SAFETY: `c_name` is zero-terminated.
    let codec = unsafe { ffi::avcodec_find_decoder_by_name(c_name.as_ptr()) };
    NonNull::new(codec.cast_mut()).ok_or_else(|| Error::NoDecoder { codec: name.to_owned() })
}
