//! What an input may open besides itself.
//!
//! Playlists and some containers name other files and URLs. FFmpeg opens those through a hook,
//! and this is the hook: it lets through what the rules allow and keeps the first refusal, because
//! FFmpeg itself passes on no more than a number.

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
};

#[cfg(test)]
mod tests;

/// FFmpeg's hook for opening.
pub(super) type Open = unsafe extern "C" fn(
    *mut ffi::AVFormatContext,
    *mut *mut ffi::AVIOContext,
    *const c_char,
    c_int,
    *mut *mut ffi::AVDictionary,
) -> c_int;

/// The rules for one input.
#[derive(Debug)]
pub(super) struct Guard {
    /// The input itself.
    url: String,
    /// The folder of a local input: what lies in it or below may be opened.
    folder: Option<PathBuf>,
    /// The protocols that FFmpeg lets pass.
    allowed: Vec<String>,
    /// Whether the caller named `file`.
    any_file: bool,
    refusal: Mutex<Option<Error>>,
    default_open: Option<Open>,
}

impl Guard {
    /// The rules for `url`. `default_open` opens what they allow.
    pub(super) fn new(url: &str, protocols: &Protocols, default_open: Option<Open>) -> Self {
        let scheme = protocols::split_scheme(url).map(|(scheme, _)| scheme);
        Self {
            url: url.to_owned(),
            folder: protocols::as_path(url).and_then(folder_of),
            allowed: protocols.allowed(scheme),
            any_file: protocols.names("file"),
            refusal: Mutex::default(),
            default_open,
        }
    }

    /// FFmpeg's list of the protocols that may be used at all.
    pub(super) fn whitelist(&self) -> String {
        self.allowed.join(",")
    }

    /// The first refusal.
    pub(super) fn refusal(&self) -> Option<Error> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the input may open `target`; a refusal is kept.
    fn permits(&self, target: &str) -> bool {
        let Err(error) = self.judge(target) else { return true };
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        false
    }

    fn judge(&self, target: &str) -> Result<(), Error> {
        if target == self.url {
            return Ok(());
        }
        match protocols::split_scheme(target) {
            None => self.judge_path(target, target),
            Some(("file", path)) => self.judge_path(target, path),
            // It only decrypts: what counts is what it decrypts.
            Some(("crypto", inner)) => self.judge(inner),
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

    fn judge_path(&self, target: &str, path: &str) -> Result<(), Error> {
        if self.any_file {
            return Ok(());
        }
        let Some(folder) = &self.folder else {
            return Err(refused(target, "an input from elsewhere may open no files", "file"));
        };
        // What does not exist still has a place; if even that is unknown, FFmpeg will say so.
        let place = fs::canonicalize(path).ok().or_else(|| folder_of(path));
        if place.is_none_or(|place| place.starts_with(folder)) {
            return Ok(());
        }
        Err(refused(target, "it lies outside the folder of the input", "file"))
    }
}

fn refused(target: &str, reason: &'static str, protocol: &str) -> Error {
    let remedy = format!("if you trust the input, allow it with --allow-protocols {protocol}");
    Error::Refused { target: target.to_owned(), reason, remedy }
}

/// The real folder that holds `path`.
fn folder_of(path: &str) -> Option<PathBuf> {
    let parent = Path::new(path).parent()?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    fs::canonicalize(parent).ok()
}

/// FFmpeg wants to open `url` for the input whose [`Guard`] is the context's `opaque`.
///
/// # Safety
///
/// FFmpeg's promises for this hook must hold, and `opaque` must point to a live [`Guard`].
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
    // No panic is known here, and refusing is the safe answer to one.
    let permits = || text.to_str().is_ok_and(|text| guard.permits(text));
    if writes || !raw::catch_panic(permits).unwrap_or(false) {
        return ffi::AVERROR(libc::EACCES);
    }
    let Some(default_open) = guard.default_open else { return ffi::AVERROR(libc::ENOSYS) };
    if is_encrypted(text) {
        // SAFETY: FFmpeg passes null or a dictionary of its own.
        unsafe { verify_peer(options) };
    }
    // SAFETY: these are the arguments that FFmpeg meant for its own hook.
    unsafe { default_open(context, io, url, flags, options) }
}

fn is_encrypted(url: &CStr) -> bool {
    ["https:", "tls:", "rtmps:"].iter().any(|scheme| url.to_bytes().starts_with(scheme.as_bytes()))
}

/// Makes sure that the other side has to prove who it is, unless the caller said otherwise.
///
/// # Safety
///
/// `options` must be null or point to null or a dictionary that no one else uses meanwhile.
unsafe fn verify_peer(options: *mut *mut ffi::AVDictionary) {
    if options.is_null() {
        return;
    }
    for (name, value) in super::tls_options() {
        // A failure means that memory is exhausted, which opening will find out too.
        // SAFETY: the caller promises the dictionary.
        let _ = unsafe { dict::set_raw(options, name, &value, ffi::AV_DICT_DONT_OVERWRITE) };
    }
}
