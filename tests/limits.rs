//! Limits hold although a stream's pictures aren't as large as its container says.

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
    media::Media,
    source::{Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::clips;

/// Half of its 50 frames have 192x108 pixels, the others 320x180.
const GROWS: &str = "resolution_grows.ts";
const SMALL: u64 = 192 * 108;

fn open(max_pixels: u64, decoders: usize) -> Video {
    let options = SourceOptions { max_pixels, decoders, ..SourceOptions::default() };
    let source = Source::path(clips::testdata().join(GROWS));
    Video::open(source, options).expect("its first pictures are small")
}

#[test]
fn pictures_too_large_end_a_reader_behind_the_frames_before_them() {
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
fn a_picture_too_large_is_an_error_and_others_are_not() {
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

/// A clip whose container says that its pictures have 16x16 pixels: they have 320x180.
fn understated() -> Arc<[u8]> {
    let mut bytes = std::fs::read(clips::testdata().join("h264_bframes.mp4")).expect("our clip");
    let descriptions = bytes.windows(4).position(|window| window == b"stsd").expect("it is MP4");
    let entry = bytes[descriptions..].windows(4).position(|window| window == b"avc1");
    let entry = descriptions + entry.expect("it is H.264");
    bytes[entry + 28..entry + 32].copy_from_slice(&[0, 16, 0, 16]);
    bytes.into()
}

#[test]
fn what_waits_is_bounded_by_the_pictures_that_come() {
    let bytes = understated();
    let open = |memory| -> Result<Media> {
        let options = SourceOptions { memory, ..SourceOptions::default() };
        Media::open(Source::bytes("understated.mp4", Arc::clone(&bytes)), options)
    };
    let pictures = 4;
    let media = open(pictures * 320 * 180 * 3 / 2).unwrap();
    assert_eq!(media.video().parameters.width(), 16);
    let (made, workers) = (Arc::new(AtomicUsize::new(0)), 2);
    let counter = Arc::clone(&made);
    let work = move |_: Frame| {
        counter.fetch_add(1, SeqCst);
    };
    let mut frames = FrameReader::all(media, vec![work; workers]).unwrap();
    // Of the group whose turn it is so many wait, and of later ones, and each worker has one more.
    let most = 2 * pictures + workers;
    while made.load(SeqCst) < 2 * pictures {
        thread::yield_now();
    }
    // Time enough to decode all.
    let all = open(0).and_then(|media| FrameReader::all(media, vec![|_| ()]));
    let all = all.unwrap().count();
    let waiting = made.load(SeqCst);
    assert!(all > 2 * most && waiting <= most, "{waiting} of {all} frames, {most} may wait");
    assert_eq!(frames.by_ref().map(Result::unwrap).count(), all);
}
