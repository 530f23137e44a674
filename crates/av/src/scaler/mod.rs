//! Conversion of pixel format, size and colour with libswscale: exact, for any format, but slow.

#[cfg(test)]
mod tests;

use std::{ffi::c_int, fmt, ptr, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use crate::{
    color::{ChromaLocation, Color, ColorMatrix, ColorRange},
    error::{Error, Result, check},
    frame::{VideoFrame, VideoFrameMut},
    log,
    pixel::{self, PixelFormat},
};

/// The format of the input or the output of a [`Scaler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameFormat {
    /// The pixel format.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The colour description. RGB is always full range. Unspecified values default to swscale's:
    /// matrix BT.601, limited range for YUV (full for `yuvj` and for integer gray), chroma centred
    /// between columns. Primaries and transfer are not converted.
    pub color: Color,
}

/// The interpolation filter for changes of size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The nearest pixel.
    Nearest,
    /// Linear, over two pixels in each direction.
    Bilinear,
    /// Cubic, over four pixels in each direction: FFmpeg's default.
    #[default]
    Bicubic,
    /// The mean of the area that an output pixel covers: for reducing sizes much.
    Area,
    /// Lanczos, over six pixels in each direction: the sharpest.
    Lanczos,
}

/// A converter from one frame format to another, for one thread at a time.
///
/// Reuse it: creating one computes tables, which takes longer than a conversion.
pub struct Scaler {
    raw: NonNull<ffi::SwsContext>,
    source: FrameFormat,
    target: FrameFormat,
}

// SAFETY: an SwsContext may be used from any thread, by one at a time; `&mut self` ensures that.
unsafe impl Send for Scaler {}

impl FrameFormat {
    /// The format of `frame`.
    pub fn of(frame: &VideoFrame) -> Self {
        let (width, height) = (frame.width(), frame.height());
        Self { format: frame.format(), width, height, color: frame.color() }
    }

    /// Whether swscale can read this format.
    pub fn is_readable(format: PixelFormat) -> bool {
        // SAFETY: any of FFmpeg's formats may be asked for.
        unsafe { ffi::sws_isSupportedInput(format.to_raw()) != 0 }
    }

    /// Whether swscale can write this format.
    pub fn is_writable(format: PixelFormat) -> bool {
        // SAFETY: any of FFmpeg's formats may be asked for.
        unsafe { ffi::sws_isSupportedOutput(format.to_raw()) != 0 }
    }

    /// swscale's number for the range: 1 for full, 0 for limited; `default` if it is unspecified.
    fn range(&self, default: c_int) -> c_int {
        match self.color.range {
            _ if self.format.is_full_range() => 1,
            ColorRange::Full => 1,
            ColorRange::Limited => 0,
            ColorRange::Unspecified | ColorRange::Other(_) => default,
        }
    }

    /// The pixel format without its range: `yuvj` formats become `yuv`, as the range is set
    /// separately.
    fn format_without_range(&self) -> c_int {
        use ffi::AVPixelFormat::*;
        let format = match self.format.to_raw() {
            AV_PIX_FMT_YUVJ411P => AV_PIX_FMT_YUV411P,
            AV_PIX_FMT_YUVJ420P => AV_PIX_FMT_YUV420P,
            AV_PIX_FMT_YUVJ422P => AV_PIX_FMT_YUV422P,
            AV_PIX_FMT_YUVJ440P => AV_PIX_FMT_YUV440P,
            AV_PIX_FMT_YUVJ444P => AV_PIX_FMT_YUV444P,
            other => other,
        };
        format as c_int
    }

    /// swscale's coefficients for converting YUV to RGB.
    fn matrix(&self) -> Result<*const c_int> {
        let number = match self.color.matrix {
            ColorMatrix::Bt709 => ffi::SWS_CS_ITU709,
            ColorMatrix::Fcc => ffi::SWS_CS_FCC,
            ColorMatrix::Smpte240m => ffi::SWS_CS_SMPTE240M,
            ColorMatrix::Bt2020Ncl => ffi::SWS_CS_BT2020,
            ColorMatrix::Bt470bg
            | ColorMatrix::Smpte170m
            | ColorMatrix::Rgb
            | ColorMatrix::Unspecified
            | ColorMatrix::Other(_) => ffi::SWS_CS_DEFAULT,
            other => {
                return Err(Error::InvalidArgument {
                    what: "the colour matrix to convert with",
                    expected: "a matrix of luma and two colour differences",
                    got: other.name().to_owned(),
                });
            }
        };
        // SAFETY: any number may be asked for; the result is static data of libswscale.
        Ok(unsafe { ffi::sws_getCoefficients(number) })
    }

    /// The position of chroma samples in 1/256 of a luma pixel, across and down; −513 if
    /// unspecified.
    fn chroma_position(&self) -> (c_int, c_int) {
        /// swscale's value for "unspecified".
        const UNKNOWN: c_int = -513;
        let (x, y) = match self.color.chroma_location {
            ChromaLocation::Left => (0, 128),
            ChromaLocation::Center => (128, 128),
            ChromaLocation::TopLeft => (0, 0),
            ChromaLocation::Top => (128, 0),
            ChromaLocation::BottomLeft => (0, 256),
            ChromaLocation::Bottom => (128, 256),
            ChromaLocation::Unspecified | ChromaLocation::Other(_) => (UNKNOWN, UNKNOWN),
        };
        // Without subsampling, chroma is at the luma positions, whatever the stream declares;
        // swscale would shift it.
        let (across, down) = self.format.log2_chroma();
        (if across > 0 { x } else { UNKNOWN }, if down > 0 { y } else { UNKNOWN })
    }
}

impl Filter {
    fn flag(self) -> ffi::SwsFlags {
        match self {
            Self::Nearest => ffi::SwsFlags::SWS_POINT,
            Self::Bilinear => ffi::SwsFlags::SWS_BILINEAR,
            Self::Bicubic => ffi::SwsFlags::SWS_BICUBIC,
            Self::Area => ffi::SwsFlags::SWS_AREA,
            Self::Lanczos => ffi::SwsFlags::SWS_LANCZOS,
        }
    }
}

impl Scaler {
    /// Creates a converter from `source` to `target`. It gives the same result on every machine.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a size is 0 or swscale does not support a format or matrix;
    /// [`Error::OutOfMemory`].
    pub fn new(source: FrameFormat, target: FrameFormat, filter: Filter) -> Result<Self> {
        log::silence();
        expect(
            FrameFormat::is_readable(source.format),
            "in a format that swscale reads",
            source.format,
        )?;
        expect(
            FrameFormat::is_writable(target.format),
            "in a format that swscale writes",
            target.format,
        )?;
        // SAFETY: no arguments; a null result is handled on the next line.
        let raw = unsafe { ffi::sws_alloc_context() };
        let raw = NonNull::new(raw).ok_or(Error::OutOfMemory)?;
        let scaler = Self { raw, source, target };
        scaler.configure(filter)?;
        // SAFETY: the context is owned, configured and not initialised yet; null filters mean none.
        let code = unsafe { ffi::sws_init_context(raw.as_ptr(), ptr::null_mut(), ptr::null_mut()) };
        check("sws_init_context", code)?;
        scaler.set_colors()?;
        Ok(scaler)
    }

    /// Converts the pixels of `source` into `target`; does not copy times and other properties.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a frame does not have the converter's size and format.
    pub fn scale(&mut self, source: &VideoFrame, target: &mut VideoFrameMut) -> Result<()> {
        let found = (source.format(), source.width(), source.height());
        let expected = (self.source.format, self.source.width, self.source.height);
        expect(found == expected, "of the converter's format and size", format!("{found:?}"))?;
        let found = (target.format(), target.width(), target.height());
        let expected = (self.target.format, self.target.width, self.target.height);
        expect(found == expected, "of the converter's format and size", format!("{found:?}"))?;
        // SAFETY: the context is initialised for frames of these sizes and formats, and the
        // target has one owner.
        let code =
            unsafe { ffi::sws_scale_frame(self.raw.as_ptr(), target.raw_mut(), source.raw()) };
        check("sws_scale_frame", code).map(drop)
    }

    /// The input format.
    pub fn source(&self) -> FrameFormat {
        self.source
    }

    /// The output format.
    pub fn target(&self) -> FrameFormat {
        self.target
    }

    /// Sets the context's fields; it must not be initialised yet.
    fn configure(&self, filter: Filter) -> Result<()> {
        let raw = self.raw.as_ptr();
        let (src_w, src_h) = pixel::dimensions(self.source.width, self.source.height)?;
        let (dst_w, dst_h) = pixel::dimensions(self.target.width, self.target.height)?;
        let flags = [
            filter.flag(),
            ffi::SwsFlags::SWS_ACCURATE_RND,
            ffi::SwsFlags::SWS_FULL_CHR_H_INT,
            ffi::SwsFlags::SWS_FULL_CHR_H_INP,
            ffi::SwsFlags::SWS_BITEXACT,
        ];
        let (src_x, src_y) = self.source.chroma_position();
        let (dst_x, dst_y) = self.target.chroma_position();
        // SAFETY: the context is owned and not initialised yet; this holds for the lines below.
        unsafe { (*raw).flags = flags.iter().fold(0, |all, &flag| all | flag as u32) };
        // SAFETY: as above.
        unsafe { (*raw).threads = 1 };
        // SAFETY: as above.
        unsafe { (*raw).src_w = src_w };
        // SAFETY: as above.
        unsafe { (*raw).src_h = src_h };
        // SAFETY: as above.
        unsafe { (*raw).dst_w = dst_w };
        // SAFETY: as above.
        unsafe { (*raw).dst_h = dst_h };
        // SAFETY: as above.
        unsafe { (*raw).src_format = self.source.format_without_range() };
        // SAFETY: as above.
        unsafe { (*raw).dst_format = self.target.format_without_range() };
        // SAFETY: as above.
        unsafe { (*raw).src_h_chr_pos = src_x };
        // SAFETY: as above.
        unsafe { (*raw).src_v_chr_pos = src_y };
        // SAFETY: as above.
        unsafe { (*raw).dst_h_chr_pos = dst_x };
        // SAFETY: as above.
        unsafe { (*raw).dst_v_chr_pos = dst_y };
        Ok(())
    }

    /// Sets matrices and ranges, which swscale accepts only after the context is initialised.
    fn set_colors(&self) -> Result<()> {
        let (from, to) = (self.source.matrix()?, self.target.matrix()?);
        // The defaults are swscale's own choices for the formats.
        // SAFETY: the context is owned.
        let source = self.source.range(unsafe { (*self.raw.as_ptr()).src_range });
        // SAFETY: as above.
        let target = self.target.range(unsafe { (*self.raw.as_ptr()).dst_range });
        // Contrast and saturation, unchanged, in 16.16 fixed point.
        let one = 1 << 16;
        // SAFETY: the context is initialised, and both matrices are static data of libswscale.
        let code = unsafe {
            let raw = self.raw.as_ptr();
            ffi::sws_setColorspaceDetails(raw, from, source, to, target, 0, one, one)
        };
        check("sws_setColorspaceDetails", code).map(drop)
    }
}

fn expect(holds: bool, expected: &'static str, got: impl ToString) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::InvalidArgument { what: "a frame to convert", expected, got: got.to_string() })
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: `self` owns the context, and nothing uses it after this.
        unsafe { ffi::sws_freeContext(self.raw.as_ptr()) }
    }
}

impl fmt::Debug for Scaler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scaler")
            .field("source", &self.source)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
