//! Streams: the tracks of a container.

use std::{ffi::c_int, marker::PhantomData, mem::offset_of, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use crate::{
    dict::Dictionary,
    error::Result,
    parameters::CodecParameters,
    raw,
    time::{self, TimeBase},
};

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Audio.
    Audio,
    /// Text or pictures of it.
    Subtitle,
    /// Anything timed.
    Data,
    /// A file inside the file, such as a font.
    Attachment,
    /// FFmpeg does not know.
    Unknown,
}

impl MediaKind {
    pub(crate) fn from_raw(kind: c_int) -> Self {
        use ffi::AVMediaType::*;
        const VIDEO: c_int = AVMEDIA_TYPE_VIDEO as c_int;
        const AUDIO: c_int = AVMEDIA_TYPE_AUDIO as c_int;
        const SUBTITLE: c_int = AVMEDIA_TYPE_SUBTITLE as c_int;
        const DATA: c_int = AVMEDIA_TYPE_DATA as c_int;
        const ATTACHMENT: c_int = AVMEDIA_TYPE_ATTACHMENT as c_int;
        match kind {
            VIDEO => Self::Video,
            AUDIO => Self::Audio,
            SUBTITLE => Self::Subtitle,
            DATA => Self::Data,
            ATTACHMENT => Self::Attachment,
            _ => Self::Unknown,
        }
    }
}

/// What a container says a stream is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disposition(c_int);

impl Disposition {
    /// The one to choose among streams of its kind.
    pub fn is_default(self) -> bool {
        self.has(ffi::AV_DISPOSITION_DEFAULT)
    }

    /// Cover art: one picture in a packet of its own, no video.
    pub fn is_attached_picture(self) -> bool {
        self.has(ffi::AV_DISPOSITION_ATTACHED_PIC)
    }

    /// Single pictures along the time, not video.
    pub fn is_timed_thumbnails(self) -> bool {
        self.has(ffi::AV_DISPOSITION_TIMED_THUMBNAILS)
    }

    /// A single picture as video.
    pub fn is_still_image(self) -> bool {
        self.has(ffi::AV_DISPOSITION_STILL_IMAGE)
    }

    /// Part of another stream, useless alone.
    pub fn is_dependent(self) -> bool {
        self.has(ffi::AV_DISPOSITION_DEPENDENT)
    }

    fn has(self, flag: c_int) -> bool {
        self.0 & flag != 0
    }
}

/// One stream of an open [`Demuxer`](crate::demuxer::Demuxer).
#[derive(Clone, Copy, Debug)]
pub struct Stream<'d> {
    raw: NonNull<ffi::AVStream>,
    demuxer: PhantomData<&'d ffi::AVStream>,
}

impl<'d> Stream<'d> {
    /// # Safety
    ///
    /// `raw` must be valid and unchanged for `'d`.
    pub(crate) unsafe fn from_raw(raw: NonNull<ffi::AVStream>) -> Self {
        Self { raw, demuxer: PhantomData }
    }

    /// Its place among the demuxer's streams; packets carry it.
    pub fn index(self) -> usize {
        // SAFETY: the stream is valid and unchanged for `'d`.
        usize::try_from(unsafe { (*self.raw()).index }).unwrap_or(0)
    }

    /// The container's own number for it.
    pub fn id(self) -> i32 {
        // SAFETY: the stream is valid and unchanged for `'d`.
        unsafe { (*self.raw()).id }
    }

    /// Video, audio or something else.
    pub fn kind(self) -> MediaKind {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let parameters = unsafe { (*self.raw()).codecpar };
        // SAFETY: a stream always has parameters; the enum is read as an integer.
        MediaKind::from_raw(unsafe {
            raw::enum_at(parameters, offset_of!(ffi::AVCodecParameters, codec_type))
        })
    }

    /// What a decoder has to know, as an independent copy.
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

    /// The tick of its timestamps; `None` if the container gives none.
    pub fn time_base(self) -> Option<TimeBase> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        TimeBase::from_raw(unsafe { (*self.raw()).time_base })
    }

    /// The first timestamp in ticks, if known; may be negative.
    pub fn start_pts(self) -> Option<i64> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::known(unsafe { (*self.raw()).start_time })
    }

    /// How long it is in ticks, if known.
    pub fn duration(self) -> Option<i64> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::known(unsafe { (*self.raw()).duration }).filter(|&ticks| ticks > 0)
    }

    /// The number of frames the container claims; not always true.
    pub fn frame_count(self) -> Option<u64> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let count = unsafe { (*self.raw()).nb_frames };
        u64::try_from(count).ok().filter(|&count| count > 0)
    }

    /// Frames per second on average, as a fraction.
    pub fn average_frame_rate(self) -> Option<(u32, u32)> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::positive(unsafe { (*self.raw()).avg_frame_rate })
    }

    /// The lowest rate that all timestamps fit: a guess, and not the average.
    pub fn real_frame_rate(self) -> Option<(u32, u32)> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::positive(unsafe { (*self.raw()).r_frame_rate })
    }

    /// What the container says it is for.
    pub fn disposition(self) -> Disposition {
        // SAFETY: the stream is valid and unchanged for `'d`.
        Disposition(unsafe { (*self.raw()).disposition })
    }

    /// Width of a pixel divided by its height, if the container says.
    pub fn sample_aspect_ratio(self) -> Option<(u32, u32)> {
        // SAFETY: the stream is valid and unchanged for `'d`.
        time::positive(unsafe { (*self.raw()).sample_aspect_ratio })
    }

    /// The matrix that turns pictures upright, if the container has one.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`](crate::error::Error::OutOfMemory).
    pub fn display_matrix(self) -> Result<Option<[i32; 9]>> {
        self.parameters().map(|parameters| parameters.display_matrix())
    }

    /// Title, language and so on.
    pub fn metadata(self) -> Dictionary {
        // SAFETY: the stream is valid and unchanged for `'d`.
        let metadata = unsafe { (*self.raw()).metadata };
        // SAFETY: metadata is null or valid, and unchanged for `'d`.
        unsafe { Dictionary::from_raw(metadata) }
    }

    /// The language as the container writes it, such as `"eng"`.
    pub fn language(self) -> Option<String> {
        self.metadata().get("language").map(str::to_owned)
    }

    /// Width × height as the container says it; 0 if it does not.
    pub(crate) fn announced_pixels(self) -> u64 {
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
