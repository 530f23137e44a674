//! The settings of each provider: a bounded number of threads, and exactly the requested precision.

use moviola_av::remedy::Remedy;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider, ExecutionProviderDispatch};
use ort::ep::{ExecutionProvider, coreml, cuda};

use crate::provider::{Precision, Provider};

/// Whether the loaded library includes the provider. Its driver may still be missing.
pub(crate) fn is_built_in(provider: Provider) -> bool {
    let answer = match provider {
        Provider::Auto | Provider::Cpu => Ok(true),
        Provider::OpenVino => ep::OpenVINO::is_available(),
        Provider::Cuda => ep::CUDA::is_available(),
        Provider::TensorRt => ep::TensorRT::is_available(),
        Provider::CoreMl => ep::CoreML::is_available(),
    };
    answer.unwrap_or(false)
}

/// Why a provider can't run a model, and what the caller can change.
#[derive(Debug)]
pub(crate) struct CannotRun {
    pub(crate) reason: String,
    pub(crate) remedy: Option<Remedy>,
}

impl From<String> for CannotRun {
    fn from(reason: String) -> Self {
        Self { reason, remedy: None }
    }
}

/// The providers to register: the requested one, then the CPU for nodes that it does not support.
///
/// # Errors
///
/// A message if the provider does not support the precision.
pub(crate) fn dispatch(
    provider: Provider,
    precision: Precision,
    threads: usize,
) -> Result<Vec<ExecutionProviderDispatch>, CannotRun> {
    let chosen = match provider {
        Provider::Auto | Provider::Cpu => {
            f32_only(precision, "the CPU provider computes")?;
            Vec::new()
        }
        Provider::OpenVino => vec![openvino(precision, threads)?],
        Provider::Cuda => {
            f32_only(precision, "CUDA computes")?;
            vec![cuda()]
        }
        Provider::TensorRt => vec![tensorrt(precision), cuda()],
        Provider::CoreMl => {
            f32_only(precision, "CoreML is set up to compute")?;
            vec![coreml()]
        }
    };
    let strict = chosen.into_iter().map(ExecutionProviderDispatch::error_on_failure);
    Ok(strict.chain([ep::CPU::default().with_arena_allocator(true).build()]).collect())
}

/// Refuses precisions that this provider has only with a model that was exported in them.
fn f32_only(precision: Precision, who: &str) -> Result<(), CannotRun> {
    if precision == Precision::F32 {
        return Ok(());
    }
    let remedy = Remedy::UsePrecision("f32");
    let others = Remedy::UseProvider(vec!["openvino", "tensorrt"]);
    let why = format!(
        "{who} in the model's own precision, not in {precision}; use {remedy}, or {others}"
    );
    Err(CannotRun { reason: why, remedy: Some(remedy) })
}

/// OpenVINO on the CPU. The precision is always set, because the default depends on the processor.
///
/// OpenVINO silently uses f32 for a precision that it does not know or support (measured with
/// 2025.4), so the processor is checked here.
fn openvino(precision: Precision, threads: usize) -> Result<ExecutionProviderDispatch, CannotRun> {
    if !is_supported_by_processor(precision) {
        let remedy = Remedy::UsePrecision("f32");
        let reason = format!("this processor can't compute in {precision}; use {remedy}");
        return Err(CannotRun { reason, remedy: Some(remedy) });
    }
    let config = format!(
        r#"{{"CPU": {{"INFERENCE_PRECISION_HINT": "{precision}", "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "{threads}", "ENABLE_CPU_PINNING": "NO"}}}}"#
    );
    Ok(ep::OpenVINO::default()
        .with_device_type("CPU")
        .with_num_threads(threads)
        .with_arbitrary_config("load_config", config)
        .build())
}

/// Whether OpenVINO has kernels of this precision for this processor.
fn is_supported_by_processor(precision: Precision) -> bool {
    #[cfg(target_arch = "x86_64")]
    return match precision {
        Precision::F32 => true,
        Precision::Bf16 => {
            is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
        }
        Precision::F16 => is_x86_feature_detected!("avx512fp16"),
    };
    #[cfg(target_arch = "aarch64")]
    return match precision {
        Precision::F32 => true,
        Precision::Bf16 => false,
        Precision::F16 => std::arch::is_aarch64_feature_detected!("fp16"),
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return precision == Precision::F32;
}

/// CUDA in true f32. The default, TF32, rounds the factors of each product to 11 bits. The default
/// search tries all of cuDNN's algorithms at the first image, which takes seconds and may choose
/// another one in each process.
fn cuda() -> ExecutionProviderDispatch {
    ep::CUDA::default()
        .with_conv_algorithm_search(cuda::ConvAlgorithmSearch::Heuristic)
        .with_arbitrary_config("use_tf32", 0)
        .build()
}

fn tensorrt(precision: Precision) -> ExecutionProviderDispatch {
    let tensorrt = ep::TensorRT::default().with_fp16(precision == Precision::F16);
    match precision {
        // Older libraries do not know this option.
        Precision::Bf16 => tensorrt.with_bf16(true).build(),
        _ => tensorrt.build(),
    }
}

/// CoreML with an "ML program", which keeps the model's f32; the older format computes in f16.
fn coreml() -> ExecutionProviderDispatch {
    ep::CoreML::default()
        .with_model_format(coreml::ModelFormat::MLProgram)
        .with_static_input_shapes(true)
        .with_low_precision_accumulation_on_gpu(false)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsupported_precision_is_refused_with_a_remedy() {
        for provider in [Provider::Cpu, Provider::Cuda, Provider::CoreMl] {
            for precision in [Precision::Bf16, Precision::F16] {
                let refused = dispatch(provider, precision, 1).err().unwrap();
                assert!(refused.reason.ends_with("provider openvino or tensorrt"), "{refused:?}");
            }
        }
    }

    #[test]
    fn every_provider_computes_in_f32() {
        for provider in Provider::ALL {
            assert!(dispatch(provider, Precision::F32, 2).is_ok(), "{provider}");
        }
    }
}
