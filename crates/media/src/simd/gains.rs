//! Fixed-point gains that turn levels into 8-bit samples.

/// How one component's levels become 8-bit samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LumaGain {
    /// The level of 8-bit 0.
    pub(crate) offset: i16,
    /// 64ths of an 8-bit step per level, times 2^15.
    pub(crate) gain: i16,
}

/// How levels of Y, U and V become 8-bit red, green and blue.
///
/// Chroma is taken as twice its distance from the middle level, 2^14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct YuvGains {
    /// What Y adds to each of the three.
    pub(crate) luma: LumaGain,
    /// What U and V add to red, green and blue: 64ths of a step per doubled level, times 2^15.
    pub(crate) chroma: [[i16; 2]; 3],
}
