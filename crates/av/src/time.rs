//! Media time: exact ticks of a time base, and conversions to seconds.

use std::{cmp::Ordering, ffi::c_int, num::NonZeroU32};

use ffmpeg_sys_next as ffi;

/// The length of one tick, as a fraction of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeBase {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl TimeBase {
    /// Ticks of one microsecond: FFmpeg's time base for whole files.
    pub const MICROSECONDS: Self =
        Self { num: NonZeroU32::MIN, den: NonZeroU32::new(1_000_000).unwrap() };

    /// Ticks of one nanosecond, for times given in seconds.
    pub const NANOSECONDS: Self =
        Self { num: NonZeroU32::MIN, den: NonZeroU32::new(1_000_000_000).unwrap() };

    /// A tick of `num`/`den` seconds; `None` if either is 0.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        Some(Self { num: NonZeroU32::new(num)?, den: NonZeroU32::new(den)? })
    }

    /// The numerator of the fraction.
    pub fn num(self) -> u32 {
        self.num.get()
    }

    /// The denominator of the fraction.
    pub fn den(self) -> u32 {
        self.den.get()
    }

    /// Converts FFmpeg's fraction; `None` if it is not positive.
    pub(crate) fn from_raw(fraction: ffi::AVRational) -> Option<Self> {
        Self::new(u32::try_from(fraction.num).ok()?, u32::try_from(fraction.den).ok()?)
    }

    /// FFmpeg's fraction; `None` if a term is over 2³¹ − 1.
    pub(crate) fn to_raw(self) -> Option<ffi::AVRational> {
        let num = c_int::try_from(self.num()).ok()?;
        let den = c_int::try_from(self.den()).ok()?;
        Some(ffi::AVRational { num, den })
    }
}

/// A presentation timestamp, in ticks of a [`TimeBase`].
///
/// A missing timestamp is `None` of an `Option<Pts>`. `==` compares ticks and base;
/// [`Pts::cmp_instant`] compares instants across bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pts {
    /// Ticks since the stream's zero; may be negative.
    pub ticks: i64,
    /// The length of one tick.
    pub base: TimeBase,
}

impl Pts {
    /// The tick nearest to `seconds`; `None` if it does not fit in an `i64` or is not a number.
    pub fn from_seconds(seconds: f64, base: TimeBase) -> Option<Self> {
        let ticks = (seconds * f64::from(base.den()) / f64::from(base.num())).round();
        // 2⁶³ is a power of two, so both bounds are exact as f64.
        let in_range = ticks >= i64::MIN as f64 && ticks < -(i64::MIN as f64);
        in_range.then_some(Self { ticks: ticks as i64, base })
    }

    /// The same instant in another time base, rounded to the nearest tick,
    /// halves away from zero. `None` if it does not fit in an `i64`.
    pub fn rescale(self, to: TimeBase) -> Option<Self> {
        let num = i128::from(self.ticks) * i128::from(self.base.num()) * i128::from(to.den());
        let den = i128::from(self.base.den()) * i128::from(to.num());
        let half = if num < 0 { -den / 2 } else { den / 2 };
        i64::try_from((num + half) / den).ok().map(|ticks| Self { ticks, base: to })
    }

    /// Seconds since the stream's zero. For output only, because `f64` rounds.
    pub fn seconds(self) -> f64 {
        self.ticks as f64 * f64::from(self.base.num()) / f64::from(self.base.den())
    }

    /// Seconds from `start` to this timestamp; exact except for one rounding at the end.
    pub fn seconds_since(self, start: Self) -> f64 {
        let of = |pts: Self, other: TimeBase| {
            i128::from(pts.ticks) * i128::from(pts.base.num()) * i128::from(other.den())
        };
        let num = of(self, start.base) - of(start, self.base);
        num as f64 / (f64::from(self.base.den()) * f64::from(start.base.den()))
    }

    /// `ticks` later, or earlier if negative; `None` on overflow.
    pub fn checked_add(self, ticks: i64) -> Option<Self> {
        Some(Self { ticks: self.ticks.checked_add(ticks)?, base: self.base })
    }

    /// `ticks` earlier, or later if negative; `None` on overflow.
    pub fn checked_sub(self, ticks: i64) -> Option<Self> {
        Some(Self { ticks: self.ticks.checked_sub(ticks)?, base: self.base })
    }

    /// Compares two instants exactly, also across bases.
    pub fn cmp_instant(self, other: Self) -> Ordering {
        let scaled = |pts: Self, by: TimeBase| {
            i128::from(pts.ticks) * i128::from(pts.base.num()) * i128::from(by.den())
        };
        scaled(self, other.base).cmp(&scaled(other, self.base))
    }
}

/// Converts a timestamp of FFmpeg; `None` for AV_NOPTS_VALUE.
pub(crate) fn known(ticks: i64) -> Option<i64> {
    (ticks != ffi::AV_NOPTS_VALUE).then_some(ticks)
}

/// Converts a fraction of FFmpeg; `None` unless both terms are positive.
pub(crate) fn positive(fraction: ffi::AVRational) -> Option<(u32, u32)> {
    TimeBase::from_raw(fraction).map(|base| (base.num(), base.den()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base((num, den): (u32, u32)) -> TimeBase {
        TimeBase::new(num, den).unwrap()
    }

    #[track_caller]
    fn check_rescale(ticks: i64, from: (u32, u32), to: (u32, u32), want: Option<i64>) {
        let got = Pts { ticks, base: base(from) }.rescale(base(to));
        assert_eq!(got.map(|pts| pts.ticks), want);
    }

    #[test]
    fn rtp_ticks_to_milliseconds() {
        check_rescale(90_000, (1, 90_000), (1, 1_000), Some(1_000));
    }

    #[test]
    fn halves_round_away_from_zero() {
        check_rescale(45, (1, 90_000), (1, 1_000), Some(1));
        check_rescale(-45, (1, 90_000), (1, 1_000), Some(-1));
        check_rescale(44, (1, 90_000), (1, 1_000), Some(0));
    }

    #[test]
    fn results_that_do_not_fit_are_none() {
        check_rescale(i64::MAX, (1, 1), (1, 2), None);
        check_rescale(i64::MIN, (u32::MAX, 1), (1, u32::MAX), None);
        check_rescale(i64::MIN, (1, 1), (1, 1), Some(i64::MIN));
    }

    #[test]
    fn a_time_base_of_zero_does_not_exist() {
        assert_eq!(TimeBase::new(0, 1), None);
        assert_eq!(TimeBase::new(1, 0), None);
        assert_eq!(TimeBase::from_raw(ffi::AVRational { num: -1, den: 25 }), None);
    }

    #[test]
    fn seconds_become_the_nearest_tick() {
        let ticks = |seconds| Pts::from_seconds(seconds, base((1, 30))).map(|pts| pts.ticks);
        assert_eq!(ticks(1.0), Some(30));
        assert_eq!(ticks(-0.05), Some(-2));
        assert_eq!(ticks(f64::NAN), None);
        assert_eq!(ticks(1e30), None);
        assert_eq!(ticks(-1e30), None);
    }

    #[test]
    fn instants_compare_across_bases() {
        let pts = |ticks, fraction| Pts { ticks, base: base(fraction) };
        assert_eq!(pts(1, (1, 25)).cmp_instant(pts(40, (1, 1000))), Ordering::Equal);
        assert_eq!(pts(1, (1, 24)).cmp_instant(pts(41, (1, 1000))), Ordering::Greater);
        assert_eq!(pts(-1, (1, 25)).cmp_instant(pts(0, (1, 1000))), Ordering::Less);
    }

    #[test]
    fn sums_that_overflow_are_none() {
        let pts = Pts { ticks: i64::MAX, base: TimeBase::MICROSECONDS };
        assert_eq!(pts.checked_add(1), None);
        assert_eq!(pts.checked_sub(-1), None);
        assert_eq!(pts.checked_sub(1).unwrap().ticks, i64::MAX - 1);
    }
}
