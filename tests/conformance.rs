//! Tests that every frame of every clip equals the reference ffmpeg's, bit for bit.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use moviola_tests::{clips, decode, reference};

/// Clips whose frames can't be the same, with the reason.
const SKIPPED: &[(&str, &str)] = &[(
    "untimed_start.mkv",
    "its first frames have no times: the reference counts them, and continues to count where the file has times",
)];

enum Outcome {
    Same(usize),
    Different(String),
    Skipped(String),
}

#[test]
fn every_frame_equals_the_references() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| compare(clip));
    let (mut same, mut frames, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        match outcome {
            Outcome::Same(count) => (same, frames) = (same + 1, frames + count),
            Outcome::Skipped(why) => println!("skipped: {name}: {why}"),
            Outcome::Different(how) => failures.push(format!("{name}: {how}")),
        }
    }
    println!("{same} clips with {frames} frames are the same, {} are not", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(same > clips.len() / 2, "{same} of {} clips were compared", clips.len());
}

/// Runs `work` on two items at a time; returns the results in the order of the items.
pub(crate) fn in_parallel<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some((number, item)) =
            Some(next.fetch_add(1, SeqCst)).and_then(|n| Some((n, items.get(n)?)))
        {
            done.push((number, work(item)));
        }
        done
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, outcome)| outcome).collect()
}

fn compare(clip: &Path) -> Outcome {
    if let Some((_, why)) = SKIPPED.iter().find(|(name, _)| *name == clips::name(clip)) {
        return Outcome::Skipped((*why).into());
    }
    let stream = match decode::video_stream(clip) {
        Ok(stream) => stream,
        Err(why) => return Outcome::Skipped(why),
    };
    let Some(reference) = reference::decode(clip, stream, &[]) else {
        return Outcome::Skipped("the reference decodes no frame of it".into());
    };
    let ours = match decode::all_frames(clip, stream) {
        Ok(ours) => ours,
        Err(error) => return Outcome::Different(error.to_string()),
    };
    match first_difference(&ours, &reference) {
        None => Outcome::Same(ours.frames.len()),
        Some(how) => Outcome::Different(how),
    }
}

/// The first difference between two decodes; `None` if they are equal.
fn first_difference(ours: &reference::Decoded, theirs: &reference::Decoded) -> Option<String> {
    if ours.frames.len() != theirs.frames.len() {
        return Some(format!("{} frames, not {}", ours.frames.len(), theirs.frames.len()));
    }
    let pairs = ours.frames.iter().zip(&theirs.frames).enumerate();
    for (number, (ours_frame, their_frame)) in pairs {
        if ours_frame.md5 != their_frame.md5 {
            return Some(format!("frame {number} has other pixels"));
        }
        let pts = (ours_frame.pts != i64::MIN).then_some(ours_frame.pts);
        let rescaled = pts.map(|pts| rescale(pts, ours.time_base, theirs.time_base));
        if rescaled.is_some_and(|pts| pts != their_frame.pts) {
            return Some(format!("frame {number} is at {rescaled:?}, not {}", their_frame.pts));
        }
    }
    None
}

/// Converts ticks to another time base, rounded to the nearest tick, halves away from zero.
pub(crate) fn rescale(ticks: i64, from: (i64, i64), to: (i64, i64)) -> i64 {
    let num = i128::from(ticks) * i128::from(from.0) * i128::from(to.1);
    let den = i128::from(from.1) * i128::from(to.0).max(1);
    let half = if num < 0 { -den / 2 } else { den / 2 };
    ((num + half) / den) as i64
}

#[test]
fn frames_equal_the_hashes_published_beside_the_clips() {
    let Some(shared) = clips::shared_media() else { return };
    let mut compared = 0;
    for hashes in clips::files_in(&shared.join("video")) {
        let clip = hashes.with_extension("");
        if hashes.extension().is_none_or(|extension| extension != "md5") || !clip.is_file() {
            continue;
        }
        let published = fs::read_to_string(&hashes).unwrap();
        let published: Vec<_> =
            published.split_whitespace().filter(|word| word.len() == 32).collect();
        let ours = decode::published_hashes(&clip).unwrap();
        let matches = ours.iter().any(|ours| ours.iter().eq(published.iter()));
        assert!(matches, "{}", clips::name(&clip));
        compared += 1;
    }
    println!("{compared} clips equal their published hashes");
}
