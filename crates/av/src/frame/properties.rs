//! What a picture says about itself, other than its pixels.

use std::{ffi::c_int, mem::offset_of, ptr::NonNull, slice};

use ffmpeg_sys_next as ffi;

use super::VideoFrame;
use crate::{
    color::{ChromaLocation, Color, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer},
    packet,
    parameters::matrix_from_bytes,
    raw, time,
};

/// What kind of picture a decoder found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureType {
    /// Complete in itself.
    Intra,
    /// Predicted from one picture.
    Predicted,
    /// Predicted from two.
    Bidirectional,
    /// One of the rarer kinds, or the decoder does not say.
    Other,
}

/// What went wrong in a picture that a decoder gave out nevertheless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeErrors(c_int);

impl DecodeErrors {
    /// Nothing did.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The bits made no sense.
    pub fn invalid_bitstream(self) -> bool {
        self.0 & ffi::FF_DECODE_ERROR_INVALID_BITSTREAM != 0
    }

    /// A picture that this one is predicted from was missing.
    pub fn missing_reference(self) -> bool {
        self.0 & ffi::FF_DECODE_ERROR_MISSING_REFERENCE != 0
    }

    /// Parts are guesses.
    pub fn concealed(self) -> bool {
        self.0 & ffi::FF_DECODE_ERROR_CONCEALMENT_ACTIVE != 0
    }

    /// Slices failed to decode.
    pub fn damaged_slices(self) -> bool {
        self.0 & ffi::FF_DECODE_ERROR_DECODE_SLICES != 0
    }
}

impl VideoFrame {
    /// When it is shown, in ticks of the stream's time base, mended where the container's
    /// timestamps are missing or out of order.
    pub fn pts(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        time::known(unsafe { (*self.raw()).best_effort_timestamp }).or_else(|| self.raw_pts())
    }

    /// When it is shown, as the packet said it.
    pub fn raw_pts(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        time::known(unsafe { (*self.raw()).pts })
    }

    /// How long it is shown in ticks, if the container says; often missing or wrong.
    pub fn duration(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        let duration = unsafe { (*self.raw()).duration };
        (duration > 0).then_some(duration)
    }

    /// The number that was set on the packet it was decoded from: see
    /// [`Packet::set_tag`](crate::packet::Packet::set_tag).
    pub fn tag(&self) -> i64 {
        // SAFETY: `self` owns a valid frame; the pointer is a number and never followed.
        packet::tag_from_raw(unsafe { (*self.raw()).opaque })
    }

    /// Whether the decoder calls it a key frame.
    pub fn is_key(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_KEY)
    }

    /// Whether it is damaged, as far as the decoder knows.
    pub fn is_corrupt(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_CORRUPT) || !self.decode_errors().is_empty()
    }

    /// What went wrong in it.
    pub fn decode_errors(&self) -> DecodeErrors {
        // SAFETY: `self` owns a valid frame.
        DecodeErrors(unsafe { (*self.raw()).decode_error_flags })
    }

    /// Whether it was only decoded for others to follow and is not shown (edit lists).
    pub fn is_discard(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_DISCARD)
    }

    /// Whether its rows are two fields of different moments.
    pub fn is_interlaced(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_INTERLACED)
    }

    /// Whether the field of even rows comes first, if it is interlaced.
    pub fn is_top_field_first(&self) -> bool {
        self.has(ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST)
    }

    /// The kind of picture.
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

    /// How its numbers become colours. The deprecated `yuvj` formats say nothing about the range
    /// here: see
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

    /// Width of a pixel divided by its height, if the stream says.
    pub fn sample_aspect_ratio(&self) -> Option<(u32, u32)> {
        // SAFETY: `self` owns a valid frame.
        time::positive(unsafe { (*self.raw()).sample_aspect_ratio })
    }

    /// The matrix that turns the picture upright, if the stream has one: three rows of three
    /// numbers, 16.16 fixed point but for the last column, which is 2.30.
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
