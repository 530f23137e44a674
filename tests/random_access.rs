//! Tests that any frame, in any order, equals the frame of a sequential decode.

use std::path::Path;

use moviola::frame_md5;
use moviola_media::{
    frame::Frame,
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
    video::{FrameReader, Video},
};
use moviola_tests::{clips, decode, reference::Decoded};

use crate::conformance::in_parallel;

/// Clips whose frames can't be the same, the expected message, and the reason.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("damaged_keyframe.mp4", "has other pixels, those of None", DAMAGED),
    ("mb_annex-b.mp4", "has other pixels, those of None", DAMAGED),
    ("truncated.mp4", "29 frames, not 28", UNDECODABLE),
    ("ax_invalid-bitstream.webm", "51 frames, not 0", UNDECODABLE),
    ("decord_corrupted.mp4", "50 frames, not 49", UNDECODABLE),
    ("mp4p_zero_empty_stsc.mp4", "2 frames, not 0", UNDECODABLE),
];

/// Clips that can't be opened, and the expected message.
const UNOPENED: &[(&str, &str)] = &[
    ("audio_only.m4a", "there is no video, only audio"),
    ("ax_sample_fragmented_clearkey.mp4", "not readable as video"),
    ("cover_art_only.mp3", "there is no video, only cover art"),
    ("empty.mp4", "the file is empty"),
    ("gpac_france.mp4", "there is no video in it"),
    ("huge_header.avi", "over the limit of"),
    ("huge_header.ivf", "over the limit of"),
    ("mb_ac3.ts", "there is no video, only audio"),
    ("moov_missing.mp4", "not readable as video"),
    ("not_media.mp4", "not readable as video"),
    ("playlist_elsewhere.m3u8", "refused to open"),
    ("playlist_parent.m3u8", "not readable as video"),
    ("audio_damaged.m4a", "there is no video, only audio"),
    ("audio_gap.ts", "there is no video, only audio"),
    ("audio_lame_8khz.mp3", "there is no video, only audio"),
    ("audio_opus.ogg", "there is no video, only audio"),
    ("streamio_broken_no_moov.mp4", "not readable as video"),
];

const DAMAGED: &str = "concealment of damage depends on the frames decoded before";
const UNDECODABLE: &str = "packets that can't be decoded are listed as frames";

#[test]
fn random_access_equals_sequential_access() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| compare(clip));
    let (mut frames, mut failures) = (0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        let differences = DIFFERENCES.iter().map(|(clip, how, _)| (clip, how));
        let unopened = UNOPENED.iter().map(|(clip, how)| (clip, how));
        let known = differences.chain(unopened).find(|(clip, _)| **clip == name);
        let known = known.map(|(_, how)| *how);
        match outcome {
            Ok(count) if known.is_none() => frames += count,
            Err(how) if known.is_some_and(|known| how.contains(known)) => {}
            Ok(_) => failures.push(format!("{name}: there is no difference any more")),
            Err(how) => failures.push(format!("{name}: {how}")),
        }
    }
    println!("{frames} frames are the same");
    assert!(failures.is_empty(), "{} clips:\n{}", failures.len(), failures.join("\n"));
}

/// The largest number of frames that are requested of a clip; no limit in a soak test.
fn max_frames() -> usize {
    if is_soak() { usize::MAX } else { 2000 }
}

/// Whether this is a soak test.
fn is_soak() -> bool {
    std::env::var_os("MOVIOLA_SOAK").is_some()
}

fn compare(clip: &Path) -> Result<usize, String> {
    let video = Video::open(Source::path(clip), SourceOptions::default());
    let mut video = video.map_err(|error| format!("can't be opened: {error}"))?;
    let whole =
        decode::all_frames(clip, video.stream().index).map_err(|error| error.to_string())?;
    let count = video.len().map_err(|error| error.to_string())?;
    if count != whole.frames.len() as u64 {
        return Err(format!("{count} frames, not {}", whole.frames.len()));
    }
    check_sequence(clip, &whole)?;
    for seed in 1..=seeds() {
        check(&mut video, &whole, seed)?;
    }
    Ok(whole.frames.len())
}

/// The number of random orders: one; three in a soak test.
fn seeds() -> u64 {
    if is_soak() { 3 } else { 1 }
}

/// Checks all frames in order, hashed by two workers.
fn check_sequence(clip: &Path, whole: &Decoded) -> Result<(), String> {
    let input = OpenInput::open(Source::path(clip), SourceOptions::default(), Purpose::Video);
    let input = input.map_err(|error| error.to_string())?;
    let hash = |frame: Frame| {
        let pts = frame.pts.map(|pts| pts.ticks);
        (frame.number, pts, frame_md5(&frame.decoded))
    };
    let frames = FrameReader::all(input, vec![hash; 2]).map_err(|error| error.to_string())?;
    let mut count = 0;
    for (number, pts, md5) in frames.filter_map(Result::ok) {
        if number != Some(count) || count >= whole.frames.len() as u64 {
            return Err(format!("frame {count} of all is {number:?}"));
        }
        let place = i64::try_from(count).map_err(|error| error.to_string())?;
        same(whole, place, (pts, md5)).map_err(|how| format!("of all, {how}"))?;
        count += 1;
    }
    if count == whole.frames.len() as u64 { Ok(()) } else { Err(format!("all are {count}")) }
}

/// Requests all frames in a random order, a third at a time, then some one by one.
fn check(video: &mut Video, whole: &Decoded, seed: u64) -> Result<(), String> {
    let mut order: Vec<_> = (0..whole.frames.len() as i64).collect();
    shuffle(&mut order, seed);
    order.truncate(max_frames());
    for numbers in order.chunks(order.len().div_ceil(3).max(1)) {
        let hashes = video.map_frames_at(numbers, |_, frame| {
            (frame.pts.map(|pts| pts.ticks), frame_md5(&frame.decoded))
        });
        for (&number, hash) in numbers.iter().zip(hashes.map_err(|error| error.to_string())?) {
            same(whole, number, hash.map_err(|error| format!("frame {number}: {error}"))?)?;
        }
    }
    for &number in order.iter().take(5) {
        for next in (number..order.len() as i64).take(3) {
            let frame = video.frame_at(next).map_err(|error| format!("one {next}: {error}"))?;
            same(whole, next, (frame.pts.map(|pts| pts.ticks), frame_md5(&frame.decoded)))?;
        }
    }
    Ok(())
}

/// Checks that a frame has the time and hash of the sequential decode.
fn same(whole: &Decoded, number: i64, (pts, md5): (Option<i64>, String)) -> Result<(), String> {
    let truth = &whole.frames[usize::try_from(number).unwrap_or(usize::MAX)];
    let same_time = truth.pts == i64::MIN || pts == Some(truth.pts);
    match (truth.md5 == md5, same_time) {
        (true, true) => Ok(()),
        (false, _) => {
            let found = whole.frames.iter().position(|frame| frame.md5 == md5);
            Err(format!("frame {number} has other pixels, those of {found:?}"))
        }
        (true, false) => Err(format!("frame {number} is at {pts:?}, not {}", truth.pts)),
    }
}

/// The Fisher–Yates shuffle with a small random number generator (SplitMix64).
fn shuffle(numbers: &mut [i64], seed: u64) {
    let mut state = seed;
    for last in (1..numbers.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let chosen = (mixed ^ mixed >> 31) % (last as u64 + 1);
        numbers.swap(last, usize::try_from(chosen).unwrap_or(0));
    }
}
