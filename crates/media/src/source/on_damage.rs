//! What is done about damaged frames.

use std::{fmt, str::FromStr};

/// What to do about a frame that is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// Take what the decoder made of it, marked [`Frame::damaged`](crate::frame::Frame::damaged); fail where it made nothing.
    #[default]
    Keep,
    /// Fail.
    Fail,
    /// Leave the frame out.
    Skip,
    /// Show the last frame before it that is whole; fail where there is none.
    Repeat,
    /// Show a black one.
    Black,
}

impl fmt::Display for OnDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Repeat => "repeat",
            Self::Black => "black",
        })
    }
}

impl FromStr for OnDamage {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "keep" => Ok(Self::Keep),
            "fail" => Ok(Self::Fail),
            "skip" => Ok(Self::Skip),
            "repeat" => Ok(Self::Repeat),
            "black" => Ok(Self::Black),
            _ => Err("expected keep, fail, skip, repeat or black".into()),
        }
    }
}
