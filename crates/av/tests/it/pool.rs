//! Tests of decoding into a shared pool of frame memory.

use std::{sync::Arc, thread};

use moviola_av::{DecoderOptions, FramePool};

use crate::{
    clips::{clip, decode, media},
    conformance::md5s,
};

const CLIPS: [&str; 10] = [
    "h264_bframes.mp4",
    "h264_422_10.mp4",
    "hevc_cra.mp4",
    "gray.mp4",
    "vp8.webm",
    "vp9.webm",
    "mpeg2_field.ts",
    "mjpeg.avi",
    "prores.mov",
    "resolution_change.ts",
];

fn options(pool: &Arc<FramePool>, threads: u16) -> DecoderOptions {
    DecoderOptions { pool: Some(Arc::clone(pool)), threads, ..Default::default() }
}

#[track_caller]
fn check_clip(url: &str) {
    let want = md5s(&decode(url, &DecoderOptions::default()));
    let pool = FramePool::new(64 << 20);
    for threads in [1, 3, 1] {
        assert_eq!(md5s(&decode(url, &options(&pool, threads))), want, "{url}");
    }
    let stats = pool.stats();
    assert!(stats.reused > 0 && stats.lent_bytes == 0, "{url}: {stats:?}");
}

#[test]
fn frames_are_the_same_with_a_pool() {
    for name in CLIPS {
        check_clip(&clip(name));
    }
}

#[test]
fn odd_sizes_and_rare_codecs_work_with_a_pool() {
    for name in [
        "ax_bear-vp9-odd-dimensions.webm",
        "tc_testsrc2_odd_height_and_width_mpeg2.mp4",
        "tc_testsrc2_odd_height_and_width_444.mp4",
        "ax_sample_vvc.mp4",
        "me_xmp480qt.mov",
        "mmaction_test.avi",
        "exo_video_desks.3gp",
        "mb_transparency.webm",
    ] {
        if let Some(url) = media(name) {
            check_clip(&url);
        }
    }
}

#[test]
fn a_decoder_with_its_own_memory_does_not_use_the_pool() {
    let pool = FramePool::new(1 << 20);
    let url = clip("av1.mkv");
    let want = md5s(&decode(&url, &DecoderOptions::default()));
    assert_eq!(md5s(&decode(&url, &options(&pool, 1))), want);
}

#[test]
fn frames_outlive_pool_and_decoder() {
    let pool = FramePool::new(64 << 20);
    let url = clip("h264_bframes.mp4");
    let frames = decode(&url, &options(&pool, 2));
    let held = pool.stats();
    assert!(held.lent_bytes > frames.len() * 320 * 180, "{held:?}");
    drop(pool);
    let want = decode(&url, &DecoderOptions::default());
    assert!(
        frames.iter().map(crate::conformance::md5).eq(want.iter().map(crate::conformance::md5))
    );
}

#[test]
fn unused_memory_is_bounded() {
    let pool = FramePool::new(1 << 20);
    drop(decode(&clip("h264_bframes.mp4"), &options(&pool, 1)));
    let stats = pool.stats();
    assert!(stats.idle_bytes <= 1 << 20 && stats.idle_bytes > 0 && stats.lent_bytes == 0);
    pool.clear();
    assert_eq!(pool.stats().idle_bytes, 0);
}

#[test]
fn decoders_on_many_threads_share_a_pool() {
    let pool = FramePool::new(256 << 20);
    let want = CLIPS.map(|name| md5s(&decode(&clip(name), &DecoderOptions::default())));
    thread::scope(|scope| {
        for number in 0..12 {
            let (name, want) = (CLIPS[number % CLIPS.len()], &want[number % CLIPS.len()]);
            let options = options(&pool, u16::try_from(1 + number % 3).unwrap());
            scope.spawn(move || assert_eq!(md5s(&decode(&clip(name), &options)), *want, "{name}"));
        }
    });
    assert_eq!(pool.stats().lent_bytes, 0);
}
