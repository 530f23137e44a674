//! The policies for damaged frames.

use std::{fmt, str::FromStr};

/// A policy for damaged frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// Return the damaged frame, marked [`Frame::damaged`](crate::frame::Frame::damaged). It is an
    /// error if the decoder returns none.
    #[default]
    Keep,
    /// Return an error.
    Fail,
    /// Skip the frame.
    Skip,
    /// Return the last undamaged frame before it. It is an error if there is none.
    Repeat,
    /// Return a black frame.
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
