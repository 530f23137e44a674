//! Tests with files that are truncated while they are read: the missing part is an error, not the
//! end.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use moviola_av::io::sigbus;
use moviola_media::{
    error::Error,
    frame::Frame,
    input::{OpenInput, Purpose},
    source::{IoMode, Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::clips;
use tempfile::TempDir;

/// Clips of many groups, longer than what is read ahead of the first frames; with their number of
/// frames.
const CLIPS: [(&str, usize); 2] = [("demo.mp4", 300), ("cues.mkv", 100)];

/// The number of frames taken before the file is truncated.
const TAKEN: usize = 5;

/// A copy of a clip, and its temporary folder.
fn copy(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::copy(clips::testdata().join(name), &path).expect("a clip of testdata");
    (folder, path)
}

fn truncate(path: &Path) {
    let file = File::options().write(true).open(path).expect("the copy");
    file.set_len(1000).expect("the copy is writable");
}

/// Options for both kinds of I/O, with parallel decoders and with a single one.
fn all_options() -> impl Iterator<Item = SourceOptions> {
    sigbus::install().expect("the handler installs");
    [IoMode::Read, IoMode::Map].into_iter().flat_map(|io| {
        [(1, usize::MAX), (2, usize::MAX), (2, 0)].map(|(decoders, memory)| SourceOptions {
            io,
            decoders,
            memory,
            ..Default::default()
        })
    })
}

/// Checks that the first frames are read, and that some later ones are missing, with an error.
fn check(path: &Path, count: usize, mut frames: FrameReader) {
    let first: Result<Vec<_>, _> = frames.by_ref().take(TAKEN).collect();
    assert_eq!(first.expect("the file is complete").len(), TAKEN);
    truncate(path);
    let (rest, errors): (Vec<_>, Vec<_>) = frames.partition(Result::is_ok);
    assert!(TAKEN + rest.len() < count, "{count} frames of {}", path.display());
    let errors: Vec<_> = errors.into_iter().filter_map(Result::err).collect();
    assert!(errors.iter().any(is_truncation), "{errors:?} after {}", rest.len());
}

fn is_truncation(error: &Error) -> bool {
    error.to_string().contains("truncated")
}

#[test]
fn readers_of_all_frames_report_truncation() {
    for (name, count) in CLIPS {
        for options in all_options() {
            let (_folder, path) = copy(name);
            let frames = FrameReader::open(Source::path(&path), options).unwrap();
            check(&path, count, frames);
        }
    }
}

#[test]
fn readers_of_chosen_frames_report_truncation() {
    for (name, count) in CLIPS {
        for options in all_options() {
            let (_folder, path) = copy(name);
            let input = OpenInput::open(Source::path(&path), options, Purpose::Video).unwrap();
            let workers = vec![|frame: Frame| frame; input.decoders()];
            let video = Video::start(input).unwrap();
            check(&path, count, FrameReader::chosen(video, 0..count as u64, workers).unwrap());
        }
    }
}

#[test]
fn missing_frames_by_number_are_errors() {
    for (name, count) in CLIPS {
        for options in all_options() {
            let (_folder, path) = copy(name);
            let mut video = Video::open(Source::path(&path), options).unwrap();
            assert_eq!(video.frame_at(0).unwrap().number, Some(0));
            truncate(&path);
            let all: Vec<_> = (0..count as u64).collect();
            // A demuxer may skip what it can't read: then frames can't be decoded.
            for error in [video.frames_at(&all).unwrap_err(), video.frame_at(-1).unwrap_err()] {
                let is_missing = matches!(error, Error::Decode { .. });
                assert!(is_missing || is_truncation(&error), "{error:?}");
            }
        }
    }
}
