//! A session is built on one provider after the other until one runs.

use moviola_av::remedy::Remedy;
use ort::logging::LogLevel;
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::error::{Error, Result};
use crate::provider::options::{Unable, dispatch, is_built_in};
use crate::provider::{Precision, Provider, ProviderReport};
use crate::runtime::{Runtime, log};
use crate::session::placement::Placement;
use crate::session::{Picture, SessionOptions, Source};

/// Builds a session on the provider that the options ask for.
pub(super) fn on_provider(
    source: &Source<'_>,
    picture: &Picture,
    options: &SessionOptions,
) -> Result<(OrtSession, ProviderReport)> {
    if options.threads == 0 {
        return Err(Error::argument("threads", "1 or more", 0));
    }
    let runtime = Runtime::load()?;
    let wanted = match options.provider {
        Provider::Auto => Provider::AUTO.to_vec(),
        named => vec![named],
    };
    let (mut skipped, mut remedy) = (Vec::new(), None);
    for &provider in &wanted {
        let tried = try_one(runtime, source, picture, (provider, options));
        match tried {
            Ok((session, nodes)) => {
                let report = ProviderReport {
                    provider,
                    reason: reason(options.provider, &skipped, options.precision),
                    skipped,
                    nodes,
                    precision: options.precision,
                    threads: options.threads,
                };
                tracing::debug!(model = %source.name, %provider, reason = %report.reason,
                    nodes = ?report.nodes, "loaded a model");
                return Ok((session, report));
            }
            Err(unable) => {
                skipped.push((provider, unable.why));
                remedy = unable.remedy.or(remedy);
            }
        }
    }
    Err(failure(source, picture, options, skipped, remedy))
}

/// Why the provider that runs was chosen.
fn reason(asked: Provider, skipped: &[(Provider, String)], precision: Precision) -> String {
    match asked {
        Provider::Auto if skipped.is_empty() => "the first choice of auto".into(),
        Provider::Auto => {
            format!("the first of auto that runs in {precision}; {}", list(skipped))
        }
        named => format!("asked for: {named}"),
    }
}

/// The error if nothing runs: the CPU takes every valid model, so its refusal is the model's fault.
fn failure(
    source: &Source<'_>,
    picture: &Picture,
    options: &SessionOptions,
    mut skipped: Vec<(Provider, String)>,
    remedy: Option<Remedy>,
) -> Error {
    let last = skipped.pop().unwrap_or_default();
    if last.0 == Provider::Cpu && options.precision == Precision::F32 {
        let advice = match picture.pins.is_empty() {
            true => "Get or export the model again",
            false => "Choose another image size, or get or export the model again",
        };
        return Error::Model {
            model: source.name.clone(),
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

/// Providers and why they don't run, in one line.
fn list<'a>(skipped: impl IntoIterator<Item = &'a (Provider, String)>) -> String {
    let list: Vec<String> =
        skipped.into_iter().map(|(provider, why)| format!("{provider}: {why}")).collect();
    list.join("; ")
}

/// Builds a session on one provider; an error says why it does not run.
fn try_one(
    runtime: &Runtime,
    source: &Source<'_>,
    picture: &Picture,
    (provider, options): (Provider, &SessionOptions),
) -> Result<(OrtSession, Vec<(String, usize)>), Unable> {
    if !is_built_in(provider) {
        return Err(not_built_in(provider, runtime, options.provider == provider).into());
    }
    let providers = dispatch(provider, options.precision, options.threads)?;
    let placement = Placement::default();
    log::take_error();
    let session = configure(runtime, source, picture, options.threads)
        .and_then(|builder| Ok(builder.with_logger(placement.logger())?))
        .and_then(|builder| Ok(builder.with_log_level(LogLevel::Verbose)?))
        .and_then(|builder| Ok(builder.with_execution_providers(providers)?))
        .and_then(|mut builder| builder.commit_from_memory(&source.bytes))
        .map_err(|failure| explain(failure.message(), log::take_error()))?;
    let nodes = placement.nodes();
    let runs = nodes.is_empty() || nodes.iter().any(|(name, _)| name == provider.runtime_name());
    if !runs {
        return Err("it takes none of the model's nodes".to_owned().into());
    }
    Ok((session, nodes))
}

/// Why a provider is absent; if the user asked for it, also how to get it.
fn not_built_in(provider: Provider, runtime: &Runtime, asked: bool) -> String {
    let absent = format!("not in this ONNX Runtime ({})", runtime.version());
    if !asked {
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

/// All settings that don't depend on the provider. No thread spins while it waits for work: the
/// decoder needs the cores meanwhile.
fn configure(
    runtime: &Runtime,
    source: &Source<'_>,
    picture: &Picture,
    threads: usize,
) -> ort::Result<SessionBuilder> {
    let mut builder = OrtSession::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(!picture.loose)?;
    if let Some(folder) = source.folder.as_ref().and_then(|folder| folder.to_str()) {
        let folder = if folder.is_empty() { "." } else { folder };
        builder = builder
            .with_config_entry("session.model_external_initializers_file_folder_path", folder)?;
    }
    for (name, length) in &picture.pins {
        builder = builder.with_dimension_override(name, i64::try_from(*length).unwrap_or(0))?;
    }
    Ok(builder)
}

/// The error that ONNX Runtime returned, and the one that it logged if that says something else.
fn explain(returned: &str, logged: Option<String>) -> String {
    let returned = first_line(returned);
    match logged.as_deref().map(first_line) {
        Some(logged) if !logged.contains(returned) && !returned.contains(logged) => {
            format!("{returned} ({logged})")
        }
        _ => returned.to_owned(),
    }
}

/// ONNX Runtime's messages can be pages, and begin with a place in its source: the first line
/// says what failed, after `[ONNXRuntimeError] : 1 : FAIL : `.
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
    fn the_logged_error_is_added_if_it_says_more() {
        let logged = "\n/x/bridge.cc:1957 Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load \
            libfoo.so with error: libbar.so : no such file\nstack";
        let text = explain("Failed to load provider X", Some(logged.into()));
        let want = "Failed to load libfoo.so with error: libbar.so : no such file";
        assert_eq!(text, format!("Failed to load provider X ({want})"));
        assert_eq!(explain("said once", Some("at x: said once".into())), "said once");
        assert_eq!(explain("", None), "");
    }
}
