//! ONNX Runtime's log messages as `tracing` events with the target `onnxruntime`.

use std::cell::RefCell;

use ort::logging::LogLevel;
use tracing::level_filters::LevelFilter;

thread_local! {
    /// The last error that was logged on this thread.
    static LAST_ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Emits a message as an event. ONNX Runtime's "info" becomes `TRACE`: it is hundreds of lines per
/// model.
pub(crate) fn emit(level: LogLevel, category: &str, _id: &str, at: &str, message: &str) {
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

/// Takes the last error that was logged on this thread. It often has more detail than the error
/// that ONNX Runtime returns, for example the library that a provider lacks.
pub(crate) fn take_error() -> Option<String> {
    LAST_ERROR.take()
}

/// The lowest log level that a subscriber reads; ONNX Runtime does not format messages below it.
pub(super) fn level() -> LogLevel {
    match LevelFilter::current() {
        LevelFilter::TRACE => LogLevel::Verbose,
        LevelFilter::DEBUG | LevelFilter::INFO | LevelFilter::WARN => LogLevel::Warning,
        _ => LogLevel::Error,
    }
}
