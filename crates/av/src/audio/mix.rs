//! How loud a stream wants its channels in a mix to fewer.

use std::{ffi::c_int, mem::offset_of, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use super::AudioFrame;
use crate::raw;

/// Factors that a stream names for mixing it to fewer channels, as AC-3 does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixLevels {
    /// For the centre.
    pub center: f64,
    /// For the channels at the sides and behind.
    pub surround: f64,
    /// For the low-frequency channel.
    pub low_frequency: f64,
    /// Instead of these, for stereo that a decoder can unfold: its encoding by FFmpeg's number,
    /// the centre, the surround.
    pub(crate) encoded_stereo: Option<(i64, f64, f64)>,
}

impl AudioFrame {
    /// How loud the stream wants its channels in a mix, if it says.
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

/// What the stream prefers for stereo, if that is one of the encoded ways.
///
/// # Safety
///
/// `info` must be valid.
unsafe fn encoded_stereo(info: *const ffi::AVDownmixInfo) -> Option<(i64, f64, f64)> {
    use ffi::{AVDownmixType::*, AVMatrixEncoding::*};
    let place = offset_of!(ffi::AVDownmixInfo, preferred_downmix_type);
    // SAFETY: the caller promises a valid struct; the enum is read as an integer.
    let preferred = unsafe { raw::enum_at(info, place) };
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
    Some((encoding, center, surround))
}
