//! Building a session: the providers are tried in order until one runs the model.

use moviola_av::remedy::Remedy;
use ort::logging::LogLevel;
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::error::{Error, Result};
use crate::provider::options::{CannotRun, dispatch, is_built_in};
use crate::provider::{Precision, Provider, ProviderReport};
use crate::runtime::{Runtime, log};
use crate::session::node_counts::NodeCounts;
use crate::session::{ModelFile, ModelInput, NamedSide, SessionOptions};

/// Builds a session on the requested provider, or on the first automatic one that runs the model.
pub(super) fn on_provider(
    file: &ModelFile<'_>,
    input: &ModelInput,
    options: &SessionOptions,
) -> Result<(OrtSession, ProviderReport)> {
    if options.threads == 0 {
        return Err(Error::argument("threads", "1 or more", 0));
    }
    let runtime = Runtime::load()?;
    let candidates = match options.provider {
        Provider::Auto => Provider::AUTO.to_vec(),
        named => vec![named],
    };
    let (mut skipped, mut remedy) = (Vec::new(), None);
    for &provider in &candidates {
        match try_provider(provider, runtime, file, input, options) {
            Ok((session, nodes)) => {
                let report = ProviderReport {
                    provider,
                    reason: reason(options.provider, &skipped, options.precision),
                    skipped,
                    nodes,
                    precision: options.precision,
                    threads: options.threads,
                };
                tracing::debug!(model = %file.name, %provider, reason = %report.reason,
                    nodes = ?report.nodes, "loaded a model");
                return Ok((session, report));
            }
            Err(failed) => {
                skipped.push((provider, failed.reason));
                remedy = failed.remedy.or(remedy);
            }
        }
    }
    Err(failure(file, input, options, skipped, remedy))
}

/// Why the provider was chosen.
fn reason(requested: Provider, skipped: &[(Provider, String)], precision: Precision) -> String {
    match requested {
        Provider::Auto if skipped.is_empty() => "the first choice of auto".into(),
        Provider::Auto => {
            format!("the first of auto that runs in {precision}; {}", list(skipped))
        }
        named => format!("asked for: {named}"),
    }
}

/// The error if no provider runs. The CPU runs every valid model, so if it fails, the model is at
/// fault.
fn failure(
    file: &ModelFile<'_>,
    input: &ModelInput,
    options: &SessionOptions,
    mut skipped: Vec<(Provider, String)>,
    remedy: Option<Remedy>,
) -> Error {
    let last = skipped.pop().unwrap_or_default();
    if last.0 == Provider::Cpu && options.precision == Precision::F32 {
        let advice = match input.named_sides.is_empty() {
            true => "Get or export the model again",
            false => "Choose another image size, or get or export the model again",
        };
        return Error::Model {
            model: file.name.clone(),
            problem: format!("ONNX Runtime can't load it: {}", last.1),
            remedy: advice.into(),
        };
    }
    let reason = match skipped.is_empty() {
        true => last.1,
        false => list(skipped.iter().chain([&last])),
    };
    Error::Provider { provider: options.provider, reason, remedy }
}

/// Lists providers and why they can't run, in one line.
fn list<'a>(skipped: impl IntoIterator<Item = &'a (Provider, String)>) -> String {
    let list: Vec<String> =
        skipped.into_iter().map(|(provider, why)| format!("{provider}: {why}")).collect();
    list.join("; ")
}

/// Builds a session on one provider. `Err` is the reason why it can't run the model.
fn try_provider(
    provider: Provider,
    runtime: &Runtime,
    file: &ModelFile<'_>,
    input: &ModelInput,
    options: &SessionOptions,
) -> Result<(OrtSession, Vec<(String, usize)>), CannotRun> {
    if !is_built_in(provider) {
        return Err(not_built_in(provider, runtime, options.provider == provider).into());
    }
    let providers = dispatch(provider, options.precision, options.threads)?;
    let node_counts = NodeCounts::default();
    log::take_error(); // an older message must not explain this failure
    let session = configure(runtime, file, input, options.threads)
        .and_then(|builder| Ok(builder.with_logger(node_counts.logger())?))
        .and_then(|builder| Ok(builder.with_log_level(LogLevel::Verbose)?))
        .and_then(|builder| Ok(builder.with_execution_providers(providers)?))
        .and_then(|mut builder| builder.commit_from_memory(&file.bytes))
        .map_err(|failure| explain(failure.message(), log::take_error()))?;
    let nodes = node_counts.nodes();
    let is_used = nodes.is_empty() || nodes.iter().any(|(name, _)| name == provider.runtime_name());
    if !is_used {
        return Err("it takes none of the model's nodes".to_owned().into());
    }
    Ok((session, nodes))
}

/// Why a provider is missing; if it was requested, also how to get it.
fn not_built_in(provider: Provider, runtime: &Runtime, is_requested: bool) -> String {
    let absent = format!("not in this ONNX Runtime ({})", runtime.version());
    if !is_requested {
        return absent;
    }
    let package = match provider {
        Provider::Cuda | Provider::TensorRt => "onnxruntime-gpu",
        Provider::OpenVino => "onnxruntime-openvino",
        Provider::CoreMl => return format!("{absent}; it exists on macOS only"),
        Provider::Auto | Provider::Cpu => "onnxruntime",
    };
    let path = runtime.path().display();
    format!(
        "{absent}, which is {path}; the Python package {package} has one with it: set \
         ORT_DYLIB_PATH to its libonnxruntime"
    )
}

/// The settings that do not depend on the provider. Threads do not spin while they wait, because
/// decoders need the cores.
fn configure(
    runtime: &Runtime,
    file: &ModelFile<'_>,
    input: &ModelInput,
    threads: usize,
) -> ort::Result<SessionBuilder> {
    let mut builder = OrtSession::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(!input.has_unnamed_sides)?;
    if let Some(folder) = file.folder.as_ref().and_then(|folder| folder.to_str()) {
        let folder = if folder.is_empty() { "." } else { folder };
        builder = builder
            .with_config_entry("session.model_external_initializers_file_folder_path", folder)?;
    }
    for NamedSide { name, length } in &input.named_sides {
        builder = builder.with_dimension_override(name, i64::try_from(*length).unwrap_or(0))?;
    }
    Ok(builder)
}

/// The error that ONNX Runtime returned, and the one that it logged, if that has another text.
fn explain(returned: &str, logged: Option<String>) -> String {
    let returned = first_line(returned);
    match logged.as_deref().map(first_line) {
        Some(logged) if !logged.contains(returned) && !returned.contains(logged) => {
            format!("{returned} ({logged})")
        }
        _ => returned.to_owned(),
    }
}

/// The essential part of ONNX Runtime's message: the first line, without its position in the source
/// and `[ONNXRuntimeError] : 1 : FAIL : `. Messages can be pages long.
fn first_line(message: &str) -> &str {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.rsplit_once("[ONNXRuntimeError] : ") {
        Some((_, rest)) => rest.splitn(3, " : ").last().unwrap_or(rest),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logged_error_is_added_if_it_is_different() {
        let logged = "\n/x/bridge.cc:1957 Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load \
            libfoo.so with error: libbar.so : no such file\nstack";
        let text = explain("Failed to load provider X", Some(logged.into()));
        let want = "Failed to load libfoo.so with error: libbar.so : no such file";
        assert_eq!(text, format!("Failed to load provider X ({want})"));
        assert_eq!(explain("said once", Some("at x: said once".into())), "said once");
        assert_eq!(explain("", None), "");
    }
}
