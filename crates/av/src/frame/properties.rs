//! Properties of decoded frames: times, flags, colour description, side data.

use std::{ffi::c_int, mem::offset_of, ptr::NonNull, slice};

use ffmpeg_sys_next as ffi;

use super::VideoFrame;
use crate::{
    color::{ChromaLocation, Color, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer},
    packet,
    parameters::matrix_from_bytes,
    raw, time,
};

/// The prediction type of a coded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureType {
    /// I: decodes without other pictures.
    Intra,
    /// P: predicted from one other picture.
    Predicted,
    /// B: predicted from two other pictures.
    Bidirectional,
    /// A rarer type, or unknown.
    Other,
}

/// Errors in a frame that the decoder returned anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeErrors(c_int);

impl DecodeErrors {
    /// Whether there were no errors.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether damaged parts were concealed: filled with an estimate.
    pub fn is_concealed(self) -> bool {
        self.0 & ffi::FF_DECODE_ERROR_CONCEALMENT_ACTIVE != 0
    }

    /// Whether slices could not be decoded.
    pub fn has_damaged_slices(self) -> bool {
        self.0 & ffi::FF_DECODE_ERROR_DECODE_SLICES != 0
    }
}

impl VideoFrame {
    /// Presentation time in ticks of the stream's time base. Where the container's timestamps are
    /// missing or out of order, FFmpeg's estimate.
    pub fn pts(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        time::known(unsafe { (*self.raw()).best_effort_timestamp }).or_else(|| self.raw_pts())
    }

    /// Presentation time in ticks as in the packet, without FFmpeg's correction.
    pub fn raw_pts(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        time::known(unsafe { (*self.raw()).pts })
    }

    /// Duration in ticks, if the container declares one; often missing or wrong.
    pub fn duration(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        let duration = unsafe { (*self.raw()).duration };
        (duration > 0).then_some(duration)
    }

    /// The tag of the packet that it was decoded from: see
    /// [`Packet::set_tag`](crate::packet::Packet::set_tag).
    pub fn tag(&self) -> i64 {
        // SAFETY: `self` owns a valid frame; the pointer is a number and never followed.
        packet::tag_from_raw(unsafe { (*self.raw()).opaque })
    }

    /// Whether the decoder marked it as a keyframe.
    pub fn is_key(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_KEY)
    }

    /// Whether the decoder found it damaged.
    pub fn is_corrupt(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_CORRUPT) || !self.decode_errors().is_empty()
    }

    /// The errors in it.
    pub fn decode_errors(&self) -> DecodeErrors {
        // SAFETY: `self` owns a valid frame.
        DecodeErrors(unsafe { (*self.raw()).decode_error_flags })
    }

    /// Whether it was decoded only for later frames and must not be shown (edit lists).
    pub fn is_discard(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_DISCARD)
    }

    /// Whether it consists of two fields of different times.
    pub fn is_interlaced(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_INTERLACED)
    }

    /// Whether the field of even rows is the earlier one, if it is interlaced.
    pub fn is_top_field_first(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST)
    }

    /// The prediction type of its coded picture.
    pub fn picture_type(&self) -> PictureType {
        use ffi::AVPictureType::*;
        const I: c_int = AV_PICTURE_TYPE_I as c_int;
        const P: c_int = AV_PICTURE_TYPE_P as c_int;
        const B: c_int = AV_PICTURE_TYPE_B as c_int;
        // SAFETY: `self` owns a valid frame; the enum is read as an integer.
        match unsafe { raw::enum_at(self.raw(), offset_of!(ffi::AVFrame, pict_type)) } {
            I => PictureType::Intra,
            P => PictureType::Predicted,
            B => PictureType::Bidirectional,
            _ => PictureType::Other,
        }
    }

    /// The colour description. For the deprecated `yuvj` formats the range is not set here: see
    /// [`PixelFormat::is_full_range`](crate::pixel::PixelFormat::is_full_range).
    pub fn color(&self) -> Color {
        // SAFETY: `self` owns a valid frame, and these are the offsets of enums.
        let at = |offset| unsafe { raw::enum_at(self.raw(), offset) };
        Color {
            matrix: ColorMatrix::from_raw(at(offset_of!(ffi::AVFrame, colorspace))),
            range: ColorRange::from_raw(at(offset_of!(ffi::AVFrame, color_range))),
            primaries: ColorPrimaries::from_raw(at(offset_of!(ffi::AVFrame, color_primaries))),
            transfer: ColorTransfer::from_raw(at(offset_of!(ffi::AVFrame, color_trc))),
            chroma_location: ChromaLocation::from_raw(at(offset_of!(
                ffi::AVFrame,
                chroma_location
            ))),
        }
    }

    /// Sample aspect ratio: a pixel's width to its height, if the stream specifies it.
    pub fn sample_aspect_ratio(&self) -> Option<(u32, u32)> {
        // SAFETY: `self` owns a valid frame.
        time::positive(unsafe { (*self.raw()).sample_aspect_ratio })
    }

    /// The matrix that rotates the frame for display, if the stream has one: three rows of three
    /// numbers in 16.16 fixed point, the last column in 2.30.
    pub fn display_matrix(&self) -> Option<[i32; 9]> {
        let kind = ffi::AVFrameSideDataType::AV_FRAME_DATA_DISPLAYMATRIX;
        // SAFETY: `self` owns a valid frame, which the call only reads.
        let side_data = unsafe { ffi::av_frame_get_side_data(self.raw(), kind) };
        let side_data = NonNull::new(side_data)?;
        // SAFETY: side data lives as long as the frame.
        let data = NonNull::new(unsafe { (*side_data.as_ptr()).data })?;
        // SAFETY: as above.
        let size = unsafe { (*side_data.as_ptr()).size };
        // SAFETY: `size` bytes are readable, and unchanged while `self` lives.
        matrix_from_bytes(unsafe { slice::from_raw_parts(data.as_ptr(), size) })
    }

    fn has(&self, flag: c_int) -> bool {
        // SAFETY: `self` owns a valid frame.
        unsafe { (*self.raw()).flags & flag != 0 }
    }
}
