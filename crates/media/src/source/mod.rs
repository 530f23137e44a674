//! Sources of bytes: a file, memory, a reader, a pipe or a URL.

mod bytes;
mod demux;
mod on_damage;
mod options;
mod reader;
mod selection;

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek},
    os::fd::AsFd,
    path::{Path, PathBuf},
};

pub(crate) use self::demux::cannot_read;
pub use self::{
    bytes::Bytes,
    on_damage::OnDamage,
    options::{IoMode, SourceOptions},
    selection::{AudioChoice, StreamSelection, VideoChoice},
};
use self::{bytes::SharedBytes, reader::SharedReader};
use crate::error::Result;

/// Something that can be opened and read once.
pub struct Source {
    name: String,
    bytes: ByteSource,
}

enum ByteSource {
    Path(PathBuf),
    Url(String),
    Bytes(SharedBytes),
    SharedReader(SharedReader),
    Reader(Box<dyn Read + Send>),
    /// A file that is open already, at its start.
    File(File),
}

/// Where a source is, if another process can open it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location<'a> {
    /// A file, a pipe or a device with a path; see [`Source::path`].
    Path(&'a Path),
    /// An address; see [`Source::parse`].
    Url(&'a str),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Source {
    /// What a user typed: `-` is standard input, `scheme://…` an address, anything else a path.
    pub fn parse(argument: &str) -> Self {
        match argument.split_once("://") {
            _ if argument == "-" => Self::standard_input(),
            Some(("file", path)) => Self::path(path),
            None if argument.starts_with("file:/") && !Path::new(argument).exists() => {
                Self::path(argument.trim_start_matches("file:"))
            }
            Some((scheme, _)) if is_scheme(scheme) => {
                Self { name: argument.into(), bytes: ByteSource::Url(argument.into()) }
            }
            _ => Self::path(argument),
        }
    }

    /// A file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), bytes: ByteSource::Path(path) }
    }

    /// A whole file in memory, which isn't copied: a `Vec<u8>`, an `Arc<[u8]>`, or whatever else
    /// owns or shares bytes. `name` stands in messages.
    pub fn bytes(name: impl Into<String>, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self { name: name.into(), bytes: ByteSource::Bytes(SharedBytes::new(bytes)) }
    }

    /// What can be read at any place: as a file, from its first byte on, wherever `reader` stands.
    /// Nothing else may move it meanwhile. `name` stands in messages.
    ///
    /// Several demuxers may read it, one at a time, and move it to and fro.
    pub fn seekable(name: impl Into<String>, reader: impl Read + Seek + Send + 'static) -> Self {
        Self { name: name.into(), bytes: ByteSource::SharedReader(SharedReader::new(reader)) }
    }

    /// A stream that can't seek, such as a pipe; `name` stands in messages.
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), bytes: ByteSource::Reader(Box::new(reader)) }
    }

    /// Standard input. A file that a shell opened for it can be moved in, as a pipe can't; one that
    /// another reader has read from continues there.
    fn standard_input() -> Self {
        let file = || -> io::Result<File> {
            let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            let is_begun = file.metadata()?.is_file() && file.stream_position()? != 0;
            if is_begun { Err(io::ErrorKind::NotSeekable.into()) } else { Ok(file) }
        };
        match file() {
            Ok(file) => Self { name: "-".into(), bytes: ByteSource::File(file) },
            Err(_) => Self::reader("-", io::stdin()),
        }
    }

    /// The source's name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is; `None` for what this process alone has: memory, a reader, standard input, a
    /// file that is open.
    pub fn location(&self) -> Option<Location<'_>> {
        match &self.bytes {
            ByteSource::Path(path) => Some(Location::Path(path)),
            ByteSource::Url(url) => Some(Location::Url(url)),
            ByteSource::Bytes(_)
            | ByteSource::SharedReader(_)
            | ByteSource::Reader(_)
            | ByteSource::File(_) => None,
        }
    }

    /// Opens the file, if it is one, so that all who read the source from now on read the same.
    ///
    /// # Errors
    ///
    /// [`Error::Open`](crate::error::Error::Open) if it can't be opened.
    pub(crate) fn opened(self) -> Result<Self> {
        let Self { name, bytes } = self;
        let bytes = match bytes {
            ByteSource::Path(path) => ByteSource::File(demux::open_path(&name, &path)?),
            other => other,
        };
        Ok(Self { name, bytes })
    }

    /// A second source of the same bytes, from their start; `None` for what can be read once only.
    pub fn try_clone(&self) -> Option<Self> {
        let bytes = match &self.bytes {
            ByteSource::Path(path) => ByteSource::Path(path.clone()),
            ByteSource::Url(url) => ByteSource::Url(url.clone()),
            ByteSource::Bytes(bytes) => ByteSource::Bytes(bytes.clone()),
            ByteSource::SharedReader(reader) => ByteSource::SharedReader(reader.at_start()),
            ByteSource::File(file) if is_regular(file) => ByteSource::File(file.try_clone().ok()?),
            ByteSource::File(_) | ByteSource::Reader(_) => return None,
        };
        Some(Self { name: self.name.clone(), bytes })
    }

    /// The bytes themselves, beside any demuxer; `None` for pipes, addresses and files that aren't
    /// open.
    pub(crate) fn shared_bytes(&self) -> Option<Bytes> {
        match &self.bytes {
            ByteSource::File(file) => Bytes::file(file.try_clone().ok()?),
            ByteSource::Bytes(bytes) => Some(Bytes::memory(bytes.clone())),
            ByteSource::SharedReader(reader) => Bytes::reader(reader),
            ByteSource::Path(_) | ByteSource::Url(_) | ByteSource::Reader(_) => None,
        }
    }
}

/// Whether `text` may be a URL's scheme; one letter is a Windows drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use moviola_av::interrupt::Interrupt;

    use super::*;

    #[track_caller]
    fn check_parse(argument: &str, is_url: bool) {
        assert_eq!(matches!(Source::parse(argument).bytes, ByteSource::Url(_)), is_url);
    }

    #[test]
    fn addresses_have_a_scheme() {
        check_parse("https://example.org/a.mp4", true);
        check_parse("rtsp://camera/1", true);
        check_parse("a.mp4", false);
        check_parse("folder/with:colon.mp4", false);
        check_parse("C://a.mp4", false);
    }

    #[test]
    fn a_file_address_is_a_path() {
        for address in ["file:///a/b.mp4", "file:/a/b.mp4"] {
            let source = Source::parse(address);
            assert!(matches!(source.bytes, ByteSource::Path(_)));
            assert_eq!(source.name(), "/a/b.mp4");
        }
    }

    #[test]
    fn a_dash_is_standard_input() {
        let source = Source::parse("-");
        // Where there is none, reading says so.
        assert!(matches!(source.bytes, ByteSource::File(_) | ByteSource::Reader(_)));
        assert_eq!(source.name(), "-");
    }

    #[test]
    fn what_another_process_can_open_has_a_location() {
        let location = |argument| match Source::parse(argument).location() {
            Some(Location::Path(path)) => format!("path {}", path.display()),
            Some(Location::Url(url)) => format!("url {url}"),
            None => "none".into(),
        };
        assert_eq!(location("a.mp4"), "path a.mp4");
        assert_eq!(location("file:///a/b.mp4"), "path /a/b.mp4");
        assert_eq!(location("rtsp://camera/1"), "url rtsp://camera/1");
        assert_eq!(location("-"), "none");
        assert!(Source::bytes("memory", vec![0]).location().is_none());
    }

    #[test]
    fn what_cannot_be_opened_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.mp4");
        std::fs::write(&empty, []).unwrap();
        for (path, remedy) in [
            (folder.path().join("none.mp4"), "no such file; check the path"),
            (folder.path().to_owned(), "is a folder; name the files in it"),
            (empty, "the file is empty"),
        ] {
            let error = Source::path(&path)
                .demuxer(&SourceOptions::default(), Interrupt::new())
                .unwrap_err();
            assert_eq!(error.to_string(), format!("{}: {remedy}", path.display()));
        }
    }
}
