//! Codecs: how a stream is compressed, and whether this build of FFmpeg can decode it.

use std::{
    ffi::c_int,
    fmt, iter,
    mem::offset_of,
    ptr::{self, NonNull},
};

use ffi::AVCodecID::*;
use ffmpeg_sys_next as ffi;

use crate::raw;

/// A codec, identified by FFmpeg's number for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Codec(c_int);

/// The codecs that other crates name.
#[allow(missing_docs)] // FFmpeg's names
impl Codec {
    pub const NONE: Self = Self(AV_CODEC_ID_NONE as c_int);
    pub const H264: Self = Self(AV_CODEC_ID_H264 as c_int);
    pub const HEVC: Self = Self(AV_CODEC_ID_HEVC as c_int);
    pub const VVC: Self = Self(AV_CODEC_ID_VVC as c_int);
    pub const AV1: Self = Self(AV_CODEC_ID_AV1 as c_int);
    pub const VP9: Self = Self(AV_CODEC_ID_VP9 as c_int);
    pub const MPEG2: Self = Self(AV_CODEC_ID_MPEG2VIDEO as c_int);
    pub const MPEG4: Self = Self(AV_CODEC_ID_MPEG4 as c_int);
    pub const MJPEG: Self = Self(AV_CODEC_ID_MJPEG as c_int);
    pub const PNG: Self = Self(AV_CODEC_ID_PNG as c_int);
    pub const PRORES: Self = Self(AV_CODEC_ID_PRORES as c_int);
    pub const DNXHD: Self = Self(AV_CODEC_ID_DNXHD as c_int);
}

impl Codec {
    /// FFmpeg's name, such as `"h264"`; `"unknown"` if it has none.
    pub fn name(self) -> &'static str {
        let Some(descriptor) = self.descriptor() else { return "unknown" };
        // SAFETY: descriptors are static data of libavcodec.
        let name = unsafe { (*descriptor.as_ptr()).name };
        // SAFETY: so are their names.
        unsafe { raw::constant(name) }
    }

    /// Whether the codec is intra-only: every packet decodes alone.
    pub fn is_intra_only(self) -> bool {
        self.has(ffi::AV_CODEC_PROP_INTRA_ONLY)
    }

    /// Whether the codec may reorder frames: packets can come in another order than presentation.
    pub fn can_reorder(self) -> bool {
        self.has(ffi::AV_CODEC_PROP_REORDER)
    }

    /// Whether this build of FFmpeg has a decoder for it.
    pub fn has_decoder(self) -> bool {
        self.decoder().is_some()
    }

    pub(crate) fn from_raw(id: c_int) -> Self {
        Self(id)
    }

    /// The decoder that FFmpeg prefers: the first that is not experimental, else the first.
    pub(crate) fn decoder(self) -> Option<NonNull<ffi::AVCodec>> {
        let mut experimental = None;
        for codec in decoders() {
            // SAFETY: codecs are static data of libavcodec.
            let capabilities = unsafe { (*codec.as_ptr()).capabilities };
            if id(codec) == self && is_experimental(capabilities) {
                experimental = experimental.or(Some(codec));
            } else if id(codec) == self {
                return Some(codec);
            }
        }
        experimental
    }

    fn has(self, property: c_int) -> bool {
        self.descriptor().is_some_and(|descriptor| {
            // SAFETY: descriptors are static data of libavcodec.
            let properties = unsafe { (*descriptor.as_ptr()).props };
            properties & property != 0
        })
    }

    /// FFmpeg's description of the codec, found by iterating over FFmpeg's list: a lookup by id
    /// would need a Rust enum, and a newer shared library's number may have no variant in it.
    fn descriptor(self) -> Option<NonNull<ffi::AVCodecDescriptor>> {
        let mut last = ptr::null();
        let descriptors = iter::from_fn(move || {
            // SAFETY: `last` is null or what the last call returned.
            last = unsafe { ffi::avcodec_descriptor_next(last) };
            NonNull::new(last.cast_mut())
        });
        descriptors.into_iter().find(|descriptor| {
            // SAFETY: descriptors are static data of libavcodec; the id is read as an integer.
            let id = unsafe {
                raw::enum_at(descriptor.as_ptr(), offset_of!(ffi::AVCodecDescriptor, id))
            };
            id == self.0
        })
    }
}

fn is_experimental(capabilities: c_int) -> bool {
    capabilities.cast_unsigned() & ffi::AV_CODEC_CAP_EXPERIMENTAL != 0
}

/// The codec that a decoder decodes.
pub(crate) fn id(decoder: NonNull<ffi::AVCodec>) -> Codec {
    // SAFETY: codecs are static data of libavcodec; the id is read as an integer.
    Codec(unsafe { raw::enum_at(decoder.as_ptr(), offset_of!(ffi::AVCodec, id)) })
}

/// Every decoder of this build of FFmpeg, in FFmpeg's order of preference.
pub(crate) fn decoders() -> impl Iterator<Item = NonNull<ffi::AVCodec>> {
    let mut state = ptr::null_mut();
    let codecs = iter::from_fn(move || {
        // SAFETY: `state` is null or what the last call left in it.
        let codec = unsafe { ffi::av_codec_iterate(&raw mut state) };
        NonNull::new(codec.cast_mut())
    });
    // SAFETY: codecs are static data of libavcodec.
    codecs.filter(|codec| unsafe { ffi::av_codec_is_decoder(codec.as_ptr()) } != 0)
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ffmpegs() {
        assert_eq!(Codec::H264.name(), "h264");
        assert_eq!(Codec::MPEG2.name(), "mpeg2video");
        assert_eq!(Codec::NONE.name(), "unknown");
        assert_eq!(Codec::from_raw(c_int::MAX).name(), "unknown");
    }

    #[test]
    fn intra_only_codecs_are_known() {
        for codec in [Codec::MJPEG, Codec::PRORES, Codec::DNXHD] {
            assert!(codec.is_intra_only(), "{codec}");
        }
        for codec in [Codec::H264, Codec::HEVC, Codec::AV1, Codec::VP9, Codec::MPEG4] {
            assert!(!codec.is_intra_only(), "{codec}");
        }
        assert!(Codec::H264.can_reorder() && !Codec::MJPEG.can_reorder());
    }

    #[test]
    fn the_decoder_is_the_one_that_ffmpeg_prefers() {
        for (codec, id) in [
            (Codec::H264, AV_CODEC_ID_H264),
            (Codec::AV1, AV_CODEC_ID_AV1),
            (Codec::VP9, AV_CODEC_ID_VP9),
            (Codec::VVC, AV_CODEC_ID_VVC),
        ] {
            // SAFETY: any of FFmpeg's codecs may be asked for.
            let want = unsafe { ffi::avcodec_find_decoder(id) };
            assert_eq!(codec.decoder().unwrap().as_ptr().cast_const(), want, "{codec}");
        }
        assert!(!Codec::NONE.has_decoder());
    }
}
