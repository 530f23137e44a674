//! Opening a video decoder from a stream's parameters and the caller's options.

use std::{
    ffi::c_int,
    ptr::{self, NonNull},
};

use ffmpeg_sys_next as ffi;

use super::{
    Concealment, Decoder, DecoderOptions, MAX_PIXELS, ThreadKind,
    context::{self, Context},
    hardware::DeviceState,
    over_pixel_limit,
};
use crate::{
    error::{Error, Result},
    media_kind::MediaKind,
    parameters::CodecParameters,
    pool::{self, BufferAllocator},
};

/// Opens a decoder; see [`Decoder::open`].
pub(super) fn open(parameters: &CodecParameters, options: &DecoderOptions) -> Result<Decoder> {
    if parameters.kind() != MediaKind::Video {
        return Err(Error::InvalidArgument {
            what: "the stream of a video decoder",
            expected: "video",
            got: format!("{:?}", parameters.kind()),
        });
    }
    let max_pixels = options.max_pixels.unwrap_or(MAX_PIXELS).min(MAX_PIXELS);
    let declared = u64::from(parameters.width()) * u64::from(parameters.height());
    if declared > max_pixels {
        return Err(over_pixel_limit(max_pixels, declared));
    }
    let codec = find(parameters, options)?;
    let mut context = Context::new(codec, parameters)?;
    // SAFETY: the context is owned and not open yet.
    unsafe { configure(context.as_ptr(), options) };
    let allocator =
        options.pool.clone().map(|pool| Box::new(BufferAllocator::new(pool, options.reuse)));
    if let Some(allocator) = &allocator {
        // SAFETY: as above; the decoder keeps the allocator alive for longer than the context.
        unsafe { set_allocator(context.as_ptr(), allocator) };
    }
    // SAFETY: as above.
    unsafe { (*context.as_ptr()).max_pixels = coarse_limit(max_pixels) };
    if let Some(device) = &options.hardware {
        let reference = device.reference()?;
        // SAFETY: as above; the context owns the reference from here on.
        unsafe { (*context.as_ptr()).hw_device_ctx = reference.as_ptr() };
    }
    context.open(codec, &options.options)?;
    let device = DeviceState::new(options.hardware.is_some());
    Ok(Decoder { context, spare: None, max_pixels, had_size: false, device, _allocator: allocator })
}

/// The decoder that the options name, else one that supports their device, else FFmpeg's choice.
fn find(parameters: &CodecParameters, options: &DecoderOptions) -> Result<NonNull<ffi::AVCodec>> {
    match (&options.decoder, &options.hardware) {
        (None, Some(device)) => {
            let codec = format!("{} on {}", parameters.codec_name(), device.kind());
            device.kind().decoder(parameters.codec()).ok_or(Error::NoDecoder { codec })
        }
        (name, _) => context::find(parameters, name.as_deref()),
    }
}

/// The limit that FFmpeg checks before it allocates. FFmpeg compares sizes that it has rounded up,
/// so this is larger than the exact limit, which is checked on every decoded frame.
fn coarse_limit(max_pixels: u64) -> i64 {
    /// FFmpeg rounds widths up to multiples of at most this.
    const ROUNDED_TO: u64 = 128;
    let margin = ROUNDED_TO * u64::from(u16::MAX);
    i64::try_from(max_pixels.saturating_add(margin)).unwrap_or(i64::MAX)
}

/// Sets the options that must be set before the decoder is opened.
///
/// # Safety
///
/// `raw` must be valid, not open, and used by nothing else.
unsafe fn configure(raw: *mut ffi::AVCodecContext, options: &DecoderOptions) {
    // SAFETY: the caller promises the context.
    unsafe { (*raw).flags |= flags(options).cast_signed() };
    // SAFETY: as above.
    unsafe { (*raw).thread_count = c_int::from(options.threads.max(1)) };
    // SAFETY: as above.
    unsafe { (*raw).thread_type = thread_type(options.thread_kind) };
    // SAFETY: as above.
    unsafe { (*raw).skip_frame = options.skip_frame.to_raw() };
    // SAFETY: as above.
    unsafe { (*raw).skip_loop_filter = options.skip_loop_filter.to_raw() };
    // SAFETY: as above.
    let declared = unsafe { (*raw).has_b_frames };
    // SAFETY: as above.
    unsafe { (*raw).has_b_frames = declared.max(options.reorder_delay.into()) };
    if options.concealment == Concealment::Off {
        // SAFETY: as above.
        unsafe { (*raw).error_concealment = 0 };
    }
    if options.ignore_crop {
        // SAFETY: as above.
        unsafe { (*raw).apply_cropping = 0 };
    }
    if let Some(base) = options.time_base.and_then(|base| base.to_raw()) {
        // SAFETY: as above.
        unsafe { (*raw).pkt_timebase = base };
    }
}

/// Makes the decoder allocate its frames from `allocator`.
///
/// # Safety
///
/// `context` must be valid, not open, used by nothing else, and freed before `allocator`.
unsafe fn set_allocator(context: *mut ffi::AVCodecContext, allocator: &BufferAllocator) {
    // SAFETY: the caller promises the context.
    unsafe { (*context).opaque = ptr::from_ref(allocator).cast_mut().cast() };
    // SAFETY: as above; `opaque` is what the callback expects.
    unsafe { (*context).get_buffer2 = Some(pool::get_buffer) };
}

fn flags(options: &DecoderOptions) -> u32 {
    let mut flags = ffi::AV_CODEC_FLAG_COPY_OPAQUE;
    if options.output_corrupt {
        flags |= ffi::AV_CODEC_FLAG_OUTPUT_CORRUPT;
    }
    if options.low_delay {
        flags |= ffi::AV_CODEC_FLAG_LOW_DELAY;
    }
    flags
}

fn thread_type(kind: ThreadKind) -> c_int {
    match kind {
        ThreadKind::Frame => ffi::FF_THREAD_FRAME,
        ThreadKind::Slice => ffi::FF_THREAD_SLICE,
        ThreadKind::FrameOrSlice => ffi::FF_THREAD_FRAME | ffi::FF_THREAD_SLICE,
    }
}
