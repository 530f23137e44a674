//! The callback that gives a decoder memory of a pool for its next picture.

use std::{
    ffi::{c_int, c_void},
    ptr::NonNull,
    sync::Arc,
};

use ffmpeg_sys_next as ffi;

use super::{Chunk, FramePool, PoolReuse};
use crate::raw;

/// Planes that a picture can have.
const PLANES: usize = 4;

/// Bytes that decoders may touch behind a plane: what FFmpeg's own pools add.
const BEHIND_PLANE: usize = 16 + Chunk::ALIGN;

/// How the planes of a picture lie in one chunk.
struct Layout {
    strides: [c_int; PLANES],
    /// Where each plane begins; `None` if there is no such plane.
    offsets: [Option<usize>; PLANES],
    len: usize,
}

/// What a decoder takes its pictures' memory from.
#[derive(Debug)]
pub(crate) struct BufferAllocator {
    pool: Arc<FramePool>,
    reuse: PoolReuse,
}

impl BufferAllocator {
    /// Memory of `pool` with no more than these leftovers.
    pub(crate) fn new(pool: Arc<FramePool>, reuse: PoolReuse) -> Self {
        Self { pool, reuse }
    }
}

/// Memory on loan: FFmpeg holds it until the last reference to the picture goes.
struct PoolBuffer {
    pool: Arc<FramePool>,
    chunk: Chunk,
}

/// FFmpeg wants memory for a picture.
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
    if !unsafe { takes_our_memory(context, frame) } {
        // SAFETY: these are the arguments that FFmpeg meant for its own function.
        return unsafe { ffi::avcodec_default_get_buffer2(context, frame, flags) };
    }
    // SAFETY: FFmpeg passes a valid context and frame; the caller promises the lender.
    let lent = raw::catch_panic(|| unsafe { lend(context, frame) });
    match lent {
        Ok(Ok(())) => 0,
        Ok(Err(code)) => code,
        Err(_) => ffi::AVERROR_BUG,
    }
}

/// Whether a decoder lets its caller choose the memory, and the pixels lie in memory at all.
///
/// # Safety
///
/// Both pointers must be valid.
unsafe fn takes_our_memory(
    context: *const ffi::AVCodecContext,
    frame: *const ffi::AVFrame,
) -> bool {
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

/// Fills the frame's pointers. `Err` is the number to return.
///
/// # Safety
///
/// As for [`get_buffer`].
unsafe fn lend(context: *mut ffi::AVCodecContext, frame: *mut ffi::AVFrame) -> Result<(), c_int> {
    // SAFETY: the caller promises the context and the frame.
    let layout = unsafe { layout(context, frame) }?;
    // SAFETY: the caller promises the context.
    let allocator: *const BufferAllocator = unsafe { (*context).opaque }.cast_const().cast();
    // SAFETY: the caller promises that it is live.
    let allocator = unsafe { &*allocator };
    let pool = Arc::clone(&allocator.pool);
    let chunk = pool.take(layout.len, allocator.reuse).ok_or(ffi::AVERROR(libc::ENOMEM))?;
    let start = chunk.first_byte();
    let lent = Box::into_raw(Box::new(PoolBuffer { pool, chunk }));
    // SAFETY: the chunk has `layout.len` bytes and lives until `take_back`, which takes a loan.
    let buffer = unsafe {
        ffi::av_buffer_create(start.as_ptr(), layout.len, Some(take_back), lent.cast(), 0)
    };
    let Some(buffer) = NonNull::new(buffer) else {
        // SAFETY: the loan is still ours.
        return_buffer(*unsafe { Box::from_raw(lent) });
        return Err(ffi::AVERROR(libc::ENOMEM));
    };
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
        unsafe { (*frame).data[index] = plane.as_ptr() };
        // SAFETY: as above.
        unsafe { (*frame).linesize[index] = layout.strides[index] };
    }
    Ok(())
}

/// The sizes that this decoder needs, found as FFmpeg's own pools find them.
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
        refuse(unsafe { ffi::av_image_fill_linesizes(strides.as_mut_ptr(), format, width) })?;
        if strides.iter().zip(alignment).all(|(stride, align)| stride % align.max(1) == 0) {
            break strides;
        }
        // Strides are not aligned one by one: some decoders rely on their proportion.
        let lowest_bit = width & width.wrapping_neg();
        width = width.checked_add(lowest_bit).ok_or(ffi::AVERROR(libc::EINVAL))?;
    };
    let mut sizes = [0; PLANES];
    let wide = strides.map(|stride| stride as isize);
    // SAFETY: `sizes` and `wide` have four places each.
    refuse(unsafe {
        ffi::av_image_fill_plane_sizes(sizes.as_mut_ptr(), format, height, wide.as_ptr())
    })?;
    pack(strides, sizes).ok_or(ffi::AVERROR(libc::EINVAL))
}

/// Lays the planes one behind the other.
fn pack(strides: [c_int; PLANES], sizes: [usize; PLANES]) -> Option<Layout> {
    let (mut offsets, mut len) = ([None; PLANES], 0_usize);
    for (offset, size) in offsets.iter_mut().zip(sizes).filter(|(_, size)| *size > 0) {
        *offset = Some(len);
        let end = len.checked_add(size)?.checked_add(BEHIND_PLANE)?;
        len = end.checked_next_multiple_of(Chunk::ALIGN)?;
    }
    Some(Layout { strides, offsets, len })
}

fn refuse(code: c_int) -> Result<(), c_int> {
    if code < 0 { Err(code) } else { Ok(()) }
}

/// The last reference to a picture is gone, on whatever thread that was.
///
/// # Safety
///
/// `buffer` must be a leaked `Box<PoolBuffer>` that is never used again.
unsafe extern "C" fn take_back(buffer: *mut c_void, _: *mut u8) {
    // SAFETY: the caller promises a leaked box.
    let buffer = unsafe { Box::from_raw(buffer.cast::<PoolBuffer>()) };
    // No panic is known here; there would be no one to tell.
    let _ = raw::catch_panic(|| return_buffer(*buffer));
}

fn return_buffer(PoolBuffer { pool, chunk }: PoolBuffer) {
    pool.give_back(chunk);
}
