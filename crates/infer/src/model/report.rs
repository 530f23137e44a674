//! The report on a model file: `inspect`.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::head::HeadKind;
use crate::model::header::{Declared, F16, F32, Side};
use crate::model::input::{element_text, side_text};
use crate::model::metadata::Metadata;
use crate::model::names::NamesSource;
use crate::model::{DetectorSpec, ImageModel, ModelOptions, examine, read_header};
use crate::preprocess::Preprocess;
use crate::provider::{Precision, Provider};
use crate::session::{ModelFile, OutputSpec, Session, SessionOptions};

/// A model file's description.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ModelReport {
    /// The file, or the name its bytes were given.
    pub model: String,
    /// The program that wrote the file, for example "pytorch".
    pub producer: String,
    /// The inputs that a caller fills.
    pub inputs: Vec<Port>,
    /// The outputs.
    pub outputs: Vec<Port>,
    /// The exporter's metadata.
    pub metadata: Metadata,
    /// Whether it can be used as a detector, and how.
    pub verdict: DetectorVerdict,
}

/// An input or output as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Port {
    /// The name.
    pub name: String,
    /// The type of its elements, for example "f32".
    pub element: String,
    /// Each side: a length, the name of a dynamic side, or "?".
    pub shape: Vec<String>,
}

/// Whether a model can be used as a detector.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorVerdict {
    /// It can, as described.
    Detector(Box<DetectorReport>),
    /// It can't, or it is ambiguous: the error message, with the remedy.
    Refused(String),
}

/// How a detector is used.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DetectorReport {
    /// The head.
    pub head: HeadKind,
    /// Why this head was chosen.
    pub why: String,
    /// The preprocessing of its input.
    pub preprocess: Preprocess,
    /// Whether its boxes need non-maximum suppression.
    pub needs_nms: bool,
    /// The names of the classes, by number; empty if the number of classes is unknown.
    pub classes: Vec<Arc<str>>,
    /// The source of the names.
    pub names_from: NamesSource,
}

/// Describes a model file.
///
/// This needs ONNX Runtime only if the shapes of the outputs are dynamic.
///
/// # Errors
///
/// [`Error::Model`](crate::error::Error::Model) if the file is not an ONNX model. For a model that
/// is not a detector or is ambiguous, the report has [`DetectorVerdict::Refused`].
pub fn inspect(path: &Path, options: &ModelOptions) -> Result<ModelReport> {
    inspect_file(&ModelFile::read(path)?, options)
}

/// Describes a model in memory; `name` stands for its path in messages. See [`inspect`].
pub fn inspect_bytes(name: &str, bytes: &[u8], options: &ModelOptions) -> Result<ModelReport> {
    let file = ModelFile { name: name.into(), bytes: bytes.into(), folder: None };
    inspect_file(&file, options)
}

fn inspect_file(file: &ModelFile<'_>, options: &ModelOptions) -> Result<ModelReport> {
    let header = read_header(file)?;
    let ports = |list: &[Declared]| list.iter().map(port).collect();
    let (inputs, outputs) = (header.inputs(), header.outputs());
    let metadata = Metadata::read(&header);
    let producer = header.producer.clone();
    let verdict = examine(file, header, options)
        .and_then(|image_model| detector_report(file, &image_model, &outputs, options))
        .map(|report| DetectorVerdict::Detector(Box::new(report)));
    Ok(ModelReport {
        model: file.name.clone(),
        producer,
        inputs: ports(&inputs),
        outputs: ports(&outputs),
        metadata,
        verdict: verdict.unwrap_or_else(|refusal| DetectorVerdict::Refused(refusal.to_string())),
    })
}

/// Describes a model as a detector. Loads it only if a declared output has dynamic sides.
fn detector_report(
    file: &ModelFile<'_>,
    image_model: &ImageModel,
    declared: &[Declared],
    options: &ModelOptions,
) -> Result<DetectorReport> {
    let outputs = match declared.iter().map(fixed_output).collect() {
        Some(outputs) => outputs,
        None => {
            let threads = SessionOptions::default().threads;
            let (provider, precision) = (Provider::Cpu, Precision::F32);
            let session = SessionOptions { provider, precision, threads };
            Session::open(file, image_model.input.clone(), &session)?.outputs()?
        }
    };
    let DetectorSpec { head, why, classes, preprocess, .. } =
        image_model.recognise(&outputs, options)?;
    Ok(DetectorReport {
        head: head.kind,
        why,
        preprocess,
        needs_nms: head.kind.needs_nms(),
        classes: classes.names,
        names_from: classes.source,
    })
}

fn port(declared: &Declared) -> Port {
    Port {
        name: declared.name.clone(),
        element: element_text(declared.element),
        shape: declared.sides.iter().map(side_text).collect(),
    }
}

/// A declared output; `None` if it has dynamic sides.
fn fixed_output(declared: &Declared) -> Option<OutputSpec> {
    let fixed = |side: &Side| match side {
        Side::Fixed(length) => Some(*length),
        Side::Dynamic(_) => None,
    };
    Some(OutputSpec {
        name: declared.name.clone(),
        is_float: matches!(declared.element, Some(F32 | F16)),
        shape: declared.sides.iter().map(fixed).collect::<Option<_>>()?,
    })
}
