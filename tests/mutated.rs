//! Files with random damage: nothing panics, hangs or grows, and what is wrong is told.

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

/// One file takes longer than this only if something hangs: a whole one takes a second.
const MOST_SECONDS: f64 = 60.0;

/// More than a decoder and what waits for its turn ever hold of these small pictures.
const MOST_BYTES: usize = 512 << 20;

/// A thousand files in all where time doesn't matter.
fn copies() -> u64 {
    if std::env::var_os("MOVIOLA_SOAK").is_some() { 84 } else { 8 }
}

#[test]
fn damaged_files_are_read_to_their_end() {
    let cases: Vec<_> =
        CLIPS.iter().flat_map(|name| (0..copies()).map(move |seed| (*name, seed))).collect();
    let outcomes = in_parallel(&cases, |(name, seed)| {
        let mut bytes = fs::read(clips::testdata().join(name)).expect("one of our own clips");
        damage(&mut bytes, *seed);
        let began = Instant::now();
        let (frames, errors) = read(name, bytes, POLICIES[*seed as usize % POLICIES.len()]);
        let seconds = began.elapsed().as_secs_f64();
        assert!(seconds < MOST_SECONDS, "{name} with damage {seed} took {seconds} s");
        (frames, errors)
    });
    let frames: usize = outcomes.iter().map(|(frames, _)| frames).sum();
    let errors: usize = outcomes.iter().map(|(_, errors)| errors).sum();
    println!("{} files gave {frames} frames and {errors} errors", cases.len());
    assert!(frames > 0 && errors > 0);
}

pub(crate) const POLICIES: [OnDamage; 5] =
    [OnDamage::Keep, OnDamage::Fail, OnDamage::Skip, OnDamage::Repeat, OnDamage::Black];

/// Reads all of it in order, under one policy, then some frames by number under every policy.
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
                assert!(pool.stats().lent_bytes < MOST_BYTES, "{name}: {:?}", pool.stats());
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

/// Changes some bytes, cuts out or doubles a piece, or cuts off the end.
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
