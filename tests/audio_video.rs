//! Tests that reading frames and audio in one pass gives the same as reading them in two.

use std::{
    fs::{self, File},
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use moviola::frame_md5;
use moviola_media::{
    audio::{AudioOptions, AudioReader, AudioReport, Samples},
    audio_video::{AudioVideoReader, Decoded},
    error::{Error, Result},
    frame::Frame,
    input::{OpenInput, Purpose},
    source::{AudioChoice, Source, SourceOptions, StreamSelection},
    video::FrameReader,
};
use moviola_tests::{clips, reference};

use crate::{conformance::in_parallel, failure::FailsAfter};

/// Clips whose frames depend on the number of decoders: for them `FrameReader` must use one, too.
const ONE_DECODER: &[(&str, &str)] =
    &[("damaged_keyframe.mp4", "the decoder conceals damage with earlier frames")];

/// A frame's number, its time in ticks and the MD5 of its planes.
type Described = (Option<u64>, Option<i64>, String);

/// Everything read from a source.
#[derive(Debug, Default, PartialEq)]
struct Whole {
    frames: Vec<Described>,
    audio: Option<Samples>,
    report: AudioReport,
}

impl Whole {
    /// Appends a piece of audio, which must follow the last one directly.
    fn append(&mut self, piece: Samples) {
        let Some(audio) = &mut self.audio else {
            self.audio = Some(piece);
            return;
        };
        assert_eq!((audio.end(), audio.sample_rate), (piece.start, piece.sample_rate));
        for (channel, more) in audio.channels.iter_mut().zip(&piece.channels) {
            channel.extend_from_slice(more);
        }
    }

    /// How it differs from `other`; `None` if it does not.
    fn difference(&self, other: &Self) -> Option<String> {
        let (frames, others) = (self.frames.len(), other.frames.len());
        if frames != others {
            return Some(format!("{frames} frames, not {others}"));
        }
        let differs = |(ours, theirs)| ours != theirs;
        if let Some(at) = self.frames.iter().zip(&other.frames).position(differs) {
            return Some(format!("{:?}, not {:?}", self.frames[at], other.frames[at]));
        }
        let place = |audio: &Option<Samples>| audio.as_ref().map(|s| (s.start, s.len()));
        if self.audio != other.audio {
            let (ours, theirs) = (place(&self.audio), place(&other.audio));
            return Some(format!("other audio: {ours:?}, not {theirs:?}"));
        }
        (self.report != other.report).then(|| format!("{:?}, not {:?}", self.report, other.report))
    }
}

fn clip(name: &str) -> PathBuf {
    clips::testdata().join(name)
}

fn pipe(path: &Path) -> Source {
    Source::reader("pipe", File::open(path).expect("a clip"))
}

fn describe(frame: &Frame) -> Described {
    (frame.number, frame.pts.map(|pts| pts.ticks), frame_md5(&frame.decoded))
}

fn speech() -> AudioOptions {
    AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() }
}

fn has_both(clip: &Path) -> bool {
    let video = OpenInput::open(Source::path(clip), SourceOptions::default(), Purpose::Video);
    let audio = AudioReader::open(Source::path(clip), SourceOptions::default(), speech());
    video.is_ok() && audio.is_ok()
}

/// Reads everything in two passes; `None` if there is neither video nor audio.
fn in_two_passes(source: impl Fn() -> Source, wanted: &AudioOptions) -> Option<Whole> {
    let mut options = SourceOptions::default();
    if ONE_DECODER.iter().any(|(name, _)| source().name().ends_with(name)) {
        options.decoders = 1;
    }
    let frames = FrameReader::open(source(), options);
    let audio = AudioReader::open(source(), SourceOptions::default(), wanted.clone());
    if frames.is_err() && audio.is_err() {
        return None;
    }
    let frames = frames.into_iter().flatten().flatten().map(|frame| describe(&frame)).collect();
    let mut whole = Whole { frames, ..Whole::default() };
    if let Ok(mut audio) = audio {
        audio.by_ref().flatten().for_each(|piece| whole.append(piece));
        whole.report = audio.report();
    }
    Some(whole)
}

fn start(source: Source, wanted: AudioOptions) -> Result<AudioVideoReader<Described>> {
    start_with(source, SourceOptions::default(), wanted)
}

fn start_with(
    source: Source,
    options: SourceOptions,
    wanted: AudioOptions,
) -> Result<AudioVideoReader<Described>> {
    let workers = vec![|frame: Frame| describe(&frame); 2];
    let input = OpenInput::open(source, options, Purpose::AudioVideo)?;
    AudioVideoReader::start(input, wanted, workers)
}

/// Reads everything in one pass; also returns the errors.
fn in_one_pass(source: Source, wanted: &AudioOptions) -> Result<(Whole, Vec<Error>)> {
    Ok(read(start(source, wanted.clone())?))
}

fn read(mut reader: AudioVideoReader<Described>) -> (Whole, Vec<Error>) {
    let (mut whole, mut errors) = (Whole::default(), Vec::new());
    for item in reader.by_ref() {
        match item {
            Ok(Decoded::Frame(frame)) => whole.frames.push(frame),
            Ok(Decoded::Audio(piece)) => whole.append(piece),
            Err(error) => errors.push(error),
        }
    }
    whole.report = reader.audio_report();
    (whole, errors)
}

/// How one pass differs from two; `None` if it does not.
fn difference(source: impl Fn() -> Source, wanted: &AudioOptions) -> Option<String> {
    match (in_one_pass(source(), wanted), in_two_passes(source, wanted)) {
        (Ok((ours, errors)), Some(theirs)) => {
            Some(format!("{}; {errors:?}", ours.difference(&theirs)?))
        }
        (Ok(_), None) => Some("it can't be read in two passes".into()),
        (Err(error), Some(_)) => Some(error.to_string()),
        (Err(_), None) => None,
    }
}

#[track_caller]
fn check_all(clips: &[PathBuf], source: fn(&Path) -> Source, wanted: &AudioOptions) {
    let outcomes = in_parallel(clips, |clip| difference(|| source(clip), wanted));
    let failures = clips.iter().zip(outcomes);
    let failures =
        failures.filter_map(|(clip, how)| Some(format!("{}: {}", clips::name(clip), how?)));
    let failures: Vec<_> = failures.collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn one_pass_gives_the_same_as_two() {
    let mut clips = clips::all_videos();
    clips.retain(|clip| has_both(clip));
    println!("{} clips have both", clips.len());
    assert!(clips.len() > 4);
    check_all(&clips, |clip| Source::path(clip), &AudioOptions::default());
}

#[test]
fn one_pass_over_a_pipe_gives_the_same_as_two() {
    let mut clips = clips::all_audio();
    clips.retain(|clip| clip.starts_with(clips::testdata()));
    check_all(&clips, pipe, &speech());
}

#[test]
fn a_source_without_one_of_them_gives_the_other() {
    for (name, has_video, has_audio) in [
        ("h264_bframes.mp4", true, true),
        ("demo.mp4", true, false),
        ("audio_only.m4a", false, true),
        ("audio_opus.ogg", false, true),
    ] {
        let mut reader = start(Source::path(clip(name)), speech()).unwrap();
        let streams = (reader.video().is_some(), reader.audio().is_some());
        assert_eq!(streams, (has_video, has_audio), "{name}");
        let items: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        let frames = items.iter().filter(|item| matches!(item, Decoded::Frame(_))).count();
        assert_eq!((frames > 0, frames < items.len()), (has_video, has_audio), "{name}");
    }
    let error = start(Source::path(clip("not_media.mp4")), speech()).unwrap_err();
    assert!(matches!(error, Error::Demux { .. }), "{error}");
}

#[test]
fn a_missing_requested_stream_is_the_first_error() {
    let streams = StreamSelection { audio: AudioChoice::Number(7), ..Default::default() };
    let options = SourceOptions { streams, ..SourceOptions::default() };
    let source = Source::path(clip("h264_bframes.mp4"));
    let (whole, errors) = read(start_with(source, options, speech()).unwrap());
    assert_eq!((whole.frames.len(), whole.audio), (75, None));
    assert!(matches!(&errors[..], [Error::NoAudio { .. }]), "{errors:?}");
}

#[test]
fn audio_is_read_if_the_video_can_not_be_decoded() {
    let source = || Source::path(clip("h264_bframes.mp4"));
    let small = SourceOptions { max_pixels: 100, ..SourceOptions::default() };
    let reader = AudioVideoReader::open(source(), small, speech()).unwrap();
    assert!(reader.video().is_none() && reader.audio().is_some());
    let mut items = reader.into_iter();
    let first = items.next().unwrap();
    assert!(matches!(first, Err(Error::NoVideo { .. })), "{first:?}");
    let mut whole = Whole::default();
    for item in items {
        match item.unwrap() {
            Decoded::Audio(piece) => whole.append(piece),
            Decoded::Frame(_) => panic!("there is no video"),
        }
    }
    assert_eq!(whole.audio, in_two_passes(source, &speech()).unwrap().audio);
}

/// A transport stream with its packets in another order: the tables, then one stream, then the
/// other.
fn uninterleaved(audio_first: bool) -> Vec<u8> {
    const AUDIO: u16 = 0x101;
    let bytes = fs::read(clip("mpeg2_field.ts")).expect("a clip of testdata");
    let (packets, []) = bytes.as_chunks::<188>() else { panic!("not a transport stream") };
    let mut packets = packets.to_vec();
    packets.sort_by_key(|packet| match u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) {
        pid if pid < 0x100 || pid == 0x1000 => 0,
        pid if (pid == AUDIO) == audio_first => 1,
        _ => 2,
    });
    packets.concat()
}

#[test]
fn streams_that_are_not_interleaved_come_in_file_order() {
    for audio_first in [false, true] {
        let source = || Source::bytes("clip", uninterleaved(audio_first));
        assert_eq!(difference(source, &speech()), None);
        let items = start(source(), speech()).unwrap().map(Result::unwrap);
        let frames: Vec<_> = items.map(|item| matches!(item, Decoded::Frame(_))).collect();
        let first = frames.iter().take_while(|&&is_frame| is_frame != audio_first).count();
        // Frames that the decoder held back come at the end.
        let of_the_first = frames.iter().filter(|&&is_frame| is_frame != audio_first).count();
        assert!(first > 20 && first + 16 > of_the_first, "{first} of {of_the_first}");
    }
}

/// A reader that counts the bytes read.
struct Counted(File, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(target)?;
        self.1.fetch_add(count, SeqCst);
        Ok(count)
    }
}

#[test]
fn reading_stops_if_the_caller_takes_nothing() {
    let Some(shared) = clips::shared_media() else { return };
    let path = shared.join("video/mp_big_buck_bunny_0_30.webm");
    let Ok(file) = File::open(path) else { return };
    let (length, read) = (file.metadata().unwrap().len() as usize, Arc::default());
    let source = Source::reader("pipe", Counted(file, Arc::clone(&read)));
    let mut reader = AudioVideoReader::open(source, SourceOptions::default(), speech()).unwrap();
    for _ in 0..50 {
        assert!(reader.next().unwrap().is_ok());
    }
    drop(reader); // waits for the threads
    assert!(read.load(SeqCst) < length / 2, "{read:?} of {length} bytes");
}

/// Replaces the name of a sample description.
fn rename(mut file: Vec<u8>, from: &[u8; 4], to: &[u8; 4]) -> Vec<u8> {
    let place =
        file.windows(4).rposition(|window| window == from).expect("the name is in the file");
    file[place..place + 4].copy_from_slice(to);
    file
}

/// Checks the number of frames that a file gives, whether it gives audio, and the errors.
#[track_caller]
fn check_encrypted(file: Vec<u8>, frames: usize, audio: bool, errors: &[&str]) {
    let (whole, messages) =
        in_one_pass(Source::bytes("clip", file), &speech()).expect("the file opens");
    let messages: Vec<_> = messages.iter().map(Error::to_string).collect();
    assert_eq!(messages, errors);
    assert_eq!((whole.frames.len(), whole.audio.is_some()), (frames, audio));
}

const NO_VIDEO: &str = "clip: the video is encrypted; decrypt it first";
const NO_AUDIO: &str = "clip: the audio is encrypted; decrypt it first";

#[test]
fn an_encrypted_stream_is_an_error_and_the_other_is_read() {
    let clear = fs::read(clip("h264_bframes.mp4")).unwrap();
    check_encrypted(rename(clear.clone(), b"avc1", b"encv"), 0, true, &[NO_VIDEO]);
    check_encrypted(rename(clear, b"mp4a", b"enca"), 75, false, &[NO_AUDIO]);
}

#[test]
fn encrypted_packets_are_one_error_per_stream() {
    let Some(file) = reference::encrypted(&clip("h264_bframes.mp4")) else { return };
    // Its header does not declare encryption.
    check_encrypted(file, 0, false, &[NO_VIDEO, NO_AUDIO]);
}

#[test]
fn a_failing_source_is_one_error_after_everything_else() {
    let bytes = fs::read(clip("fragmented.mp4")).unwrap();
    let half = bytes[..bytes.len() / 2].to_vec();
    let source = Source::reader("clip", FailsAfter(Cursor::new(half)));
    let items: Vec<_> = start(source, speech()).unwrap().collect();
    let errors = items.iter().filter(|item| item.is_err()).count();
    assert_eq!(errors, 1);
    let last = items.last().unwrap().as_ref().unwrap_err();
    assert!(matches!(last, Error::Demux { .. }), "{last}");
    assert!(last.to_string().contains("the cable was pulled"), "{last}");
    assert!(items.len() > 10);
}

#[test]
fn dropping_the_reader_stops_the_reading() {
    let mut reader = start(Source::path(clip("h264_bframes.mp4")), speech()).unwrap();
    assert!(reader.next().is_some());
    drop(reader);
}
