//! Sessions: models loaded into ONNX Runtime, with one input tensor and outputs read in place.

mod build;
mod node_counts;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use moviola_av::stage;
use ort::session::SessionOutputs;
use ort::value::{TensorElementType, TensorRef, ValueType};

use crate::error::{Error, Result};
use crate::letterbox::Size;
use crate::provider::{Precision, Provider, ProviderReport};

/// Options of a session. Every field has a working default.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionOptions {
    /// The provider that runs the model. Default: [`Provider::Auto`].
    pub provider: Provider,
    /// The precision of the arithmetic. Default: [`Precision::F32`].
    pub precision: Precision,
    /// The number of threads that an inference may use, at least 1. Default: one per core.
    pub threads: usize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { provider: Provider::default(), precision: Precision::default(), threads }
    }
}

/// A model file's contents.
#[derive(Clone, Debug)]
pub(crate) struct ModelFile<'a> {
    /// The path, or the name its bytes were given; for messages.
    pub(crate) name: String,
    pub(crate) bytes: Cow<'a, [u8]>,
    /// The folder of files with external weights.
    pub(crate) folder: Option<PathBuf>,
}

impl ModelFile<'static> {
    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it can't be read.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => {
                let folder = path.parent().map(Path::to_owned);
                Ok(Self { name, bytes: bytes.into(), folder })
            }
            Err(failure) => Err(Error::File {
                model: name,
                message: failure.to_string(),
                kind: failure.kind().into(),
            }),
        }
    }
}

/// The image input of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelInput {
    pub(crate) name: String,
    /// Width and height of the tensor `[1, 3, height, width]`.
    pub(crate) size: Size,
    /// Whether the elements are f16 instead of f32.
    pub(crate) is_half: bool,
    /// Lengths for the model's named dynamic sides.
    pub(crate) named_sides: Vec<NamedSide>,
    /// Whether a dynamic side has no name, so that ONNX Runtime can't fix the shapes.
    pub(crate) has_unnamed_sides: bool,
}

/// The length that a named dynamic side gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedSide {
    pub(crate) name: String,
    pub(crate) length: usize,
}

impl ModelInput {
    /// Number of elements in the tensor.
    pub(crate) fn len(&self) -> usize {
        3 * self.size.width * self.size.height
    }
}

/// A model's output: its name, element type and shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputSpec {
    pub(crate) name: String,
    /// Whether its elements are f32 or f16.
    pub(crate) is_float: bool,
    pub(crate) shape: Vec<usize>,
}

/// A loaded model.
#[derive(Debug)]
pub(crate) struct Session {
    name: String,
    inner: ort::session::Session,
    input: ModelInput,
    report: ProviderReport,
    /// The input in f16, reused; empty for models with f32 input.
    half_input: Vec<f16>,
    /// An f16 output in f32, reused.
    float_output: Vec<f32>,
}

impl Session {
    /// Loads a model on the requested provider, or on the first automatic one that runs it.
    ///
    /// # Errors
    ///
    /// [`Error::Provider`] if the provider can't run it, [`Error::Model`] if the model is at fault,
    /// [`Error::RuntimeMissing`] or [`Error::RuntimeUnusable`] without ONNX Runtime.
    pub(crate) fn open(
        file: &ModelFile<'_>,
        input: ModelInput,
        options: &SessionOptions,
    ) -> Result<Self> {
        let (inner, report) = build::on_provider(file, &input, options)?;
        let half_input = vec![f16::ZERO; if input.is_half { input.len() } else { 0 }];
        let name = file.name.clone();
        Ok(Self { name, inner, input, report, half_input, float_output: Vec::new() })
    }

    /// The provider that runs the model.
    pub(crate) fn report(&self) -> &ProviderReport {
        &self.report
    }

    /// All outputs. If a shape is dynamic, the model runs once to find it.
    pub(crate) fn outputs(&mut self) -> Result<Vec<OutputSpec>> {
        let declared: Option<Vec<OutputSpec>> = self
            .inner
            .outputs()
            .iter()
            .map(|outlet| describe(outlet.name(), outlet.dtype()))
            .collect();
        match declared {
            Some(outputs) => Ok(outputs),
            None => {
                let grey = vec![0.5; self.input.len()];
                self.with_outputs(&grey, |outputs| {
                    let named = outputs.iter().map(|(name, value)| {
                        describe(name, value.dtype()).unwrap_or_else(|| not_a_tensor(name))
                    });
                    Ok(named.collect())
                })
            }
        }
    }

    /// Runs the model on a tensor `[1, 3, height, width]` and reads one output, chosen by index.
    ///
    /// `read` gets the output's numbers and shape.
    ///
    /// The input is borrowed, and the output is read in ONNX Runtime's memory; f16 is converted.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a tensor of the wrong length, [`Error::Inference`] if the
    /// model fails.
    pub(crate) fn run<T>(
        &mut self,
        tensor: &[f32],
        output: usize,
        read: impl FnOnce(&[f32], &[usize]) -> T,
    ) -> Result<T> {
        let _stage = stage!("infer");
        let mut floats = std::mem::take(&mut self.float_output);
        let result = self.with_outputs(tensor, |outputs| {
            let value = match output < outputs.len() {
                true => &outputs[output],
                false => return Err("the output is missing".into()),
            };
            let shape = shape_of(value.dtype()).ok_or("the output is not a tensor")?;
            if let Ok((_, numbers)) = value.try_extract_tensor::<f32>() {
                return Ok(read(numbers, &shape));
            }
            let (_, numbers) =
                value.try_extract_tensor::<f16>().map_err(|failure| failure.to_string())?;
            floats.resize(numbers.len(), 0.0);
            numbers.convert_to_f32_slice(&mut floats);
            Ok(read(&floats, &shape))
        });
        self.float_output = floats;
        result
    }

    /// Runs the model and calls `read` with all outputs.
    fn with_outputs<T>(
        &mut self,
        tensor: &[f32],
        read: impl FnOnce(&SessionOutputs<'_>) -> Result<T, String>,
    ) -> Result<T> {
        if tensor.len() != self.input.len() {
            let want = self.input.len().to_string();
            return Err(Error::argument("length of the input tensor", &want, tensor.len()));
        }
        let Size { width, height } = self.input.size;
        let shape = [1, 3, height, width];
        let run = || -> Result<T, String> {
            let outputs = if self.input.is_half {
                self.half_input.convert_from_f32_slice(tensor);
                let input = TensorRef::from_array_view((shape, self.half_input.as_slice()));
                self.inner.run(ort::inputs![input.map_err(message)?])
            } else {
                let input = TensorRef::from_array_view((shape, tensor)).map_err(message)?;
                self.inner.run(ort::inputs![input])
            };
            read(&outputs.map_err(message)?)
        };
        run().map_err(|message| Error::Inference { model: self.name.clone(), message })
    }
}

fn message(failure: ort::Error) -> String {
    failure.to_string()
}

/// Describes a declared output; `None` if a side is dynamic.
fn describe(name: &str, kind: &ValueType) -> Option<OutputSpec> {
    match kind {
        ValueType::Tensor { ty, .. } => {
            let is_float = matches!(ty, TensorElementType::Float32 | TensorElementType::Float16);
            Some(OutputSpec { name: name.into(), is_float, shape: shape_of(kind)? })
        }
        _ => Some(not_a_tensor(name)),
    }
}

/// An output that is not a tensor.
fn not_a_tensor(name: &str) -> OutputSpec {
    OutputSpec { name: name.into(), is_float: false, shape: Vec::new() }
}

/// The shape of a tensor; `None` if it is not a tensor or a side is dynamic.
fn shape_of(kind: &ValueType) -> Option<Vec<usize>> {
    let shape = kind.tensor_shape()?;
    shape.iter().map(|&side| usize::try_from(side).ok()).collect()
}
