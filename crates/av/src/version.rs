//! The version of FFmpeg in use, its licence and its capabilities.

use std::{ffi::c_void, mem::MaybeUninit};

use ffmpeg_sys_next as ffi;

use crate::{codec, raw};

/// How FFmpeg is linked to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Statically: it is part of the program.
    Static,
    /// Dynamically: it is loaded from shared libraries.
    Shared,
}

/// FFmpeg's release, such as `"9.0.2"`.
pub fn release() -> &'static str {
    // SAFETY: no arguments and no state.
    let text = unsafe { ffi::av_version_info() };
    // SAFETY: the result is static text.
    unsafe { raw::constant(text) }
}

/// FFmpeg's libraries and their versions, such as `("libavcodec", "63.1.100")`.
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

/// The licence of this build of FFmpeg.
pub fn license() -> &'static str {
    // SAFETY: no arguments and no state.
    let text = unsafe { ffi::avcodec_license() };
    // SAFETY: the result is static text.
    unsafe { raw::constant(text) }
}

/// The flags that FFmpeg was configured with.
pub fn configuration() -> &'static str {
    // SAFETY: no arguments and no state.
    let text = unsafe { ffi::avcodec_configuration() };
    // SAFETY: the result is static text.
    unsafe { raw::constant(text) }
}

/// How FFmpeg is linked: found by comparing where its code and this crate's code are loaded.
pub fn linkage() -> Linkage {
    let ours = object_of(linkage as fn() -> Linkage as *const c_void);
    let ffmpegs = object_of(ffi::avcodec_version as *const c_void);
    if ours.is_some() && ours == ffmpegs { Linkage::Static } else { Linkage::Shared }
}

/// The load address of the program or library that contains `symbol`.
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

/// The kinds of hardware decoders that this build supports, such as `"cuda"`. The machine may have
/// none of them.
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
    fn version_and_licence_are_known() {
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
    fn linkage_is_found() {
        // The result depends on the build.
        println!("FFmpeg is linked {:?}", linkage());
    }
}
