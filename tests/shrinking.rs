//! Files that become shorter while they are read: what is gone is an error, and no end of the video.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use moviola_av::io::sigbus;
use moviola_media::{
    error::Error,
    frame::Frame,
    media::Media,
    source::{IoMode, Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::clips;
use tempfile::TempDir;

/// Clips of many groups, each longer than what is read ahead of the first frames.
const CLIPS: [(&str, usize); 2] = [("demo.mp4", 300), ("cues.mkv", 100)];

const TAKEN: usize = 5;

/// A copy of a clip, and the folder it goes with.
fn copy(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::copy(clips::testdata().join(name), &path).expect("one of our own clips");
    (folder, path)
}

fn shrink(path: &Path) {
    let file = File::options().write(true).open(path).expect("our copy");
    file.set_len(1000).expect("it is ours");
}

/// Ways to read a file, with decoders side by side and in one.
fn ways() -> impl Iterator<Item = SourceOptions> {
    sigbus::install().expect("what mappings need");
    [IoMode::Read, IoMode::Map].into_iter().flat_map(|io| {
        [(1, usize::MAX), (2, usize::MAX), (2, 0)].map(|(decoders, memory)| SourceOptions {
            io,
            decoders,
            memory,
            ..Default::default()
        })
    })
}

/// The first frames come; of the others, some don't, and that is told.
fn check(path: &Path, count: usize, mut frames: FrameReader) {
    let first: Result<Vec<_>, _> = frames.by_ref().take(TAKEN).collect();
    assert_eq!(first.expect("the file is whole").len(), TAKEN);
    shrink(path);
    let (rest, errors): (Vec<_>, Vec<_>) = frames.partition(Result::is_ok);
    assert!(TAKEN + rest.len() < count, "{count} frames of {}", path.display());
    let errors: Vec<_> = errors.into_iter().filter_map(Result::err).collect();
    assert!(errors.iter().any(is_truncation), "{errors:?} after {}", rest.len());
}

fn is_truncation(error: &Error) -> bool {
    error.to_string().contains("truncated")
}

#[test]
fn readers_of_all_frames_tell_what_is_gone() {
    for (name, count) in CLIPS {
        for options in ways() {
            let (_folder, path) = copy(name);
            let frames = FrameReader::open(Source::path(&path), options).unwrap();
            check(&path, count, frames);
        }
    }
}

#[test]
fn readers_of_chosen_frames_tell_what_is_gone() {
    for (name, count) in CLIPS {
        for options in ways() {
            let (_folder, path) = copy(name);
            let media = Media::open(Source::path(&path), options).unwrap();
            let workers = vec![|frame: Frame| frame; media.decoders()];
            let video = Video::of_media(media).unwrap();
            check(&path, count, FrameReader::chosen(video, 0..count as u64, workers).unwrap());
        }
    }
}

#[test]
fn frames_by_number_that_are_gone_are_errors() {
    for (name, count) in CLIPS {
        for options in ways() {
            let (_folder, path) = copy(name);
            let mut video = Video::open(Source::path(&path), options).unwrap();
            assert_eq!(video.frame_at(0).unwrap().number, Some(0));
            shrink(&path);
            let all: Vec<_> = (0..count as i64).collect();
            // A demuxer may pass over what it can't read: then pictures are missing.
            for error in [video.frames_at(&all).unwrap_err(), video.frame_at(-1).unwrap_err()] {
                let is_missing = matches!(error, Error::Decode { .. });
                assert!(is_missing || is_truncation(&error), "{error:?}");
            }
        }
    }
}
