//! Frames and audio from one pass are those of two passes, whatever the file is like.

use std::{
    fs::{self, File},
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use moviola::hash::frame_md5;
use moviola_media::{
    audio::{AudioOptions, AudioReader, AudioReport, Samples},
    audio_video::{AudioVideoReader, Decoded},
    error::{Error, Result},
    frame::Frame,
    media::Media,
    source::{Source, SourceOptions},
    video::FrameReader,
};
use moviola_tests::{clips, reference};

use crate::{conformance::in_parallel, failure::FailsAfter};

/// Clips whose frames depend on how `FrameReader` shares them out: it has to use one decoder, too.
const ONE_DECODER: &[(&str, &str)] =
    &[("damaged_keyframe.mp4", "damage is covered with what the decoder had before")];

/// A frame's number, its time in ticks and the MD5 of its planes.
type Seen = (Option<u64>, Option<i64>, String);

/// What a source gives.
#[derive(Debug, Default, PartialEq)]
struct Whole {
    frames: Vec<Seen>,
    audio: Option<Samples>,
    report: AudioReport,
}

impl Whole {
    fn hear(&mut self, piece: Samples) {
        let Some(audio) = &mut self.audio else {
            self.audio = Some(piece);
            return;
        };
        assert_eq!((audio.end(), audio.sample_rate), (piece.start, piece.sample_rate));
        for (channel, more) in audio.channels.iter_mut().zip(&piece.channels) {
            channel.extend_from_slice(more);
        }
    }

    /// In what way it differs from another.
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

fn see(frame: &Frame) -> Seen {
    (frame.number, frame.pts.map(|pts| pts.ticks), frame_md5(&frame.decoded))
}

fn speech() -> AudioOptions {
    AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() }
}

fn has_both(clip: &Path) -> bool {
    let video = Media::open(Source::path(clip), SourceOptions::default());
    let audio = AudioReader::open(Source::path(clip), SourceOptions::default(), speech());
    video.is_ok() && audio.is_ok()
}

/// Everything from two passes; `None` if there is nothing to be had.
fn twice(source: impl Fn() -> Source, wanted: &AudioOptions) -> Option<Whole> {
    let mut options = SourceOptions::default();
    if ONE_DECODER.iter().any(|(name, _)| source().name().ends_with(name)) {
        options.decoders = 1;
    }
    let frames = FrameReader::open(source(), options);
    let audio = AudioReader::open(source(), SourceOptions::default(), wanted.clone());
    if frames.is_err() && audio.is_err() {
        return None;
    }
    let frames = frames.into_iter().flatten().flatten().map(|frame| see(&frame)).collect();
    let mut whole = Whole { frames, ..Whole::default() };
    if let Ok(mut audio) = audio {
        audio.by_ref().flatten().for_each(|piece| whole.hear(piece));
        whole.report = audio.report();
    }
    Some(whole)
}

fn start(source: Source, wanted: AudioOptions) -> Result<AudioVideoReader<Seen>> {
    let workers = vec![|frame: Frame| see(&frame); 2];
    AudioVideoReader::start(source, SourceOptions::default(), wanted, workers)
}

/// Everything from one pass, and the errors.
fn once(source: Source, wanted: &AudioOptions) -> Result<(Whole, Vec<Error>)> {
    let mut reader = start(source, wanted.clone())?;
    let (mut whole, mut errors) = (Whole::default(), Vec::new());
    for item in reader.by_ref() {
        match item {
            Ok(Decoded::Frame(frame)) => whole.frames.push(frame),
            Ok(Decoded::Audio(piece)) => whole.hear(piece),
            Err(error) => errors.push(error),
        }
    }
    whole.report = reader.audio_report();
    Ok((whole, errors))
}

/// Says how one pass differs from two.
fn difference(source: impl Fn() -> Source, wanted: &AudioOptions) -> Option<String> {
    match (once(source(), wanted), twice(source, wanted)) {
        (Ok((ours, errors)), Some(theirs)) => {
            Some(format!("{}; {errors:?}", ours.difference(&theirs)?))
        }
        (Ok(_), None) => Some("it can't be read twice".into()),
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
fn one_pass_gives_what_two_give() {
    let mut clips = clips::all_videos();
    clips.retain(|clip| has_both(clip));
    println!("{} clips have both", clips.len());
    assert!(clips.len() > 4);
    check_all(&clips, |clip| Source::path(clip), &AudioOptions::default());
}

#[test]
fn one_pass_over_a_pipe_gives_what_two_give() {
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
        let there = (reader.video().is_some(), reader.audio().is_some());
        assert_eq!(there, (has_video, has_audio), "{name}");
        let items: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        let frames = items.iter().filter(|item| matches!(item, Decoded::Frame(_))).count();
        assert_eq!((frames > 0, frames < items.len()), (has_video, has_audio), "{name}");
    }
    let error = start(Source::path(clip("not_media.mp4")), speech()).unwrap_err();
    assert!(matches!(error, Error::Demux { .. }), "{error}");
}

#[test]
fn a_stream_that_was_asked_for_and_is_not_there_is_told_first() {
    let wanted = AudioOptions { stream: Some(7), ..speech() };
    let (whole, errors) = once(Source::path(clip("h264_bframes.mp4")), &wanted).unwrap();
    assert_eq!((whole.frames.len(), whole.audio), (75, None));
    assert!(matches!(&errors[..], [Error::NoAudio { .. }]), "{errors:?}");
}

#[test]
fn a_video_that_can_t_be_decoded_leaves_the_audio() {
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
            Decoded::Audio(piece) => whole.hear(piece),
            Decoded::Frame(_) => panic!("there is no video"),
        }
    }
    assert_eq!(whole.audio, twice(source, &speech()).unwrap().audio);
}

/// A transport stream whose packets were put in another order: tables, then one stream, then the
/// other.
fn uninterleaved(audio_first: bool) -> Vec<u8> {
    const AUDIO: u16 = 0x101;
    let bytes = fs::read(clip("mpeg2_field.ts")).expect("our own clip");
    let (packets, []) = bytes.as_chunks::<188>() else { panic!("it is made of such packets") };
    let mut packets = packets.to_vec();
    packets.sort_by_key(|packet| match u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) {
        pid if pid < 0x100 || pid == 0x1000 => 0,
        pid if (pid == AUDIO) == audio_first => 1,
        _ => 2,
    });
    packets.concat()
}

#[test]
fn what_is_not_interleaved_comes_as_it_lies_in_the_file() {
    for audio_first in [false, true] {
        let source = || Source::bytes("clip", uninterleaved(audio_first));
        assert_eq!(difference(source, &speech()), None);
        let items = start(source(), speech()).unwrap().map(Result::unwrap);
        let frames: Vec<_> = items.map(|item| matches!(item, Decoded::Frame(_))).collect();
        let first = frames.iter().take_while(|&&is_frame| is_frame != audio_first).count();
        // What decoders hold back comes at the end.
        let of_the_first = frames.iter().filter(|&&is_frame| is_frame != audio_first).count();
        assert!(first > 20 && first + 16 > of_the_first, "{first} of {of_the_first}");
    }
}

/// Counts the bytes that were read.
struct Counted(File, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(target)?;
        self.1.fetch_add(count, SeqCst);
        Ok(count)
    }
}

#[test]
fn a_caller_that_takes_nothing_stops_the_reading() {
    let Some(shared) = clips::shared_media() else { return };
    let path = shared.join("video/mp_big_buck_bunny_0_30.webm");
    let Ok(file) = File::open(path) else { return };
    let (length, read) = (file.metadata().unwrap().len() as usize, Arc::default());
    let source = Source::reader("pipe", Counted(file, Arc::clone(&read)));
    let mut reader = AudioVideoReader::open(source, SourceOptions::default(), speech()).unwrap();
    for _ in 0..50 {
        assert!(reader.next().unwrap().is_ok());
    }
    drop(reader); // which waits for the threads
    assert!(read.load(SeqCst) < length / 2, "{read:?} of {length} bytes");
}

/// Puts one name of a sample description in the place of another.
fn rename(mut file: Vec<u8>, from: &[u8; 4], to: &[u8; 4]) -> Vec<u8> {
    let place = file.windows(4).rposition(|window| window == from).expect("it is there");
    file[place..place + 4].copy_from_slice(to);
    file
}

/// How many frames a file gives, whether there is audio, and which errors.
#[track_caller]
fn check_encrypted(file: Vec<u8>, frames: usize, audio: bool, errors: &[&str]) {
    let (whole, told) = once(Source::bytes("clip", file), &speech()).expect("it can be opened");
    let told: Vec<_> = told.iter().map(Error::to_string).collect();
    assert_eq!(told, errors);
    assert_eq!((whole.frames.len(), whole.audio.is_some()), (frames, audio));
}

const NO_VIDEO: &str = "clip: the video is encrypted; decrypt it first";
const NO_AUDIO: &str = "clip: the audio is encrypted; decrypt it first";

#[test]
fn a_stream_that_is_encrypted_is_told_and_the_other_comes() {
    let clear = fs::read(clip("h264_bframes.mp4")).unwrap();
    check_encrypted(rename(clear.clone(), b"avc1", b"encv"), 0, true, &[NO_VIDEO]);
    check_encrypted(rename(clear, b"mp4a", b"enca"), 75, false, &[NO_AUDIO]);
}

#[test]
fn packets_that_are_encrypted_are_told_once() {
    let Some(file) = reference::encrypted(&clip("h264_bframes.mp4")) else { return };
    // Its header doesn't tell.
    check_encrypted(file, 0, false, &[NO_VIDEO, NO_AUDIO]);
}

#[test]
fn a_failing_source_is_told_once_behind_all_that_came() {
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
