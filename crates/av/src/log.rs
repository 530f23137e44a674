//! FFmpeg's log messages: not printed unless asked for, or as `tracing` events.

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int, c_void},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use ffmpeg_sys_next as ffi;
use tracing::Level;

use crate::raw;

/// C's variable arguments, as bindgen passes them on this platform.
#[cfg(all(target_arch = "x86_64", not(windows)))]
type Arguments = *mut ffi::__va_list_tag;
#[cfg(not(all(target_arch = "x86_64", not(windows))))]
type Arguments = ffi::va_list;

/// Target of the events.
const TARGET: &str = "ffmpeg";

/// Whether [`init`] was called.
static IS_LISTENING: AtomicBool = AtomicBool::new(false);

/// Sends FFmpeg's log messages to `tracing`, with the target `ffmpeg`.
///
/// Without this call they are lost: FFmpeg's own default, to print them to stderr, is switched off
/// when the first demuxer, decoder or converter is made, unless the program has changed FFmpeg's
/// log level itself.
///
/// This is a setting of the whole process; calling it again changes nothing. Messages that no
/// subscriber wants are not formatted, except errors, which explain failing calls.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        IS_LISTENING.store(true, Ordering::Relaxed);
        // SAFETY: the callback has FFmpeg's signature, may be called from any thread at any time
        // and never unwinds.
        unsafe { ffi::av_log_set_callback(Some(on_message)) }
    });
}

/// Keeps FFmpeg from printing its messages, if the program has not decided about them. Called
/// before anything that may log.
pub(crate) fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the call only reads a number.
        let level = unsafe { ffi::av_log_get_level() };
        if level == ffi::AV_LOG_INFO && !IS_LISTENING.load(Ordering::Relaxed) {
            // SAFETY: the call only sets a number, which FFmpeg reads from any thread.
            unsafe { ffi::av_log_set_level(ffi::AV_LOG_QUIET) };
        }
    });
}

/// The start of an unfinished line: FFmpeg writes some lines in pieces.
#[derive(Default)]
struct Line {
    text: String,
    level: Option<Level>,
    /// FFmpeg's flag: 1 if its next message starts with the name of the sender.
    print_prefix: c_int,
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::new(Line { print_prefix: 1, ..Default::default() });
    static FIRST_ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Takes the first error that FFmpeg has logged on this thread since the last call.
///
/// It is the message without the sender's name. It explains a failure better than the error code.
/// `None` unless [`init`] was called.
pub(crate) fn take_error() -> Option<String> {
    FIRST_ERROR.try_with(|first| first.try_borrow_mut().ok()?.take()).ok().flatten()
}

/// Keeps the message of an error for [`take_error`], if it is the first.
fn remember_error(text: &str) {
    let without_sender =
        text.split_once("] ").filter(|_| text.starts_with('[')).map_or(text, |(_, rest)| rest);
    // Fails while the thread exits.
    let _ = FIRST_ERROR.try_with(|first| {
        if let Ok(mut first) = first.try_borrow_mut() {
            first.get_or_insert_with(|| without_sender.to_owned());
        }
    });
}

/// The event level for FFmpeg's log level; `None` for messages that are never shown.
fn level_of(level: c_int) -> Option<Level> {
    match level {
        // The upper bytes contain a colour.
        _ if level < 0 => None,
        level => Some(match level & 0xff {
            level if level <= ffi::AV_LOG_ERROR => Level::ERROR,
            level if level <= ffi::AV_LOG_WARNING => Level::WARN,
            level if level <= ffi::AV_LOG_INFO => Level::INFO,
            level if level <= ffi::AV_LOG_DEBUG => Level::DEBUG,
            _ => Level::TRACE,
        }),
    }
}

fn is_wanted(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(target: TARGET, Level::ERROR),
        Level::WARN => tracing::enabled!(target: TARGET, Level::WARN),
        Level::INFO => tracing::enabled!(target: TARGET, Level::INFO),
        Level::DEBUG => tracing::enabled!(target: TARGET, Level::DEBUG),
        Level::TRACE => tracing::enabled!(target: TARGET, Level::TRACE),
    }
}

fn emit(level: Level, text: &str) {
    match level {
        Level::ERROR => tracing::error!(target: TARGET, "{text}"),
        Level::WARN => tracing::warn!(target: TARGET, "{text}"),
        Level::INFO => tracing::info!(target: TARGET, "{text}"),
        Level::DEBUG => tracing::debug!(target: TARGET, "{text}"),
        Level::TRACE => tracing::trace!(target: TARGET, "{text}"),
    }
}

/// FFmpeg's callback.
///
/// # Safety
///
/// The arguments must be what FFmpeg promises for its log callback.
unsafe extern "C" fn on_message(
    sender: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: Arguments,
) {
    // A panic in a subscriber can't be reported, and must not unwind into C.
    let _ = raw::catch_panic(|| {
        let wanted = |level: &Level| *level == Level::ERROR || is_wanted(*level);
        let Some(level) = level_of(level).filter(wanted) else { return };
        // Fails while the thread exits, or if a subscriber makes FFmpeg log.
        let _ = LINE.try_with(|line| {
            let Ok(mut line) = line.try_borrow_mut() else { return };
            // SAFETY: the caller promises FFmpeg's arguments.
            let piece = unsafe { format_piece(sender, format, arguments, &mut line.print_prefix) };
            let finished = line.push(level, &piece);
            drop(line);
            for (level, text) in finished {
                if level == Level::ERROR {
                    remember_error(&text);
                }
                emit(level, &text);
            }
        });
    });
}

impl Line {
    /// Appends a piece; returns the lines that it completes.
    fn push(&mut self, level: Level, piece: &str) -> Vec<(Level, String)> {
        let level = *self.level.get_or_insert(level);
        self.text.push_str(piece);
        let Some((lines, rest)) = self.text.rsplit_once('\n') else { return Vec::new() };
        let lines = lines.lines().map(|text| (level, text.trim_end().to_owned()));
        let finished = lines.filter(|(_, text)| !text.is_empty()).collect();
        self.text = rest.to_owned();
        self.level = (!self.text.is_empty()).then_some(level);
        finished
    }
}

/// Formats one message, truncated to 4 KiB.
///
/// # Safety
///
/// The arguments must be what FFmpeg promises for its log callback.
unsafe fn format_piece(
    sender: *mut c_void,
    format: *const c_char,
    arguments: Arguments,
    print_prefix: &mut c_int,
) -> String {
    let mut text = [0_u8; 4096];
    let (start, len) = (text.as_mut_ptr().cast(), text.len() as c_int);
    // FFmpeg uses the level only to print its name, which is not requested.
    // SAFETY: the caller promises the first and the next two arguments; `text` is writable and its
    // length is passed along.
    unsafe {
        ffi::av_log_format_line2(sender, 0, format, arguments, start, len, print_prefix);
    }
    CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_keep_their_order() {
        assert_eq!(level_of(ffi::AV_LOG_QUIET), None);
        assert_eq!(level_of(ffi::AV_LOG_PANIC), Some(Level::ERROR));
        assert_eq!(level_of(ffi::AV_LOG_WARNING), Some(Level::WARN));
        assert_eq!(level_of(ffi::AV_LOG_INFO), Some(Level::INFO));
        assert_eq!(level_of(ffi::AV_LOG_VERBOSE), Some(Level::DEBUG));
        assert_eq!(level_of(ffi::AV_LOG_TRACE), Some(Level::TRACE));
        assert_eq!(level_of(ffi::AV_LOG_ERROR | 0x5500), Some(Level::ERROR));
    }

    #[test]
    fn pieces_are_joined_to_lines() {
        let mut line = Line::default();
        assert_eq!(line.push(Level::WARN, "one "), []);
        assert_eq!(line.push(Level::INFO, "line\n"), [(Level::WARN, "one line".to_owned())]);
        let two = line.push(Level::INFO, "a\n\nb \nc");
        assert_eq!(two, [(Level::INFO, "a".to_owned()), (Level::INFO, "b".to_owned())]);
        assert_eq!(line.push(Level::ERROR, "\n"), [(Level::INFO, "c".to_owned())]);
    }

    #[test]
    fn the_first_error_is_returned_once_and_without_its_sender() {
        remember_error("[mov,mp4 @ 0x1] moov atom not found");
        remember_error("what follows from it");
        assert_eq!(take_error().as_deref(), Some("moov atom not found"));
        assert_eq!(take_error(), None);
    }
}
