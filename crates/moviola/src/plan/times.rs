//! Parsers of times, such as `1.5s`, `500ms`, `2m`, `1h` or `01:02:03.5`, and of ranges of times.

use std::ops::Range;

/// Units, each with the divisor and the factor that convert it to seconds. `ms` comes before `s`,
/// because it ends in `s`.
const UNITS: [(&str, f64, f64); 4] =
    [("ms", 1e3, 1.0), ("s", 1.0, 1.0), ("m", 1.0, 60.0), ("h", 1.0, 3600.0)];

/// Parses a time; returns seconds, which may be negative.
pub fn parse_time(text: &str) -> Result<f64, String> {
    let (sign, length) = text.strip_prefix('-').map_or((1.0, text), |length| (-1.0, length));
    let seconds = if length.contains(':') { parse_clock(length) } else { parse_with_unit(length) };
    let seconds = seconds.map(|seconds| sign * seconds);
    seconds.ok_or_else(|| "expected a time such as 1.5s, 500ms, 2m, 1h or 01:02:03.5".into())
}

/// Parses a time between frames; returns seconds, greater than 0.
pub fn parse_step(text: &str) -> Result<f64, String> {
    let step = parse_time(text)?;
    if step > 0.0 { Ok(step) } else { Err("expected a time longer than 0s".into()) }
}

/// Parses a half-open range; returns seconds, infinite where an end is missing.
pub fn parse_range(text: &str) -> Result<Range<f64>, String> {
    let (start, end) = text
        .split_once("..")
        .filter(|ends| *ends != ("", ""))
        .ok_or("expected START..END, START.. or ..END, such as 10s..20s")?;
    let start = if start.is_empty() { f64::NEG_INFINITY } else { parse_time(start)? };
    let end = if end.is_empty() { f64::INFINITY } else { parse_time(end)? };
    if start < end { Ok(start..end) } else { Err("the range ends before it starts".into()) }
}

fn parse_with_unit(text: &str) -> Option<f64> {
    let in_unit = |(unit, divisor, factor)| Some((text.strip_suffix(unit)?, divisor, factor));
    let (count, divisor, factor) = UNITS.into_iter().find_map(in_unit)?;
    Some(parse_number(count)? / divisor * factor)
}

/// Parses `HH:MM:SS.S` or `MM:SS.S`; returns seconds.
fn parse_clock(text: &str) -> Option<f64> {
    let (rest, seconds) = text.rsplit_once(':')?;
    let (hours, minutes) = rest.split_once(':').unwrap_or(("0", rest));
    let (hours, minutes) = (parse_whole(hours)?, parse_whole(minutes)?);
    let seconds = parse_number(seconds).filter(|&seconds| seconds < 60.0 && minutes < 60.0)?;
    Some(hours * 3600.0 + minutes * 60.0 + seconds)
}

/// Parses digits with at most one point. `str::parse` alone would also accept `1e3` and `inf`.
fn parse_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

fn parse_whole(text: &str) -> Option<f64> {
    parse_number(text).filter(|_| !text.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: f64) {
        assert_eq!(parse_time(text), Ok(want), "{text}");
    }

    #[test]
    fn times_have_a_unit() {
        check("1.5s", 1.5);
        check("0s", 0.0);
        check(".5s", 0.5);
        check("500ms", 0.5);
        check("33ms", 0.033);
        check("2m", 120.0);
        check("1h", 3600.0);
        check("-0.5s", -0.5);
    }

    #[test]
    fn times_can_have_hours_minutes_and_seconds() {
        check("01:02:03.5", 3723.5);
        check("02:03", 123.0);
        check("100:00:00", 360_000.0);
        check("-00:00:01", -1.0);
    }

    #[test]
    fn invalid_times_are_rejected() {
        for wrong in [
            "",
            "s",
            "1",
            "1.5",
            "x",
            "1e3s",
            "infs",
            "nans",
            "--1s",
            "+1s",
            "1 s",
            "1s2",
            "1.2.3s",
            "1:2:3:4",
            "1:60",
            "60:00:00:00",
            "1:60:00",
            "1.5:00",
            ":30",
            "1:",
            "1:00s",
        ] {
            let error = parse_time(wrong).unwrap_err();
            assert!(error.contains("01:02:03.5"), "{wrong}: {error}");
        }
    }

    #[test]
    fn steps_are_positive() {
        assert_eq!(parse_step("0.5s"), Ok(0.5));
        assert!(
            parse_step("0s").is_err() && parse_step("-1s").is_err() && parse_step("1").is_err()
        );
    }

    #[test]
    fn ranges_may_lack_an_end() {
        assert_eq!(parse_range("10s..20s"), Ok(10.0..20.0));
        assert_eq!(parse_range("00:10..1h"), Ok(10.0..3600.0));
        assert_eq!(parse_range("1.5s..2.5s"), Ok(1.5..2.5));
        assert_eq!(parse_range("..20s"), Ok(f64::NEG_INFINITY..20.0));
        assert_eq!(parse_range("10s.."), Ok(10.0..f64::INFINITY));
        for wrong in ["", "..", "10s", "10..20", "20s..10s", "10s..10s", "10s-20s", "1s..2s..3s"] {
            assert!(parse_range(wrong).is_err(), "{wrong}");
        }
    }
}
