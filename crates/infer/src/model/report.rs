//! What `inspect` says about a model file.

use std::path::Path;
use std::sync::Arc;

use crate::detect::head::HeadKind;
use crate::error::Result;
use crate::model::header::{Declared, F16, F32, Side};
use crate::model::input::{element_text, side_text};
use crate::model::metadata::Metadata;
use crate::model::names::NamesFrom;
use crate::model::{Candidate, Detecting, ModelOptions, examine, read_header};
use crate::preprocess::Preprocess;
use crate::provider::{Precision, Provider};
use crate::session::{Output, Session, SessionOptions, Source};

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
    /// What the exporter says.
    pub metadata: Metadata,
    /// Whether it is a detector.
    pub verdict: Verdict,
}

/// An input or output as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The type of its elements, for example "f32".
    pub element: String,
    /// Each side: a length, a name if it is open, or "?".
    pub shape: Vec<String>,
}

/// Whether a model can be used as a detector.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can.
    Detector(Box<DetectorReport>),
    /// It can't, or the file leaves open how: the message with the way out.
    Refused(String),
}

/// How a detector is used.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DetectorReport {
    /// The head.
    pub head: HeadKind,
    /// What decided that.
    pub why: String,
    /// Size, place, colour order and range of the input.
    pub preprocess: Preprocess,
    /// Whether overlapping boxes must still be thinned out.
    pub needs_nms: bool,
    /// The classes' names, by number; empty if their number is unknown.
    pub classes: Vec<Arc<str>>,
    /// Where the names come from.
    pub names_from: NamesFrom,
}

/// Describes a model file.
///
/// ONNX Runtime is only needed if the file leaves the shapes of its outputs open.
///
/// # Errors
///
/// [`Error::Model`](crate::error::Error::Model) if the file is no ONNX model. A model that is no
/// detector, or an ambiguous one, is a [`Verdict`] and no error.
pub fn inspect(path: &Path, options: &ModelOptions) -> Result<ModelReport> {
    inspect_source(&Source::read(path)?, options)
}

/// Describes a model that lies in memory; `name` is for messages. See [`inspect`].
pub fn inspect_bytes(name: &str, bytes: &[u8], options: &ModelOptions) -> Result<ModelReport> {
    let source = Source { name: name.into(), bytes: bytes.into(), folder: None };
    inspect_source(&source, options)
}

fn inspect_source(source: &Source<'_>, options: &ModelOptions) -> Result<ModelReport> {
    let header = read_header(source)?;
    let ports = |list: &[Declared]| list.iter().map(port).collect();
    let (inputs, outputs) = (header.inputs(), header.outputs());
    let metadata = Metadata::read(&header);
    let producer = header.producer.clone();
    let verdict = examine(source, header, options)
        .and_then(|candidate| judge(source, &candidate, &outputs, options));
    Ok(ModelReport {
        model: source.name.clone(),
        producer,
        inputs: ports(&inputs),
        outputs: ports(&outputs),
        metadata,
        verdict: verdict.unwrap_or_else(|refusal| Verdict::Refused(refusal.to_string())),
    })
}

fn judge(
    source: &Source<'_>,
    candidate: &Candidate,
    declared: &[Declared],
    options: &ModelOptions,
) -> Result<Verdict> {
    let outputs = match declared.iter().map(output).collect() {
        Some(outputs) => outputs,
        None => {
            let threads = SessionOptions::default().threads;
            let (provider, precision) = (Provider::Cpu, Precision::F32);
            let plain = SessionOptions { provider, precision, threads };
            Session::open(source, candidate.picture.clone(), &plain)?.outputs()?
        }
    };
    let Detecting { head, why, classes, preprocess, .. } =
        candidate.recognise(&outputs, options)?;
    Ok(Verdict::Detector(Box::new(DetectorReport {
        head: head.kind,
        why,
        preprocess,
        needs_nms: head.kind.needs_nms(),
        classes: classes.names,
        names_from: classes.from,
    })))
}

fn port(declared: &Declared) -> Port {
    Port {
        name: declared.name.clone(),
        element: element_text(declared.element),
        shape: declared.sides.iter().map(side_text).collect(),
    }
}

/// A declared output, if all its sides are fixed.
fn output(declared: &Declared) -> Option<Output> {
    let fixed = |side: &Side| match side {
        Side::Fixed(length) => Some(*length),
        Side::Free(_) => None,
    };
    Some(Output {
        name: declared.name.clone(),
        float: matches!(declared.element, Some(F32 | F16)),
        shape: declared.sides.iter().map(fixed).collect::<Option<_>>()?,
    })
}
