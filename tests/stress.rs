//! Stress tests: many readers at once give the same frames as a single one and stop when they are
//! dropped; a reader with a slow consumer keeps only a few frames waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use moviola::frame_md5;
use moviola_av::pool::FramePool;
use moviola_media::{
    frame::Frame,
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::clips;

const CLIPS: [&str; 6] =
    ["h264_bframes.mp4", "hevc_cra.mp4", "vp9.webm", "av1.mkv", "h264_opengop.ts", "mpeg4.avi"];

/// Options of sources that share a pool of frame memory.
fn options(pool: &Arc<FramePool>) -> SourceOptions {
    SourceOptions { pool: Arc::clone(pool), decoders: 4, ..SourceOptions::default() }
}

fn source(name: &str) -> Source {
    Source::path(clips::testdata().join(name))
}

fn hashes(video: &mut Video, numbers: &[u64]) -> Vec<String> {
    let hashes = video.map_frames_at(numbers, |_, frame| frame_md5(&frame.decoded));
    let hashes = hashes.expect("all of these frames exist");
    hashes.into_iter().map(|hash| hash.expect("no frame is damaged")).collect()
}

#[test]
fn many_readers_give_the_same_as_one() {
    let pool = FramePool::new(32 << 20);
    let alone: Vec<Vec<String>> = CLIPS
        .iter()
        .map(|name| {
            let mut video = Video::open(source(name), options(&pool)).unwrap();
            let all: Vec<_> = (0..video.len().unwrap()).collect();
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
                // Distant frames in no order need parallel groups, seeks and continued decoding.
                for round in 0..6 {
                    let numbers: Vec<_> = (0..count)
                        .map(|n| (n * 37 + round * 11 + reader) % count)
                        .step_by(3)
                        .collect();
                    let asked: Vec<_> = numbers.iter().map(|&number| number as u64).collect();
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
                    let input =
                        OpenInput::open(source(name), options(pool), Purpose::Video).unwrap();
                    let keep = |frame: Frame| frame;
                    let mut frames = FrameReader::all(input, vec![keep; 4]).unwrap();
                    let kept: Vec<_> = frames.by_ref().take(taken).collect();
                    drop(frames);
                    assert!(kept.iter().all(Result::is_ok), "{name}");
                }
            });
        }
    });
    assert_eq!(pool.stats().lent_bytes, 0, "the memory of every frame was returned");
}

/// Bytes of a frame of `demo.mp4`, which has groups of 30.
const FRAME_BYTES: usize = 640 * 360 * 3 / 2;

/// Takes 300 frames one by one, each when all workers are waiting. `start` starts a reader with
/// workers that count their frames.
fn check_slow_consumer(
    start: impl Fn(OpenInput, Vec<Box<dyn FnMut(Frame) -> Frame + Send>>) -> FrameReader,
) {
    const WORKERS: usize = 2;
    let pool = FramePool::new(0);
    let memory = 4 * FRAME_BYTES;
    let options = SourceOptions { decoders: WORKERS, memory, ..options(&pool) };
    let seen = Arc::new(AtomicUsize::new(0));
    let worker = || -> Box<dyn FnMut(Frame) -> Frame + Send> {
        let seen = Arc::clone(&seen);
        Box::new(move |frame| {
            seen.fetch_add(1, SeqCst);
            frame
        })
    };
    let input =
        OpenInput::open(source("demo.mp4"), options, Purpose::Video).expect("a clip of testdata");
    let mut frames = start(input, (0..WORKERS).map(|_| worker()).collect());
    for taken in 1..=300 {
        assert!(frames.next().is_some_and(|frame| frame.is_ok()), "frame {taken}");
        let ahead = (taken + 2 * WORKERS - 1).min(300);
        while seen.load(SeqCst) < ahead {
            thread::yield_now();
        }
        assert_eq!(seen.load(SeqCst), ahead);
        // The waiting frames, and those held by a decoder with three threads.
        let lent = pool.stats().lent_bytes;
        assert!(lent < memory + 32 * FRAME_BYTES, "{lent} bytes after {taken} frames");
    }
    assert!(frames.next().is_none());
}

#[test]
fn few_frames_wait_for_a_slow_consumer_of_a_long_group() {
    check_slow_consumer(|input, workers| FrameReader::all(input, workers).unwrap());
    check_slow_consumer(|input, workers| {
        FrameReader::chosen(Video::start(input).unwrap(), 0..300, workers).unwrap()
    });
}
