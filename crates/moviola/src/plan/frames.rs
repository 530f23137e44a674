//! The selection of frames in a plan.

use std::str::FromStr;

use moviola_media::video::TimeSelection;
use serde::{Deserialize, Serialize};

use super::{
    PlanError,
    times::{parse_range, parse_step, parse_time},
};

/// A selection of frames.
///
/// In a plan: `"keyframes"`, `"all"`, `"every:0.5s"`, or a table of `every` and `range`, of `at`,
/// or of `index`. Times are seconds or text such as `500ms` and `01:02:03.5`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FramesText", into = "FramesText")]
pub enum Frames {
    /// All keyframes.
    #[default]
    Keyframes,
    /// All frames.
    All,
    /// The frames shown at a step or in a range of time, each once.
    Played(TimeSelection),
    /// The frames shown at these times, in seconds, in this order.
    At(Vec<f64>),
    /// The frames with these numbers, in this order; negative numbers count from the end.
    Index(Vec<i64>),
}

impl Frames {
    /// Whether frames are read in presentation order, each once.
    pub fn is_in_order(&self) -> bool {
        !matches!(self, Self::At(_) | Self::Index(_))
    }

    /// Checks that a list of times or numbers isn't empty; see [`Plan::check`](super::Plan::check).
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let is_empty = match self {
            Self::At(times) => times.is_empty(),
            Self::Index(numbers) => numbers.is_empty(),
            Self::Keyframes | Self::All | Self::Played(_) => false,
        };
        match is_empty {
            true => Err(PlanError::Impossible("frames are wanted: name at least one")),
            false => Ok(()),
        }
    }
}

impl FromStr for Frames {
    type Err = String;

    /// Parses `keyframes`, `all`, `every:0.5s`, `range:10s..20s`, `every:0.5s,range:10s..20s`,
    /// `at:1.5s,2s` or `index:0,100,-1`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "keyframes" => Ok(Self::Keyframes),
            None if text == "all" => Ok(Self::All),
            Some(("at", times)) => {
                times.split(',').map(parse_time).collect::<Result<_, _>>().map(Self::At)
            }
            Some(("index", numbers)) => {
                let number =
                    |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
                numbers.split(',').map(number).collect::<Result<_, _>>().map(Self::Index)
            }
            _ => played(text),
        }
    }
}

/// Parses `every:`, `range:` or both, separated by a comma.
fn played(text: &str) -> Result<Frames, String> {
    let (mut every, mut range) = (None, None);
    for part in text.split(',') {
        match part.split_once(':') {
            Some(("every", step)) if every.is_none() => every = Some(parse_step(step)?),
            Some(("range", times)) if range.is_none() => range = Some(parse_range(times)?),
            _ => {
                return Err(
                    "expected keyframes, all, every:TIME, range:FROM..TO, both of these with a \
                            comma, at:TIME,TIME or index:NUMBER,NUMBER"
                        .into(),
                );
            }
        }
    }
    let range = range.unwrap_or(TimeSelection::default().range);
    Ok(Frames::Played(TimeSelection { every, range }))
}

/// The form of a selection in a plan file.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected keyframes, all, every:TIME, or a table of every and range, of at or of index"
)]
enum FramesText {
    Name(String),
    Table(Table),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Vec<Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<Vec<i64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected seconds, or a time such as 1.5s or 01:02:03.5")]
enum Seconds {
    Number(f64),
    Text(String),
}

impl TryFrom<FramesText> for Frames {
    type Error = String;

    fn try_from(text: FramesText) -> Result<Self, String> {
        let table = match text {
            FramesText::Name(name) => return name.parse(),
            FramesText::Table(table) => table,
        };
        match table {
            Table { every: None, range: None, at: Some(times), index: None } => {
                let times = times.into_iter().map(|time| time.parse(parse_time));
                times.collect::<Result<_, _>>().map(Self::At)
            }
            Table { every: None, range: None, at: None, index: Some(numbers) } => {
                Ok(Self::Index(numbers))
            }
            Table { every: None, range: None, .. } | Table { at: Some(_), .. } => {
                Err(mixed_selections())
            }
            Table { index: Some(_), .. } => Err(mixed_selections()),
            Table { every, range, .. } => {
                let every = every.map(|step| step.parse(parse_step)).transpose()?;
                let range = range.as_deref().map(parse_range).transpose()?;
                let range = range.unwrap_or(TimeSelection::default().range);
                Ok(Self::Played(TimeSelection { range, every }))
            }
        }
    }
}

fn mixed_selections() -> String {
    "expected one of every and range, at, or index".into()
}

impl Seconds {
    /// Parses the value; a bare number is in seconds.
    fn parse(self, parse: impl Fn(&str) -> Result<f64, String>) -> Result<f64, String> {
        match self {
            Self::Number(seconds) => parse(&format!("{seconds}s")),
            Self::Text(text) => parse(&text),
        }
    }
}

impl From<Frames> for FramesText {
    fn from(frames: Frames) -> Self {
        let table = match frames {
            Frames::Keyframes => return Self::Name("keyframes".into()),
            Frames::All => return Self::Name("all".into()),
            Frames::Played(TimeSelection { range, every }) => {
                let end = |time: f64| if time.is_finite() { format!("{time}s") } else { "".into() };
                let is_bound = range.start.is_finite() || range.end.is_finite();
                let range = is_bound.then(|| format!("{}..{}", end(range.start), end(range.end)));
                Table { every: every.map(Seconds::Number), range, ..Table::default() }
            }
            Frames::At(times) => {
                let times = times.into_iter().map(Seconds::Number).collect();
                Table { at: Some(times), ..Table::default() }
            }
            Frames::Index(numbers) => Table { index: Some(numbers), ..Table::default() },
        };
        Self::Table(table)
    }
}
