//! Tests that the audio of every clip equals the reference ffmpeg's, as a whole and in ranges.

use std::path::{Path, PathBuf};

use moviola_media::{
    audio::{AudioOptions, AudioReader, AudioReport, Samples, Seeking},
    source::{Source, SourceOptions},
};
use moviola_tests::{clips, reference};

use crate::conformance::in_parallel;

/// The largest allowed difference of samples.
const TOLERANCE: f32 = 1e-4;

/// Clips whose timestamps have gaps or overlaps, which the ffmpeg command fills and cuts only with
/// a filter.
const GAPS: &[(&str, &str)] = &[
    ("fragmented.mp4", "its first packet is followed by a gap"),
    ("audio_damaged.m4a", "its damaged packets are silence"),
    ("audio_gap.ts", "packets are missing"),
    ("ax_bbb_2500ms.ts", "it ends with packets of another position"),
    ("ax_sample-with-large-length.avi", "its times advance slower than its audio"),
    ("ax_sample_eac3.mp4", "its times advance faster than its audio"),
];

/// The filter that makes the ffmpeg command fill and cut them.
const FILL: &str = "aresample=async=1:min_hard_comp=0.018";

/// The complete output of a reader.
struct Whole {
    samples: Samples,
    report: AudioReport,
    stream: usize,
}

fn open(clip: &Path, wanted: AudioOptions) -> Option<AudioReader> {
    AudioReader::open(Source::path(clip), SourceOptions::default(), wanted).ok()
}

/// Reads all audio of a clip; `None` if it has none.
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

/// How `ours` differs from `theirs`, both with channels interleaved; `None` if it does not.
fn difference(ours: &[f32], theirs: &[f32]) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} samples, not {}", ours.len(), theirs.len()));
    }
    let off = |(ours, theirs): (&f32, &f32)| (ours - theirs).abs();
    let largest = ours.iter().zip(theirs).map(off).fold(0.0, f32::max);
    (largest > TOLERANCE).then(|| format!("samples differ by up to {largest}"))
}

/// Compares the audio of every clip. `after` are the reference's output options, `filter` the same
/// as a filter, for clips with gaps. Returns a report.
#[track_caller]
fn check_all(wanted: &AudioOptions, after: &[&str], filter: &str) -> String {
    let clips = clips::all_audio();
    let filter = format!("{FILL}{filter}");
    let outcomes = in_parallel(&clips, |clip| {
        let ours = read(clip, wanted.clone())?;
        let has_gaps = GAPS.iter().any(|(name, _)| *name == clips::name(clip));
        let after = if has_gaps { &["-af", &filter][..] } else { after };
        let theirs = reference::audio(clip, ours.stream, after)?;
        let is_filled = ours.report.silent_samples + ours.report.cut_samples > 0;
        let how = difference(&ours.samples.interleaved(), &theirs);
        let how =
            how.or((is_filled != has_gaps).then(|| "the list of clips with gaps is wrong".into()));
        Some((how, ours))
    });
    let (mut same, mut samples, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        match outcome {
            None => {}
            Some((None, ours)) => (same, samples) = (same + 1, samples + ours.samples.len()),
            Some((Some(how), ours)) => {
                failures.push(format!("{}: {how}; {:?}", clips::name(clip), ours.report));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    format!("{same} clips with {samples} samples are the same")
}

fn speech() -> AudioOptions {
    AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() }
}

#[test]
fn audio_equals_the_references() {
    println!("{}", check_all(&AudioOptions::default(), &[], ""));
}

#[test]
fn audio_for_speech_equals_the_references() {
    let filter = ",aresample=osr=16000:ochl=mono";
    println!("{}", check_all(&speech(), &["-ac", "1", "-ar", "16000"], filter));
}

#[test]
fn audio_mixed_to_stereo_equals_the_references() {
    let wanted = AudioOptions { channels: Some(2), ..Default::default() };
    println!("{}", check_all(&wanted, &["-ac", "2"], ",aresample=ochl=stereo"));
}

#[test]
fn damaged_packets_are_counted_and_replaced_by_silence() {
    let clip = clips::testdata().join("audio_damaged.m4a");
    let whole = read(&clip, AudioOptions::default()).unwrap();
    let lost = AudioReport { damaged_packets: 4, silent_samples: 4096, cut_samples: 0 };
    assert_eq!((whole.samples.len(), whole.report), (96_000, lost));
    let range = |from: usize, length| &whole.samples.channels[0][from..from + length];
    // The first packet is priming, and the one after the gap overlaps with the lost part.
    assert!(range(39 * 1024, 4096).iter().all(|&sample| sample == 0.0));
    assert!(range(38 * 1024, 1024).iter().any(|&sample| sample != 0.0));
}

#[test]
fn audio_of_a_pipe_is_read_forwards_only() {
    let clip = clips::testdata().join("audio_lame_8khz.mp3");
    let pipe = Source::reader("a pipe", std::fs::File::open(&clip).unwrap());
    let mut reader =
        AudioReader::open(pipe, SourceOptions::default(), AudioOptions::default()).unwrap();
    let whole = read(&clip, AudioOptions::default()).unwrap().samples;
    let later = reader.samples_played_in_range(0.5, 1.0).unwrap();
    assert_eq!(later.channels[0], whole.channels[0][4000..8000]);
    let error = reader.samples_played_in_range(0.0, 0.5).unwrap_err();
    assert!(error.to_string().contains("can't go back"), "{error}");
    assert_eq!(reader.next().unwrap().unwrap().start, 8000);
}

#[test]
fn fast_seeks_give_nearly_the_same_samples() {
    let clip = clips::testdata().join("h264_bframes.mp4");
    let wanted = AudioOptions { seeking: Seeking::Fast, ..AudioOptions::default() };
    let mut reader = open(&clip, wanted).unwrap();
    let range = reader.samples_played_in_range(2.0, 2.5).unwrap();
    assert_eq!((range.start, range.len()), (96_000, 24_000));
    let whole = read(&clip, AudioOptions::default()).unwrap().samples;
    let theirs = &whole.channels[0][96_000..120_000];
    let off = |(ours, theirs): (&f32, &f32)| (ours - theirs).abs();
    assert!(range.channels[0].iter().zip(theirs).map(off).fold(0.0, f32::max) < 0.01);
}

/// A small random number generator with a seed, so that failures are reproducible.
struct Random(u64);

impl Random {
    /// The next number, from 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Reads random ranges and compares them with the whole.
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
        let place = |seconds| {
            let number = number(seconds).clamp(whole.start, whole.end());
            usize::try_from(number - whole.start).unwrap_or(0)
        };
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
    let clips: Vec<PathBuf> = clips::all_audio();
    let failures = in_parallel(&clips, |clip| {
        let ways = [AudioOptions::default(), speech()];
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
