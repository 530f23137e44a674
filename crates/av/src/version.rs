//! Which FFmpeg this is, and what it can do.

use std::{ffi::c_void, mem::MaybeUninit};

use ffmpeg_sys_next as ffi;

use crate::{codec, raw};

/// How FFmpeg came into this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// It is a part of it.
    Static,
    /// It is loaded from the system's libraries.
    Shared,
}

/// FFmpeg's release, such as `"9.0.2"`.
pub fn release() -> &'static str {
    // SAFETY: no arguments and no state.
    let text = unsafe { ffi::av_version_info() };
    // SAFETY: the result is static text.
    unsafe { raw::constant(text) }
}

/// FFmpeg's libraries and their versions: `("libavcodec", "63.1.100")`.
pub fn versions() -> [(&'static str, String); 4] {
    // SAFETY: no arguments and no state.
    let util = unsafe { ffi::avutil_version() };
    // SAFETY: as above.
    let codec = unsafe { ffi::avcodec_version() };
    // SAFETY: as above.
    let format = unsafe { ffi::avformat_version() };
    // SAFETY: as above.
    let scale = unsafe { ffi::swscale_version() };
    let names = ["libavutil", "libavcodec", "libavformat", "libswscale"];
    let text = |n: u32| format!("{}.{}.{}", n >> 16, n >> 8 & 0xff, n & 0xff);
    let versions = [util, codec, format, scale].map(text);
    let mut versions = versions.into_iter();
    names.map(|name| (name, versions.next().unwrap_or_default()))
}

/// The licence that this build of FFmpeg is under.
pub fn license() -> &'static str {
    // SAFETY: no arguments and no state.
    let text = unsafe { ffi::avcodec_license() };
    // SAFETY: the result is static text.
    unsafe { raw::constant(text) }
}

/// How FFmpeg was configured.
pub fn configuration() -> &'static str {
    // SAFETY: no arguments and no state.
    let text = unsafe { ffi::avcodec_configuration() };
    // SAFETY: the result is static text.
    unsafe { raw::constant(text) }
}

/// Whether FFmpeg is a part of this program or loaded by it.
pub fn linkage() -> Linkage {
    let ours = object_of(linkage as fn() -> Linkage as *const c_void);
    let ffmpegs = object_of(ffi::avcodec_version as *const c_void);
    if ours.is_some() && ours == ffmpegs { Linkage::Static } else { Linkage::Shared }
}

/// Where the program or library that holds `symbol` is loaded.
fn object_of(symbol: *const c_void) -> Option<usize> {
    let mut info = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: any address may be asked for; `info` is writable.
    let found = unsafe { libc::dladdr(symbol, info.as_mut_ptr()) };
    if found == 0 {
        return None;
    }
    // SAFETY: a result other than 0 means that `info` was filled.
    Some(unsafe { info.assume_init() }.dli_fbase.addr())
}

/// The names of all decoders, in FFmpeg's order of preference.
pub fn decoders() -> impl Iterator<Item = &'static str> {
    codec::decoders().map(|codec| {
        // SAFETY: codecs are static data of libavcodec.
        let name = unsafe { (*codec.as_ptr()).name };
        // SAFETY: so are their names.
        unsafe { raw::constant(name) }
    })
}

/// The kinds of hardware that this build can decode with, such as `"cuda"`; whether the machine
/// has one is another question.
pub fn hardware() -> impl Iterator<Item = &'static str> {
    use ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_NONE;
    let mut kind = AV_HWDEVICE_TYPE_NONE;
    std::iter::from_fn(move || {
        // SAFETY: `kind` is "none" or what the last call returned.
        kind = unsafe { ffi::av_hwdevice_iterate_types(kind) };
        // SAFETY: any kind may be asked for.
        let name = unsafe { ffi::av_hwdevice_get_type_name(kind) };
        // SAFETY: the result is static text or null.
        let name = unsafe { raw::constant(name) };
        (kind != AV_HWDEVICE_TYPE_NONE).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_says_what_it_is() {
        assert!(release().starts_with(|first: char| first.is_ascii_alphanumeric()));
        assert!(versions()[1].1.split('.').count() == 3, "{:?}", versions());
        assert!(license().contains("GPL") && !configuration().is_empty());
    }

    #[test]
    fn decoders_are_listed() {
        let all = decoders().collect::<Vec<_>>();
        assert!(all.contains(&"h264") && all.contains(&"vp9"));
        assert!(hardware().all(|name| !name.is_empty()));
    }

    #[test]
    fn linkage_is_told() {
        // Which of the two depends on the build; asking must work in both.
        println!("FFmpeg is linked {:?}", linkage());
    }
}
