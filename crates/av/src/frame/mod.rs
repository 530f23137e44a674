//! Video frames: shared and read-only, or writable with one owner.

mod edit;
mod hardware;
mod properties;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    ptr::{self, NonNull},
};

use ffmpeg_sys_next as ffi;

pub use self::{
    edit::{PlaneMut, VideoFrameMut},
    properties::{DecodeErrors, PictureType},
};
use crate::{
    error::{Error, Result, check},
    pixel::PixelFormat,
    plane::Plane,
};

/// A decoded video frame: shared and read-only.
///
/// Owns its `AVFrame` and one reference to each pixel buffer, which clones and the decoder may
/// share: the pixels never change. Width, height and format have no setters: they describe the
/// allocation, and changing them would let safe code read outside it.
pub struct VideoFrame {
    raw: NonNull<ffi::AVFrame>,
    format: PixelFormat,
}

// SAFETY: an AVFrame is not tied to a thread, and its buffers' reference counts are atomic.
unsafe impl Send for VideoFrame {}
// SAFETY: methods on `&VideoFrame` only read, nothing writes to shared pixels, and cloning changes
// only atomic counts.
unsafe impl Sync for VideoFrame {}

impl VideoFrame {
    /// Takes over a frame that a decoder filled.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if it has no size or a pixel format that this crate's headers don't name.
    pub(crate) fn from_raw_frame(raw_frame: RawFrame) -> Result<Self> {
        // SAFETY: `raw_frame` owns a valid frame.
        let number = unsafe { (*raw_frame.as_ptr()).format };
        // SAFETY: as above.
        let width = unsafe { (*raw_frame.as_ptr()).width };
        // SAFETY: as above.
        let height = unsafe { (*raw_frame.as_ptr()).height };
        let format = PixelFormat::from_raw(number).filter(|_| width > 0 && height > 0);
        let format = format.ok_or_else(|| Error::Ffmpeg {
            op: "avcodec_receive_frame",
            code: ffi::AVERROR_BUG,
            message: format!("a frame of {width}×{height} in pixel format {number}"),
        })?;
        Ok(Self { raw: raw_frame.into_raw(), format })
    }

    /// A second handle on the same pixels; no pixel is copied.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        let copy = RawFrame::new()?;
        // SAFETY: `copy` is empty and `self` is valid; av_frame_ref only reads its source.
        check("av_frame_ref", unsafe { ffi::av_frame_ref(copy.as_ptr(), self.raw()) })?;
        Ok(Self { raw: copy.into_raw(), format: self.format })
    }

    /// Converts to a writable frame, if nothing else references the pixels.
    ///
    /// # Errors
    ///
    /// The frame itself, unchanged, if they are shared or in a device's memory.
    pub fn try_into_unique(self) -> std::result::Result<VideoFrameMut, Self> {
        // SAFETY: `self` is valid; the call only reads, although its pointer is mutable.
        let writable = unsafe { ffi::av_frame_is_writable(self.raw.as_ptr()) };
        if writable > 0 && !self.format.is_hardware() {
            Ok(VideoFrameMut::from_unique(self))
        } else {
            Err(self)
        }
    }

    /// Width in pixels, after cropping.
    pub fn width(&self) -> u32 {
        // SAFETY: `self` owns a valid frame. Checked to be positive when it was made.
        unsafe { (*self.raw()).width }.unsigned_abs()
    }

    /// Height in pixels, after cropping.
    pub fn height(&self) -> u32 {
        // SAFETY: `self` owns a valid frame. Checked to be positive when it was made.
        unsafe { (*self.raw()).height }.unsigned_abs()
    }

    /// The pixel format.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Plane `index`, rows from the top down; `None` if the format has no such plane.
    pub fn plane(&self, index: usize) -> Option<Plane<'_>> {
        let PlaneGeometry { first_row, stride, row_bytes, rows } = self.plane_geometry(index)?;
        // SAFETY: FFmpeg allocated `rows` rows of at least `row_bytes` bytes, `stride` bytes
        // apart, and nothing writes to them while `self` holds its references.
        Some(unsafe { Plane::from_raw(first_row, stride, row_bytes, rows) })
    }

    /// All planes in order.
    pub fn planes(&self) -> impl Iterator<Item = Plane<'_>> {
        (0..self.format.planes()).filter_map(|index| self.plane(index))
    }

    /// The 256 colours of a palette format, each `0xAARRGGBB`; `None` for other formats.
    pub fn palette(&self) -> Option<[u32; 256]> {
        if !self.format.is_palette() {
            return None;
        }
        // SAFETY: `self` owns a valid frame.
        let colors = NonNull::new(unsafe { (*self.raw()).data[1] })?;
        // SAFETY: a palette format has 256 words of native byte order in its second plane.
        Some(unsafe { colors.cast::<[u32; 256]>().read_unaligned() })
    }

    pub(crate) fn raw(&self) -> *const ffi::AVFrame {
        self.raw.as_ptr()
    }

    pub(crate) fn raw_mut(&mut self) -> *mut ffi::AVFrame {
        self.raw.as_ptr()
    }

    /// The position and size of plane `index`.
    fn plane_geometry(&self, index: usize) -> Option<PlaneGeometry> {
        let row_bytes = self.format.row_bytes(index, self.width())?;
        let rows = self.format.rows(index, self.height())?;
        // SAFETY: `self` owns a valid frame; a format has at most four planes.
        let first_row = NonNull::new(unsafe { (*self.raw()).data[index] })?;
        // SAFETY: as above.
        let stride = unsafe { (*self.raw()).linesize[index] };
        Some(PlaneGeometry { first_row, stride: isize::try_from(stride).ok()?, row_bytes, rows })
    }
}

/// Where the rows of a plane are in memory.
struct PlaneGeometry {
    /// The top row.
    first_row: NonNull<u8>,
    /// Bytes from one row to the next; negative if the frame is stored bottom up.
    stride: isize,
    /// Bytes of a row, without padding.
    row_bytes: usize,
    /// Number of rows.
    rows: usize,
}

impl Drop for VideoFrame {
    fn drop(&mut self) {
        // SAFETY: `self` owns the frame, and nothing uses it after this.
        unsafe { free(self.raw) }
    }
}

impl fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoFrame")
            .field("width", &self.width())
            .field("height", &self.height())
            .field("format", &self.format)
            .field("pts", &self.pts())
            .field("key", &self.is_key())
            .finish_non_exhaustive()
    }
}

/// An owned `AVFrame` without data, for FFmpeg to fill.
pub(crate) struct RawFrame(NonNull<ffi::AVFrame>);

// SAFETY: an AVFrame is not tied to a thread.
unsafe impl Send for RawFrame {}

impl RawFrame {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no arguments; a null result is handled on the next line.
        let raw = unsafe { ffi::av_frame_alloc() };
        NonNull::new(raw).map(Self).ok_or(Error::OutOfMemory)
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    fn into_raw(self) -> NonNull<ffi::AVFrame> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }
}

impl Drop for RawFrame {
    fn drop(&mut self) {
        // SAFETY: `self` owns the frame, and nothing uses it after this.
        unsafe { free(self.0) }
    }
}

/// Frees a frame and drops its buffer references.
///
/// # Safety
///
/// `frame` must come from av_frame_alloc and must not be used again.
unsafe fn free(frame: NonNull<ffi::AVFrame>) {
    let mut frame = frame.as_ptr();
    // SAFETY: the caller promises an owned frame.
    unsafe { ffi::av_frame_free(ptr::from_mut(&mut frame)) }
}
