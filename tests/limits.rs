//! Tests that limits apply to the real size of frames, if the container declares another one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use moviola_media::{
    error::Result,
    frame::Frame,
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::clips;

/// A clip of 25 frames of 192x108 pixels, then 25 of 320x180.
const GROWS: &str = "resolution_grows.ts";
const SMALL: u64 = 192 * 108;

fn open(max_pixels: u64, decoders: usize) -> Video {
    let options = SourceOptions { max_pixels, decoders, ..SourceOptions::default() };
    let source = Source::path(clips::testdata().join(GROWS));
    Video::open(source, options).expect("the first frames are small")
}

#[test]
fn a_frame_over_the_limit_ends_a_reader_after_the_frames_before_it() {
    for decoders in [1, 2, 5] {
        let options = SourceOptions { max_pixels: SMALL, decoders, ..SourceOptions::default() };
        let source = Source::path(clips::testdata().join(GROWS));
        let frames: Vec<_> = FrameReader::open(source, options).unwrap().collect();
        let (last, before) = frames.split_last().unwrap();
        let numbers: Vec<_> = before.iter().map(|frame| frame.as_ref().unwrap().number).collect();
        assert_eq!(numbers, (0..25).map(Some).collect::<Vec<_>>(), "{decoders} decoders");
        let error = last.as_ref().unwrap_err().to_string();
        assert!(error.contains("57600") && error.contains("raise it with max_pixels"), "{error}");
    }
}

#[test]
fn only_frames_over_the_limit_are_errors() {
    for decoders in [1, 2] {
        let mut video = open(SMALL, decoders);
        for number in [3, 30, 24, 25, 0] {
            let width = video.frame_at(number).map(|frame| frame.decoded.width());
            match width {
                Ok(width) => assert!(number < 25 && width == 192, "{number}: {width}"),
                Err(error) => {
                    assert!(number >= 25, "{number}: {error}");
                    assert!(error.to_string().contains("raise it with max_pixels"), "{error}");
                }
            }
        }
        let mut wide = open(320 * 180, decoders);
        assert_eq!(wide.frame_at(30).unwrap().decoded.width(), 320);
    }
}

/// A clip whose container declares frames of 16x16 pixels, but which has 320x180.
fn with_understated_size() -> Arc<[u8]> {
    let mut bytes =
        std::fs::read(clips::testdata().join("h264_bframes.mp4")).expect("a clip of testdata");
    let descriptions = bytes.windows(4).position(|window| window == b"stsd").expect("an MP4 file");
    let entry = bytes[descriptions..].windows(4).position(|window| window == b"avc1");
    let entry = descriptions + entry.expect("an H.264 stream");
    bytes[entry + 28..entry + 32].copy_from_slice(&[0, 16, 0, 16]);
    bytes.into()
}

#[test]
fn waiting_frames_are_bounded_by_their_real_size() {
    let bytes = with_understated_size();
    let open = |memory| -> Result<OpenInput> {
        let options = SourceOptions { memory, ..SourceOptions::default() };
        OpenInput::open(
            Source::bytes("understated.mp4", Arc::clone(&bytes)),
            options,
            Purpose::Video,
        )
    };
    let capacity = 4;
    let input = open(capacity * 320 * 180 * 3 / 2).unwrap();
    assert_eq!(input.video().expect("it has video").parameters.width(), 16);
    let (processed, workers) = (Arc::new(AtomicUsize::new(0)), 2);
    let counter = Arc::clone(&processed);
    let work = move |_: Frame| {
        counter.fetch_add(1, SeqCst);
    };
    let mut frames = FrameReader::all(input, vec![work; workers]).unwrap();
    // `capacity` frames of the current group wait, as many of later groups, and one in each worker.
    let max_waiting = 2 * capacity + workers;
    while processed.load(SeqCst) < 2 * capacity {
        thread::yield_now();
    }
    // Decoding the whole clip here gives the other reader enough time to exceed the bound.
    let all = open(0).and_then(|input| FrameReader::all(input, vec![|_| ()]));
    let all = all.unwrap().count();
    let waiting = processed.load(SeqCst);
    assert!(
        all > 2 * max_waiting && waiting <= max_waiting,
        "{waiting} of {all} frames, {max_waiting} may wait"
    );
    assert_eq!(frames.by_ref().map(Result::unwrap).count(), all);
}
