//! Codec parameters: what a decoder needs to know before the first packet.

use std::{
    ffi::c_int,
    fmt,
    mem::offset_of,
    ptr::{self, NonNull},
    slice,
};

use ffmpeg_sys_next as ffi;

use crate::{
    codec::Codec,
    color::{ChromaLocation, Color, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer},
    error::{Error, Result, check},
    media_kind::MediaKind,
    pixel::PixelFormat,
    raw, time,
};

/// The codec parameters of a stream: a copy that is independent of the demuxer and its thread.
pub struct CodecParameters {
    raw: NonNull<ffi::AVCodecParameters>,
}

// SAFETY: AVCodecParameters is plain data that is not tied to a thread.
unsafe impl Send for CodecParameters {}
// SAFETY: every method takes `&self` and only reads.
unsafe impl Sync for CodecParameters {}

impl CodecParameters {
    /// A deep copy of FFmpeg's parameters.
    ///
    /// # Safety
    ///
    /// `parameters` must be valid and unchanged during the call.
    pub(crate) unsafe fn copy_of(parameters: *const ffi::AVCodecParameters) -> Result<Self> {
        let copy = Self::empty()?;
        // SAFETY: `copy` is new; the caller promises `parameters`.
        let code = unsafe { ffi::avcodec_parameters_copy(copy.raw.as_ptr(), parameters) };
        check("avcodec_parameters_copy", code)?;
        Ok(copy)
    }

    /// Empty parameters, without a codec.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn empty() -> Result<Self> {
        // SAFETY: no arguments; a null result is handled on the next line.
        let raw = unsafe { ffi::avcodec_parameters_alloc() };
        NonNull::new(raw).map(|raw| Self { raw }).ok_or(Error::OutOfMemory)
    }

    /// An independent copy.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        // SAFETY: `self` owns valid parameters.
        unsafe { Self::copy_of(self.raw()) }
    }

    /// The kind of media.
    pub fn kind(&self) -> MediaKind {
        // SAFETY: `self` owns valid parameters; the enum is read as an integer.
        MediaKind::from_raw(unsafe {
            raw::enum_at(self.raw(), offset_of!(ffi::AVCodecParameters, codec_type))
        })
    }

    /// The codec.
    pub fn codec(&self) -> Codec {
        // SAFETY: `self` owns valid parameters; the enum is read as an integer.
        Codec::from_raw(unsafe {
            raw::enum_at(self.raw(), offset_of!(ffi::AVCodecParameters, codec_id))
        })
    }

    /// FFmpeg's name of the codec, such as `"h264"`.
    pub fn codec_name(&self) -> &'static str {
        self.codec().name()
    }

    /// Whether the codec is intra-only: every packet decodes alone.
    pub fn is_intra_only(&self) -> bool {
        self.codec().is_intra_only()
    }

    /// Whether this build of FFmpeg can decode it.
    pub fn has_decoder(&self) -> bool {
        self.codec().has_decoder()
    }

    /// The container's four-character code of the codec (FourCC).
    pub fn codec_tag(&self) -> [u8; 4] {
        // SAFETY: `self` owns valid parameters.
        unsafe { (*self.raw()).codec_tag }.to_le_bytes()
    }

    /// Width in pixels; 0 if unknown.
    pub fn width(&self) -> u32 {
        // SAFETY: `self` owns valid parameters.
        u32::try_from(unsafe { (*self.raw()).width }).unwrap_or(0)
    }

    /// Height in pixels; 0 if unknown.
    pub fn height(&self) -> u32 {
        // SAFETY: `self` owns valid parameters.
        u32::try_from(unsafe { (*self.raw()).height }).unwrap_or(0)
    }

    /// The stream's extradata, such as the parameter sets in `avcC`, `hvcC` or `av1C`; may be
    /// empty.
    pub fn extradata(&self) -> &[u8] {
        // SAFETY: `self` owns valid parameters.
        let data = unsafe { (*self.raw()).extradata };
        // SAFETY: as above.
        let size = unsafe { (*self.raw()).extradata_size };
        match (NonNull::new(data), usize::try_from(size)) {
            // SAFETY: FFmpeg keeps `extradata_size` readable bytes there, and nothing changes them
            // while `self` lives.
            (Some(data), Ok(size)) => unsafe { slice::from_raw_parts(data.as_ptr(), size) },
            _ => &[],
        }
    }

    /// The pixel format, if known from the container or from
    /// [`find_stream_info`](crate::demuxer::Demuxer::find_stream_info).
    pub fn pixel_format(&self) -> Option<PixelFormat> {
        // SAFETY: `self` owns valid parameters.
        let format = unsafe { (*self.raw()).format };
        if self.kind() == MediaKind::Video { PixelFormat::from_raw(format) } else { None }
    }

    /// The colour description, as far as known from the container or from
    /// [`find_stream_info`](crate::demuxer::Demuxer::find_stream_info).
    pub fn color(&self) -> Color {
        // SAFETY: `self` owns valid parameters, and these are the offsets of enums.
        let at = |offset| unsafe { raw::enum_at(self.raw(), offset) };
        Color {
            matrix: ColorMatrix::from_raw(at(offset_of!(ffi::AVCodecParameters, color_space))),
            range: ColorRange::from_raw(at(offset_of!(ffi::AVCodecParameters, color_range))),
            primaries: ColorPrimaries::from_raw(at(offset_of!(
                ffi::AVCodecParameters,
                color_primaries
            ))),
            transfer: ColorTransfer::from_raw(at(offset_of!(ffi::AVCodecParameters, color_trc))),
            chroma_location: ChromaLocation::from_raw(at(offset_of!(
                ffi::AVCodecParameters,
                chroma_location
            ))),
        }
    }

    /// The codec's number for the profile, if known.
    pub fn profile(&self) -> Option<i32> {
        // SAFETY: `self` owns valid parameters.
        let profile = unsafe { (*self.raw()).profile };
        (profile != ffi::AV_PROFILE_UNKNOWN).then_some(profile)
    }

    /// The codec's number for the level, if known.
    pub fn level(&self) -> Option<i32> {
        // SAFETY: `self` owns valid parameters.
        let level = unsafe { (*self.raw()).level };
        (level != ffi::AV_LEVEL_UNKNOWN).then_some(level)
    }

    /// Bit rate in bits per second, if known.
    pub fn bit_rate(&self) -> Option<u64> {
        // SAFETY: `self` owns valid parameters.
        let rate = unsafe { (*self.raw()).bit_rate };
        u64::try_from(rate).ok().filter(|&rate| rate > 0)
    }

    /// Sample aspect ratio: a pixel's width to its height, if the container specifies it.
    pub fn sample_aspect_ratio(&self) -> Option<(u32, u32)> {
        // SAFETY: `self` owns valid parameters.
        time::positive(unsafe { (*self.raw()).sample_aspect_ratio })
    }

    /// Sample rate in samples per second; 0 if unknown or not audio.
    pub fn sample_rate(&self) -> u32 {
        // SAFETY: `self` owns valid parameters.
        u32::try_from(unsafe { (*self.raw()).sample_rate }).unwrap_or(0)
    }

    /// Number of audio channels; 0 if unknown or not audio.
    pub fn channels(&self) -> u32 {
        // SAFETY: `self` owns valid parameters.
        u32::try_from(unsafe { (*self.raw()).ch_layout.nb_channels }).unwrap_or(0)
    }

    /// The matrix that rotates frames for display, if the container has one: see
    /// [`VideoFrame::display_matrix`](crate::frame::VideoFrame::display_matrix).
    pub fn display_matrix(&self) -> Option<[i32; 9]> {
        let data = self.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX as c_int)?;
        matrix_from_bytes(data)
    }

    /// Whether the container declares the packets as encrypted.
    pub fn is_encrypted(&self) -> bool {
        let info = ffi::AVPacketSideDataType::AV_PKT_DATA_ENCRYPTION_INIT_INFO as c_int;
        matches!(&self.codec_tag(), b"encv" | b"enca") || self.side_data(info).is_some()
    }

    pub(crate) fn raw(&self) -> *const ffi::AVCodecParameters {
        self.raw.as_ptr()
    }

    /// The stream's side data of the type `kind`.
    fn side_data(&self, kind: c_int) -> Option<&[u8]> {
        // SAFETY: `self` owns valid parameters.
        let all = unsafe { (*self.raw()).coded_side_data };
        // SAFETY: as above.
        let count = unsafe { (*self.raw()).nb_coded_side_data };
        (0..usize::try_from(count).ok()?).find_map(|index| {
            // SAFETY: FFmpeg keeps `count` entries there.
            let entry = unsafe { all.add(index) };
            // SAFETY: the entry is valid; the enum is read as an integer.
            let found = unsafe { raw::enum_at(entry, offset_of!(ffi::AVPacketSideData, type_)) };
            // SAFETY: the entry is valid.
            let data = NonNull::new(unsafe { (*entry).data }).filter(|_| found == kind)?;
            // SAFETY: the entry is valid.
            let size = unsafe { (*entry).size };
            // SAFETY: `size` bytes are readable, and unchanged while `self` lives.
            Some(unsafe { slice::from_raw_parts(data.as_ptr(), size) })
        })
    }
}

/// Parses a display matrix: nine numbers in native byte order. `None` if `data` is too short.
pub(crate) fn matrix_from_bytes(data: &[u8]) -> Option<[i32; 9]> {
    let (words, _) = data.as_chunks::<4>();
    let words: &[[u8; 4]; 9] = words.first_chunk()?;
    Some(words.map(i32::from_ne_bytes))
}

impl Drop for CodecParameters {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: `self` owns `raw`, it came from avcodec_parameters_alloc, and nothing uses it
        // after this.
        unsafe { ffi::avcodec_parameters_free(ptr::from_mut(&mut raw)) }
    }
}

impl fmt::Debug for CodecParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecParameters")
            .field("kind", &self.kind())
            .field("codec", &self.codec())
            .field("width", &self.width())
            .field("height", &self.height())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_matrix_is_none() {
        assert_eq!(matrix_from_bytes(&[0; 35]), None);
        assert_eq!(matrix_from_bytes(&[0; 36]), Some([0; 9]));
    }
}
