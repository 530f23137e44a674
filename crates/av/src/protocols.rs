//! The protocols that an input may use, and the distinction of URLs from paths.

use std::{
    ffi::{CStr, CString},
    fmt,
    str::FromStr,
};

use ffmpeg_sys_next as ffi;

use crate::error::Error;

/// The protocols that an input may use in addition to those it needs itself.
///
/// By default a local input opens only itself and, if it is a playlist, files in its folder or
/// below; a URL may use the protocols that its scheme is based on. Allowing `file` permits files in
/// all folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocols {
    extra: Vec<String>,
}

impl Protocols {
    /// Only the protocols that the input needs itself.
    pub fn automatic() -> Self {
        Self::default()
    }

    /// Additionally the named protocols, by FFmpeg's names: `http`, `https`, `file`…
    pub fn also<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { extra: names.into_iter().map(Into::into).collect() }
    }

    /// Whether the caller allowed `name` explicitly.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.extra.iter().any(|extra| extra == name)
    }

    /// All protocols that an input with this URL scheme may use; `None` means a path.
    pub(crate) fn allowed(&self, scheme: Option<&str>) -> Vec<String> {
        let mut allowed = Vec::new();
        add(&mut allowed, scheme.unwrap_or("file"));
        for extra in &self.extra {
            add(&mut allowed, extra);
        }
        allowed
    }
}

/// Parses a comma-separated list such as `"http,https"`. An empty one is [`Protocols::automatic`].
impl FromStr for Protocols {
    type Err = Error;

    fn from_str(list: &str) -> Result<Self, Error> {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let unknown = |name: &&str| !is_known(name);
        match names.clone().find(unknown) {
            Some(name) => Err(Error::InvalidArgument {
                what: "a protocol",
                expected: "one that this build of FFmpeg has, such as https",
                got: name.to_owned(),
            }),
            None => Ok(Self::also(names)),
        }
    }
}

/// Writes the explicitly allowed protocols as a comma-separated list.
impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.extra.join(","))
    }
}

/// Whether this build of FFmpeg has a protocol of that name.
fn is_known(name: &str) -> bool {
    let Ok(url) = CString::new(format!("{name}:")) else { return false };
    // SAFETY: `url` is zero-terminated; the call only reads it.
    let found = unsafe { ffi::avio_find_protocol_name(url.as_ptr()) };
    // SAFETY: null, or the name in static data of libavformat.
    !found.is_null() && unsafe { CStr::from_ptr(found) }.to_bytes() == name.as_bytes()
}

/// Adds a scheme and the protocols that it is based on.
fn add(allowed: &mut Vec<String>, scheme: &str) {
    let bases: &[&str] = match scheme {
        // For encrypted segments and inline data of playlists.
        "file" => &["crypto", "data"],
        "http" | "https" => &["http", "https", "tls", "tcp", "httpproxy", "crypto", "data"],
        "rtsp" | "rtsps" => &["rtp", "srtp", "udp", "tcp", "tls", "http", "https", "httpproxy"],
        "rtmp" | "rtmpe" | "rtmps" | "rtmpt" | "rtmpte" | "rtmpts" => &[
            "rtmp",
            "rtmpe",
            "rtmps",
            "rtmpt",
            "rtmpte",
            "rtmpts",
            "ffrtmpcrypt",
            "ffrtmphttp",
            "http",
            "https",
            "tcp",
            "tls",
        ],
        "rtp" | "srtp" | "sap" => &["rtp", "srtp", "udp"],
        "tls" | "ftp" | "gopher" | "icecast" => &["tcp"],
        "gophers" => &["tcp", "tls"],
        "mmsh" | "mmst" | "mms" => &["mmsh", "mmst", "http", "tcp"],
        "concat" | "concatf" | "subfile" | "crypto" | "async" | "cache" => &["subfile", "file"],
        _ => &[],
    };
    for name in [scheme].iter().chain(bases) {
        if !allowed.iter().any(|known| known == name) {
            allowed.push((*name).to_owned());
        }
    }
}

/// The protocol that FFmpeg would open `url` with, and the rest of the URL; `None` for a path.
///
/// FFmpeg's rule: letters, digits, `+`, `-` and `.` before a colon. If several are joined by `+`,
/// the first one opens the rest.
pub(crate) fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let end = url.bytes().position(|byte| !is_scheme_byte(byte))?;
    if url.starts_with("subfile,") {
        return url.split_once(':');
    }
    if end == 0 || url.as_bytes()[end] != b':' {
        return None;
    }
    let scheme = &url[..end];
    Some(match scheme.split_once('+') {
        Some((outer, _)) => (outer, &url[outer.len() + 1..]),
        None => (scheme, &url[end + 1..]),
    })
}

/// The path that FFmpeg would open as a file, without `file:`; `None` for any other URL.
pub(crate) fn as_path(url: &str) -> Option<&str> {
    match split_scheme(url) {
        None => Some(url),
        Some(("file", rest)) => Some(rest),
        Some(_) => None,
    }
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_scheme(url: &str, want: Option<(&str, &str)>) {
        assert_eq!(split_scheme(url), want, "{url}");
    }

    #[test]
    fn schemes_are_split_as_ffmpeg_does() {
        check_scheme("clip.mp4", None);
        check_scheme("/a/b:c.mp4", None);
        check_scheme("dir/x:y", None);
        check_scheme(":x", None);
        check_scheme("", None);
        check_scheme("http://h/x", Some(("http", "//h/x")));
        check_scheme("file:/etc/passwd", Some(("file", "/etc/passwd")));
        check_scheme("a:b.mp4", Some(("a", "b.mp4")));
        check_scheme("crypto+http://h/x", Some(("crypto", "http://h/x")));
        check_scheme(
            "subfile,,start,1,end,2,,:/etc/passwd",
            Some(("subfile,,start,1,end,2,,", "/etc/passwd")),
        );
    }

    #[test]
    fn local_inputs_get_no_network() {
        let allowed = Protocols::automatic().allowed(None);
        assert_eq!(allowed, ["file", "crypto", "data"]);
    }

    #[test]
    fn urls_get_their_base_protocols_and_no_files() {
        for scheme in ["http", "https", "rtsp", "rtmp", "srt", "udp", "tcp", "mmsh"] {
            let allowed = Protocols::automatic().allowed(Some(scheme));
            assert!(allowed.contains(&scheme.to_owned()));
            assert!(!allowed.contains(&"file".to_owned()), "{scheme}");
        }
    }

    #[test]
    fn lists_are_parsed_and_widen_the_rest() {
        let protocols: Protocols = " https, file".parse().unwrap();
        assert!(protocols.names("https") && protocols.names("file") && !protocols.names("tcp"));
        assert!(protocols.allowed(None).contains(&"tls".to_owned()));
        assert_eq!("".parse(), Ok(Protocols::automatic()));
        assert!("a b".parse::<Protocols>().is_err());
    }
}
