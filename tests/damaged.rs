//! Tests with damaged files: all readers report the same, and each frame keeps its place.

use std::{ops::Range, sync::Arc};

use moviola::frame_md5;
use moviola_media::{
    error::Error,
    frame::Frame,
    index::{listing, tables::ReadScope},
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
    video::{FrameReader, OnDamage, Video},
};
use moviola_tests::clips;

use crate::mutated::{POLICIES, damage};

/// Groups of twelve frames; single frames and ends of groups can't be decoded.
const MP4: Clip = Clip { name: "h264_bframes.mp4", lost: &[7, 22, 23, 34, 35] };
/// Groups of five frames.
const MATROSKA: Clip = Clip { name: "cues.mkv", lost: &[3, 14, 52, 98, 99] };
/// A keyframe is lost. How the frames after it decode depends on what was decoded before.
const KEYLESS: Clip = Clip { name: "h264_bframes.mp4", lost: &[7, 35, 36] };

struct Clip {
    name: &'static str,
    /// The numbers of the frames that can't be decoded.
    lost: &'static [u64],
}

impl Clip {
    /// The file, with the data of the lost frames overwritten.
    fn damaged(&self) -> Arc<[u8]> {
        let path = clips::testdata().join(self.name);
        let mut bytes = std::fs::read(&path).expect("a clip of testdata");
        let mut video = Video::open(Source::path(path), SourceOptions::default());
        let video = video.as_mut().expect("a clip of testdata");
        let index = video.index().expect("the clip has tables");
        for &number in self.lost {
            let known = index.frame(number).expect("the frame exists");
            let at = known.position.expect("tables have positions") as usize;
            // In Matroska, after the block's header; overwrites the length of a NAL unit.
            let at = at + if self.name.ends_with("mkv") { 7 } else { 0 };
            bytes[at..at + 20].fill(0xff);
        }
        bytes.into()
    }
}

/// A result of a reader: a frame's number, its time in milliseconds, and the hash of its pixels;
/// without number and hash if it is an error.
type Reported = (Option<u64>, Option<i64>, Option<String>);

fn milliseconds(time: Option<f64>) -> Option<i64> {
    time.map(|time| (time * 1e3).round() as i64)
}

fn reported(frame: &Frame) -> Reported {
    (frame.number, milliseconds(frame.time), Some(frame_md5(&frame.decoded)))
}

/// Everything that a reader with `workers` workers returns, and the damaged ranges.
fn read(bytes: &Arc<[u8]>, policy: OnDamage, workers: usize) -> (Vec<Reported>, Vec<Range<u64>>) {
    let options = SourceOptions { on_damage: policy, ..SourceOptions::default() };
    let source = Source::bytes("damaged", Arc::clone(bytes));
    let input =
        OpenInput::open(source, options, Purpose::Video).expect("its tables are not damaged");
    let work = |frame: Frame| reported(&frame);
    let mut reader = FrameReader::all(input, vec![work; workers]).expect("the clip can be read");
    let all = reader.by_ref().map(or_error).collect();
    (all, reader.damaged())
}

fn or_error(result: Result<Reported, Error>) -> Reported {
    result.unwrap_or_else(|error| {
        assert!(matches!(error, Error::Decode { .. }), "{error}");
        (None, milliseconds(error.time()), None)
    })
}

/// The same for all frames, requested by number.
fn request(bytes: &Arc<[u8]>, policy: OnDamage) -> (Vec<Reported>, Vec<Range<u64>>) {
    let source = Source::bytes("damaged", Arc::clone(bytes));
    let mut video =
        Video::open(source, SourceOptions::default()).expect("its tables are not damaged");
    let count = i64::try_from(video.len().expect("the clip has tables")).expect("a small number");
    let numbers: Vec<_> = (0..count).collect();
    let frames = video.on_damage(policy).map_frames_at(&numbers, |_, frame| reported(frame));
    let all = frames.expect("the clip can be read").into_iter().map(or_error).collect();
    (all, video.damaged())
}

#[test]
fn all_readers_report_the_same() {
    for clip in [MP4, MATROSKA] {
        let bytes = clip.damaged();
        for policy in POLICIES {
            let requested = request(&bytes, policy);
            for workers in [1, 2, 3] {
                let read = read(&bytes, policy, workers);
                let differs =
                    read.0.iter().zip(&requested.0).find(|(read, requested)| read != requested);
                assert_eq!(differs, None, "{}, {policy:?}, {workers} workers", clip.name);
                assert_eq!((read.0.len(), read.1), (requested.0.len(), requested.1.clone()));
            }
        }
    }
}

#[test]
fn a_frame_that_can_not_be_decoded_is_an_error_in_its_place() {
    // With sixteen workers, a single decoder has several threads.
    for (clip, workers) in
        [(MP4, 1), (MP4, 16), (KEYLESS, 1), (KEYLESS, 3), (KEYLESS, 16), (MATROSKA, 3)]
    {
        let (all, damaged) = read(&clip.damaged(), OnDamage::Keep, workers);
        let times = all.iter().map(|(_, time, _)| time.expect("each has a time"));
        assert!(times.is_sorted(), "{}: {all:?}", clip.name);
        for (number, (reported, ..)) in (0..).zip(&all) {
            let is_lost = damaged.iter().any(|range| range.contains(&number));
            assert!(
                *reported == Some(number) || (reported.is_none() && is_lost),
                "{}: {number}",
                clip.name
            );
        }
        let is_reported = |number| damaged.iter().any(|range| range.contains(number));
        assert!(clip.lost.iter().all(is_reported), "{}: {damaged:?}", clip.name);
    }
}

#[test]
fn damaged_frames_are_kept_refused_skipped_or_replaced() {
    for clip in [MP4, MATROSKA] {
        let bytes = clip.damaged();
        let (kept, damaged) = read(&bytes, OnDamage::Keep, 3);
        let is_damaged =
            |number: usize| damaged.iter().any(|range| range.contains(&(number as u64)));
        let whole: Vec<_> = (0..kept.len())
            .filter(|&number| !is_damaged(number))
            .map(|n| kept[n].clone())
            .collect();
        let (rest, ranges) = read(&bytes, OnDamage::Skip, 3);
        assert!(rest == whole && ranges == damaged, "{}: {ranges:?}", clip.name);
        let (refused, _) = read(&bytes, OnDamage::Fail, 3);
        let (repeated, _) = read(&bytes, OnDamage::Repeat, 3);
        let (black, _) = read(&bytes, OnDamage::Black, 3);
        let mut blacks = Vec::new();
        for number in 0..kept.len() {
            let time = kept[number].1;
            if !is_damaged(number) {
                let same =
                    [&refused, &repeated, &black].map(|frames| frames[number] == kept[number]);
                assert_eq!(same, [true; 3], "{}: {number}", clip.name);
                continue;
            }
            assert_eq!(refused[number], (None, time, None));
            let before = repeated[number - 1].2.clone();
            assert_eq!(repeated[number], (Some(number as u64), time, before), "{}", clip.name);
            assert_eq!((black[number].0, black[number].1), (Some(number as u64), time));
            blacks.push(black[number].2.clone());
        }
        blacks.dedup();
        assert!(blacks.len() == 1 && blacks[0].is_some(), "{blacks:?}");
    }
}

#[test]
fn chosen_frames_repeat_an_undamaged_frame_that_was_not_chosen() {
    let bytes = MP4.damaged();
    let (all, _) = read(&bytes, OnDamage::Repeat, 1);
    let source = Source::bytes("damaged", bytes);
    let mut video = Video::open(source, SourceOptions::default()).unwrap();
    video.on_damage(OnDamage::Repeat);
    let numbers = [7, 23, 35, 37];
    let work = vec![|frame: Frame| reported(&frame); 2];
    let chosen = FrameReader::chosen(video, numbers, work).unwrap();
    let chosen: Vec<_> = chosen.map(Result::unwrap).collect();
    assert_eq!(chosen, numbers.map(|number| all[number as usize].clone()));
}

#[test]
fn a_black_frame_respects_the_pixel_limit() {
    let bytes = MP4.damaged();
    let options =
        SourceOptions { max_pixels: 100, on_damage: OnDamage::Black, ..SourceOptions::default() };
    let mut video = Video::open(Source::bytes("damaged", bytes), options).unwrap();
    assert!(video.frame_at(7).is_err());
}

#[test]
fn random_damage_changes_no_frames_time() {
    let names = ["h264_bframes.mp4", "edit_list.mp4", "hevc_cra.mp4", "cues.mkv", "vp9.webm"];
    let mut listed = 0;
    for (name, seed) in names.iter().flat_map(|name| (0..30).map(move |seed| (name, seed))) {
        let mut bytes = std::fs::read(clips::testdata().join(name)).unwrap();
        damage(&mut bytes, seed);
        let bytes: Arc<[u8]> = bytes.into();
        let source = Source::bytes("damaged", Arc::clone(&bytes));
        let input = OpenInput::open(source, SourceOptions::default(), Purpose::Video);
        if !input.is_ok_and(|input| listing(&input, ReadScope::File).is_some()) {
            continue; // without tables, frames are counted
        }
        listed += 1;
        let times = |workers| -> Vec<_> {
            let (all, _) = read(&bytes, OnDamage::Keep, workers);
            all.into_iter().map(|(_, time, _)| time).collect()
        };
        let one = times(1);
        for workers in [2, 3, 16] {
            assert_eq!(times(workers), one, "{name} with damage {seed}, {workers} workers");
        }
    }
    assert!(listed > 5, "{listed}");
}
