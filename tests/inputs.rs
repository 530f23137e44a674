//! Sources of all kinds give the same; openings can be interrupted; streams can be chosen.

use std::{
    fs,
    io::{self, Cursor, Read},
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use moviola::frame_md5;
use moviola_av::{error::Error as AvError, interrupt::Interrupt};
use moviola_media::{
    audio::{AudioOptions, AudioReader},
    audio_video::AudioVideoReader,
    error::{Error, Result},
    input::{OpenInput, Purpose},
    keyframes::KeyframeReader,
    source::{AudioChoice, Source, SourceOptions, StreamSelection, VideoChoice},
    video::{FrameReader, Video},
};
use moviola_tests::clips;

fn clip(name: &str) -> PathBuf {
    clips::testdata().join(name)
}

/// Bytes that belong to a type of the caller.
struct Owner(Vec<u8>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The same bytes as a file, in memory of several owners, and behind a reader that can seek.
fn sources(name: &str) -> Vec<(&'static str, Source)> {
    let bytes = fs::read(clip(name)).expect("a clip of testdata");
    let mut cursor = Cursor::new(bytes.clone());
    cursor.set_position(7); // wherever it stands
    vec![
        ("file", Source::path(clip(name))),
        ("vector", Source::bytes(name, bytes.clone())),
        ("shared", Source::bytes(name, Arc::<[u8]>::from(bytes.as_slice()))),
        ("owner", Source::bytes(name, Owner(bytes))),
        ("reader", Source::seekable(name, cursor)),
    ]
}

/// Asserts that `read` gives the same of all kinds of sources of a clip.
#[track_caller]
fn check_same<T: PartialEq + std::fmt::Debug>(name: &str, read: impl Fn(Source) -> Result<T>) {
    let mut sources = sources(name).into_iter();
    let (_, file) = sources.next().expect("the file");
    let want = read(file).expect("the clip can be read");
    for (kind, source) in sources {
        assert_eq!(read(source).expect(kind), want, "{name}, {kind}");
    }
}

#[test]
fn frames_are_the_same_from_every_kind_of_source() {
    for name in ["h264_bframes.mp4", "h264_opengop.ts", "vp9.webm", "mpeg4.avi"] {
        check_same(name, |source| {
            let frames = FrameReader::open(source, SourceOptions::default())?;
            frames.map(|frame| Ok(frame_md5(&frame?.decoded))).collect::<Result<Vec<_>>>()
        });
    }
}

#[test]
fn any_frame_comes_from_every_kind_of_source() {
    for name in ["fragmented.mp4", "h264_opengop.ts", "negative_start.mkv"] {
        check_same(name, |source| {
            let mut video = Video::open(source, SourceOptions::default())?;
            let frames = video.frames_at(&[-1, 3, 30, 0])?;
            Ok(frames.iter().map(|frame| frame_md5(&frame.decoded)).collect::<Vec<_>>())
        });
    }
}

#[test]
fn keyframes_and_audio_are_the_same_from_every_kind_of_source() {
    check_same("h264_bframes.mp4", |source| {
        let keyframes = KeyframeReader::open(source, SourceOptions::default())?;
        keyframes.map(|frame| Ok(frame?.number)).collect::<Result<Vec<_>>>()
    });
    check_same("audio_only.m4a", |source| {
        let mut reader =
            AudioReader::open(source, SourceOptions::default(), AudioOptions::default())?;
        let later = reader.samples_played_in_range(0.5, 0.6)?;
        Ok((later, reader.samples_played_in_range(0.1, 0.2)?))
    });
}

/// Never has anything to read, and says so; reports that it was asked.
struct Silent(SyncSender<()>);

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        // Full or closed after the first report.
        self.0.try_send(()).ok();
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Asserts that an opening ends when it is interrupted from another thread. It blocks once
/// `is_blocked` returns.
#[track_caller]
fn check_interrupted<T>(
    is_blocked: impl FnOnce() + Send,
    open: impl FnOnce(SourceOptions) -> Result<T>,
) {
    let options = SourceOptions::default();
    let interrupt = options.interrupt.clone();
    thread::scope(|scope| {
        scope.spawn(move || {
            is_blocked();
            interrupt.cancel();
        });
        let Err(error) = open(options) else { panic!("nothing answers") };
        let is_interrupted = matches!(error, Error::Demux { cause: AvError::Interrupted, .. });
        assert!(is_interrupted, "{error:?}");
    });
}

#[test]
fn opening_a_silent_reader_can_be_interrupted() {
    fn check<T>(open: impl FnOnce(Source, SourceOptions) -> Result<T>) {
        let (sender, was_asked) = sync_channel(1);
        let is_blocked = move || was_asked.recv().expect("it is read");
        let source = Source::reader("silent", Silent(sender));
        check_interrupted(is_blocked, |options| open(source, options));
    }
    check(KeyframeReader::open);
    check(FrameReader::open);
    check(Video::open);
    check(|source, options| AudioReader::open(source, options, AudioOptions::default()));
    check(|source, options| AudioVideoReader::open(source, options, AudioOptions::default()));
    check(|source, options| OpenInput::open(source, options, Purpose::Description));
}

#[test]
fn opening_an_address_that_never_answers_can_be_interrupted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
    let address = listener.local_addr().expect("it is bound");
    for url in [format!("tcp://{address}"), format!("http://{address}/a.mp4")] {
        let mut connection = None;
        let is_blocked = || connection = Some(listener.accept().expect("it connects"));
        check_interrupted(is_blocked, |options| {
            OpenInput::open(Source::parse(&url), options, Purpose::Video)
        });
    }
}

#[test]
fn a_reader_that_is_dropped_interrupts_no_other_of_the_same_options() {
    let interrupt = Interrupt::new();
    let options = SourceOptions { interrupt: interrupt.clone(), ..SourceOptions::default() };
    let open = || KeyframeReader::open(Source::path(clip("demo.mp4")), options.clone());
    drop(open().expect("a clip of testdata"));
    assert_eq!(interrupt.reason(), None);
    let mut reader = open().expect("a clip of testdata");
    assert!(reader.next().is_some_and(|keyframe| keyframe.is_ok()));
    interrupt.cancel();
    assert!(reader.interrupt().reason().is_some());
    assert!(open().is_err());
}

#[test]
fn every_reader_ends_when_it_is_interrupted() {
    let source = || Source::path(clip("h264_bframes.mp4"));
    let options = || SourceOptions { decoders: 2, ..SourceOptions::default() };
    let mut frames = FrameReader::open(source(), options()).expect("a clip of testdata");
    frames.interrupt().cancel();
    assert!(frames.by_ref().count() < 75);
    let audio = AudioReader::open(source(), options(), AudioOptions::default());
    let mut audio = audio.expect("a clip of testdata");
    audio.interrupt().cancel();
    assert!(audio.all_samples().is_err());
    let both = AudioVideoReader::open(source(), options(), AudioOptions::default());
    let mut both = both.expect("a clip of testdata");
    both.interrupt().cancel();
    assert!(both.by_ref().any(|item| item.is_err()));
    let mut video = Video::open(source(), options()).expect("a clip of testdata");
    video.interrupt().cancel();
    assert!(video.frame_at(40).is_err());
}

fn choose(video: VideoChoice, audio: AudioChoice) -> SourceOptions {
    let streams = StreamSelection { video, audio };
    SourceOptions { streams, ..SourceOptions::default() }
}

/// Numbers of the selected streams.
fn selected(options: SourceOptions, purpose: Purpose) -> Result<(Option<usize>, Option<usize>)> {
    let input = OpenInput::open(Source::path(clip("streams.mkv")), options, purpose)?;
    Ok((input.video().map(|video| video.index), input.audio().map(|audio| audio.index)))
}

#[test]
fn every_opening_selects_the_streams_that_are_chosen() {
    let german = || AudioChoice::Language("GER".into());
    for purpose in [Purpose::Video, Purpose::Audio, Purpose::AudioVideo, Purpose::Description] {
        for (video, audio, want) in [
            (VideoChoice::Best, AudioChoice::Best, (0, 2)),
            (VideoChoice::Number(1), AudioChoice::Number(4), (1, 4)),
            (VideoChoice::Number(0), german(), (0, 2)),
            (VideoChoice::Best, AudioChoice::Language("eng".into()), (0, 3)),
        ] {
            let got = selected(choose(video, audio), purpose).expect("they are there");
            assert_eq!(got, (Some(want.0), Some(want.1)), "{purpose:?}");
        }
    }
}

#[test]
fn a_chosen_stream_that_is_missing_is_an_error_that_lists_the_others() {
    let no_audio = || choose(VideoChoice::Best, AudioChoice::Number(0));
    let no_video = || choose(VideoChoice::Number(3), AudioChoice::Best);
    let error = selected(no_audio(), Purpose::Audio).expect_err("it is video").to_string();
    let want = "no audio stream 0; its audio streams: 2 (opus, ger), 3 (aac, eng), 4 (mp3, fre)";
    assert!(error.ends_with(want), "{error}");
    for purpose in [Purpose::Video, Purpose::Audio] {
        let error = selected(no_video(), purpose).expect_err("it is audio").to_string();
        let want = "no video stream 3; its video streams: 0 (h264), 1 (hevc)";
        assert!(error.ends_with(want), "{purpose:?}: {error}");
    }
    // Audio that isn't read doesn't matter, a description can do without, and in one pass one of
    // them is enough.
    let nothing = choose(VideoChoice::Number(3), AudioChoice::Number(0));
    assert_eq!(selected(nothing, Purpose::Description).expect("streams"), (None, None));
    assert_eq!(selected(no_audio(), Purpose::Video).expect("video"), (Some(0), None));
    assert_eq!(selected(no_audio(), Purpose::AudioVideo).expect("video"), (Some(0), None));
    assert_eq!(selected(no_video(), Purpose::AudioVideo).expect("audio"), (None, Some(2)));
}

#[test]
fn the_chosen_streams_are_read() {
    let source = || Source::path(clip("streams.mkv"));
    let options = choose(VideoChoice::Number(1), AudioChoice::Number(4));
    let mut video = Video::open(source(), options.clone()).expect("it is there");
    assert_eq!((video.len().expect("it is listed"), video.stream().index), (50, 1));
    let audio = AudioReader::open(source(), options.clone(), AudioOptions::default());
    assert_eq!(audio.expect("it is there").all_samples().expect("MP3").sample_rate, 8000);
    let both = AudioVideoReader::open(source(), options, AudioOptions::default());
    let both = both.expect("both are there");
    let got = (both.video().map(|video| video.index), both.audio().map(|audio| audio.index));
    assert_eq!(got, (Some(1), Some(4)));
}
