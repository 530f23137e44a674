//! What is told of damaged files: the same whatever reads them, each frame in its place.

use std::{ops::Range, sync::Arc};

use moviola::hash::frame_md5;
use moviola_media::{
    error::Error,
    frame::Frame,
    index::tables::ReadScope,
    media::Media,
    source::{Source, SourceOptions},
    video::{FrameReader, OnDamage, Video},
};
use moviola_tests::clips;

use crate::mutated::{POLICIES, damage};

/// Frames in groups of twelve, and which of them can't be decoded: alone, and at a group's end.
const MP4: Clip = Clip { name: "h264_bframes.mp4", lost: &[7, 22, 23, 34, 35] };
/// In groups of five.
const MATROSKA: Clip = Clip { name: "cues.mkv", lost: &[3, 14, 52, 98, 99] };
/// A keyframe is lost. What can be made of the frames behind it depends on what was decoded before.
const KEYLESS: Clip = Clip { name: "h264_bframes.mp4", lost: &[7, 35, 36] };

struct Clip {
    name: &'static str,
    lost: &'static [u64],
}

impl Clip {
    /// The file, with the pictures of some frames written over.
    fn damaged(&self) -> Arc<[u8]> {
        let path = clips::testdata().join(self.name);
        let mut bytes = std::fs::read(&path).expect("one of our own clips");
        let mut video = Video::open(Source::path(path), SourceOptions::default());
        let video = video.as_mut().expect("one of our own clips");
        let index = video.index().expect("it has tables");
        for &number in self.lost {
            let known = index.frame(number).expect("it has so many frames");
            let at = known.position.expect("tables have positions") as usize;
            // Behind the header of a block in Matroska, over the length of a NAL unit.
            let at = at + if self.name.ends_with("mkv") { 7 } else { 0 };
            bytes[at..at + 20].fill(0xff);
        }
        bytes.into()
    }
}

/// What is told of a frame: its number, its time in milliseconds, and what it shows, if anything.
type Told = (Option<u64>, Option<i64>, Option<String>);

fn milliseconds(time: Option<f64>) -> Option<i64> {
    time.map(|time| (time * 1e3).round() as i64)
}

fn told(frame: &Frame) -> Told {
    (frame.number, milliseconds(frame.time), Some(frame_md5(&frame.decoded)))
}

/// All that a reader with so many workers tells, and the damaged ranges.
fn read(bytes: &Arc<[u8]>, policy: OnDamage, workers: usize) -> (Vec<Told>, Vec<Range<u64>>) {
    let options = SourceOptions { on_damage: policy, ..SourceOptions::default() };
    let source = Source::bytes("damaged", Arc::clone(bytes));
    let media = Media::open(source, options).expect("its tables are whole");
    let work = |frame: Frame| told(&frame);
    let mut reader = FrameReader::all(media, vec![work; workers]).expect("it can be read");
    let all = reader.by_ref().map(or_error).collect();
    (all, reader.damaged())
}

fn or_error(told: Result<Told, Error>) -> Told {
    told.unwrap_or_else(|error| {
        assert!(matches!(error, Error::Decode { .. }), "{error}");
        (None, milliseconds(error.time()), None)
    })
}

/// All frames by their numbers.
fn ask(bytes: &Arc<[u8]>, policy: OnDamage) -> (Vec<Told>, Vec<Range<u64>>) {
    let source = Source::bytes("damaged", Arc::clone(bytes));
    let mut video = Video::open(source, SourceOptions::default()).expect("its tables are whole");
    let count = i64::try_from(video.len().expect("it has tables")).expect("there are few");
    let numbers: Vec<_> = (0..count).collect();
    let frames = video.on_damage(policy).map_frames_at(&numbers, |_, frame| told(frame));
    let all = frames.expect("it can be read").into_iter().map(or_error).collect();
    (all, video.damaged())
}

#[test]
fn the_same_is_told_whatever_reads() {
    for clip in [MP4, MATROSKA] {
        let bytes = clip.damaged();
        for policy in POLICIES {
            let asked = ask(&bytes, policy);
            for workers in [1, 2, 3] {
                let read = read(&bytes, policy, workers);
                let differs = read.0.iter().zip(&asked.0).find(|(read, asked)| read != asked);
                assert_eq!(differs, None, "{}, {policy:?}, {workers} workers", clip.name);
                assert_eq!((read.0.len(), read.1), (asked.0.len(), asked.1.clone()));
            }
        }
    }
}

#[test]
fn a_frame_that_does_not_come_is_an_error_in_its_place() {
    // Sixteen workers share one decoder with threads.
    for (clip, workers) in
        [(MP4, 1), (MP4, 16), (KEYLESS, 1), (KEYLESS, 3), (KEYLESS, 16), (MATROSKA, 3)]
    {
        let (all, damaged) = read(&clip.damaged(), OnDamage::Keep, workers);
        let times = all.iter().map(|(_, time, _)| time.expect("each has a time"));
        assert!(times.is_sorted(), "{}: {all:?}", clip.name);
        for (number, (told, ..)) in (0..).zip(&all) {
            let is_lost = damaged.iter().any(|range| range.contains(&number));
            assert!(
                *told == Some(number) || (told.is_none() && is_lost),
                "{}: {number}",
                clip.name
            );
        }
        let is_told = |number| damaged.iter().any(|range| range.contains(number));
        assert!(clip.lost.iter().all(is_told), "{}: {damaged:?}", clip.name);
    }
}

#[test]
fn damage_is_kept_refused_left_out_or_replaced() {
    for clip in [MP4, MATROSKA] {
        let bytes = clip.damaged();
        let (kept, damaged) = read(&bytes, OnDamage::Keep, 3);
        let is_damaged =
            |number: usize| damaged.iter().any(|range| range.contains(&(number as u64)));
        let whole: Vec<_> = (0..kept.len())
            .filter(|&number| !is_damaged(number))
            .map(|n| kept[n].clone())
            .collect();
        let (left, ranges) = read(&bytes, OnDamage::Skip, 3);
        assert!(left == whole && ranges == damaged, "{}: {ranges:?}", clip.name);
        let (refused, _) = read(&bytes, OnDamage::Fail, 3);
        let (repeated, _) = read(&bytes, OnDamage::Repeat, 3);
        let (black, _) = read(&bytes, OnDamage::Black, 3);
        let mut blacks = Vec::new();
        for number in 0..kept.len() {
            let time = kept[number].1;
            if !is_damaged(number) {
                let same = [&refused, &repeated, &black].map(|told| told[number] == kept[number]);
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
fn chosen_frames_show_the_last_whole_one_though_it_was_not_chosen() {
    let bytes = MP4.damaged();
    let (all, _) = read(&bytes, OnDamage::Repeat, 1);
    let source = Source::bytes("damaged", bytes);
    let mut video = Video::open(source, SourceOptions::default()).unwrap();
    video.on_damage(OnDamage::Repeat);
    let numbers = [7, 23, 35, 37];
    let work = vec![|frame: Frame| told(&frame); 2];
    let chosen = FrameReader::chosen(video, numbers, work).unwrap();
    let chosen: Vec<_> = chosen.map(Result::unwrap).collect();
    assert_eq!(chosen, numbers.map(|number| all[number as usize].clone()));
}

#[test]
fn a_black_picture_heeds_the_limit_of_pixels() {
    let bytes = MP4.damaged();
    let options =
        SourceOptions { max_pixels: 100, on_damage: OnDamage::Black, ..SourceOptions::default() };
    let mut video = Video::open(Source::bytes("damaged", bytes), options).unwrap();
    assert!(video.frame_at(7).is_err());
}

#[test]
fn random_damage_moves_no_frame_from_its_place() {
    let names = ["h264_bframes.mp4", "edit_list.mp4", "hevc_cra.mp4", "cues.mkv", "vp9.webm"];
    let mut listed = 0;
    for (name, seed) in names.iter().flat_map(|name| (0..30).map(move |seed| (name, seed))) {
        let mut bytes = std::fs::read(clips::testdata().join(name)).unwrap();
        damage(&mut bytes, seed);
        let bytes: Arc<[u8]> = bytes.into();
        let source = Source::bytes("damaged", Arc::clone(&bytes));
        let media = Media::open(source, SourceOptions::default());
        if !media.is_ok_and(|media| media.listing(ReadScope::File).is_some()) {
            continue; // its frames are counted
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
