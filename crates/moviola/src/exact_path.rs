//! Serialisation of paths that may contain any bytes, for messages to other processes.

use std::{
    borrow::Cow,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The serialised form of a path: text if it is valid UTF-8, else bytes.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SerializedPath<'a> {
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

/// For `#[serde(with = "exact_path")]`.
pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    let serialized = match path.to_str() {
        Some(text) => SerializedPath::Text(text.into()),
        None => SerializedPath::Bytes(path.as_os_str().as_bytes().into()),
    };
    serialized.serialize(to)
}

/// For `#[serde(with = "exact_path")]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Ok(match SerializedPath::deserialize(from)? {
        SerializedPath::Text(text) => text.into_owned().into(),
        SerializedPath::Bytes(bytes) => OsString::from_vec(bytes.into_owned()).into(),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Exact(#[serde(with = "super")] PathBuf);

    #[test]
    fn every_path_is_restored_exactly() {
        for bytes in [&b"a/b.mp4"[..], b"", "\u{e4}\n".as_bytes(), b"no\xfftext"] {
            let path = Path::new(OsStr::from_bytes(bytes));
            let line = serde_json::to_string(&Exact(path.into())).unwrap();
            let back: Exact = serde_json::from_str(&line).unwrap();
            assert_eq!(back.0, path, "{line}");
        }
    }
}
