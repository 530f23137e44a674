//! How objects are found.

use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use moviola_infer::{
    detect::{DetectorOptions, filter::ClassFilter, head::HeadKind},
    model::ModelOptions,
    provider::{Precision, Provider},
    session::SessionOptions,
};
use serde::{Deserialize, Serialize};

use super::as_text;
use crate::demo;

/// Which model to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// An ONNX file.
    File(PathBuf),
    /// The built-in demo model.
    Demo,
}

impl FromStr for Model {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::parse(text.as_ref()))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Demo => f.write_str(demo::NAME),
        }
    }
}

impl Model {
    /// What a user typed: `demo` is the built-in model unless there is a file of that name.
    pub fn parse(argument: &Path) -> Self {
        let demo = argument == Path::new(demo::NAME) && !argument.exists();
        if demo { Self::Demo } else { Self::File(argument.into()) }
    }
}

/// How objects are found. Its names are those of the command's flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// An ONNX file, or `demo` for the built-in model.
    #[serde(with = "as_text")]
    pub model: Model,
    /// As [`DetectorOptions::confidence`].
    #[serde(default = "default_conf")]
    pub conf: f32,
    /// As [`DetectorOptions::iou`].
    #[serde(default = "default_iou")]
    pub iou: f32,
    /// As [`DetectorOptions::most`].
    #[serde(default = "default_max_det")]
    pub max_det: usize,
    /// The wanted classes, by number or name. Default: all.
    #[serde(default, with = "as_text")]
    pub classes: ClassFilter,
    /// As [`DetectorOptions::agnostic_nms`].
    #[serde(default)]
    pub agnostic_nms: bool,
    /// How the model's output is read where the file leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadKind>,
    /// What runs the model. Default: [`Provider::Auto`].
    #[serde(default, with = "as_text")]
    pub provider: Provider,
    /// The arithmetic in the model. Default: [`Precision::F32`].
    #[serde(default, with = "as_text")]
    pub precision: Precision,
    /// Draw the boxes into a JPEG of this quality, 1 to 100. Default: don't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotate: Option<u8>,
}

fn default_conf() -> f32 {
    DetectorOptions::default().confidence
}

fn default_iou() -> f32 {
    DetectorOptions::default().iou
}

fn default_max_det() -> usize {
    DetectorOptions::default().max_detections
}

impl Detect {
    /// With `model`, and all else as usual.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            conf: default_conf(),
            iou: default_iou(),
            max_det: default_max_det(),
            classes: ClassFilter::default(),
            agnostic_nms: false,
            head: None,
            provider: Provider::default(),
            precision: Precision::default(),
            annotate: None,
        }
    }

    /// For one of several workers that together keep the cores busy: one thread each.
    pub(crate) fn options(&self) -> DetectorOptions {
        DetectorOptions {
            session: SessionOptions {
                provider: self.provider,
                precision: self.precision,
                threads: 1,
            },
            model: ModelOptions { head: self.head, ..ModelOptions::default() },
            confidence: self.conf,
            iou: self.iou,
            max_detections: self.max_det,
            classes: self.classes.clone(),
            agnostic_nms: self.agnostic_nms,
        }
    }
}
