//! Downmix levels: the factors that a stream specifies for mixing its channels to fewer.

use std::{ffi::c_int, mem::offset_of, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use super::AudioFrame;
use crate::raw;

/// Factors that a stream (such as AC-3) specifies for mixing its channels to fewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixLevels {
    /// Factor of the centre channel.
    pub center: f64,
    /// Factor of the side and back channels.
    pub surround: f64,
    /// Factor of the low-frequency channel.
    pub low_frequency: f64,
    /// Used instead of these for stereo, if the stream prefers matrix-encoded stereo.
    pub(crate) encoded_stereo: Option<EncodedStereo>,
}

/// A downmix to matrix-encoded stereo, from which a surround decoder restores the channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EncodedStereo {
    /// FFmpeg's `AVMatrixEncoding`.
    pub(crate) encoding: i64,
    /// Factor of the centre channel.
    pub(crate) center: f64,
    /// Factor of the side and back channels.
    pub(crate) surround: f64,
}

impl AudioFrame {
    /// The stream's own downmix levels, if it specifies any.
    pub fn mix_levels(&self) -> Option<MixLevels> {
        let kind = ffi::AVFrameSideDataType::AV_FRAME_DATA_DOWNMIX_INFO;
        // SAFETY: `self` owns a valid frame, which the call only reads.
        let side_data = unsafe { ffi::av_frame_get_side_data(self.raw(), kind) };
        let side_data = NonNull::new(side_data)?;
        // SAFETY: side data lives as long as the frame.
        let info = NonNull::new(unsafe { (*side_data.as_ptr()).data })?;
        // SAFETY: as above.
        let size = unsafe { (*side_data.as_ptr()).size };
        let info: *const ffi::AVDownmixInfo = info.as_ptr().cast_const().cast();
        if size < size_of::<ffi::AVDownmixInfo>() || !info.is_aligned() {
            return None;
        }
        // SAFETY: side data of this kind is that struct, and its size was checked.
        let center = unsafe { (*info).center_mix_level };
        // SAFETY: as above.
        let surround = unsafe { (*info).surround_mix_level };
        // SAFETY: as above.
        let low_frequency = unsafe { (*info).lfe_mix_level };
        // SAFETY: as above.
        let encoded_stereo = unsafe { encoded_stereo(info) };
        Some(MixLevels { center, surround, low_frequency, encoded_stereo })
    }
}

/// The stream's preferred downmix to stereo, if that is a matrix encoding.
///
/// # Safety
///
/// `info` must be valid.
unsafe fn encoded_stereo(info: *const ffi::AVDownmixInfo) -> Option<EncodedStereo> {
    use ffi::{AVDownmixType::*, AVMatrixEncoding::*};
    let offset = offset_of!(ffi::AVDownmixInfo, preferred_downmix_type);
    // SAFETY: the caller promises a valid struct; the enum is read as an integer.
    let preferred = unsafe { raw::enum_at(info, offset) };
    const LT_RT: c_int = AV_DOWNMIX_TYPE_LTRT as c_int;
    const PRO_LOGIC_2: c_int = AV_DOWNMIX_TYPE_DPLII as c_int;
    let encoding = match preferred {
        LT_RT => AV_MATRIX_ENCODING_DOLBY as i64,
        PRO_LOGIC_2 => AV_MATRIX_ENCODING_DPLII as i64,
        _ => return None,
    };
    // SAFETY: the caller promises a valid struct.
    let center = unsafe { (*info).center_mix_level_ltrt };
    // SAFETY: as above.
    let surround = unsafe { (*info).surround_mix_level_ltrt };
    Some(EncodedStereo { encoding, center, surround })
}
