//! Access rules for the other files and URLs that an input refers to.
//!
//! Playlists and some containers refer to other files and URLs. FFmpeg opens those through a
//! callback, which is defined here: it opens what the rules allow and keeps the first refusal as an
//! [`Error`], because FFmpeg passes on only an error code.

use std::{
    ffi::{CStr, c_char, c_int},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ffmpeg_sys_next as ffi;

use crate::{
    dict,
    error::Error,
    protocols::{self, Protocols},
    raw,
    remedy::Remedy,
};

#[cfg(test)]
mod tests;

/// The type of FFmpeg's callback that opens a URL (`io_open`).
pub(super) type Open = unsafe extern "C" fn(
    *mut ffi::AVFormatContext,
    *mut *mut ffi::AVIOContext,
    *const c_char,
    c_int,
    *mut *mut ffi::AVDictionary,
) -> c_int;

/// The access rules of one input.
#[derive(Debug)]
pub(super) struct Guard {
    /// The path or URL of the input.
    url: String,
    /// The folder of a local input; files in it or below may be opened.
    folder: Option<PathBuf>,
    /// The protocols on FFmpeg's whitelist.
    allowed: Vec<String>,
    /// Whether the caller allowed the protocol `file`, and so all local files.
    allows_any_file: bool,
    /// The first refusal.
    refusal: Mutex<Option<Error>>,
    /// FFmpeg's own callback, which opens what the rules allow.
    default_open: Option<Open>,
}

impl Guard {
    /// The rules for the input `url`.
    pub(super) fn new(url: &str, protocols: &Protocols, default_open: Option<Open>) -> Self {
        let scheme = protocols::split_scheme(url).map(|(scheme, _)| scheme);
        Self {
            url: url.to_owned(),
            folder: protocols::as_path(url).and_then(folder_of),
            allowed: protocols.allowed(scheme),
            allows_any_file: protocols.names("file"),
            refusal: Mutex::default(),
            default_open,
        }
    }

    /// The value of FFmpeg's option `protocol_whitelist`.
    pub(super) fn whitelist(&self) -> String {
        self.allowed.join(",")
    }

    /// The first refusal, if there was one.
    pub(super) fn refusal(&self) -> Option<Error> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the input may open `target`; keeps the first refusal.
    fn permits(&self, target: &str) -> bool {
        let Err(error) = self.check(target) else { return true };
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        false
    }

    fn check(&self, target: &str) -> Result<(), Error> {
        if target == self.url {
            return Ok(());
        }
        match protocols::split_scheme(target) {
            None => self.check_path(target, target),
            Some(("file", path)) => self.check_path(target, path),
            // This protocol only decrypts the inner URL, which is checked instead.
            Some(("crypto", inner)) => self.check(inner),
            Some((scheme, _)) if self.allowed.iter().any(|known| known == scheme) => Ok(()),
            Some((scheme, _)) => {
                let reason = match self.folder {
                    Some(_) => "a local input may open files of its folder only",
                    None => "the input's protocol does not include this one",
                };
                Err(refused(target, reason, scheme))
            }
        }
    }

    fn check_path(&self, target: &str, path: &str) -> Result<(), Error> {
        if self.allows_any_file {
            return Ok(());
        }
        let Some(folder) = &self.folder else {
            return Err(refused(target, "an input from elsewhere may open no files", "file"));
        };
        // For a missing file, check its folder; if that is missing too, FFmpeg reports it.
        let real = fs::canonicalize(path).ok().or_else(|| folder_of(path));
        if real.is_none_or(|real| real.starts_with(folder)) {
            return Ok(());
        }
        Err(refused(target, "it lies outside the folder of the input", "file"))
    }
}

fn refused(target: &str, reason: &'static str, protocol: &str) -> Error {
    let remedy = Remedy::AllowProtocol(protocol.to_owned());
    Error::Refused { target: target.to_owned(), reason, remedy }
}

/// The canonical path of the folder that contains `path`.
fn folder_of(path: &str) -> Option<PathBuf> {
    let parent = Path::new(path).parent()?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    fs::canonicalize(parent).ok()
}

/// FFmpeg's `io_open` callback: opens `url` if the [`Guard`] in the context's `opaque` permits it.
///
/// # Safety
///
/// FFmpeg's promises for this callback must hold, and `opaque` must point to a live [`Guard`].
pub(super) unsafe extern "C" fn guarded_open(
    context: *mut ffi::AVFormatContext,
    io: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    flags: c_int,
    options: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: FFmpeg passes a valid context.
    let guard = unsafe { (*context).opaque };
    // SAFETY: `opaque` points to a live Guard, and it is only ever shared.
    let guard: &Guard = unsafe { &*guard.cast_const().cast() };
    // SAFETY: FFmpeg passes a zero-terminated URL.
    let text = unsafe { CStr::from_ptr(url) };
    let writes = flags & ffi::AVIO_FLAG_WRITE != 0;
    // No panic is known here; if there is one, refuse.
    let permits = || text.to_str().is_ok_and(|text| guard.permits(text));
    if writes || !raw::catch_panic(permits).unwrap_or(false) {
        return ffi::AVERROR(libc::EACCES);
    }
    let Some(default_open) = guard.default_open else { return ffi::AVERROR(libc::ENOSYS) };
    if is_encrypted(text) {
        // SAFETY: FFmpeg passes null or a dictionary of its own.
        unsafe { verify_peer(options) };
    }
    // SAFETY: FFmpeg's own callback takes the arguments of this one.
    unsafe { default_open(context, io, url, flags, options) }
}

fn is_encrypted(url: &CStr) -> bool {
    ["https:", "tls:", "rtmps:"].iter().any(|scheme| url.to_bytes().starts_with(scheme.as_bytes()))
}

/// Turns on verification of the server's TLS certificate, unless the caller set these options.
///
/// # Safety
///
/// `options` must be null, or point to null or to a dictionary that nothing else uses during the
/// call.
unsafe fn verify_peer(options: *mut *mut ffi::AVDictionary) {
    if options.is_null() {
        return;
    }
    for (name, value) in super::tls_options() {
        // This fails only without memory, and then opening fails too.
        // SAFETY: the caller promises the dictionary.
        let _ = unsafe { dict::set_raw(options, name, &value, ffi::AV_DICT_DONT_OVERWRITE) };
    }
}
