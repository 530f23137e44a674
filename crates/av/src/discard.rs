//! Which packets or pictures to skip.

use ffmpeg_sys_next as ffi;

/// What to skip; each includes the ones above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discard {
    /// Nothing, not even what is useless.
    Nothing,
    /// What is useless, such as empty packets of AVI.
    #[default]
    Useless,
    /// What no other picture depends on.
    NonReference,
    /// What is predicted from two pictures.
    Bidirectional,
    /// What is not complete in itself.
    NonIntra,
    /// All but key frames. What counts as one differs from decoder to decoder.
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
