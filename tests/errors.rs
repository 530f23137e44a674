//! Errors have the class of what is wrong, so that a program can match them.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use moviola_av::{error::ErrorKind, interrupt::Interrupt, remedy::Remedy};
use moviola_media::{
    audio::AudioOptions,
    audio_video::AudioVideoReader,
    error::{Error, Result},
    frame::Frame,
    input::{OpenInput, Purpose},
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
    video::{FrameReader, TimeSelection, Video},
};
use moviola_tests::clips;

fn clip(name: &str) -> Source {
    Source::path(clips::testdata().join(name))
}

fn open(source: Source) -> Result<OpenInput> {
    OpenInput::open(source, SourceOptions::default(), Purpose::Video)
}

#[track_caller]
fn check(source: Source, kind: ErrorKind) {
    let Err(error) = open(source) else { panic!("it can't be opened") };
    assert_eq!(error.kind(), kind, "{error}");
}

#[test]
fn what_can_not_be_opened_has_the_class_of_its_cause() {
    check(Source::path(Path::new("no/such/file.mp4")), ErrorKind::NotFound);
    check(clip(""), ErrorKind::InvalidArgument);
    check(clip("empty.mp4"), ErrorKind::NotMedia);
    check(clip("not_media.mp4"), ErrorKind::NotMedia);
    check(
        Source::bytes("memory", b"no container starts like this".repeat(99)),
        ErrorKind::NotMedia,
    );
    check(Source::parse("nothing://is.like/this"), ErrorKind::Unsupported);
    check(clip("audio_only.m4a"), ErrorKind::NoVideo);
}

/// The class of opening a URL whose server answers with this status.
fn kind_of_status(status: &str) -> ErrorKind {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
    let url = format!("http://{}/a.mp4", listener.local_addr().expect("it is bound"));
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut connection, _) = listener.accept().expect("it connects");
            let request = connection.read(&mut [0; 4096]).expect("it asks");
            assert!(request > 0);
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            connection.write_all(answer.as_bytes()).expect("it listens");
        });
        open(Source::parse(&url)).map(|_| ()).expect_err("there is nothing").kind()
    })
}

#[test]
fn the_answer_of_a_server_is_not_taken_for_a_bad_file() {
    assert_eq!(kind_of_status("404 Not Found"), ErrorKind::NotFound);
    assert_eq!(kind_of_status("403 Forbidden"), ErrorKind::PermissionDenied);
    assert_eq!(kind_of_status("500 Internal Server Error"), ErrorKind::Io);
}

/// A reader that cancels the reading once it is armed and past the middle.
struct CancelsMidway {
    bytes: Cursor<Vec<u8>>,
    is_armed: Arc<AtomicBool>,
    interrupt: Interrupt,
}

impl Read for CancelsMidway {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let middle = self.bytes.get_ref().len() as u64 / 2;
        if self.is_armed.load(Ordering::SeqCst) && self.bytes.position() > middle {
            self.interrupt.cancel();
        }
        let few = target.len().min(1000);
        self.bytes.read(&mut target[..few])
    }
}

impl Seek for CancelsMidway {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn an_index_that_is_cut_short_by_an_interrupt_is_an_error() {
    for name in ["h264_paff_mixed.ts", "resolution_change.ts"] {
        let bytes = std::fs::read(clips::testdata().join(name)).expect("a clip of testdata");
        let (is_armed, options) = (Arc::new(AtomicBool::new(false)), SourceOptions::default());
        let reader = CancelsMidway {
            bytes: Cursor::new(bytes),
            is_armed: Arc::clone(&is_armed),
            interrupt: options.interrupt.clone(),
        };
        let mut video = Video::open(Source::seekable(name, reader), options).expect("a clip");
        is_armed.store(true, Ordering::SeqCst);
        let error = video.len().expect_err("only a part was read");
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{name}: {error}");
    }
}

/// Asserts that a reader without workers is refused.
#[track_caller]
fn check_needs_workers<T>(reader: Result<T>) {
    let Err(error) = reader else { panic!("there are no workers") };
    assert!(matches!(error, Error::InvalidArgument { what: "workers", .. }), "{error}");
}

#[test]
fn no_reader_starts_without_workers() {
    let none = Vec::<fn(Frame) -> Frame>::new;
    let pipe = || {
        let bytes = std::fs::read(clips::testdata().join("vp9.webm")).expect("a clip of testdata");
        open(Source::reader("pipe", Cursor::new(bytes))).expect("a clip")
    };
    let times = || TimeSelection { range: 0.0..1.0, every: None };
    check_needs_workers(KeyframeReader::start(pipe(), none()));
    check_needs_workers(FrameReader::all(pipe(), none()));
    check_needs_workers(FrameReader::played(pipe(), times(), none()));
    check_needs_workers(AudioVideoReader::start(pipe(), AudioOptions::default(), none()));
}

#[test]
fn a_keyframe_over_the_limit_has_the_remedy() {
    let options = SourceOptions { max_pixels: 192 * 108, ..SourceOptions::default() };
    let keyframes = KeyframeReader::open(clip("resolution_grows.ts"), options).expect("a clip");
    let errors: Vec<_> = keyframes.filter_map(Result::err).collect();
    assert!(!errors.is_empty());
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert!(matches!(error.remedy(), Some(Remedy::RaiseMaxPixels { .. })), "{error}");
    }
}
