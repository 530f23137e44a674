//! Tests with random damage: nothing panics, hangs or takes unbounded memory, and errors are
//! reported.

use std::{fs, time::Instant};

use moviola_av::pool::FramePool;
use moviola_media::{
    source::{Source, SourceOptions},
    video::{FrameReader, OnDamage, Video},
};
use moviola_tests::clips;

use crate::conformance::in_parallel;

/// Small clips of many codecs and containers.
const CLIPS: [&str; 12] = [
    "h264_bframes.mp4",
    "fragmented.mp4",
    "edit_list.mp4",
    "hevc_cra.mp4",
    "h264_paff.ts",
    "h264_opengop.ts",
    "parameter_sets_change.h264",
    "vp8.webm",
    "vp9.webm",
    "av1.mkv",
    "mpeg4.avi",
    "mjpeg.avi",
];

/// The longest time for one file in seconds; an undamaged one takes about a second.
const MAX_SECONDS: f64 = 60.0;

/// The largest allowed memory of frames in bytes, more than decoders and queues need for these
/// small frames.
const MAX_BYTES: usize = 512 << 20;

/// The number of damaged copies per clip; a thousand files in all in a soak test.
fn copies() -> u64 {
    if std::env::var_os("MOVIOLA_SOAK").is_some() { 84 } else { 8 }
}

#[test]
fn damaged_files_are_read_to_their_end() {
    let cases: Vec<_> =
        CLIPS.iter().flat_map(|name| (0..copies()).map(move |seed| (*name, seed))).collect();
    let outcomes = in_parallel(&cases, |(name, seed)| {
        let mut bytes = fs::read(clips::testdata().join(name)).expect("a clip of testdata");
        damage(&mut bytes, *seed);
        let start = Instant::now();
        let (frames, errors) = read(name, bytes, POLICIES[*seed as usize % POLICIES.len()]);
        let seconds = start.elapsed().as_secs_f64();
        assert!(seconds < MAX_SECONDS, "{name} with damage {seed} took {seconds} s");
        (frames, errors)
    });
    let frames: usize = outcomes.iter().map(|(frames, _)| frames).sum();
    let errors: usize = outcomes.iter().map(|(_, errors)| errors).sum();
    println!("{} files gave {frames} frames and {errors} errors", cases.len());
    assert!(frames > 0 && errors > 0);
}

pub(crate) const POLICIES: [OnDamage; 5] =
    [OnDamage::Keep, OnDamage::Fail, OnDamage::Skip, OnDamage::Repeat, OnDamage::Black];

/// Reads all frames in order under one policy, then some by number under every policy; counts
/// frames and errors.
fn read(name: &str, bytes: Vec<u8>, on_damage: OnDamage) -> (usize, usize) {
    let pool = FramePool::new(16 << 20);
    let options = SourceOptions { pool: pool.clone(), on_damage, ..SourceOptions::default() };
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    let source = || Source::bytes(name, std::sync::Arc::clone(&bytes));
    let (mut frames, mut errors) = (0, 0);
    match FrameReader::open(source(), options.clone()) {
        Err(_) => errors += 1,
        Ok(reader) => {
            for frame in reader {
                assert!(pool.stats().lent_bytes < MAX_BYTES, "{name}: {:?}", pool.stats());
                match frame {
                    Ok(_) => frames += 1,
                    Err(_) => errors += 1,
                }
            }
        }
    }
    let Ok(mut video) = Video::open(source(), options) else { return (frames, errors + 1) };
    let count = i64::try_from(video.len().unwrap_or(0)).unwrap_or(0);
    let some: Vec<_> = (0..count).rev().step_by(7).take(20).collect();
    for policy in POLICIES {
        match video.on_damage(policy).frames_at(&some) {
            Ok(got) => frames += got.len(),
            Err(_) => errors += 1,
        }
    }
    assert!(video.damaged().len() <= some.len());
    (frames, errors)
}

/// Changes some bits; then removes a piece, repeats a piece, truncates the end, or does nothing
/// more.
pub(crate) fn damage(bytes: &mut Vec<u8>, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit.max(1) as u64) as usize
    };
    for _ in 0..=below(20) {
        let at = below(bytes.len());
        bytes[at] ^= 1 << below(8);
    }
    let (start, length) = (below(bytes.len()), below(2000));
    let end = (start + length).min(bytes.len());
    match below(4) {
        0 => drop(bytes.drain(start..end)),
        1 => {
            let piece = bytes[start..end].to_vec();
            bytes.splice(start..start, piece);
        }
        2 => bytes.truncate(start.max(100)),
        _ => {}
    }
}
