//! Tests that keyframes are those of `ffmpeg -skip_frame nokey`, with the pixels of a full decode.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use moviola_media::{
    frame::Frame,
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};
use moviola_tests::{clips, decode, reference};

use crate::conformance::{in_parallel, rescale};

/// Clips whose keyframes differ from the reference's, how, and why. `+3 -1` means three keyframes
/// that the reference does not have and one missing; `~` other pixels, `<` wrong order, `!` errors.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("damaged_keyframe.mp4", "+1 -1 ~1", CONCEALED),
    ("truncated.mp4", "!1", TRUNCATED),
    ("mb_annex-b.mp4", "!1", TRUNCATED),
    ("untimed_start.mkv", "~1", UNTIMED),
    ("ax_sample_vvc.mp4", "-115", VVC),
    ("vp9.webm", "-71", VP9),
    ("webm_no_cues.webm", "-45", VP9),
    ("ax_bbb_642x642_768kbps_30fps_vp9.webm", "-87", VP9),
    ("ax_bbb_960x540_60fps_vp8.webm", "-59", VP9),
    ("ax_bear-vp9-odd-dimensions.webm", "-29", VP9),
    ("cros_test-25fps.vp9", "-248", VP9),
    ("cros_vp90-2-10-show-existing-frame2.vp9.ivf", "-15", VP9),
    ("gst_sample.mkv", "-15", VP9),
    ("mb_frames.webm", "-99", VP9),
    ("mb_transparency.webm", "-536", VP9),
    ("mb_trim-buck-bunny.webm", "-115", VP9),
    ("tc_testsrc2_odd_height_and_width_vp9.mp4", "-24", VP9),
    ("tc_testsrc2_vp9.webm", "-29", VP9),
];

const CONCEALED: &str = "a damaged keyframe: the reference conceals it with earlier frames";
const TRUNCATED: &str = "the file is truncated, which the reference does not report";
const UNTIMED: &str = "the reference continues to count times from frames without times";
const VP9: &str = "the reference's VP9 decoder ignores skip_frame and returns all frames";
const VVC: &str = "the reference's VVC decoder ignores skip_frame and returns all frames";

#[derive(Debug, Default, PartialEq, Eq)]
struct Comparison {
    extra: usize,
    missing: usize,
    /// Keyframes with other pixels than in the full decode.
    changed: usize,
    /// Keyframes after a keyframe with a later time.
    out_of_order: usize,
    /// Errors.
    errors: usize,
    compared: usize,
}

impl Comparison {
    /// As in [`DIFFERENCES`]; empty if there are none.
    fn summary(&self) -> String {
        let Self { extra, missing, changed, out_of_order, errors, .. } = *self;
        let counts =
            [("+", extra), ("-", missing), ("~", changed), ("<", out_of_order), ("!", errors)];
        let nonzero = counts.iter().filter(|(_, count)| *count > 0);
        nonzero.map(|(sign, count)| format!("{sign}{count}")).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn keyframes_equal_the_references() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| compare(clip));
    let (mut compared, mut keyframes, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        let comparison = match outcome {
            Err(why) => {
                println!("skipped: {name}: {why}");
                continue;
            }
            Ok(comparison) => comparison,
        };
        (compared, keyframes) = (compared + 1, keyframes + comparison.compared);
        let found = comparison.summary();
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
    let all = reference::decode(clip, stream, &[]).ok_or("the reference decodes no frame of it")?;
    let full: BTreeSet<_> = all.frames.iter().map(|frame| (Some(frame.pts), &*frame.md5)).collect();
    let hashes: BTreeSet<_> = all.frames.iter().map(|frame| &*frame.md5).collect();
    let reader = KeyframeReader::open(Source::path(clip), SourceOptions::default())
        .map_err(|error| error.to_string())?;
    let (ours, errors): (Vec<_>, Vec<_>) = reader.partition(Result::is_ok);
    let ours: Vec<_> = ours.iter().flatten().map(|keyframe| identity(keyframe, &all)).collect();
    let times: Vec<_> = ours.iter().filter_map(|(pts, _)| *pts).collect();
    // In streams without times the reference counts frames, so only pixels are compared.
    let is_right = |(pts, md5): &(Option<i64>, String)| match pts {
        Some(_) => full.contains(&(*pts, md5)),
        None => hashes.contains(&**md5),
    };
    let our_counts = count(ours.iter().map(|(_, md5)| &**md5));
    let their_counts = count(keys.frames.iter().map(|frame| &*frame.md5));
    Ok(Comparison {
        extra: surplus(&our_counts, &their_counts),
        missing: surplus(&their_counts, &our_counts),
        changed: ours.iter().filter(|keyframe| !is_right(keyframe)).count(),
        out_of_order: times.windows(2).filter(|pair| pair[0] > pair[1]).count(),
        errors: errors.len(),
        compared: ours.len(),
    })
}

/// A keyframe's time in the reference's ticks, and the hash of its pixels.
fn identity(keyframe: &Frame, reference: &reference::Decoded) -> (Option<i64>, String) {
    let timed = keyframe.pts.filter(|_| keyframe.decoded.raw_pts().is_some());
    let pts = timed.map(|pts| {
        rescale(pts.ticks, (pts.base.num().into(), pts.base.den().into()), reference.time_base)
    });
    (pts, moviola::frame_md5(&keyframe.decoded))
}

/// How often each hash occurs.
fn count<'a>(hashes: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    hashes.for_each(|md5| *counts.entry(md5).or_insert(0) += 1);
    counts
}

/// How many of `these` are not among `those`.
fn surplus(these: &BTreeMap<&str, usize>, those: &BTreeMap<&str, usize>) -> usize {
    these
        .iter()
        .map(|(md5, count)| count.saturating_sub(those.get(md5).copied().unwrap_or(0)))
        .sum()
}

#[test]
fn keyframe_numbers_are_positions_among_all_frames() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| numbered(clip));
    let (mut numbered, mut failures) = (Vec::new(), Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        match outcome {
            Ok(0) => {}
            Ok(_) => numbered.push(name),
            Err(how) => failures.push(format!("{name}: {how}")),
        }
    }
    println!("keyframes of {} clips have numbers", numbered.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for (name, is_numbered) in [
        ("demo.mp4", true),
        ("h264_bframes.mp4", true),
        ("edit_list.mp4", true),
        ("prores.mov", true),
        ("fragmented.mp4", false),
        ("cues.mkv", false),
    ] {
        assert_eq!(numbered.iter().any(|numbered| numbered == name), is_numbered, "{name}");
    }
}

/// The number of keyframes with numbers; `Err` if some are missing or wrong.
fn numbered(clip: &Path) -> Result<usize, String> {
    let Ok(reader) = KeyframeReader::open(Source::path(clip), SourceOptions::default()) else {
        return Ok(0);
    };
    let keyframes: Vec<_> = reader.flatten().map(|frame| (frame.number, frame.pts)).collect();
    let numbered = keyframes.iter().filter_map(|&(number, pts)| Some((number?, pts?.ticks)));
    let numbered: Vec<_> = numbered.collect();
    if numbered.is_empty() {
        return Ok(0);
    }
    if numbered.len() != keyframes.len() {
        return Err(format!("{} of {} have numbers", numbered.len(), keyframes.len()));
    }
    let all = decode::all_times(clip, decode::video_stream(clip)?);
    let all = all.map_err(|error| error.to_string())?;
    for &(number, pts) in &numbered {
        let place = all.iter().position(|&time| time == Some(pts));
        if place != usize::try_from(number).ok() {
            return Err(format!("{number} is at {place:?}"));
        }
    }
    Ok(numbered.len())
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

#[test]
fn damaged_keyframes_contain_nothing_of_other_frames() {
    for name in
        ["mjpeg.avi", "hevc_cra.mp4", "mpeg4.avi", "h264_bframes.mp4", "prores.mov", "av1.mkv"]
    {
        let whole = std::fs::read(clips::testdata().join(name)).expect("a clip of testdata");
        for damage in 0..8 {
            let clip = damaged(&whole, damage);
            let alone = of_bytes(&clip, &one_decoder());
            let used = one_decoder();
            of_bytes(&whole, &used); // leaves frames in the memory pool
            assert_eq!(of_bytes(&clip, &used), alone, "{name}, damage {damage}, after another");
            let many = SourceOptions { decoders: 5, ..SourceOptions::default() };
            assert_eq!(of_bytes(&clip, &many), alone, "{name}, damage {damage}, many decoders");
        }
    }
}

/// The clip with runs of bytes in its middle replaced, depending on `seed`.
fn damaged(whole: &[u8], seed: usize) -> Vec<u8> {
    let mut clip = whole.to_vec();
    let (start, end) = (whole.len() / 8, whole.len() * 3 / 4);
    for run in 0..6 {
        let at = start + (seed * 7919 + run * 104_729) % (end - start);
        let len = 20 + 40 * seed;
        clip[at..(at + len).min(whole.len())].fill(0x55 * (seed % 4) as u8);
    }
    clip
}

fn one_decoder() -> SourceOptions {
    SourceOptions { decoders: 1, ..SourceOptions::default() }
}

fn of_bytes(clip: &[u8], options: &SourceOptions) -> Vec<String> {
    described(Source::bytes("clip", clip.to_vec()), options.clone())
}

/// Times and hashes of all keyframes, also damaged ones, and the errors between them.
fn keyframes_with(clip: &Path, decoders: usize) -> Vec<String> {
    described(Source::path(clip), SourceOptions { decoders, ..SourceOptions::default() })
}

fn described(source: Source, options: SourceOptions) -> Vec<String> {
    let reader = match KeyframeReader::open(source, options) {
        Ok(reader) => reader,
        Err(error) => return vec![error.to_string()],
    };
    let describe = |keyframe: moviola_media::error::Result<Frame>| {
        keyframe.map_or_else(
            |error| error.to_string(),
            |keyframe| format!("{:?} {}", keyframe.pts, moviola::frame_md5(&keyframe.decoded)),
        )
    };
    reader.map(describe).collect()
}
