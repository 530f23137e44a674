//! Which streams of a source are read.

use std::{fmt, str::FromStr};

/// Which streams of a source are read. Default: the best of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamSelection {
    /// Which stream of video.
    pub video: VideoChoice,
    /// Which stream of audio.
    pub audio: AudioChoice,
}

/// Which stream of video is read: `best`, or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VideoChoice {
    /// As the ffmpeg command picks it: the one with most pixels, of several the first, one marked
    /// as default before the others. Cover art never.
    #[default]
    Best,
    /// The one of that number, counted among all streams from 0.
    Number(usize),
}

/// Which stream of audio is read: `best`, a number, or a language as in `lang:eng`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AudioChoice {
    /// As the ffmpeg command picks it: the one with most channels, one marked as default before the
    /// others, of several the first.
    #[default]
    Best,
    /// The one of that number, counted among all streams from 0.
    Number(usize),
    /// The best of those in this language, as the container writes it; upper and lower case are the
    /// same. MP4 and Matroska have codes of three letters, such as `eng`.
    Language(String),
}

impl FromStr for VideoChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = |_| "expected `best` or the number of a stream, such as 0".into();
        match text {
            "best" => Ok(Self::Best),
            number => number.parse().map(Self::Number).map_err(expected),
        }
    }
}

impl fmt::Display for VideoChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for AudioChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected `best`, the number of a stream, such as 1, or a language, such as `lang:eng`";
        match text.split_once(':') {
            Some(("lang", language)) if is_language(language) => {
                Ok(Self::Language(language.into()))
            }
            None if text == "best" => Ok(Self::Best),
            None => text.parse().map(Self::Number).map_err(|_| expected().into()),
            Some(_) => Err(expected().into()),
        }
    }
}

impl fmt::Display for AudioChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Number(number) => number.fmt(f),
            Self::Language(language) => write!(f, "lang:{language}"),
        }
    }
}

/// Whether `text` may be a language's code, such as `eng` or `en-US`.
fn is_language(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.split('-').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_audio(text: &str, choice: AudioChoice) {
        assert_eq!(text.parse(), Ok(choice.clone()));
        assert_eq!(choice.to_string(), text);
    }

    #[test]
    fn choices_are_read_as_they_are_written() {
        check_audio("best", AudioChoice::Best);
        check_audio("12", AudioChoice::Number(12));
        check_audio("lang:eng", AudioChoice::Language("eng".into()));
        check_audio("lang:en-US", AudioChoice::Language("en-US".into()));
        for (text, choice) in [("best", VideoChoice::Best), ("0", VideoChoice::Number(0))] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_choice_says_what_is() {
        for text in ["", "-1", "eng", "lang:", "lang:e n", "lang:-", "language:eng", "a:1", "1.0"] {
            let error = text.parse::<AudioChoice>().expect_err(text);
            assert!(error.contains("such as `lang:eng`"), "{error}");
        }
        for text in ["", "-1", "lang:eng", "first"] {
            let error = text.parse::<VideoChoice>().expect_err(text);
            assert!(error.contains("or the number of a stream"), "{error}");
        }
    }
}
