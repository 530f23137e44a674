//! Where the bytes come from: a file, memory, a pipe or an address.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek},
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use moviola_av::{
    demuxer::{Demuxer, DemuxerOptions},
    error::{Error as AvError, ErrorKind},
    interrupt::Interrupt,
    io::Io,
    pool::FramePool,
    protocols::Protocols,
};

use crate::{
    damage::OnDamage,
    error::{Error, Result},
    hardware::Hwaccel,
    index::tables::Bytes,
};

/// Files larger than this are mapped under [`IoMode::Auto`].
const MAP_ABOVE_BYTES: u64 = 1 << 30;

/// What a pool keeps that no picture uses: twenty pictures in 1080p.
const MAX_IDLE_BYTES: usize = 64 << 20;

/// Something that can be opened and read once.
pub struct Source {
    name: String,
    input: Input,
}

enum Input {
    Path(PathBuf),
    Url(String),
    Bytes(Arc<[u8]>),
    Reader(Box<dyn Read + Send>),
    /// A file that is open already, at its start.
    File(File),
}

/// Where a source is, if another process can open it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
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

/// How a local file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IoMode {
    /// `pread` into a small buffer.
    #[default]
    Read,
    /// A memory mapping. If another process truncates the file meanwhile, the system sends
    /// SIGBUS: opt in only where `moviola_av::io::sigbus::install` has run, which turns it into
    /// an error.
    Map,
    /// A mapping for files over 1 GiB, `pread` for the others. The caution of `Map` applies.
    Auto,
}

/// How to open a source. Every field has a working default.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// How a local file is read. Default: [`IoMode::Read`].
    pub io: IoMode,
    /// Protocols allowed beyond those the source itself needs. Default: none.
    pub allow_protocols: Protocols,
    /// Pictures with more pixels than this are an error, which ends a reading of frames; of
    /// keyframes the others still come. Default: 268 435 456 (16384²).
    pub max_pixels: u64,
    /// Give up on a network source that is silent for this long. Default: 30 s.
    pub network_timeout: Duration,
    /// Which video stream to read, counted among all streams; `None` picks the default one.
    pub stream: Option<usize>,
    /// How many threads decode, and convert, at once: each a keyframe or a group of pictures, or
    /// all of them one stream. Default: the number of cores this process may use.
    pub decoders: usize,
    /// Which hardware may decode. Default: none.
    pub hwaccel: Hwaccel,
    /// What to do about damaged frames of a [`Video`](crate::video::Video) or a
    /// [`FrameReader`](crate::video::FrameReader). Keyframes alone always come as they are. Default:
    /// keep them.
    pub on_damage: OnDamage,
    /// A folder that keeps the indexes of files that must be read through to make one, so that it
    /// is done once. Default: none; nothing is written.
    pub index_cache: Option<Arc<Path>>,
    /// Bytes of decoded pictures that may wait for their turn where groups of pictures are decoded
    /// side by side. Default: 256 MiB.
    pub memory: usize,
    /// Where pictures get their memory; sources opened with clones of these options share it.
    /// Default: a new one that keeps at most 64 MiB that no picture uses.
    pub pool: Arc<FramePool>,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            io: IoMode::default(),
            allow_protocols: Protocols::automatic(),
            max_pixels: 1 << 28,
            network_timeout: Duration::from_secs(30),
            stream: None,
            decoders: crate::budget::cores(),
            hwaccel: Hwaccel::default(),
            on_damage: OnDamage::default(),
            index_cache: None,
            memory: 256 << 20,
            pool: FramePool::new(MAX_IDLE_BYTES),
        }
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
                Self { name: argument.into(), input: Input::Url(argument.into()) }
            }
            _ => Self::path(argument),
        }
    }

    /// A file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), input: Input::Path(path) }
    }

    /// A whole file in memory; `name` stands in messages.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: name.into(), input: Input::Bytes(bytes.into()) }
    }

    /// A stream that can't seek, such as a pipe; `name` stands in messages.
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), input: Input::Reader(Box::new(reader)) }
    }

    /// Standard input. A file that a shell opened for it can be moved in, as a pipe can't; one that
    /// somebody has read from goes on there.
    fn standard_input() -> Self {
        let file = || -> io::Result<File> {
            let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            let is_begun = file.metadata()?.is_file() && file.stream_position()? != 0;
            if is_begun { Err(io::ErrorKind::NotSeekable.into()) } else { Ok(file) }
        };
        match file() {
            Ok(file) => Self { name: "-".into(), input: Input::File(file) },
            Err(_) => Self::reader("-", io::stdin()),
        }
    }

    /// The source as its user knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is; `None` for what this process alone has: memory, a reader, standard input, a file
    /// that is open.
    pub fn place(&self) -> Option<Place<'_>> {
        match &self.input {
            Input::Path(path) => Some(Place::Path(path)),
            Input::Url(url) => Some(Place::Url(url)),
            Input::Bytes(_) | Input::Reader(_) | Input::File(_) => None,
        }
    }

    /// Opens the file, if it is one, so that all who read the source from now on read the same.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if it can't be opened.
    pub fn opened(self) -> Result<Self> {
        let Self { name, input } = self;
        let input = match input {
            Input::Path(path) => Input::File(open_path(&name, &path)?),
            other => other,
        };
        Ok(Self { name, input })
    }

    /// A second source of the same bytes, from their start; `None` for what can be read once only.
    pub fn try_clone(&self) -> Option<Self> {
        let input = match &self.input {
            Input::Path(path) => Input::Path(path.clone()),
            Input::Url(url) => Input::Url(url.clone()),
            Input::Bytes(bytes) => Input::Bytes(Arc::clone(bytes)),
            Input::File(file) if is_regular(file) => Input::File(file.try_clone().ok()?),
            Input::File(_) | Input::Reader(_) => return None,
        };
        Some(Self { name: self.name.clone(), input })
    }

    /// The bytes themselves, beside any demuxer; `None` for pipes, addresses and files that aren't
    /// open.
    pub(crate) fn shared_bytes(&self) -> Option<Bytes> {
        match &self.input {
            Input::File(file) => Bytes::file(file.try_clone().ok()?),
            Input::Bytes(bytes) => Some(Bytes::memory(Arc::clone(bytes))),
            Input::Path(_) | Input::Url(_) | Input::Reader(_) => None,
        }
    }

    /// Opens the container; gives the source's name too. `interrupt` stops what blocks, now and
    /// later.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] or [`Error::Demux`] if it can't be read.
    pub fn demuxer(
        self,
        options: &SourceOptions,
        interrupt: Interrupt,
    ) -> Result<(String, Demuxer)> {
        let Self { name, input } = self;
        let (url, io) = match input {
            Input::Url(url) => (url, None),
            Input::Path(path) => {
                let file = open_path(&name, &path)?;
                (name.clone(), Some(open(&name, file, options.io)?))
            }
            Input::Bytes(bytes) => (name.clone(), Some(Io::bytes(bytes))),
            Input::Reader(reader) => (name.clone(), Some(Io::read(reader))),
            Input::File(file) => (name.clone(), Some(open(&name, file, options.io)?)),
        };
        let demuxer = Demuxer::open(DemuxerOptions {
            url,
            io,
            allow_protocols: options.allow_protocols.clone(),
            interrupt,
            network_timeout: Some(options.network_timeout),
            ..DemuxerOptions::default()
        });
        let demuxer = demuxer.map_err(|cause| cannot_read(&name, cause))?;
        Ok((name, demuxer))
    }
}

/// Whether `text` may be a URL's scheme; one letter is a Windows drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn open_path(name: &str, path: &Path) -> Result<File> {
    File::open(path).map_err(|error| refused(name, explain_open(&error), error.kind().into()))
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

fn open(name: &str, file: File, mode: IoMode) -> Result<Io> {
    let failed = |error: io::Error| refused(name, error.to_string(), error.kind().into());
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        let reason = "is a folder; name the files in it".into();
        return Err(refused(name, reason, ErrorKind::InvalidArgument));
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(refused(name, "the file is empty".into(), ErrorKind::NotMedia));
    }
    let mapped = match mode {
        IoMode::Read => false,
        IoMode::Map => true,
        IoMode::Auto => metadata.len() > MAP_ABOVE_BYTES,
    };
    match (metadata.is_file(), mapped) {
        (true, true) => Io::map(file),
        _ => Io::file(file), // or a pipe, or a device
    }
    .map_err(|error| refused(name, error.to_string(), error.kind()))
}

fn refused(name: &str, reason: String, kind: ErrorKind) -> Error {
    Error::Open { name: name.into(), reason, kind }
}

fn explain_open(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file; check the path".into(),
        io::ErrorKind::PermissionDenied => "permission denied; check who may read it".into(),
        _ => error.to_string(),
    }
}

/// Says in the user's words why a container can't be read.
pub fn cannot_read(name: &str, cause: AvError) -> Error {
    let reason = match (&cause, cause.kind()) {
        (AvError::Ffmpeg { message, .. }, _) if message.contains("encryption info") => {
            format!("its encryption can't be read: {message}. Decrypt it first")
        }
        (AvError::Ffmpeg { message, .. }, ErrorKind::Corrupt) => format!(
            "not readable as video: {message}. It may be truncated, still being written, or no \
             media file"
        ),
        (AvError::Io { message, .. }, _) if name.contains("://") => {
            format!("{message}; check the address, and whether its server can be reached")
        }
        (other, _) => other.to_string(),
    };
    Error::Demux { name: name.into(), reason, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_parse(argument: &str, is_url: bool) {
        assert_eq!(matches!(Source::parse(argument).input, Input::Url(_)), is_url);
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
            assert!(matches!(source.input, Input::Path(_)));
            assert_eq!(source.name(), "/a/b.mp4");
        }
    }

    #[test]
    fn a_dash_is_standard_input() {
        let source = Source::parse("-");
        // Where there is none, reading says so.
        assert!(matches!(source.input, Input::File(_) | Input::Reader(_)));
        assert_eq!(source.name(), "-");
    }

    #[test]
    fn what_another_process_can_open_has_a_place() {
        let place = |argument| match Source::parse(argument).place() {
            Some(Place::Path(path)) => format!("path {}", path.display()),
            Some(Place::Url(url)) => format!("url {url}"),
            None => "none".into(),
        };
        assert_eq!(place("a.mp4"), "path a.mp4");
        assert_eq!(place("file:///a/b.mp4"), "path /a/b.mp4");
        assert_eq!(place("rtsp://camera/1"), "url rtsp://camera/1");
        assert_eq!(place("-"), "none");
        assert!(Source::bytes("memory", vec![0]).place().is_none());
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
