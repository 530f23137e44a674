//! Many readers at once, each with decoders of its own: the same pictures as one alone, and an end
//! to all of them when nobody wants more.

use std::{sync::Arc, thread};

use moviola::hash::frame_md5;
use moviola_av::pool::FramePool;
use moviola_media::{
    frame::Frame,
    media::Media,
    source::{Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::clips;

const CLIPS: [&str; 6] =
    ["h264_bframes.mp4", "hevc_cra.mp4", "vp9.webm", "av1.mkv", "h264_opengop.ts", "mpeg4.avi"];

/// Sources that share their pictures' memory.
fn options(pool: &Arc<FramePool>) -> SourceOptions {
    SourceOptions { pool: Arc::clone(pool), decoders: 4, ..SourceOptions::default() }
}

fn source(name: &str) -> Source {
    Source::path(clips::testdata().join(name))
}

fn hashes(video: &mut Video, numbers: &[i64]) -> Vec<String> {
    let hashes = video.map_frames_at(numbers, |_, frame| frame_md5(&frame.frame));
    let hashes = hashes.expect("all of these frames exist");
    hashes.into_iter().map(|hash| hash.expect("no frame is damaged")).collect()
}

#[test]
fn readers_at_once_see_what_one_alone_sees() {
    let pool = FramePool::new(32 << 20);
    let alone: Vec<Vec<String>> = CLIPS
        .iter()
        .map(|name| {
            let mut video = Video::open(source(name), options(&pool)).unwrap();
            let all: Vec<_> = (0..video.len().unwrap() as i64).collect();
            hashes(&mut video, &all)
        })
        .collect();
    thread::scope(|scope| {
        for reader in 0..12_usize {
            let (pool, alone) = (&pool, &alone);
            scope.spawn(move || {
                let clip = reader % CLIPS.len();
                let mut video = Video::open(source(CLIPS[clip]), options(pool)).unwrap();
                let count = alone[clip].len();
                // Far apart and in no order: groups side by side, seeks, and going on.
                for round in 0..6 {
                    let numbers: Vec<_> = (0..count)
                        .map(|n| (n * 37 + round * 11 + reader) % count)
                        .step_by(3)
                        .collect();
                    let asked: Vec<_> = numbers.iter().map(|&number| number as i64).collect();
                    let want: Vec<_> = numbers.iter().map(|&n| alone[clip][n].clone()).collect();
                    assert_eq!(hashes(&mut video, &asked), want, "{}", CLIPS[clip]);
                }
            });
        }
    });
}

#[test]
fn readers_can_be_dropped_at_any_moment() {
    let pool = FramePool::new(32 << 20);
    thread::scope(|scope| {
        for reader in 0..6_usize {
            let pool = &pool;
            scope.spawn(move || {
                for taken in [0, 1, 2, 5, 9, 17] {
                    let name = CLIPS[(reader + taken) % CLIPS.len()];
                    let media = Media::open(source(name), options(pool)).unwrap();
                    let keep = |frame: Frame| frame;
                    let mut frames = FrameReader::all(media, vec![keep; 4]).unwrap();
                    let kept: Vec<_> = frames.by_ref().take(taken).collect();
                    drop(frames);
                    assert!(kept.iter().all(Result::is_ok), "{name}");
                }
            });
        }
    });
    assert_eq!(pool.stats().lent_bytes, 0, "every picture came back");
}
