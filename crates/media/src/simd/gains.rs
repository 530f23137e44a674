//! Fixed-point gains that convert levels to 8-bit samples.

/// The offset and gain that convert one component's levels to 8-bit samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LumaGain {
    /// The level of 8-bit 0.
    pub(crate) offset: i16,
    /// 64ths of an 8-bit step per level, times 2^15.
    pub(crate) gain: i16,
}

/// The gains that convert levels of Y, U and V to 8-bit red, green and blue.
///
/// Chroma is multiplied as twice its distance from the middle level, 2^14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct YuvGains {
    /// Contribution of Y to each of the three.
    pub(crate) luma: LumaGain,
    /// Contributions of U and V to red, green and blue: 64ths of an 8-bit step per doubled level,
    /// times 2^15.
    pub(crate) chroma: [[i16; 2]; 3],
}
