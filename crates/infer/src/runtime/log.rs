//! ONNX Runtime's messages join the program's own, under the target `onnxruntime`.

use std::cell::RefCell;

use ort::logging::LogLevel;
use tracing::level_filters::LevelFilter;

thread_local! {
    /// The last error that was logged on this thread.
    static LAST_ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Passes a message on. ONNX Runtime's "info" is a trace of its work, hundreds of lines a model.
pub(crate) fn write(level: LogLevel, category: &str, _id: &str, at: &str, message: &str) {
    let message = message.trim();
    match level {
        LogLevel::Verbose | LogLevel::Info => {
            tracing::trace!(target: "onnxruntime", category, at, "{message}");
        }
        LogLevel::Warning => tracing::warn!(target: "onnxruntime", category, at, "{message}"),
        LogLevel::Error | LogLevel::Fatal => {
            LAST_ERROR.set(Some(message.to_owned()));
            tracing::error!(target: "onnxruntime", category, at, "{message}");
        }
    }
}

/// Takes the last error logged on this thread: it often says more than the error that ONNX
/// Runtime returns, for example which library a provider lacks.
pub(crate) fn take_error() -> Option<String> {
    LAST_ERROR.take()
}

/// The lowest level that somebody reads; ONNX Runtime formats no message below it.
pub(super) fn level() -> LogLevel {
    match LevelFilter::current() {
        LevelFilter::TRACE => LogLevel::Verbose,
        LevelFilter::DEBUG | LevelFilter::INFO | LevelFilter::WARN => LogLevel::Warning,
        _ => LogLevel::Error,
    }
}
