//! Opening a demuxer on a path, a URL or an [`Io`].

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::ErrorKind,
    ptr::{self, NonNull},
    sync::Arc,
};

use ffmpeg_sys_next as ffi;

use super::{Demuxer, DemuxerOptions, Guard, Limits, guard::guarded_open, outcome, tls_options};
use crate::{
    dict::RawDictionary,
    error::{Error, Result, check},
    interrupt::{self, Watch},
    io::{Avio, Io},
    log, protocols, raw,
};

/// A format context that is not open yet, and is freed on drop.
struct Unopened(NonNull<ffi::AVFormatContext>);

impl Unopened {
    fn new() -> Result<Self> {
        // SAFETY: no arguments; a null result is handled on the next line.
        let raw = unsafe { ffi::avformat_alloc_context() };
        NonNull::new(raw).map(Self).ok_or(Error::OutOfMemory)
    }

    fn into_raw(self) -> NonNull<ffi::AVFormatContext> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }
}

impl Drop for Unopened {
    fn drop(&mut self) {
        // SAFETY: `self` owns the context, which is not open, and nothing uses it after this.
        unsafe { ffi::avformat_free_context(self.0.as_ptr()) }
    }
}

/// FFmpeg's demuxer to use; `None` if it is to be recognised.
type Format = Option<NonNull<ffi::AVInputFormat>>;

/// Opens an input; see [`Demuxer::open`].
pub(super) fn open(options: DemuxerOptions) -> Result<Demuxer> {
    if options.options.get("protocol_whitelist").is_some() {
        return Err(Error::InvalidArgument {
            what: "the list of protocols",
            expected: "in DemuxerOptions::allow_protocols",
            got: "the option protocol_whitelist".to_owned(),
        });
    }
    let url = ffmpeg_url(&options.url);
    let c_url = raw::c_string("the path or URL", &url)?;
    log::silence();
    let format = find_format(options.format.as_deref())?;
    let io = match options.io {
        Some(io) => Some(io),
        None => open_path(&options.url, format)?,
    };
    let timeout = options.network_timeout.filter(|_| io.is_none());
    let watch = Arc::new(Watch::new(options.interrupt));
    watch.start_call(timeout);
    let io = io.map(|io| Avio::new(io, Arc::clone(&watch))).transpose()?;

    let context = Unopened::new()?;
    // SAFETY: the context is owned and valid.
    let default_open = unsafe { (*context.0.as_ptr()).io_open };
    let guard = Arc::new(Guard::new(&url, &options.allow_protocols, default_open));
    set_callbacks(&context, &watch, &guard, io.as_ref())?;
    set_limits(&context, &options.limits);
    let format = find_and_restrict_format(&context, &c_url, format, &watch, io.as_ref())?;
    let mut unused = RawDictionary::new(&options.options)?;
    drop(log::take_error()); // an older message must not explain this call's error
    let raw = open_input(context, &c_url, format, &mut unused).map_err(|code| {
        let error = || outcome("avformat_open_input", code, &watch, io.as_ref()).err();
        let error = guard.refusal().or_else(error).unwrap_or(Error::OutOfMemory);
        error.explained_by(log::take_error())
    })?;
    let demuxer = Demuxer { raw, io, guard, watch, timeout };
    demuxer.guard.refusal().map_or(Ok(()), Err)?;
    expect_used(&unused, &options.options)?;
    Ok(demuxer)
}

/// The path in `url`; `None` if it is a URL. A file name with a colon looks like a URL, so it
/// counts as one only if FFmpeg knows the protocol or two slashes follow.
fn local_path(url: &str) -> Option<&str> {
    match protocols::split_scheme(url) {
        None => Some(url),
        Some(("file", path)) => Some(path),
        Some((_, rest)) if !rest.starts_with("//") && !is_protocol(url) => Some(url),
        Some(_) => None,
    }
}

/// `url` as FFmpeg must get it: with `file:` before a path that looks like a URL.
fn ffmpeg_url(url: &str) -> String {
    let looks_like_url = protocols::as_path(url).is_none();
    if looks_like_url && local_path(url).is_some() { format!("file:{url}") } else { url.to_owned() }
}

/// Whether FFmpeg has a protocol for `url`.
fn is_protocol(url: &str) -> bool {
    let Ok(url) = CString::new(url) else { return false };
    // SAFETY: `url` is zero-terminated; the call only reads it.
    !unsafe { ffi::avio_find_protocol_name(url.as_ptr()) }.is_null()
}

/// Opens a path with this crate's own reader, which reports I/O errors exactly. `None` if FFmpeg
/// must open it: URLs, image sequences (`%03d`), and formats that open files themselves.
fn open_path(url: &str, format: Format) -> Result<Option<Io>> {
    let Some(path) = local_path(url).filter(|_| !opens_itself(format)) else { return Ok(None) };
    match File::open(path) {
        Ok(file) => Io::file(file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound && path.contains('%') => Ok(None),
        Err(error) => Err(Error::from_io("open", &error)),
    }
}

/// Whether FFmpeg's demuxer opens the file itself and reads no bytes from its caller.
fn opens_itself(format: Format) -> bool {
    format.is_some_and(|format| {
        // SAFETY: formats are static data of libavformat.
        let flags = unsafe { (*format.as_ptr()).flags };
        flags & ffi::AVFMT_NOFILE != 0
    })
}

fn find_format(name: Option<&str>) -> Result<Format> {
    let Some(name) = name else { return Ok(None) };
    let c_name = raw::c_string("the format", name)?;
    // SAFETY: `c_name` is zero-terminated.
    let format = unsafe { ffi::av_find_input_format(c_name.as_ptr()) };
    let unknown = || Error::InvalidArgument {
        what: "the format",
        expected: "the name of one of FFmpeg's demuxers",
        got: name.to_owned(),
    };
    NonNull::new(format.cast_mut()).map(Some).ok_or_else(unknown)
}

/// Sets the context's callbacks and the objects that they use.
fn set_callbacks(
    context: &Unopened,
    watch: &Arc<Watch>,
    guard: &Arc<Guard>,
    io: Option<&Avio>,
) -> Result<()> {
    let raw = context.0.as_ptr();
    let interrupt = ffi::AVIOInterruptCB {
        callback: Some(interrupt::callback),
        opaque: Arc::as_ptr(watch).cast_mut().cast(),
    };
    // SAFETY: the context is owned; the Watch outlives it.
    unsafe { (*raw).interrupt_callback = interrupt };
    // SAFETY: the context is owned; the Guard outlives it.
    unsafe { (*raw).opaque = Arc::as_ptr(guard).cast_mut().cast() };
    // SAFETY: the context is owned, and `opaque` is what the callback expects.
    unsafe { (*raw).io_open = Some(guarded_open) };
    if let Some(io) = io {
        // SAFETY: the context is owned; the Avio outlives it.
        unsafe { (*raw).pb = io.as_ptr() };
        // SAFETY: the context is owned. FFmpeg sets the flag too, but not if it fails earlier.
        unsafe { (*raw).flags |= ffi::AVFMT_FLAG_CUSTOM_IO };
    }
    set_option(context, c"protocol_whitelist", &guard.whitelist())
}

/// Sets FFmpeg's limits on what the input can make it do.
fn set_limits(context: &Unopened, limits: &Limits) {
    let raw = context.0.as_ptr();
    // SAFETY: the context is owned.
    unsafe { (*raw).max_streams = limits.max_streams.into() };
    // SAFETY: as above.
    unsafe { (*raw).format_probesize = limits.max_probe_bytes.try_into().unwrap_or(i32::MAX) };
    // SAFETY: as above.
    unsafe { (*raw).probesize = limits.max_analyze_bytes.try_into().unwrap_or(i64::MAX) };
    if let Some(duration) = limits.max_analyze_duration {
        let micros = duration.as_micros().try_into().unwrap_or(i64::MAX);
        // SAFETY: as above.
        unsafe { (*raw).max_analyze_duration = micros };
    }
}

/// Sets a text option of the context.
fn set_option(context: &Unopened, name: &CStr, value: &str) -> Result<()> {
    let value = raw::c_string("an option", value)?;
    // SAFETY: the context is owned and starts with a class; both strings live through the call.
    let code =
        unsafe { ffi::av_opt_set(context.0.as_ptr().cast(), name.as_ptr(), value.as_ptr(), 0) };
    check("av_opt_set", code).map(drop)
}

/// Determines the format before opening, because `concat` needs an option of its own: FFmpeg does
/// not pass the `io_open` callback on to the files of a concat list.
fn find_and_restrict_format(
    context: &Unopened,
    url: &CStr,
    format: Format,
    watch: &Watch,
    io: Option<&Avio>,
) -> Result<Format> {
    let format = match io {
        Some(io) if format.is_none() => Some(recognise(context, url, watch, io)?),
        _ => format,
    };
    if format.is_some_and(|format| name(format) == "concat") {
        set_option(context, c"format_whitelist", &formats_without_playlists())?;
    }
    Ok(format)
}

/// Recognises the format by content and name. By content alone if the name selects a format that
/// opens files itself, such as FFmpeg's `image2`, which would ignore the source.
fn recognise(
    context: &Unopened,
    url: &CStr,
    watch: &Watch,
    io: &Avio,
) -> Result<NonNull<ffi::AVInputFormat>> {
    let format = recognise_by(context, url, watch, io)?;
    if opens_itself(Some(format)) { recognise_by(context, c"", watch, io) } else { Ok(format) }
}

/// Recognises the format of a source by its content and by `url`, which may be empty.
fn recognise_by(
    context: &Unopened,
    url: &CStr,
    watch: &Watch,
    io: &Avio,
) -> Result<NonNull<ffi::AVInputFormat>> {
    let raw = context.0.as_ptr();
    let mut format = ptr::null();
    // SAFETY: the context is owned.
    let max_bytes = unsafe { (*raw).format_probesize }.cast_unsigned();
    let (io_raw, url) = (io.as_ptr(), url.as_ptr());
    // SAFETY: the I/O and the URL are valid, and `format` is writable; the I/O keeps what was read.
    let code = unsafe {
        ffi::av_probe_input_buffer2(io_raw, &raw mut format, url, raw.cast(), 0, max_bytes)
    };
    outcome("av_probe_input_buffer2", code, watch, Some(io))?;
    let unknown = || Error::from_code("av_probe_input_buffer2", ffi::AVERROR_INVALIDDATA);
    NonNull::new(format.cast_mut()).ok_or_else(unknown)
}

fn name(format: NonNull<ffi::AVInputFormat>) -> &'static str {
    // SAFETY: formats are static data of libavformat.
    let name = unsafe { (*format.as_ptr()).name };
    // SAFETY: so are their names.
    unsafe { raw::constant(name) }
}

/// FFmpeg's names of all formats except those that open other files by their own rules.
fn formats_without_playlists() -> String {
    let playlists = ["hls", "dash", "imf", "webm_dash_manifest", "image2", "sdp", "rtsp"];
    let mut state = ptr::null_mut();
    let formats = std::iter::from_fn(move || {
        // SAFETY: `state` is null or what the last call left in it.
        NonNull::new(unsafe { ffi::av_demuxer_iterate(&raw mut state) }.cast_mut())
    });
    let names = formats.map(name).filter(|name| !playlists.contains(name));
    names.collect::<Vec<_>>().join(",")
}

/// Opens the input; frees the context on failure. `Err` is FFmpeg's error code.
fn open_input(
    context: Unopened,
    url: &CStr,
    format: Format,
    options: &mut RawDictionary,
) -> std::result::Result<NonNull<ffi::AVFormatContext>, i32> {
    let context = context.into_raw();
    let mut raw = context.as_ptr();
    let format = format.map_or(ptr::null(), |format| format.as_ptr().cast_const());
    // SAFETY: the context is owned and not open; on failure FFmpeg frees it.
    let code = unsafe {
        ffi::avformat_open_input(&raw mut raw, url.as_ptr(), format, options.as_mut_ptr())
    };
    if code < 0 { Err(code) } else { Ok(context) }
}

/// Fails if FFmpeg left some of the caller's options unused. Those that the guard adds may be left.
fn expect_used(unused: &RawDictionary, given: &crate::dict::Dictionary) -> Result<()> {
    let Err(Error::UnusedOptions { mut names }) = unused.expect_used() else { return Ok(()) };
    let ours = tls_options();
    names.retain(|name| given.get(name).is_some() || !ours.iter().any(|(our, _)| our == name));
    if names.is_empty() { Ok(()) } else { Err(Error::UnusedOptions { names }) }
}
