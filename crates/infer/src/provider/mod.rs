//! ONNX Runtime's execution providers, precisions, and the report of what runs a model.

pub(crate) mod options;

use std::fmt;
use std::str::FromStr;

use crate::unknown_name::UnknownName;

/// An execution provider of ONNX Runtime.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The first of CUDA, CoreML, OpenVINO and CPU that runs the model.
    #[default]
    Auto,
    /// ONNX Runtime's own kernels.
    Cpu,
    /// Intel's OpenVINO, on the CPU.
    OpenVino,
    /// NVIDIA GPUs.
    Cuda,
    /// NVIDIA GPUs, with an engine built for the model.
    TensorRt,
    /// Apple's GPUs and neural engines.
    CoreMl,
}

impl Provider {
    /// The providers that [`Provider::Auto`] tries, in order.
    pub const AUTO: [Self; 4] = [Self::Cuda, Self::CoreMl, Self::OpenVino, Self::Cpu];

    /// All providers except `Auto`.
    pub const ALL: [Self; 5] =
        [Self::Cpu, Self::OpenVino, Self::Cuda, Self::TensorRt, Self::CoreMl];

    /// ONNX Runtime's name of the provider; empty for `Auto`.
    pub fn runtime_name(self) -> &'static str {
        match self {
            Self::Auto => "",
            Self::Cpu => "CPUExecutionProvider",
            Self::OpenVino => "OpenVINOExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::TensorRt => "TensorrtExecutionProvider",
            Self::CoreMl => "CoreMLExecutionProvider",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::CoreMl => "coreml",
        })
    }
}

impl FromStr for Provider {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = [Self::Auto].into_iter().chain(Self::ALL);
        known.into_iter().find(|provider| provider.to_string() == name).ok_or_else(|| {
            UnknownName::new("provider", "auto, cpu, openvino, cuda, tensorrt or coreml", name)
        })
    }
}

/// The precision of the arithmetic inside a model. Inputs and results are always f32.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// The full precision of an f32 model, without implicit TF32 or bf16.
    #[default]
    F32,
    /// 8 bits of mantissa: fast, but confidences of uncertain boxes change visibly.
    Bf16,
    /// 11 bits of mantissa.
    F16,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}

impl FromStr for Precision {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = [Self::F32, Self::Bf16, Self::F16];
        known
            .into_iter()
            .find(|precision| precision.to_string() == name)
            .ok_or_else(|| UnknownName::new("precision", "f32, bf16 or f16", name))
    }
}

/// The provider that runs a model, and why it was chosen.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ProviderReport {
    /// The provider that runs the model.
    pub provider: Provider,
    /// Why it was chosen, in a sentence.
    pub reason: String,
    /// The providers that were tried before it, each with the reason why it can't run the model.
    pub skipped: Vec<(Provider, String)>,
    /// The number of the model's nodes per provider, by ONNX Runtime's names; empty if it did not
    /// log them.
    pub nodes: Vec<(String, usize)>,
    /// The precision.
    pub precision: Precision,
    /// The number of threads that the model may use.
    pub threads: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_to_the_value_that_they_name() {
        for provider in Provider::ALL.into_iter().chain([Provider::Auto]) {
            assert_eq!(provider.to_string().parse(), Ok(provider));
        }
        for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        let wrong = "gpu".parse::<Provider>().unwrap_err().to_string();
        assert!(wrong.contains("cuda") && wrong.contains("gpu"), "{wrong}");
        assert!("int8".parse::<Precision>().is_err());
    }
}
