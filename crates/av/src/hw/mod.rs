//! Hardware that decodes: which kinds there are, and one opened device.
//!
//! A decoder with a device asks it first. If the device refuses the stream, FFmpeg's own choice of
//! pixel format goes on in software with the same decoder, so whether a picture came out of the
//! hardware is told by [`VideoFrame::is_hardware`](crate::VideoFrame::is_hardware).

#[cfg(test)]
mod tests;

use std::{ffi::c_int, fmt, ptr, ptr::NonNull, str::FromStr};

use ffi::AVHWDeviceType::{self, *};
use ffmpeg_sys_next as ffi;

use crate::{
    codec::{self, Codec},
    error::{Error, Result, check},
    log, raw,
};

/// A kind of hardware that decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HwKind {
    /// NVIDIA's decoder, through its driver.
    Cuda,
    /// Intel's, AMD's and others' on Linux, through libva.
    Vaapi,
    /// Intel's, through its Video Processing Library.
    Qsv,
    /// Apple's.
    VideoToolbox,
    /// Any on Windows, through Direct3D 11.
    D3d11va,
    /// Any whose Vulkan driver decodes video.
    Vulkan,
}

impl HwKind {
    /// Every kind, those first that are the more likely to work where there are several.
    pub const ALL: [Self; 6] =
        [Self::Cuda, Self::VideoToolbox, Self::D3d11va, Self::Vaapi, Self::Qsv, Self::Vulkan];

    /// FFmpeg's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Vaapi => "vaapi",
            Self::Qsv => "qsv",
            Self::VideoToolbox => "videotoolbox",
            Self::D3d11va => "d3d11va",
            Self::Vulkan => "vulkan",
        }
    }

    /// Whether this build of FFmpeg knows it. Whether the machine has one is another question.
    pub fn is_built(self) -> bool {
        built().any(|kind| kind == self.to_raw())
    }

    /// Whether this build of FFmpeg can decode `codec` on it. Whether a device can is found out by
    /// its first picture.
    pub fn can_decode(self, codec: Codec) -> bool {
        self.decoder(codec).is_some()
    }

    /// The first decoder of `codec` that takes a device of this kind.
    pub(crate) fn decoder(self, codec: Codec) -> Option<NonNull<ffi::AVCodec>> {
        codec::decoders().find(|&decoder| codec::id(decoder) == codec && self.serves(decoder))
    }

    fn serves(self, decoder: NonNull<ffi::AVCodec>) -> bool {
        (0..)
            .map_while(|index| config(decoder, index))
            .any(|(methods, kind)| methods & TAKES_A_DEVICE != 0 && kind == self.to_raw() as c_int)
    }

    fn to_raw(self) -> AVHWDeviceType {
        match self {
            Self::Cuda => AV_HWDEVICE_TYPE_CUDA,
            Self::Vaapi => AV_HWDEVICE_TYPE_VAAPI,
            Self::Qsv => AV_HWDEVICE_TYPE_QSV,
            Self::VideoToolbox => AV_HWDEVICE_TYPE_VIDEOTOOLBOX,
            Self::D3d11va => AV_HWDEVICE_TYPE_D3D11VA,
            Self::Vulkan => AV_HWDEVICE_TYPE_VULKAN,
        }
    }
}

const TAKES_A_DEVICE: c_int = ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as c_int;

/// The kinds that FFmpeg was built with, as far as the header names them.
fn built() -> impl Iterator<Item = AVHWDeviceType> {
    let mut kind = AV_HWDEVICE_TYPE_NONE;
    std::iter::from_fn(move || {
        // SAFETY: `kind` is "none" or what the last call returned.
        kind = unsafe { ffi::av_hwdevice_iterate_types(kind) };
        (kind != AV_HWDEVICE_TYPE_NONE).then_some(kind)
    })
}

/// How a decoder can use hardware: ways that may be combined, and the kind, as integers.
fn config(decoder: NonNull<ffi::AVCodec>, index: c_int) -> Option<(c_int, c_int)> {
    // SAFETY: codecs are static data of libavcodec; an index past the last one gives null.
    let config = unsafe { ffi::avcodec_get_hw_config(decoder.as_ptr(), index) };
    let config = NonNull::new(config.cast_mut())?;
    // SAFETY: the result is static data of libavcodec.
    let methods = unsafe { (*config.as_ptr()).methods };
    let offset = std::mem::offset_of!(ffi::AVCodecHWConfig, device_type);
    // SAFETY: as above, and the offset is that of an enum.
    Some((methods, unsafe { raw::enum_at(config.as_ptr(), offset) }))
}

impl fmt::Display for HwKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HwKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| Error::InvalidArgument {
            what: "the kind of hardware",
            expected: "cuda, vaapi, qsv, videotoolbox, d3d11va or vulkan",
            got: name.to_owned(),
        })
    }
}

/// An opened device, which any number of decoders may share.
pub struct HwDevice {
    raw: NonNull<ffi::AVBufferRef>,
    kind: HwKind,
}

// SAFETY: a reference of FFmpeg's is not tied to a thread, and its count is atomic.
unsafe impl Send for HwDevice {}
// SAFETY: `&HwDevice` only makes further references, which FFmpeg's header calls thread-safe. What
// decoders do with one device at the same time is theirs to lock: FFmpeg's own command shares one
// between threads.
unsafe impl Sync for HwDevice {}

impl HwDevice {
    /// Opens a device; `device` names one of several as FFmpeg does (a number for CUDA, a path such
    /// as `/dev/dri/renderD128` for VAAPI), and `None` leaves the choice to FFmpeg.
    ///
    /// # Errors
    ///
    /// What FFmpeg says if there is none, or if this build doesn't know the kind.
    pub fn open(kind: HwKind, device: Option<&str>) -> Result<Self> {
        let device = device.map(|name| raw::c_string("the device's name", name)).transpose()?;
        let name = device.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let mut reference = ptr::null_mut();
        log::take_error(); // of something before
        // SAFETY: `reference` is writable, `name` null or zero-terminated, and no options are given.
        let code = unsafe {
            ffi::av_hwdevice_ctx_create(&raw mut reference, kind.to_raw(), name, ptr::null_mut(), 0)
        };
        check("av_hwdevice_ctx_create", code).map_err(in_ffmpegs_words)?;
        let raw = NonNull::new(reference).ok_or(Error::OutOfMemory)?;
        Ok(Self { raw, kind })
    }

    /// What kind it is.
    pub fn kind(&self) -> HwKind {
        self.kind
    }

    /// One more reference, for FFmpeg to own.
    pub(crate) fn reference(&self) -> Result<NonNull<ffi::AVBufferRef>> {
        // SAFETY: `self` owns a valid reference, which the call only reads.
        let reference = unsafe { ffi::av_buffer_ref(self.raw.as_ptr()) };
        NonNull::new(reference).ok_or(Error::OutOfMemory)
    }
}

/// The number that opening a device returns says next to nothing; what FFmpeg logged names the
/// library that is missing.
fn in_ffmpegs_words(error: Error) -> Error {
    match (error, log::take_error()) {
        (Error::Io { op, kind, .. }, Some(message)) => Error::Io { op, message, kind },
        (error, said) => error.explained_by(said),
    }
}

/// Devices are equal if they are the same one.
impl PartialEq for HwDevice {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Drop for HwDevice {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: `self` owns the reference, and nothing uses it after this.
        unsafe { ffi::av_buffer_unref(&raw mut raw) }
    }
}

impl fmt::Debug for HwDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HwDevice").field("kind", &self.kind).finish_non_exhaustive()
    }
}
