//! Sample formats: the type of one sample, and how the channels are laid out in memory.

use std::{ffi::c_int, fmt};

use ffi::AVSampleFormat::{self, *};
use ffmpeg_sys_next as ffi;

/// The type of one sample, in native byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleKind {
    /// 8-bit unsigned integer; silence is 128.
    U8,
    /// 16-bit signed integer.
    S16,
    /// 32-bit signed integer.
    S32,
    /// 64-bit signed integer.
    S64,
    /// 32-bit float; full scale is ±1.
    F32,
    /// 64-bit float; full scale is ±1.
    F64,
}

/// A sample type and the layout of the channels, as FFmpeg's `AVSampleFormat`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampleFormat {
    /// The type of one sample.
    pub kind: SampleKind,
    /// `true` if each channel has its own plane; `false` if the channels are interleaved in one.
    pub planar: bool,
}

impl SampleFormat {
    /// 32-bit floats, one plane per channel.
    pub const F32_PLANAR: Self = Self { kind: SampleKind::F32, planar: true };
    /// 32-bit floats, channels interleaved.
    pub const F32_INTERLEAVED: Self = Self { kind: SampleKind::F32, planar: false };

    /// Size in bytes of one sample of one channel.
    pub fn sample_bytes(self) -> usize {
        match self.kind {
            SampleKind::U8 => 1,
            SampleKind::S16 => 2,
            SampleKind::S32 | SampleKind::F32 => 4,
            SampleKind::S64 | SampleKind::F64 => 8,
        }
    }

    /// Number of planes of a frame with `channels` channels.
    pub fn planes(self, channels: usize) -> usize {
        if self.planar { channels } else { 1 }
    }

    /// FFmpeg's name, such as `"fltp"`.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(format, _, _)| *format == self).map_or("unknown", |(_, _, name)| name)
    }

    /// The format with FFmpeg's number; `None` if there is no such format.
    pub(crate) fn from_raw(number: c_int) -> Option<Self> {
        NAMES.iter().find(|(_, raw, _)| *raw as c_int == number).map(|(format, _, _)| *format)
    }

    pub(crate) fn to_raw(self) -> AVSampleFormat {
        let known = NAMES.iter().find(|(format, _, _)| *format == self);
        known.map_or(AV_SAMPLE_FMT_NONE, |(_, raw, _)| *raw)
    }
}

const fn packed(kind: SampleKind) -> SampleFormat {
    SampleFormat { kind, planar: false }
}

const fn planar(kind: SampleKind) -> SampleFormat {
    SampleFormat { kind, planar: true }
}

const NAMES: [(SampleFormat, AVSampleFormat, &str); 12] = [
    (packed(SampleKind::U8), AV_SAMPLE_FMT_U8, "u8"),
    (packed(SampleKind::S16), AV_SAMPLE_FMT_S16, "s16"),
    (packed(SampleKind::S32), AV_SAMPLE_FMT_S32, "s32"),
    (packed(SampleKind::S64), AV_SAMPLE_FMT_S64, "s64"),
    (packed(SampleKind::F32), AV_SAMPLE_FMT_FLT, "flt"),
    (packed(SampleKind::F64), AV_SAMPLE_FMT_DBL, "dbl"),
    (planar(SampleKind::U8), AV_SAMPLE_FMT_U8P, "u8p"),
    (planar(SampleKind::S16), AV_SAMPLE_FMT_S16P, "s16p"),
    (planar(SampleKind::S32), AV_SAMPLE_FMT_S32P, "s32p"),
    (planar(SampleKind::S64), AV_SAMPLE_FMT_S64P, "s64p"),
    (planar(SampleKind::F32), AV_SAMPLE_FMT_FLTP, "fltp"),
    (planar(SampleKind::F64), AV_SAMPLE_FMT_DBLP, "dblp"),
];

impl fmt::Debug for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sizes_and_planes_are_ffmpegs() {
        for number in 0..AV_SAMPLE_FMT_NB as c_int {
            let format = SampleFormat::from_raw(number).unwrap();
            assert_eq!(format.to_raw() as c_int, number);
            // SAFETY: the format is one of FFmpeg's.
            let bytes = unsafe { ffi::av_get_bytes_per_sample(format.to_raw()) };
            assert_eq!(format.sample_bytes(), usize::try_from(bytes).unwrap());
            // SAFETY: the format is one of FFmpeg's.
            let planar = unsafe { ffi::av_sample_fmt_is_planar(format.to_raw()) };
            assert_eq!(format.planar, planar != 0);
            // SAFETY: the format is one of FFmpeg's.
            let name = unsafe { ffi::av_get_sample_fmt_name(format.to_raw()) };
            // SAFETY: names of formats are static data of libavutil.
            assert_eq!(format.name(), unsafe { crate::raw::constant(name) });
        }
        assert_eq!(SampleFormat::from_raw(-1), None);
        assert_eq!(SampleFormat::from_raw(AV_SAMPLE_FMT_NB as c_int), None);
    }
}
