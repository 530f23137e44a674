//! A model loaded into ONNX Runtime: one input tensor in, output tensors read in place.

mod build;
mod placement;

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

/// How a model runs. Every field has a working default.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionOptions {
    /// What runs it. Default: [`Provider::Auto`].
    pub provider: Provider,
    /// The arithmetic inside. Default: [`Precision::F32`].
    pub precision: Precision,
    /// How many threads one inference may use, at least 1. Default: one per core.
    pub threads: usize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { provider: Provider::default(), precision: Precision::default(), threads }
    }
}

/// A model's bytes and what to call them.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    /// The file, or the name its bytes were given; for messages.
    pub(crate) name: String,
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Where files with external weights lie.
    pub(crate) folder: Option<PathBuf>,
}

impl Source<'static> {
    /// Reads a model file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => {
                let folder = path.parent().map(Path::to_owned);
                Ok(Self { name, bytes: bytes.into(), folder })
            }
            Err(failure) => Err(Error::Model {
                model: name,
                problem: format!("the file can't be read: {failure}"),
                remedy: "Name a .onnx file".into(),
            }),
        }
    }
}

/// The one input of an image model, with every side known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// Width and height of the tensor `[1, 3, height, width]`.
    pub(crate) size: Size,
    /// Whether it is f16 instead of f32.
    pub(crate) half: bool,
    /// Lengths for the names of sides that the model leaves open.
    pub(crate) pins: Vec<(String, usize)>,
    /// Whether some side is open without a name, so that shapes stay variable.
    pub(crate) loose: bool,
}

impl Picture {
    /// Numbers in the tensor.
    pub(crate) fn len(&self) -> usize {
        3 * self.size.width * self.size.height
    }
}

/// An output and its shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// Whether it holds f32 or f16.
    pub(crate) float: bool,
    pub(crate) shape: Vec<usize>,
}

/// A loaded model.
#[derive(Debug)]
pub(crate) struct Session {
    name: String,
    inner: ort::session::Session,
    picture: Picture,
    report: ProviderReport,
    half_input: Vec<f16>,
    float_output: Vec<f32>,
}

impl Session {
    /// Loads a model on the wanted provider, or on the first of the automatic ones that runs.
    pub(crate) fn open(
        source: &Source<'_>,
        picture: Picture,
        options: &SessionOptions,
    ) -> Result<Self> {
        let (inner, report) = build::on_provider(source, &picture, options)?;
        let half_input = vec![f16::ZERO; if picture.half { picture.len() } else { 0 }];
        let name = source.name.clone();
        Ok(Self { name, inner, picture, report, half_input, float_output: Vec::new() })
    }

    /// What runs the model.
    pub(crate) fn report(&self) -> &ProviderReport {
        &self.report
    }

    /// All outputs; if the file leaves a shape open, the model runs once to find out.
    pub(crate) fn outputs(&mut self) -> Result<Vec<Output>> {
        let declared: Option<Vec<Output>> = self
            .inner
            .outputs()
            .iter()
            .map(|outlet| describe(outlet.name(), outlet.dtype()))
            .collect();
        match declared {
            Some(outputs) => Ok(outputs),
            None => {
                let grey = vec![0.5; self.picture.len()];
                self.with_outputs(&grey, |outputs| {
                    let named = outputs.iter().map(|(name, value)| {
                        describe(name, value.dtype()).unwrap_or_else(|| other(name))
                    });
                    Ok(named.collect())
                })
            }
        }
    }

    /// Runs the model on `[1, 3, height, width]` numbers and reads one output, by its index.
    ///
    /// The input is borrowed and the output is read where ONNX Runtime left it.
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
            let shape = shape_of(value.dtype()).ok_or("the output is no tensor")?;
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

    fn with_outputs<T>(
        &mut self,
        tensor: &[f32],
        read: impl FnOnce(&SessionOutputs<'_>) -> Result<T, String>,
    ) -> Result<T> {
        if tensor.len() != self.picture.len() {
            let want = self.picture.len().to_string();
            return Err(Error::argument("length of the input tensor", &want, tensor.len()));
        }
        let Size { width, height } = self.picture.size;
        let shape = [1, 3, height, width];
        let run = || -> Result<T, String> {
            let outputs = if self.picture.half {
                self.half_input.convert_from_f32_slice(tensor);
                let input = TensorRef::from_array_view((shape, self.half_input.as_slice()));
                self.inner.run(ort::inputs![input.map_err(text)?])
            } else {
                let input = TensorRef::from_array_view((shape, tensor)).map_err(text)?;
                self.inner.run(ort::inputs![input])
            };
            read(&outputs.map_err(text)?)
        };
        run().map_err(|message| Error::Inference { model: self.name.clone(), message })
    }
}

fn text(failure: ort::Error) -> String {
    failure.to_string()
}

/// An output with every side known; `None` if a side is open.
fn describe(name: &str, kind: &ValueType) -> Option<Output> {
    match kind {
        ValueType::Tensor { ty, .. } => {
            let float = matches!(ty, TensorElementType::Float32 | TensorElementType::Float16);
            Some(Output { name: name.into(), float, shape: shape_of(kind)? })
        }
        _ => Some(other(name)),
    }
}

/// An output that is no tensor.
fn other(name: &str) -> Output {
    Output { name: name.into(), float: false, shape: Vec::new() }
}

fn shape_of(kind: &ValueType) -> Option<Vec<usize>> {
    let shape = kind.tensor_shape()?;
    shape.iter().map(|&side| usize::try_from(side).ok()).collect()
}
