//! The sound of every clip equals the reference ffmpeg's, as a whole and in ranges.

use std::path::{Path, PathBuf};

use moviola_media::{
    audio::{AudioOptions, AudioReader, Samples, SoundReport},
    source::{Source, SourceOptions},
};
use moviola_tests::{clips, reference};

use crate::conformance::in_parallel;

/// The most that samples may differ.
const TOLERANCE: f32 = 1e-4;

/// Clips whose sound can't be the same, and why.
const DIFFERENT: &[(&str, &str)] = &[];

/// All that a reader hands out.
struct Whole {
    samples: Samples,
    report: SoundReport,
    stream: usize,
}

fn open(clip: &Path, wanted: AudioOptions) -> Option<AudioReader> {
    AudioReader::open(Source::path(clip), SourceOptions::default(), wanted).ok()
}

/// `None` if the clip has no sound.
fn read(clip: &Path, wanted: AudioOptions) -> Option<Whole> {
    let mut reader = open(clip, wanted)?;
    let stream = reader.stream().index;
    let mut whole: Option<Samples> = None;
    // The ffmpeg command stops reading at the first error too.
    for piece in reader.by_ref().map_while(Result::ok) {
        let Some(whole) = &mut whole else {
            whole = Some(piece);
            continue;
        };
        assert_eq!((whole.end(), whole.sample_rate), (piece.start, piece.sample_rate));
        for (channel, more) in whole.channels.iter_mut().zip(&piece.channels) {
            channel.extend_from_slice(more);
        }
    }
    Some(Whole { samples: whole.unwrap_or_default(), report: reader.report(), stream })
}

/// In what way `ours` differs from `theirs`, both with channels in turn.
fn difference(ours: &[f32], theirs: &[f32]) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} samples, not {}", ours.len(), theirs.len()));
    }
    let off = |(ours, theirs): (&f32, &f32)| (ours - theirs).abs();
    let largest = ours.iter().zip(theirs).map(off).fold(0.0, f32::max);
    (largest > TOLERANCE).then(|| format!("samples differ by up to {largest}"))
}

/// Compares the sound of every clip; `after` are the reference's options for it.
#[track_caller]
fn check_all(wanted: &AudioOptions, after: &[&str]) {
    let clips = clips::all_sounds();
    let outcomes = in_parallel(&clips, |clip| {
        let ours = read(clip, wanted.clone())?;
        let theirs = reference::sound(clip, ours.stream, after)?;
        Some((difference(&ours.samples.interleaved(), &theirs), ours))
    });
    let (mut same, mut samples, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        let known = DIFFERENT.iter().find(|(different, _)| *different == name);
        match (outcome, known) {
            (None, _) => {}
            (Some((None, ours)), None) => {
                (same, samples) = (same + 1, samples + ours.samples.len());
            }
            (Some((Some(how), ours)), None) => {
                failures.push(format!("{name}: {how}; {:?}", ours.report));
            }
            (Some((Some(how), _)), Some((_, why))) => println!("{name}: {how}: {why}"),
            (Some((None, _)), Some(_)) => failures.push(format!("{name} is the same after all")),
        }
    }
    println!("{same} clips with {samples} samples are the same, {} are not", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(same > 0);
}

#[test]
fn sound_is_the_reference_s() {
    check_all(&AudioOptions::default(), &[]);
}

#[test]
fn sound_for_speech_is_the_reference_s() {
    let wanted =
        AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() };
    check_all(&wanted, &["-ac", "1", "-ar", "16000"]);
}

/// A small generator of numbers, so that a failure can be had again.
struct Random(u64);

impl Random {
    /// Between 0 and 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Reads ranges, some at random, and compares them with the whole.
fn check_ranges(clip: &Path, wanted: &AudioOptions, seed: u64) -> Option<String> {
    let whole = read(clip, wanted.clone())?.samples;
    if whole.is_empty() {
        return None;
    }
    let mut reader = open(clip, wanted.clone())?;
    let (start, length) = (whole.start_seconds(), whole.duration_seconds());
    let mut random = Random(seed);
    for _ in 0..5 {
        let at = start - 0.1 + random.next() * (length + 0.1);
        let stop = at + random.next() * 0.5;
        let number = |seconds: f64| (seconds * f64::from(whole.sample_rate)).round() as i64;
        let place =
            |seconds| (number(seconds).clamp(whole.start, whole.end()) - whole.start) as usize;
        let (from, to) = (place(at), place(stop));
        let range = match reader.samples_played_in_range(at, stop) {
            Ok(range) => range,
            Err(error) => return Some(format!("{at}..{stop}: {error}")),
        };
        for (ours, whole) in range.channels.iter().zip(&whole.channels) {
            if let Some(how) = difference(ours, &whole[from..to]) {
                return Some(format!("{at:.3}..{stop:.3}: {how}"));
            }
        }
        if !range.is_empty() && range.start != whole.start + from as i64 {
            return Some(format!("{at:.3}..{stop:.3}: starts at {}", range.start));
        }
    }
    None
}

#[test]
fn ranges_are_slices_of_the_whole() {
    let clips: Vec<PathBuf> = clips::all_sounds();
    let speech =
        AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() };
    let failures = in_parallel(&clips, |clip| {
        let ways = [AudioOptions::default(), speech.clone()];
        let checks = ways.iter().flat_map(|wanted| (1..=3).map(move |seed| (wanted, seed)));
        let found = checks.filter_map(|(wanted, seed)| {
            let how = check_ranges(clip, wanted, seed)?;
            Some(format!("{} at {:?}: {how}", clips::name(clip), wanted.sample_rate))
        });
        found.collect::<Vec<_>>()
    });
    let failures = failures.concat();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
