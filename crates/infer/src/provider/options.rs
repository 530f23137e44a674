//! How each provider is set up: bounded threads, and no precision that was not asked for.

use moviola_av::remedy::Remedy;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider, ExecutionProviderDispatch};
use ort::ep::{ExecutionProvider, coreml, cuda};

use crate::provider::{Precision, Provider};

/// Whether the loaded library was built with the provider. A driver may still be missing.
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
pub(crate) struct Unable {
    pub(crate) why: String,
    pub(crate) remedy: Option<Remedy>,
}

impl From<String> for Unable {
    fn from(why: String) -> Self {
        Self { why, remedy: None }
    }
}

/// The providers to register, the wanted one first; an error says what it can't do.
///
/// The CPU's kernels stand behind every provider, for the nodes it does not take.
pub(crate) fn dispatch(
    provider: Provider,
    precision: Precision,
    threads: usize,
) -> Result<Vec<ExecutionProviderDispatch>, Unable> {
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

/// Refuses what only a differently exported model can give.
fn f32_only(precision: Precision, who: &str) -> Result<(), Unable> {
    if precision == Precision::F32 {
        return Ok(());
    }
    let remedy = Remedy::UsePrecision("f32");
    let others = Remedy::UseProvider(vec!["openvino", "tensorrt"]);
    let why = format!(
        "{who} in the model's own precision, not in {precision}; use {remedy}, or {others}"
    );
    Err(Unable { why, remedy: Some(remedy) })
}

/// OpenVINO on the CPU. Its own default precision depends on the processor, so it is always set.
///
/// OpenVINO takes an unknown or impossible precision for f32 without a word (measured with
/// 2025.4), hence the look at the processor.
fn openvino(precision: Precision, threads: usize) -> Result<ExecutionProviderDispatch, Unable> {
    if !processor_computes(precision) {
        let remedy = Remedy::UsePrecision("f32");
        let why = format!("this processor can't compute in {precision}; use {remedy}");
        return Err(Unable { why, remedy: Some(remedy) });
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

/// Whether OpenVINO has kernels of that precision for this processor.
fn processor_computes(precision: Precision) -> bool {
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

/// CUDA in true f32. Its default, TF32, rounds the factors of each product to 11 bits, and its
/// default search tries all of cuDNN's algorithms at the first picture, which takes seconds and
/// may choose another one each time.
fn cuda() -> ExecutionProviderDispatch {
    ep::CUDA::default()
        .with_conv_algorithm_search(cuda::ConvAlgorithmSearch::Heuristic)
        .with_arbitrary_config("use_tf32", 0)
        .build()
}

fn tensorrt(precision: Precision) -> ExecutionProviderDispatch {
    let tensorrt = ep::TensorRT::default().with_fp16(precision == Precision::F16);
    match precision {
        // Older libraries don't know the key.
        Precision::Bf16 => tensorrt.with_bf16(true).build(),
        _ => tensorrt.build(),
    }
}

/// An "ML program" keeps the model's f32; CoreML's older format computes in f16.
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
    fn a_precision_that_can_not_be_had_is_refused_with_the_way_out() {
        for provider in [Provider::Cpu, Provider::Cuda, Provider::CoreMl] {
            for precision in [Precision::Bf16, Precision::F16] {
                let refused = dispatch(provider, precision, 1).err().unwrap();
                assert!(refused.why.ends_with("provider openvino or tensorrt"), "{refused:?}");
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
