//! Tests with sources that end or fail at any byte: earlier keyframes are returned, the rest is an
//! error with the source's name, and nothing panics or hangs.

use std::io::{self, Cursor, Read};

use moviola_media::{
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};
use moviola_tests::clips;

use crate::conformance::in_parallel;

/// Clips, and the distance in bytes between the offsets at which they fail.
const CLIPS: [(&str, usize); 4] =
    [("gray.mp4", 1), ("h264_400.mp4", 5), ("webm_no_cues.webm", 5), ("av1.mkv", 5)];

/// A reader that returns its bytes, then an error.
pub(crate) struct FailsAfter(pub(crate) Cursor<Vec<u8>>);

impl Read for FailsAfter {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        match self.0.read(target)? {
            0 => Err(io::Error::other("the cable was pulled")),
            count => Ok(count),
        }
    }
}

/// Reads the keyframes of a source; returns them and the error messages.
fn read(source: Source) -> (Vec<String>, Vec<String>) {
    let options = SourceOptions { decoders: 1, ..SourceOptions::default() };
    let reader = match KeyframeReader::open(source, options) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), vec![error.to_string()]),
    };
    let (mut keyframes, mut errors) = (Vec::new(), Vec::new());
    for result in reader {
        match result {
            // A truncated keyframe is marked as damaged.
            Ok(keyframe) if keyframe.damaged => errors.push("clip: damaged".to_owned()),
            Ok(keyframe) => keyframes.push(format!(
                "{:?} {}",
                keyframe.pts,
                moviola::frame_md5(&keyframe.decoded)
            )),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (keyframes, errors)
}

/// Describes what is wrong with the result of a source that stopped at some byte; `None` if nothing
/// is.
fn complaint(
    (keyframes, errors): &(Vec<String>, Vec<String>),
    whole: &[String],
    must_fail: bool,
) -> Option<String> {
    if !whole.starts_with(keyframes) {
        return Some(format!("other keyframes: {keyframes:?}"));
    }
    if must_fail && errors.is_empty() {
        return Some(format!("{} keyframes and no error", keyframes.len()));
    }
    let nameless = errors.iter().find(|error| !error.starts_with("clip: "));
    nameless.map(|error| format!("no name in: {error}"))
}

fn check_clip(name: &str, step: usize) {
    let bytes = std::fs::read(clips::testdata().join(name)).expect("a clip of testdata");
    let (whole, errors) = read(Source::bytes("clip", bytes.clone()));
    assert!(!whole.is_empty() && errors.is_empty(), "{name}: {errors:?}");
    let places: Vec<_> = (0..bytes.len()).step_by(step).collect();
    let complaints = in_parallel(&places, |&at| {
        let truncated = read(Source::bytes("clip", bytes[..at].to_vec()));
        let failing = FailsAfter(Cursor::new(bytes[..at].to_vec()));
        let failing = read(Source::reader("clip", failing));
        let truncated = complaint(&truncated, &whole, truncated.0.is_empty());
        let failing = complaint(&failing, &whole, failing.0.len() < whole.len());
        [("truncated", truncated), ("failing", failing)]
            .into_iter()
            .filter_map(|(how, what)| Some(format!("{how} at {at}: {}", what?)))
            .collect::<Vec<_>>()
    });
    let complaints: Vec<_> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{name}: {} wrong, first: {}", complaints.len(), complaints[0]);
}

#[test]
fn a_source_that_stops_at_any_byte_keeps_earlier_keyframes() {
    for (name, step) in CLIPS {
        check_clip(name, step);
    }
}
