//! Tests that Matroska's cues save reading, and that wrong cues do not change the result.

use std::io::Cursor;

use moviola_media::{
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};
use moviola_tests::clips;

/// EBML identifiers of a cue, of its time and of the list of cues.
const CUE_POINT: u8 = 0xbb;
const CUE_TIME: u8 = 0xb3;
const CUES: [u8; 4] = [0x1c, 0x53, 0xbb, 0x6b];

fn cues_mkv() -> Vec<u8> {
    std::fs::read(clips::testdata().join("cues.mkv")).expect("a clip of testdata")
}

/// Times and hashes of all keyframes, and the number of bytes read.
fn keyframes(source: Source) -> (Vec<String>, u64) {
    let mut reader = KeyframeReader::open(source, SourceOptions::default()).expect("it opens");
    let describe = |keyframe: moviola_media::error::Result<_>| {
        let keyframe: moviola_media::frame::Frame = keyframe.expect("it decodes");
        format!("{:?} {}", keyframe.pts, moviola::frame_md5(&keyframe.decoded))
    };
    let keyframes = reader.by_ref().map(describe).collect();
    (keyframes, reader.bytes_read().expect("the counters of a path"))
}

/// Offset of the last byte of each cue's time.
fn cue_times(file: &[u8]) -> Vec<usize> {
    let cues = file.windows(4).rposition(|window| window == CUES).expect("cues");
    let is_cue = |at: &usize| file[*at] == CUE_POINT && file[*at + 2] == CUE_TIME;
    let cues = (cues..file.len() - 5).filter(is_cue);
    cues.map(|cue| cue + 3 + usize::from(file[cue + 3] & 0x7f)).collect()
}

#[test]
fn a_seekable_file_gives_the_same_keyframes_as_a_pipe() {
    let (seeked, _) = keyframes(Source::path(clips::testdata().join("cues.mkv")));
    let (piped, _) = keyframes(Source::reader("cues.mkv", Cursor::new(cues_mkv())));
    assert!(seeked.len() > 4, "{seeked:?}");
    assert_eq!(seeked, piped);
}

#[test]
fn wrong_cues_do_not_change_the_keyframes() {
    let whole = cues_mkv();
    let (want, _) = keyframes(Source::reader("cues.mkv", Cursor::new(whole.clone())));
    let times = cue_times(&whole);
    assert_eq!(times.len(), want.len());
    for &place in &times {
        for change in [1, 0xff, 40] {
            let mut wrong = whole.clone();
            wrong[place] = wrong[place].wrapping_add(change);
            let (keyframes, _) = keyframes(Source::bytes("wrong.mkv", wrong));
            assert_eq!(keyframes, want, "byte {place} changed by {change}");
        }
    }
}

#[test]
fn data_between_keyframes_is_not_read() {
    let Some(media) = clips::shared_media() else { return };
    let clip = media.join("video/mp_big_buck_bunny_0_30.webm");
    let size = clip.metadata().unwrap().len();
    let (_, read) = keyframes(Source::path(&clip));
    println!("{read} of {size} bytes read");
    assert!(read < size / 2);
}

#[test]
fn cues_of_other_frames_than_keyframes_are_ignored() {
    // In Matroska, each refresh point of this stream is marked and listed as a keyframe.
    let clip = clips::testdata().join("h264_intra_refresh.mkv");
    let (keyframes, _) = keyframes(Source::path(clip));
    assert_eq!(keyframes.len(), 1, "only the first frame is a keyframe: {keyframes:?}");
}
