//! Which packets or coded pictures are skipped.

use ffmpeg_sys_next as ffi;

/// What a demuxer or decoder skips; each variant includes the ones above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discard {
    /// Nothing.
    Nothing,
    /// Useless packets, such as empty packets in AVI.
    #[default]
    Useless,
    /// Pictures that no other picture depends on.
    NonReference,
    /// Pictures that are predicted bidirectionally (B).
    Bidirectional,
    /// Pictures that are predicted from others (P and B).
    NonIntra,
    /// All but keyframes. What counts as a keyframe depends on the decoder.
    NonKey,
    /// Everything.
    All,
}

impl Discard {
    pub(crate) fn to_raw(self) -> ffi::AVDiscard {
        use ffi::AVDiscard::*;
        match self {
            Self::Nothing => AVDISCARD_NONE,
            Self::Useless => AVDISCARD_DEFAULT,
            Self::NonReference => AVDISCARD_NONREF,
            Self::Bidirectional => AVDISCARD_BIDIR,
            Self::NonIntra => AVDISCARD_NONINTRA,
            Self::NonKey => AVDISCARD_NONKEY,
            Self::All => AVDISCARD_ALL,
        }
    }
}
