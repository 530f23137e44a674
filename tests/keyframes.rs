//! The keyframes are those of `ffmpeg -skip_frame nokey`, and their pixels those of a full decode.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use moviola_media::{
    keyframes::{Keyframe, KeyframeReader},
    source::{Source, SourceOptions},
};
use moviola_tests::{clips, decode, reference};

use crate::conformance::{in_parallel, rescale};

/// Clips whose keyframes differ from the reference's, how, and why. `+3 -1` means three
/// keyframes that the reference doesn't give, and one missing.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("damaged_keyframe.mp4", "+1 -1 ~1", CONCEALED),
    ("untimed_start.mkv", "+0 -0 ~1", UNTIMED),
    ("ax_sample_vvc.mp4", "+0 -115", VVC),
    ("vp9.webm", "+0 -71", VP9),
    ("webm_no_cues.webm", "+0 -45", VP9),
    ("ax_bbb_642x642_768kbps_30fps_vp9.webm", "+0 -87", VP9),
    ("ax_bbb_960x540_60fps_vp8.webm", "+0 -59", VP9),
    ("ax_bear-vp9-odd-dimensions.webm", "+0 -29", VP9),
    ("cros_test-25fps.vp9", "+0 -248", VP9),
    ("cros_vp90-2-10-show-existing-frame2.vp9.ivf", "+0 -15", VP9),
    ("gst_sample.mkv", "+0 -15", VP9),
    ("mb_frames.webm", "+0 -99", VP9),
    ("mb_transparency.webm", "+0 -536", VP9),
    ("mb_trim-buck-bunny.webm", "+0 -115", VP9),
    ("tc_testsrc2_odd_height_and_width_vp9.mp4", "+0 -24", VP9),
    ("tc_testsrc2_vp9.webm", "+0 -29", VP9),
];

const CONCEALED: &str = "a damaged keyframe: the reference fills it from earlier pictures";
const UNTIMED: &str = "the reference counts times on from pictures without any";
const VP9: &str = "the reference's VP9 decoder ignores skip_frame and gives every picture";
const VVC: &str = "the reference's VVC decoder ignores skip_frame and gives every picture";

#[derive(Debug, Default, PartialEq, Eq)]
struct Comparison {
    extra: usize,
    missing: usize,
    /// Keyframes whose pixels aren't those of the full decode.
    changed: usize,
    compared: usize,
}

#[test]
fn keyframes_are_the_reference_s() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| compare(clip));
    let (mut compared, mut keyframes, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        let comparison = match outcome {
            Err(why) => {
                println!("left out: {name}: {why}");
                continue;
            }
            Ok(comparison) => comparison,
        };
        (compared, keyframes) = (compared + 1, keyframes + comparison.compared);
        let Comparison { extra, missing, changed, .. } = comparison;
        let found = match (extra, missing, changed) {
            (0, 0, 0) => String::new(),
            (_, _, 0) => format!("+{extra} -{missing}"),
            _ => format!("+{extra} -{missing} ~{changed}"),
        };
        let listed = DIFFERENCES.iter().find(|(listed, ..)| *listed == name);
        match listed {
            Some((_, how, why)) if *how == found => println!("{name}: {how}: {why}"),
            None if found.is_empty() => {}
            _ => failures.push(format!("{name}: {found:?}, listed as {listed:?}")),
        }
    }
    println!("{compared} clips with {keyframes} keyframes compared");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(compared > clips.len() / 2, "{compared} of {} clips were compared", clips.len());
}

fn compare(clip: &Path) -> Result<Comparison, String> {
    let stream = decode::video_stream(clip)?;
    let keys = reference::decode(clip, stream, &["-skip_frame", "nokey"]).unwrap_or_default();
    let all = reference::decode(clip, stream, &[]).ok_or("the reference decodes nothing of it")?;
    let full: BTreeSet<_> = all.frames.iter().map(|frame| (Some(frame.pts), &*frame.md5)).collect();
    let pictures: BTreeSet<_> = all.frames.iter().map(|frame| &*frame.md5).collect();
    let reader = KeyframeReader::open(Source::path(clip), SourceOptions::default())
        .map_err(|error| error.to_string())?;
    let ours: Vec<_> = reader.flatten().map(|keyframe| identity(&keyframe, &all)).collect();
    // Where a stream has no times, the reference counts: pictures are compared, not times.
    let is_right = |(pts, md5): &(Option<i64>, String)| match pts {
        Some(_) => full.contains(&(*pts, md5)),
        None => pictures.contains(&**md5),
    };
    let our_pictures = count(ours.iter().map(|(_, md5)| &**md5));
    let their_pictures = count(keys.frames.iter().map(|frame| &*frame.md5));
    Ok(Comparison {
        extra: surplus(&our_pictures, &their_pictures),
        missing: surplus(&their_pictures, &our_pictures),
        changed: ours.iter().filter(|keyframe| !is_right(keyframe)).count(),
        compared: ours.len(),
    })
}

/// When a keyframe is shown, in the reference's ticks, and the hash of its picture.
fn identity(keyframe: &Keyframe, reference: &reference::Decoded) -> (Option<i64>, String) {
    let timed = keyframe.pts.filter(|_| keyframe.frame.raw_pts().is_some());
    let pts = timed.map(|pts| {
        rescale(pts.ticks, (pts.base.num().into(), pts.base.den().into()), reference.time_base)
    });
    (pts, moviola::hash::frame_md5(&keyframe.frame))
}

/// How often each picture occurs.
fn count<'a>(pictures: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    pictures.for_each(|md5| *counts.entry(md5).or_insert(0) += 1);
    counts
}

/// How many pictures of `these` are not among `those`.
fn surplus(these: &BTreeMap<&str, usize>, those: &BTreeMap<&str, usize>) -> usize {
    these
        .iter()
        .map(|(md5, count)| count.saturating_sub(those.get(md5).copied().unwrap_or(0)))
        .sum()
}

#[test]
fn one_decoder_and_many_give_the_same_bits() {
    let outcomes = in_parallel(&clips::all_videos(), |clip| {
        (clips::name(clip), keyframes_with(clip, 1), keyframes_with(clip, 5))
    });
    let different: Vec<_> =
        outcomes.iter().filter(|(_, one, many)| one != many).map(|(name, ..)| name).collect();
    assert!(different.is_empty(), "{different:?}");
}

/// Times and hashes of all keyframes, damaged or not, and the errors between them.
fn keyframes_with(clip: &Path, decoders: usize) -> Vec<String> {
    let options = SourceOptions { decoders, ..SourceOptions::default() };
    let reader = match KeyframeReader::open(Source::path(clip), options) {
        Ok(reader) => reader,
        Err(error) => return vec![error.to_string()],
    };
    let describe = |keyframe: moviola_media::error::Result<Keyframe>| {
        keyframe.map_or_else(
            |error| error.to_string(),
            |keyframe| format!("{:?} {}", keyframe.pts, moviola::hash::frame_md5(&keyframe.frame)),
        )
    };
    reader.map(describe).collect()
}
