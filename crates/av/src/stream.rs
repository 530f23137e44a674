//! Streams of an open container.

use std::{ffi::c_int, marker::PhantomData, mem::offset_of, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use crate::{
    dict::Dictionary,
    error::Result,
    media_kind::MediaKind,
    parameters::CodecParameters,
    raw,
    time::{self, TimeBase},
};

/// A stream's disposition: what it is for, according to the container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disposition(c_int);

impl Disposition {
    /// Whether it is the default among the streams of its kind.
    pub fn is_default(self) -> bool {
        self.has(ffi::AV_DISPOSITION_DEFAULT)
    }

    /// Whether it is cover art: one image in one packet, not video.
    pub fn is_attached_picture(self) -> bool {
        self.has(ffi::AV_DISPOSITION_ATTACHED_PIC)
    }

    fn has(self, flag: c_int) -> bool {
        self.0 & flag != 0
    }
}

/// A stream of an open [`Demuxer`](crate::demuxer::Demuxer).
#[derive(Clone, Copy, Debug)]
pub struct Stream<'d> {
    raw: NonNull<ffi::AVStream>,
    demuxer: PhantomData<&'d ffi::AVStream>,
}

impl<'d> Stream<'d> {
    /// Wraps FFmpeg's stream.
    ///
    /// # Safety
    ///
    /// `raw` must be valid and unchanged for `'d`.
    pub(crate) unsafe fn from_raw(raw: NonNull<ffi::AVStream>) -> Self {
        Self { raw, demuxer: PhantomData }
    }

    /// Its index in the container, from 0; packets carry it.
    pub fn index(self) -> usize {
        // SAFETY: the stream is valid and unchanged for `'d`.
        usize::try_from(unsafe { (*self.raw()).index }).unwrap_or(0)
    }

    /// The container's identifier of the stream.
    pub fn id(self) -> i32 {
        // SAFETY: the stream is valid and unchanged for `'d`.
        unsafe { (*self.raw()).id }
    }

    /// The kind of media.
    pub fn kind(self) -> MediaKind {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let parameters = unsafe { (*self.raw()).codecpar };
        // SAFETY: a stream always has parameters; the enum is read as an integer.
        MediaKind::from_raw(unsafe {
            raw::enum_at(parameters, offset_of!(ffi::AVCodecParameters, codec_type))
        })
    }

    /// A copy of the parameters that a decoder needs.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`](crate::error::Error::OutOfMemory).
    pub fn parameters(self) -> Result<CodecParameters> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let parameters = unsafe { (*self.raw()).codecpar };
        // SAFETY: a stream always has parameters, and they are unchanged for `'d`.
        unsafe { CodecParameters::copy_of(parameters) }
    }

    /// The tick of its timestamps; `None` if the container specifies none.
    pub fn time_base(self) -> Option<TimeBase> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        TimeBase::from_raw(unsafe { (*self.raw()).time_base })
    }

    /// The first timestamp in ticks, if known; may be negative.
    pub fn start_pts(self) -> Option<i64> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::known(unsafe { (*self.raw()).start_time })
    }

    /// Duration in ticks, if known.
    pub fn duration(self) -> Option<i64> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::known(unsafe { (*self.raw()).duration }).filter(|&ticks| ticks > 0)
    }

    /// The number of frames that the container declares; it can be wrong.
    pub fn frame_count(self) -> Option<u64> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let count = unsafe { (*self.raw()).nb_frames };
        u64::try_from(count).ok().filter(|&count| count > 0)
    }

    /// Average frame rate in frames per second, as a fraction.
    pub fn average_frame_rate(self) -> Option<(u32, u32)> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::positive(unsafe { (*self.raw()).avg_frame_rate })
    }

    /// What the stream is for, according to the container.
    pub fn disposition(self) -> Disposition {
        // SAFETY: the stream is valid and unchanged for `'d`.
        Disposition(unsafe { (*self.raw()).disposition })
    }

    /// Sample aspect ratio: a pixel's width to its height, if the container specifies it.
    pub fn sample_aspect_ratio(self) -> Option<(u32, u32)> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::positive(unsafe { (*self.raw()).sample_aspect_ratio })
    }

    /// The matrix that rotates frames for display, if the container has one.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`](crate::error::Error::OutOfMemory).
    pub fn display_matrix(self) -> Result<Option<[i32; 9]>> {
        self.parameters().map(|parameters| parameters.display_matrix())
    }

    /// Metadata of the stream, such as its title or language.
    pub fn metadata(self) -> Dictionary {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let metadata = unsafe { (*self.raw()).metadata };
        // SAFETY: metadata is null or valid, and unchanged for `'d`.
        unsafe { Dictionary::from_raw(metadata) }
    }

    /// The language tag in the container, such as `"eng"`.
    pub fn language(self) -> Option<String> {
        self.metadata().get("language").map(str::to_owned)
    }

    /// Width × height as the container declares them; 0 if it does not.
    pub(crate) fn declared_pixels(self) -> u64 {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let parameters = unsafe { (*self.raw()).codecpar };
        // SAFETY: a stream always has parameters.
        let width = unsafe { (*parameters).width };
        // SAFETY: as above.
        let height = unsafe { (*parameters).height };
        u64::from(width.max(0).unsigned_abs()) * u64::from(height.max(0).unsigned_abs())
    }

    pub(crate) fn raw(self) -> *mut ffi::AVStream {
        self.raw.as_ptr()
    }
}
