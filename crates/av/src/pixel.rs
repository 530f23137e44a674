//! Pixel formats: the planes and components of a frame and their sizes.

use std::{ffi::c_int, fmt};

use ffi::AVPixelFormat::{self, *};
use ffmpeg_sys_next as ffi;

use crate::{error::Result, raw};

/// A pixel format of FFmpeg.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelFormat(AVPixelFormat);

/// The position of one component (Y, U, V, A or R, G, B, A) of a pixel.
///
/// Steps and offsets are in bytes, or in bits if the format [is a
/// bitstream](PixelFormat::is_bitstream).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// The plane that contains it.
    pub plane: usize,
    /// Distance from one pixel to the next.
    pub step: u32,
    /// Offset from the start of the pixel.
    pub offset: u32,
    /// Number of unused low bits in its word: 6 in P010.
    pub shift: u32,
    /// Number of bits of the value.
    pub depth: u32,
}

/// The formats that other crates name. Components of more than 8 bits are in native byte order.
#[allow(missing_docs)] // FFmpeg's names
impl PixelFormat {
    pub const YUV410P: Self = Self(AV_PIX_FMT_YUV410P);
    pub const YUV411P: Self = Self(AV_PIX_FMT_YUV411P);
    pub const YUV420P: Self = Self(AV_PIX_FMT_YUV420P);
    pub const YUV422P: Self = Self(AV_PIX_FMT_YUV422P);
    pub const YUV440P: Self = Self(AV_PIX_FMT_YUV440P);
    pub const YUV444P: Self = Self(AV_PIX_FMT_YUV444P);
    pub const YUVJ420P: Self = Self(AV_PIX_FMT_YUVJ420P);
    pub const YUVJ422P: Self = Self(AV_PIX_FMT_YUVJ422P);
    pub const YUVJ440P: Self = Self(AV_PIX_FMT_YUVJ440P);
    pub const YUVJ444P: Self = Self(AV_PIX_FMT_YUVJ444P);
    pub const YUVA420P: Self = Self(AV_PIX_FMT_YUVA420P);
    pub const NV12: Self = Self(AV_PIX_FMT_NV12);
    pub const NV21: Self = Self(AV_PIX_FMT_NV21);
    pub const YUV420P10: Self = Self(ffi::AV_PIX_FMT_YUV420P10);
    pub const YUV422P10: Self = Self(ffi::AV_PIX_FMT_YUV422P10);
    pub const YUV444P10: Self = Self(ffi::AV_PIX_FMT_YUV444P10);
    pub const YUV420P12: Self = Self(ffi::AV_PIX_FMT_YUV420P12);
    pub const YUV422P12: Self = Self(ffi::AV_PIX_FMT_YUV422P12);
    pub const YUV444P12: Self = Self(ffi::AV_PIX_FMT_YUV444P12);
    pub const P010: Self = Self(native(AV_PIX_FMT_P010LE, AV_PIX_FMT_P010BE));
    pub const GRAY8: Self = Self(AV_PIX_FMT_GRAY8);
    pub const GRAY10: Self = Self(native(AV_PIX_FMT_GRAY10LE, AV_PIX_FMT_GRAY10BE));
    pub const GRAY16: Self = Self(ffi::AV_PIX_FMT_GRAY16);
    pub const RGB24: Self = Self(AV_PIX_FMT_RGB24);
    pub const BGR24: Self = Self(AV_PIX_FMT_BGR24);
    pub const RGBA: Self = Self(AV_PIX_FMT_RGBA);
    pub const BGRA: Self = Self(AV_PIX_FMT_BGRA);
    pub const RGB48: Self = Self(ffi::AV_PIX_FMT_RGB48);
    pub const GBRP: Self = Self(AV_PIX_FMT_GBRP);
    pub const GBRP10: Self = Self(ffi::AV_PIX_FMT_GBRP10);
    pub const PAL8: Self = Self(AV_PIX_FMT_PAL8);
}

impl PixelFormat {
    /// All formats of this build of FFmpeg.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..AV_PIX_FMT_NB as c_int).filter_map(Self::from_raw)
    }

    /// The format that FFmpeg calls `name`, such as `"yuv420p"`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|format| format.name() == name)
    }

    /// FFmpeg's name, such as `"yuv420p"`.
    pub fn name(self) -> &'static str {
        // SAFETY: descriptors and their names are static data of libavutil.
        unsafe { raw::constant(self.descriptor().name) }
    }

    /// Number of planes; 0 for hardware formats. A palette is not a plane.
    pub fn planes(self) -> usize {
        self.components().map(|component| component.plane + 1).max().unwrap_or(0)
    }

    /// The components in order: Y, U, V or R, G, B, then alpha.
    pub fn components(self) -> impl ExactSizeIterator<Item = Component> {
        let descriptor = self.descriptor();
        descriptor.comp.iter().take(descriptor.nb_components.into()).map(|comp| Component {
            plane: usize::try_from(comp.plane).unwrap_or(0),
            step: u32::try_from(comp.step).unwrap_or(0),
            offset: u32::try_from(comp.offset).unwrap_or(0),
            shift: u32::try_from(comp.shift).unwrap_or(0),
            depth: u32::try_from(comp.depth).unwrap_or(0),
        })
    }

    /// Number of bits of the first component: 8, 10, 12…
    pub fn depth(self) -> u32 {
        self.components().next().map_or(0, |component| component.depth)
    }

    /// Number of unused low bits in the words of a component: 6 in P010. `None` if there is no such
    /// component.
    pub fn shift(self, component: usize) -> Option<u32> {
        self.components().nth(component).map(|component| component.shift)
    }

    /// How often the width and height of the chroma planes are halved: (1, 1) for 4:2:0.
    pub fn log2_chroma(self) -> (u8, u8) {
        (self.descriptor().log2_chroma_w, self.descriptor().log2_chroma_h)
    }

    /// Whether the components are red, green and blue.
    pub fn is_rgb(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_RGB)
    }

    /// Whether there is an alpha channel, also in a palette.
    pub fn has_alpha(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_ALPHA)
    }

    /// Whether luma is the only component, except alpha.
    pub fn is_gray(self) -> bool {
        let colors = self.components().len() - usize::from(self.has_alpha());
        colors == 1 && !self.is_rgb() && !self.is_palette()
    }

    /// Whether at least two components have separate planes.
    pub fn is_planar(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_PLANAR)
    }

    /// Whether the bytes are indices into a palette.
    pub fn is_palette(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_PAL)
    }

    /// Whether pixels are not aligned to bytes.
    pub fn is_bitstream(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_BITSTREAM)
    }

    /// Whether words are big-endian.
    pub fn is_big_endian(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_BE)
    }

    /// Whether components are floating-point numbers.
    pub fn is_float(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_FLOAT)
    }

    /// Whether the pixels are in a device's memory, where this process can't read them.
    pub fn is_hardware(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_HWACCEL)
    }

    /// Whether this is one of the deprecated full-range formats, such as `yuvj420p`.
    pub fn is_full_range(self) -> bool {
        let full = [Self::YUVJ420P, Self::YUVJ422P, Self::YUVJ440P, Self::YUVJ444P];
        full.contains(&self) || self.0 == AV_PIX_FMT_YUVJ411P
    }

    /// Size in bytes of a row of `plane` in a frame of `width` pixels, without padding.
    ///
    /// `None` if there is no such plane or the number is too large.
    pub fn row_bytes(self, plane: usize, width: u32) -> Option<usize> {
        if plane >= self.planes() {
            return None;
        }
        let (width, plane) = (c_int::try_from(width).ok()?, c_int::try_from(plane).ok()?);
        // SAFETY: the format is one of FFmpeg's and has this plane; FFmpeg checks for overflow.
        let bytes = unsafe { ffi::av_image_get_linesize(self.0, width, plane) };
        usize::try_from(bytes).ok()
    }

    /// Number of rows of `plane` in a frame of `height` rows; rounded up for chroma.
    ///
    /// `None` if there is no such plane.
    pub fn rows(self, plane: usize, height: u32) -> Option<usize> {
        let chroma = matches!(plane, 1 | 2);
        let shift = if chroma { self.descriptor().log2_chroma_h } else { 0 };
        let rows = usize::try_from(height).ok()?.div_ceil(1 << shift);
        (plane < self.planes()).then_some(rows)
    }

    /// The format with FFmpeg's number `format`, if the headers of this build define it.
    pub(crate) fn from_raw(format: c_int) -> Option<Self> {
        if !(0..AV_PIX_FMT_NB as c_int).contains(&format) {
            return None;
        }
        // SAFETY: the header numbers its formats from 0 to AV_PIX_FMT_NB without a gap.
        let format = unsafe { std::mem::transmute::<c_int, AVPixelFormat>(format) };
        // SAFETY: any number may be asked for; one without a descriptor gives null.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format) };
        (!descriptor.is_null()).then_some(Self(format))
    }

    /// FFmpeg's number.
    pub(crate) fn to_raw(self) -> AVPixelFormat {
        self.0
    }

    fn descriptor(self) -> &'static ffi::AVPixFmtDescriptor {
        // SAFETY: any of FFmpeg's formats may be asked for.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(self.0) };
        // SAFETY: not null, as `from_raw` has checked and the tests check for the constants; it is
        // static data of libavutil and holds no enum.
        unsafe { &*descriptor }
    }

    fn has(self, flag: c_int) -> bool {
        self.descriptor().flags & u64::from(flag.cast_unsigned()) != 0
    }
}

impl fmt::Debug for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Selects the format in this machine's byte order.
const fn native(little: AVPixelFormat, big: AVPixelFormat) -> AVPixelFormat {
    if cfg!(target_endian = "little") { little } else { big }
}

/// Checks a frame size and converts it to FFmpeg's type.
///
/// # Errors
///
/// [`Error::InvalidArgument`](crate::error::Error) if a side is 0 or over 2³¹ − 1.
pub(crate) fn dimensions(width: u32, height: u32) -> Result<(c_int, c_int)> {
    match (c_int::try_from(width), c_int::try_from(height)) {
        (Ok(w @ 1..), Ok(h @ 1..)) => Ok((w, h)),
        _ => Err(crate::error::Error::InvalidArgument {
            what: "the frame size",
            expected: "1×1 or more",
            got: format!("{width}×{height}"),
        }),
    }
}

#[cfg(test)]
mod tests;
