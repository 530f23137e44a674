//! Hardware decoders: the kinds that FFmpeg supports, and opened devices.
//!
//! A decoder with a device tries it first. If the device does not support the stream, FFmpeg's
//! default choice of pixel format makes the same decoder continue in software. Whether a frame was
//! decoded on the device is shown by [`VideoFrame::is_hardware`](crate::VideoFrame::is_hardware).

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

/// A kind of hardware decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HwKind {
    /// NVIDIA GPUs, through the driver's NVDEC.
    Cuda,
    /// Intel, AMD and other GPUs on Linux, through libva.
    Vaapi,
    /// Intel GPUs, through the Video Processing Library.
    Qsv,
    /// Apple's VideoToolbox.
    VideoToolbox,
    /// GPUs on Windows, through Direct3D 11.
    D3d11va,
    /// GPUs with a Vulkan driver that decodes video.
    Vulkan,
}

impl HwKind {
    /// All kinds; where a machine has several, the one more likely to work comes first.
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

    /// Whether this build of FFmpeg supports the kind. The machine may still have no such device.
    pub fn is_built(self) -> bool {
        built().any(|kind| kind == self.to_raw())
    }

    /// Whether this build of FFmpeg can decode `codec` on this kind. A given device may still not
    /// support the stream, which shows at its first frame.
    pub fn can_decode(self, codec: Codec) -> bool {
        self.decoder(codec).is_some()
    }

    /// The first decoder of `codec` that supports a device of this kind.
    pub(crate) fn decoder(self, codec: Codec) -> Option<NonNull<ffi::AVCodec>> {
        codec::decoders()
            .find(|&decoder| codec::id(decoder) == codec && self.is_supported_by(decoder))
    }

    fn is_supported_by(self, decoder: NonNull<ffi::AVCodec>) -> bool {
        (0..)
            .map_while(|index| config(decoder, index))
            .any(|(methods, kind)| methods & DEVICE_METHOD != 0 && kind == self.to_raw() as c_int)
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

/// The decoder takes a device through `hw_device_ctx`.
const DEVICE_METHOD: c_int = ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as c_int;

/// The kinds that FFmpeg was built with.
fn built() -> impl Iterator<Item = AVHWDeviceType> {
    let mut kind = AV_HWDEVICE_TYPE_NONE;
    std::iter::from_fn(move || {
        // SAFETY: `kind` is "none" or what the last call returned.
        kind = unsafe { ffi::av_hwdevice_iterate_types(kind) };
        (kind != AV_HWDEVICE_TYPE_NONE).then_some(kind)
    })
}

/// A decoder's hardware configuration number `index`: its method flags and its device kind, both as
/// integers. `None` after the last one.
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

/// An open hardware device, which any number of decoders may share.
pub struct HwDevice {
    raw: NonNull<ffi::AVBufferRef>,
    kind: HwKind,
}

// SAFETY: an AVBufferRef is not tied to a thread, and its count is atomic.
unsafe impl Send for HwDevice {}
// SAFETY: `&HwDevice` only adds references, which FFmpeg's header documents as thread-safe.
// Decoders that use one device at the same time lock it themselves: the ffmpeg command shares one
// between threads.
unsafe impl Sync for HwDevice {}

impl HwDevice {
    /// Opens a device. `device` is FFmpeg's name of one of several: a number for CUDA, a path such
    /// as `/dev/dri/renderD128` for VAAPI. `None` lets FFmpeg choose.
    ///
    /// # Errors
    ///
    /// FFmpeg's error if there is no such device or this build does not support the kind;
    /// [`Error::InvalidArgument`] if `device` contains a zero byte; [`Error::OutOfMemory`].
    pub fn open(kind: HwKind, device: Option<&str>) -> Result<Self> {
        log::silence();
        let device = device.map(|name| raw::c_string("the device's name", name)).transpose()?;
        let name = device.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let mut reference = ptr::null_mut();
        log::take_error(); // an older message must not explain this call's error
        // SAFETY: `reference` is writable, `name` null or zero-terminated, and no options are
        // given.
        let code = unsafe {
            ffi::av_hwdevice_ctx_create(&raw mut reference, kind.to_raw(), name, ptr::null_mut(), 0)
        };
        check("av_hwdevice_ctx_create", code).map_err(explained_by_log)?;
        let raw = NonNull::new(reference).ok_or(Error::OutOfMemory)?;
        Ok(Self { raw, kind })
    }

    /// The kind of device.
    pub fn kind(&self) -> HwKind {
        self.kind
    }

    /// A new reference, which FFmpeg will own.
    pub(crate) fn reference(&self) -> Result<NonNull<ffi::AVBufferRef>> {
        // SAFETY: `self` owns a valid reference, which the call only reads.
        let reference = unsafe { ffi::av_buffer_ref(self.raw.as_ptr()) };
        NonNull::new(reference).ok_or(Error::OutOfMemory)
    }
}

/// Replaces an error's text by FFmpeg's log message: the error code of opening a device does not
/// show which library is missing, the message does.
fn explained_by_log(error: Error) -> Error {
    match (error, log::take_error()) {
        (Error::Io { op, kind, .. }, Some(message)) => Error::Io { op, message, kind },
        (error, message) => error.explained_by(message),
    }
}

/// Two devices are equal if they are the same object.
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
