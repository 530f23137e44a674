//! Writable frames, which have one owner.

use std::{ffi::c_int, marker::PhantomData, mem::offset_of, ptr::NonNull, slice, sync::Arc};

use ffmpeg_sys_next as ffi;

use super::{PlaneGeometry, RawFrame, VideoFrame};
use crate::{
    color::{Color, ColorRange},
    error::{Error, Result, check},
    packet,
    pixel::{self, PixelFormat},
    plane::Plane,
    pool::{self, FramePool, PoolReuse},
    raw,
};

/// Alignment of rows in bytes, enough for aligned SIMD loads.
const ALIGN: usize = 64;

/// Bytes allocated after the last row, which FFmpeg's and this project's SIMD code may access.
const PADDING: usize = 64;

/// A writable video frame with one owner.
///
/// A new frame is zeroed. [`freeze`](Self::freeze) makes it read-only and shareable.
#[derive(Debug)]
pub struct VideoFrameMut {
    frame: VideoFrame,
}

/// A writable plane of a frame, borrowed for `'f`.
#[derive(Debug)]
pub struct PlaneMut<'f> {
    first_row: NonNull<u8>,
    stride: isize,
    row_bytes: usize,
    rows: usize,
    frame: PhantomData<&'f mut [u8]>,
}

// SAFETY: a plane gives access only to bytes that `'f` borrows mutably, as `&'f mut [u8]` does.
unsafe impl Send for PlaneMut<'_> {}
// SAFETY: `&PlaneMut` gives access to sizes only.
unsafe impl Sync for PlaneMut<'_> {}

impl VideoFrameMut {
    /// Allocates a frame of `width`×`height` pixels in `format`, all bytes 0.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a side is 0, the frame is too large for FFmpeg or `format` is
    /// a hardware format; [`Error::OutOfMemory`].
    pub fn new(format: PixelFormat, width: u32, height: u32) -> Result<Self> {
        Self::with_memory(None, format, (width, height))
    }

    /// Allocates a frame with memory of `pool`.
    ///
    /// The memory returns to the pool when the last handle is dropped. All bytes are initialised:
    /// 0, or those of an earlier frame.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn new_in(
        pool: &Arc<FramePool>,
        format: PixelFormat,
        width: u32,
        height: u32,
    ) -> Result<Self> {
        Self::with_memory(Some(pool), format, (width, height))
    }

    /// Allocates a frame from `pool`, or on its own without one.
    fn with_memory(
        pool: Option<&Arc<FramePool>>,
        format: PixelFormat,
        (width, height): (u32, u32),
    ) -> Result<Self> {
        let (w, h) = pixel::dimensions(width, height)?;
        if format.planes() == 0 {
            return Err(Error::InvalidArgument {
                what: "the pixel format of a new frame",
                expected: "a format in main memory",
                got: format.to_string(),
            });
        }
        let raw_frame = RawFrame::new()?;
        // SAFETY: `raw_frame` owns a valid, empty frame.
        unsafe { (*raw_frame.as_ptr()).width = w };
        // SAFETY: as above.
        unsafe { (*raw_frame.as_ptr()).height = h };
        // SAFETY: as above.
        unsafe { (*raw_frame.as_ptr()).format = format.to_raw() as c_int };
        allocate(&raw_frame, format, (w, h), pool)?;
        Ok(Self { frame: VideoFrame::from_raw_frame(raw_frame)? })
    }

    /// Wraps a frame that has no other owner.
    pub(super) fn from_unique(frame: VideoFrame) -> Self {
        Self { frame }
    }

    /// Makes the frame read-only, so that it can be shared.
    pub fn freeze(self) -> VideoFrame {
        self.frame
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.frame.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.frame.height()
    }

    /// The pixel format.
    pub fn format(&self) -> PixelFormat {
        self.frame.format()
    }

    /// Plane `index` for reading; `None` if the format has no such plane.
    pub fn plane(&self, index: usize) -> Option<Plane<'_>> {
        self.frame.plane(index)
    }

    /// Plane `index` for writing; `None` if the format has no such plane.
    pub fn plane_mut(&mut self, index: usize) -> Option<PlaneMut<'_>> {
        let PlaneGeometry { first_row, stride, row_bytes, rows } =
            self.frame.plane_geometry(index)?;
        Some(PlaneMut { first_row, stride, row_bytes, rows, frame: PhantomData })
    }

    /// Sets the 256 colours of a palette format, each `0xAARRGGBB`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the format has no palette.
    pub fn set_palette(&mut self, colors: &[u32; 256]) -> Result<()> {
        // SAFETY: `self` owns a valid frame.
        let palette = unsafe { (*self.frame.raw_mut()).data[1] };
        let palette = NonNull::new(palette).filter(|_| self.format().is_palette());
        let palette = palette.ok_or_else(|| Error::InvalidArgument {
            what: "the pixel format of a frame with a palette",
            expected: "pal8",
            got: self.format().to_string(),
        })?;
        // SAFETY: a palette format has 256 writable words in its second plane.
        unsafe { palette.cast::<[u32; 256]>().write_unaligned(*colors) };
        Ok(())
    }

    /// Sets every pixel to black, in the frame's colour range.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] for formats that FFmpeg can't fill.
    pub fn fill_black(&mut self) -> Result<()> {
        let full = self.format().is_full_range() || self.frame.color().range == ColorRange::Full;
        let range = if full {
            ffi::AVColorRange::AVCOL_RANGE_JPEG
        } else {
            ffi::AVColorRange::AVCOL_RANGE_MPEG
        };
        let (width, height) = pixel::dimensions(self.width(), self.height())?;
        // SAFETY: `self` owns a valid frame.
        let data = unsafe { &raw const (*self.frame.raw()).data };
        // SAFETY: as above.
        let strides = unsafe { (*self.frame.raw()).linesize }.map(|stride| stride as isize);
        let format = self.format().to_raw();
        // SAFETY: the planes are writable, of this format and size, and have these strides.
        let code = unsafe {
            ffi::av_image_fill_black(data.cast(), strides.as_ptr(), format, range, width, height)
        };
        check("av_image_fill_black", code).map(drop)
    }

    /// Sets the presentation time in ticks.
    pub fn set_pts(&mut self, pts: Option<i64>) {
        let ticks = pts.unwrap_or(ffi::AV_NOPTS_VALUE);
        // SAFETY: `self` owns a valid frame.
        unsafe { (*self.frame.raw_mut()).pts = ticks };
        // SAFETY: as above.
        unsafe { (*self.frame.raw_mut()).best_effort_timestamp = ticks };
    }

    /// Sets the duration in ticks; 0 means unknown.
    pub fn set_duration(&mut self, duration: i64) {
        // SAFETY: `self` owns a valid frame.
        unsafe { (*self.frame.raw_mut()).duration = duration };
    }

    /// Sets the caller's tag.
    pub fn set_tag(&mut self, tag: i64) {
        // SAFETY: `self` owns a valid frame; FFmpeg never follows the pointer.
        unsafe { (*self.frame.raw_mut()).opaque = packet::tag_to_raw(tag) };
    }

    /// Sets the colour description.
    pub fn set_color(&mut self, color: Color) {
        let frame = self.frame.raw_mut();
        // SAFETY: `self` owns a valid frame, these are the offsets of enums, and this crate only
        // reads them as integers.
        let set = |offset, value| unsafe { raw::set_enum_at(frame, offset, value) };
        set(offset_of!(ffi::AVFrame, colorspace), color.matrix.to_raw());
        set(offset_of!(ffi::AVFrame, color_range), color.range.to_raw());
        set(offset_of!(ffi::AVFrame, color_primaries), color.primaries.to_raw());
        set(offset_of!(ffi::AVFrame, color_trc), color.transfer.to_raw());
        set(offset_of!(ffi::AVFrame, chroma_location), color.chroma_location.to_raw());
    }

    pub(crate) fn raw_mut(&mut self) -> *mut ffi::AVFrame {
        self.frame.raw_mut()
    }
}

impl PlaneMut<'_> {
    /// Row `y`, top down, without padding; `None` past the last row.
    pub fn row_mut(&mut self, y: usize) -> Option<&mut [u8]> {
        if y >= self.rows {
            return None;
        }
        // SAFETY: y < rows, and the frame has `rows` rows `stride` bytes apart.
        let row = unsafe { self.first_row.offset(self.stride * y.cast_signed()) };
        // SAFETY: each row has `row_bytes` bytes, which were initialised when the frame was
        // allocated, and `self` is borrowed mutably from the only owner.
        Some(unsafe { slice::from_raw_parts_mut(row.as_ptr(), self.row_bytes) })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Size of a row in bytes, without padding.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }
}

/// Gives an empty frame initialised buffers, one per plane. av_frame_get_buffer would leave them
/// uninitialised.
fn allocate(
    raw_frame: &RawFrame,
    format: PixelFormat,
    (width, height): (c_int, c_int),
    pool: Option<&Arc<FramePool>>,
) -> Result<()> {
    let mut strides = [0; 4];
    // SAFETY: `strides` has the four places that are written.
    let code =
        unsafe { ffi::av_image_fill_linesizes(strides.as_mut_ptr(), format.to_raw(), width) };
    check("av_image_fill_linesizes", code)?;
    let aligned = strides.map(|stride| isize::try_from(stride).unwrap_or(0).cast_unsigned());
    let aligned = aligned.map(|stride| stride.next_multiple_of(ALIGN));
    let mut sizes = [0; 4];
    // SAFETY: `sizes` and `aligned` have four places each.
    let code = unsafe {
        ffi::av_image_fill_plane_sizes(
            sizes.as_mut_ptr(),
            format.to_raw(),
            height,
            aligned.map(usize::cast_signed).as_ptr(),
        )
    };
    check("av_image_fill_plane_sizes", code)?;
    for (index, size) in sizes.into_iter().enumerate().filter(|&(_, size)| size > 0) {
        let stride = c_int::try_from(aligned[index]).map_err(|_| Error::OutOfMemory)?;
        let size = size.checked_add(PADDING).ok_or(Error::OutOfMemory)?;
        add_plane(raw_frame, index, buffer(pool, size).ok_or(Error::OutOfMemory)?, stride);
    }
    Ok(())
}

/// A buffer of `size` bytes, all initialised.
fn buffer(pool: Option<&Arc<FramePool>>, size: usize) -> Option<NonNull<ffi::AVBufferRef>> {
    match pool {
        Some(pool) => pool::buffer(Arc::clone(pool), size, PoolReuse::Any),
        // SAFETY: any size may be asked for.
        None => NonNull::new(unsafe { ffi::av_buffer_allocz(size) }),
    }
}

/// Makes `buffer` the memory of plane `index`; takes over the reference.
fn add_plane(raw_frame: &RawFrame, index: usize, buffer: NonNull<ffi::AVBufferRef>, stride: c_int) {
    // SAFETY: the caller passes a valid reference.
    let data = unsafe { (*buffer.as_ptr()).data };
    // SAFETY: `raw_frame` owns a valid frame with no buffer in this place, and frees this one.
    unsafe { (*raw_frame.as_ptr()).buf[index] = buffer.as_ptr() };
    // SAFETY: as above.
    unsafe { (*raw_frame.as_ptr()).data[index] = data };
    // SAFETY: as above.
    unsafe { (*raw_frame.as_ptr()).linesize[index] = stride };
}
