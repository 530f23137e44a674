//! The kind of media in a stream.

use std::ffi::c_int;

use ffmpeg_sys_next as ffi;

/// The kind of media in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaKind {
    /// Video.
    Video,
    /// Audio.
    Audio,
    /// Subtitles, as text or as images.
    Subtitle,
    /// Other timed data.
    Data,
    /// An attached file, such as a font.
    Attachment,
    /// Unknown to FFmpeg.
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
