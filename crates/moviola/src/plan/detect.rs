//! Options of object detection in a plan.

use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use moviola_infer::{
    detect::{DetectorOptions, filter::ClassFilter},
    head::HeadKind,
    model::ModelOptions,
    provider::{Precision, Provider},
    session::SessionOptions,
};
use serde::{Deserialize, Serialize};

use super::as_text;
use crate::demo;

/// The model to run.
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
    /// Parses a model argument: `demo` is the built-in model unless a file of that name exists.
    pub fn parse(argument: &Path) -> Self {
        let demo = argument == Path::new(demo::NAME) && !argument.exists();
        if demo { Self::Demo } else { Self::File(argument.into()) }
    }
}

/// Options of object detection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// An ONNX file, or `demo` for the built-in model.
    #[serde(with = "as_text")]
    pub model: Model,
    /// The confidence that detections must exceed: [`DetectorOptions::confidence`].
    #[serde(default = "default_conf")]
    pub conf: f32,
    /// The overlap above which the box of lower confidence is dropped: [`DetectorOptions::iou`].
    #[serde(default = "default_iou")]
    pub iou: f32,
    /// The most detections in a frame: [`DetectorOptions::max_detections`].
    #[serde(default = "default_max_det")]
    pub max_det: usize,
    /// The wanted classes, by number or name. Default: all.
    #[serde(default, with = "as_text")]
    pub classes: ClassFilter,
    /// Whether boxes of different classes suppress each other: [`DetectorOptions::agnostic_nms`].
    #[serde(default)]
    pub agnostic_nms: bool,
    /// The format of the model's output. Default: recognised from the model's metadata and the
    /// shapes of its outputs; a model that several heads fit is an error that lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadKind>,
    /// The execution provider. Default: [`Provider::Auto`].
    #[serde(default, with = "as_text")]
    pub provider: Provider,
    /// The precision of the model's arithmetic. Default: [`Precision::F32`].
    #[serde(default, with = "as_text")]
    pub precision: Precision,
    /// The quality, 1 to 100, of JPEG images with the boxes drawn in. Default: no images.
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
    /// Options with `model` and the defaults for all others.
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

    /// The detector's options. A session has one thread: on a CPU every worker has a session of its
    /// own, and a device doesn't use them.
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
