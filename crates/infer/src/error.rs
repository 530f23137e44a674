//! The error type of inference.

use std::path::PathBuf;

use moviola_av::{
    error::ErrorKind,
    remedy::{Remedy, alternatives},
};

use crate::head_kind::HeadKind;
use crate::provider::Provider;
use crate::unknown_name::UnknownName;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be loaded or run.
///
/// The message of every variant names the file or library and, if there is one, the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// ONNX Runtime is in none of the searched places.
    #[error("ONNX Runtime was not found. Looked in:\n{}\n{ADVICE}", list(looked))]
    RuntimeMissing {
        /// All searched places, in order, with what was found there.
        looked: Vec<SearchedPlace>,
    },
    /// The library that an environment variable names can't be used.
    #[error("{} can't be used as ONNX Runtime: {reason}", path.display())]
    RuntimeUnusable {
        /// The file or folder in the variable.
        path: PathBuf,
        /// Why it can't be used.
        reason: String,
    },
    /// The file is not a model, or not one that this crate can run.
    #[error("{model}: {problem}. {remedy}.")]
    Model {
        /// The model's path, or the name its bytes were given.
        model: String,
        /// What is wrong.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// The model's file can't be read.
    #[error("{model}: the file can't be read: {message}. Name a .onnx file.")]
    File {
        /// The model's path.
        model: String,
        /// The system's message.
        message: String,
        /// Why it can't be read.
        kind: ErrorKind,
    },
    /// The outputs don't fit the requested head, or no known head fits them.
    #[error("{model}: {problem}. {}.", other_head(remedy))]
    Head {
        /// The model's path, or the name its bytes were given.
        model: String,
        /// What is wrong.
        problem: String,
        /// What the caller can change.
        remedy: Remedy,
    },
    /// The outputs fit several heads, and nothing in the file decides between them.
    #[error("{model}: {problem}. {}.", choice_of_head(candidates))]
    Ambiguous {
        /// The model's path, or the name its bytes were given.
        model: String,
        /// What is wrong.
        problem: String,
        /// The heads that fit the outputs.
        candidates: Vec<HeadKind>,
    },
    /// The requested provider can't run the model, or none of the automatic ones can.
    #[error("the provider {provider} can't run: {reason}")]
    Provider {
        /// The requested provider.
        provider: Provider,
        /// Why it can't run, and what to do.
        reason: String,
        /// What the caller can change.
        remedy: Option<Remedy>,
    },
    /// A caller's value is outside its documented range.
    #[error("{what} must be {expected}, got {got}")]
    InvalidArgument {
        /// The argument.
        what: &'static str,
        /// Its range.
        expected: String,
        /// Its value.
        got: String,
    },
    /// The frame or image can't be converted to the model's input.
    #[error("the image can't be prepared for the model: {0}")]
    Image(#[from] moviola_media::convert::ConvertError),
    /// ONNX Runtime failed to run the model.
    #[error("{model}: inference failed: {message}")]
    Inference {
        /// The model's path, or the name its bytes were given.
        model: String,
        /// ONNX Runtime's message.
        message: String,
    },
    /// The model's output does not fit its head.
    #[error("{model}: the output does not fit the head {head}: {message}")]
    Output {
        /// The model's path, or the name its bytes were given.
        model: String,
        /// The head that it was decoded with.
        head: HeadKind,
        /// What does not fit.
        message: String,
    },
}

const ADVICE: &str = "Set ORT_DYLIB_PATH to a libonnxruntime of version 1.22 or newer, or run \
    `pip install onnxruntime` in the active Python environment";

/// A place that was searched and what was found there, for error messages and reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchedPlace {
    /// The place, for example "next to the program (/usr/bin)".
    pub at: String,
    /// What was found, for example "no libonnxruntime".
    pub found: String,
}

impl From<UnknownName> for Error {
    fn from(UnknownName { what, expected, got }: UnknownName) -> Self {
        Self::InvalidArgument { what, expected: expected.into(), got }
    }
}

impl Error {
    /// The class of the error, by what the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::RuntimeMissing { .. } | Self::RuntimeUnusable { .. } => ErrorKind::Runtime,
            Self::Model { .. }
            | Self::Head { .. }
            | Self::Ambiguous { .. }
            | Self::Inference { .. }
            | Self::Output { .. } => ErrorKind::Model,
            Self::Provider { .. } => ErrorKind::Provider,
            Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::File { kind, .. } => *kind,
            Self::Image(cause) => cause.kind(),
        }
    }

    /// What the caller can change to avoid the error, if anything.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Head { remedy, .. } => Some(remedy.clone()),
            Self::Ambiguous { candidates, .. } if !candidates.is_empty() => {
                Some(Remedy::ChooseHead(candidates.iter().map(HeadKind::to_string).collect()))
            }
            Self::Provider { remedy, .. } => remedy.clone(),
            _ => None,
        }
    }

    /// The error for an argument outside its range.
    pub(crate) fn argument(what: &'static str, expected: &str, got: impl ToString) -> Self {
        Self::InvalidArgument { what, expected: expected.into(), got: got.to_string() }
    }
}

/// Lists the searched places, one per line.
fn list(looked: &[SearchedPlace]) -> String {
    let lines: Vec<String> =
        looked.iter().map(|place| format!("  {}: {}", place.at, place.found)).collect();
    lines.join("\n")
}

/// The sentence about how to choose among the candidates.
fn choice_of_head(candidates: &[HeadKind]) -> String {
    let one = |head: &HeadKind| format!("`{}`", Remedy::ChooseHead(vec![head.to_string()]));
    let each: Vec<String> = candidates.iter().map(one).collect();
    match each.as_slice() {
        [] => "None of the known heads fits: export the model as YOLOv5, YOLOv8, YOLOv10 or YOLOX"
            .into(),
        [one] => format!("If you know that it is one, say so with {one}"),
        several => format!("Say which it is with {}", alternatives(several)),
    }
}

/// The sentence about what to do with an unknown or unsuitable head.
fn other_head(remedy: &Remedy) -> String {
    match remedy {
        Remedy::OmitHead => format!("Leave out {remedy}, or name one that fits"),
        _ => format!("If you know the head, name it with {remedy}"),
    }
}
