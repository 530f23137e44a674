//! The `get_buffer2` callback, which allocates a decoder's frames from a pool.

use std::{
    ffi::{c_int, c_void},
    ptr::NonNull,
    sync::Arc,
};

use ffmpeg_sys_next as ffi;

use super::{Chunk, FramePool, PoolReuse};
use crate::raw;

/// The largest number of planes of a frame.
const PLANES: usize = 4;

/// Bytes after a plane that decoders may access: as many as FFmpeg's own pools add.
const PLANE_PADDING: usize = 16 + Chunk::ALIGN;

/// The layout of a frame's planes in one chunk.
struct Layout {
    strides: [c_int; PLANES],
    /// Offset of each plane in bytes; `None` if there is no such plane.
    offsets: [Option<usize>; PLANES],
    len: usize,
}

/// The pool that a decoder allocates its frames from, and the contents that it accepts.
#[derive(Debug)]
pub(crate) struct BufferAllocator {
    pool: Arc<FramePool>,
    reuse: PoolReuse,
}

impl BufferAllocator {
    pub(crate) fn new(pool: Arc<FramePool>, reuse: PoolReuse) -> Self {
        Self { pool, reuse }
    }
}

/// Memory of a pool that FFmpeg holds until the last reference to the frame is dropped.
struct PoolBuffer {
    pool: Arc<FramePool>,
    chunk: Chunk,
}

/// FFmpeg's callback to allocate the memory of a frame.
///
/// # Safety
///
/// FFmpeg's promises for `get_buffer2` must hold, and the context's `opaque` must point to a
/// live [`BufferAllocator`].
pub(crate) unsafe extern "C" fn get_buffer(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: c_int,
) -> c_int {
    // SAFETY: FFmpeg passes a valid context and frame.
    if !unsafe { can_use_pool(context, frame) } {
        // SAFETY: FFmpeg's own function takes the arguments of this callback.
        return unsafe { ffi::avcodec_default_get_buffer2(context, frame, flags) };
    }
    // SAFETY: FFmpeg passes a valid context and frame; the caller promises the allocator.
    let allocated = raw::catch_panic(|| unsafe { allocate(context, frame) });
    match allocated {
        Ok(Ok(())) => 0,
        Ok(Err(code)) => code,
        Err(_) => ffi::AVERROR_BUG,
    }
}

/// Whether the decoder supports caller-allocated main memory (AV_CODEC_CAP_DR1).
///
/// # Safety
///
/// Both pointers must be valid.
unsafe fn can_use_pool(context: *const ffi::AVCodecContext, frame: *const ffi::AVFrame) -> bool {
    // SAFETY: the caller promises the context.
    let codec = unsafe { (*context).codec };
    // SAFETY: an open context has a codec.
    let capabilities = unsafe { (*codec).capabilities }.cast_unsigned();
    // SAFETY: the caller promises the context.
    let in_hardware = !unsafe { (*context).hw_frames_ctx }.is_null();
    // SAFETY: the caller promises the frame.
    let format = crate::pixel::PixelFormat::from_raw(unsafe { (*frame).format });
    let in_memory = format.is_some_and(|format| format.planes() > 0 && !format.is_hardware());
    capabilities & ffi::AV_CODEC_CAP_DR1 != 0 && !in_hardware && in_memory
}

/// Takes memory from the pool and sets the frame's pointers. `Err` is the code to return to FFmpeg.
///
/// # Safety
///
/// As for [`get_buffer`].
unsafe fn allocate(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
) -> Result<(), c_int> {
    // SAFETY: the caller promises the context and the frame.
    let layout = unsafe { layout(context, frame) }?;
    // SAFETY: the caller promises the context.
    let allocator: *const BufferAllocator = unsafe { (*context).opaque }.cast_const().cast();
    // SAFETY: the caller promises that it is live.
    let allocator = unsafe { &*allocator };
    let buffer = buffer(Arc::clone(&allocator.pool), layout.len, allocator.reuse);
    let buffer = buffer.ok_or(ffi::AVERROR(libc::ENOMEM))?;
    // SAFETY: `buffer` was just made.
    let start = unsafe { (*buffer.as_ptr()).data };
    // SAFETY: the caller promises the frame, which has no buffers yet and frees this one.
    unsafe { (*frame).buf[0] = buffer.as_ptr() };
    // SAFETY: as above.
    let data = unsafe { &raw mut (*frame).data };
    // SAFETY: as above.
    unsafe { (*frame).extended_data = data.cast() };
    for (index, offset) in layout.offsets.into_iter().enumerate() {
        let Some(offset) = offset else { continue };
        // SAFETY: the offset lies inside the chunk.
        let plane = unsafe { start.add(offset) };
        // SAFETY: the caller promises the frame.
        unsafe { (*frame).data[index] = plane };
        // SAFETY: as above.
        unsafe { (*frame).linesize[index] = layout.strides[index] };
    }
    Ok(())
}

/// Creates a buffer of `len` bytes from `pool`; `None` if memory is exhausted.
///
/// The pool gets the bytes back when the last reference is dropped.
pub(crate) fn buffer(
    pool: Arc<FramePool>,
    len: usize,
    reuse: PoolReuse,
) -> Option<NonNull<ffi::AVBufferRef>> {
    let chunk = pool.take(len, reuse)?;
    let start = chunk.first_byte();
    let owned = Box::into_raw(Box::new(PoolBuffer { pool, chunk }));
    // SAFETY: the chunk has `len` bytes and lives until `release`, which takes a PoolBuffer.
    let buffer =
        unsafe { ffi::av_buffer_create(start.as_ptr(), len, Some(release), owned.cast(), 0) };
    let buffer = NonNull::new(buffer);
    if buffer.is_none() {
        // SAFETY: without a buffer, nothing else has the box.
        return_buffer(*unsafe { Box::from_raw(owned) });
    }
    buffer
}

/// The layout that this decoder needs, computed as FFmpeg's own pools do.
///
/// # Safety
///
/// Both pointers must be valid.
unsafe fn layout(
    context: *mut ffi::AVCodecContext,
    frame: *const ffi::AVFrame,
) -> Result<Layout, c_int> {
    // SAFETY: the caller promises the frame.
    let (mut width, mut height) = (unsafe { (*frame).width }, unsafe { (*frame).height });
    // SAFETY: as above.
    let format = crate::pixel::PixelFormat::from_raw(unsafe { (*frame).format });
    let format = format.ok_or(ffi::AVERROR(libc::EINVAL))?.to_raw();
    let mut alignment = [0; ffi::AV_NUM_DATA_POINTERS as usize];
    // SAFETY: the caller promises the context; the others are writable.
    unsafe {
        ffi::avcodec_align_dimensions2(
            context,
            &raw mut width,
            &raw mut height,
            alignment.as_mut_ptr(),
        );
    }
    let strides = loop {
        let mut strides = [0; PLANES];
        // SAFETY: `strides` has the four places that are written.
        code_to_result(unsafe {
            ffi::av_image_fill_linesizes(strides.as_mut_ptr(), format, width)
        })?;
        if strides.iter().zip(alignment).all(|(stride, align)| stride % align.max(1) == 0) {
            break strides;
        }
        // All strides grow together, because some decoders rely on their proportions.
        let lowest_bit = width & width.wrapping_neg();
        width = width.checked_add(lowest_bit).ok_or(ffi::AVERROR(libc::EINVAL))?;
    };
    let mut sizes = [0; PLANES];
    let wide = strides.map(|stride| stride as isize);
    // SAFETY: `sizes` and `wide` have four places each.
    code_to_result(unsafe {
        ffi::av_image_fill_plane_sizes(sizes.as_mut_ptr(), format, height, wide.as_ptr())
    })?;
    pack(strides, sizes).ok_or(ffi::AVERROR(libc::EINVAL))
}

/// Places the planes one after the other.
fn pack(strides: [c_int; PLANES], sizes: [usize; PLANES]) -> Option<Layout> {
    let (mut offsets, mut len) = ([None; PLANES], 0_usize);
    for (offset, size) in offsets.iter_mut().zip(sizes).filter(|(_, size)| *size > 0) {
        *offset = Some(len);
        let end = len.checked_add(size)?.checked_add(PLANE_PADDING)?;
        len = end.checked_next_multiple_of(Chunk::ALIGN)?;
    }
    Some(Layout { strides, offsets, len })
}

fn code_to_result(code: c_int) -> Result<(), c_int> {
    if code < 0 { Err(code) } else { Ok(()) }
}

/// FFmpeg's callback when the last reference to a frame's memory is dropped, on any thread.
///
/// # Safety
///
/// `buffer` must be a leaked `Box<PoolBuffer>` that is never used again.
unsafe extern "C" fn release(buffer: *mut c_void, _: *mut u8) {
    // SAFETY: the caller promises a leaked box.
    let buffer = unsafe { Box::from_raw(buffer.cast::<PoolBuffer>()) };
    // No panic is known here, and FFmpeg takes no error.
    let _ = raw::catch_panic(|| return_buffer(*buffer));
}

fn return_buffer(PoolBuffer { pool, chunk }: PoolBuffer) {
    pool.give_back(chunk);
}
