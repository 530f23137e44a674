//! Everything that can fail between a model file and its detections.

use std::path::PathBuf;

use moviola_av::{
    error::ErrorKind,
    remedy::{Remedy, alternatives},
};

use crate::detect::head::HeadKind;
use crate::provider::Provider;
use crate::runtime::search::SearchedPlace;

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be loaded or run.
///
/// The text of every variant names the file or library it is about and, where there is one, the
/// way out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No ONNX Runtime in any of the usual places.
    #[error("ONNX Runtime was not found. Looked in:\n{}\n{ADVICE}", list(looked))]
    RuntimeMissing {
        /// Every place, in order, and what was wrong there.
        looked: Vec<SearchedPlace>,
    },
    /// A library that was asked for by name can't be used.
    #[error("{} can't be used as ONNX Runtime: {reason}", path.display())]
    RuntimeUnusable {
        /// The file or folder that was named.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is no model, or no model that this crate can run.
    #[error("{model}: {problem}. {remedy}.")]
    Model {
        /// The model's file, or the name its bytes were given.
        model: String,
        /// What was found.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// The outputs don't fit the head that was asked for, or none that is known.
    #[error("{model}: {problem}. {}.", say_which_head(remedy))]
    Head {
        /// The model's file, or the name its bytes were given.
        model: String,
        /// What was found.
        problem: String,
        /// What the caller can change.
        remedy: Remedy,
    },
    /// The outputs fit several heads, or none that is known, and nothing in the file decides.
    #[error("{model}: {problem}. {}.", say_how_to_decide(candidates))]
    Ambiguous {
        /// The model's file, or the name its bytes were given.
        model: String,
        /// What was found.
        problem: String,
        /// The heads that fit the outputs.
        candidates: Vec<HeadKind>,
    },
    /// The provider can't run the model, and no other was allowed.
    #[error("the provider {provider} can't run: {reason}")]
    Provider {
        /// The provider that was asked for.
        provider: Provider,
        /// Why not, and what to do.
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
    /// The picture can't be turned into the model's input.
    #[error("the picture can't be prepared for the model: {0}")]
    Picture(#[from] moviola_media::convert::ConvertError),
    /// ONNX Runtime failed while the model ran.
    #[error("{model}: inference failed: {message}")]
    Inference {
        /// The model's file, or the name its bytes were given.
        model: String,
        /// ONNX Runtime's words.
        message: String,
    },
    /// The model's output is not what its head promises.
    #[error("{model}: the output does not fit the head {head}: {message}")]
    Output {
        /// The model's file, or the name its bytes were given.
        model: String,
        /// The head it was read with.
        head: HeadKind,
        /// What does not fit.
        message: String,
    },
}

const ADVICE: &str = "Set ORT_DYLIB_PATH to a libonnxruntime of version 1.22 or newer, or run \
    `pip install onnxruntime` in the active Python environment";

impl Error {
    /// The class of the error: what can be done about it.
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
            Self::Picture(cause) => cause.kind(),
        }
    }

    /// What the caller can change so that it does not come again.
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

    /// An argument outside its range.
    pub(crate) fn argument(what: &'static str, expected: &str, got: impl ToString) -> Self {
        Self::InvalidArgument { what, expected: expected.into(), got: got.to_string() }
    }
}

fn list(looked: &[SearchedPlace]) -> String {
    let lines: Vec<String> =
        looked.iter().map(|place| format!("  {}: {}", place.at, place.found)).collect();
    lines.join("\n")
}

fn say_how_to_decide(candidates: &[HeadKind]) -> String {
    let one = |head: &HeadKind| format!("`{}`", Remedy::ChooseHead(vec![head.to_string()]));
    let each: Vec<String> = candidates.iter().map(one).collect();
    match each.as_slice() {
        [] => "None of the known heads fits: export the model as YOLOv5, YOLOv8, YOLOv10 or YOLOX"
            .into(),
        [one] => format!("If you know that it is one, say so with {one}"),
        several => format!("Say which it is with {}", alternatives(several)),
    }
}

fn say_which_head(remedy: &Remedy) -> String {
    match remedy {
        Remedy::OmitHead => format!("Leave out {remedy}, or name one that fits"),
        _ => format!("If you know the head, name it with {remedy}"),
    }
}
