//! Tests with clips whose frames show their own number: the requested number must be the one shown.
//!
//! Digits are recognised by comparing their shapes with those on frames 0 to 9.

use std::ops::{Range, RangeInclusive};

use moviola_media::{
    source::{Source, SourceOptions},
    video::Video,
};
use moviola_tests::clips;

/// Where a clip shows its number, and the luma values of the digits.
struct Shown {
    clip: &'static str,
    rows: Range<usize>,
    columns: Range<usize>,
    ink: RangeInclusive<u8>,
}

const CLIPS: [Shown; 2] = [
    // A single keyframe.
    Shown { clip: "mb_frames.webm", rows: 300..800, columns: 300..800, ink: 0..=90 },
    // Open groups of pictures.
    Shown { clip: "mb_video-h265.mp4", rows: 280..600, columns: 190..1000, ink: 200..=255 },
];

/// A digit's shape: the share of ink in each square, 0 to 255.
type Shape = [u8; SQUARES * SQUARES];
const SQUARES: usize = 12;

/// The narrowest digit in pixels; narrower marks are noise.
const MIN_WIDTH: usize = 8;

#[test]
fn the_number_asked_for_is_the_number_shown() {
    let Some(shared) = clips::shared_media() else { return };
    for shown in &CLIPS {
        let source = Source::path(shared.join("video").join(shown.clip));
        let mut video = Video::open(source, SourceOptions::default()).unwrap();
        let count = i64::try_from(video.len().unwrap()).unwrap();
        let digits: Vec<_> = (0..10).map(|number| shown.shapes(&mut video, &[number])).collect();
        let digits: Vec<Shape> = digits.into_iter().flatten().flatten().collect();
        assert_eq!(digits.len(), 10, "{}: frames 0 to 9 show a digit each", shown.clip);
        // 37 has no common divisor with 100 or 300, so each number comes once, far from the last.
        let order: Vec<_> = (0..count).map(|place| place * 37 % count).collect();
        for numbers in order.chunks(23) {
            for (number, shapes) in numbers.iter().zip(shown.shapes(&mut video, numbers)) {
                let seen: String = shapes.iter().map(|shape| nearest(shape, &digits)).collect();
                assert_eq!(seen, number.to_string(), "{}", shown.clip);
            }
        }
    }
}

impl Shown {
    /// The shapes of the digits on each frame, from left to right.
    fn shapes(&self, video: &mut Video, numbers: &[i64]) -> Vec<Vec<Shape>> {
        let frames = video.frames_at(numbers).expect("the clip is not damaged");
        let lumas = frames.iter().map(|frame| frame.decoded.plane(0).expect("planar YUV"));
        lumas
            .map(|luma| {
                let rows = self.rows.clone().filter_map(|y| luma.row(y));
                let ink = |&luma: &u8| self.ink.contains(&luma);
                let inked: Vec<Vec<bool>> =
                    rows.map(|row| row[self.columns.clone()].iter().map(ink).collect()).collect();
                marks(&inked).into_iter().map(|columns| shape(&inked, columns)).collect()
            })
            .collect()
    }
}

/// Ranges of adjacent columns with ink.
fn marks(inked: &[Vec<bool>]) -> Vec<Range<usize>> {
    let mut marks: Vec<Range<usize>> = Vec::new();
    for x in (0..inked[0].len()).filter(|&x| inked.iter().any(|row| row[x])) {
        match marks.last_mut().filter(|mark| mark.end == x) {
            Some(mark) => mark.end += 1,
            None => marks.push(x..x + 1),
        }
    }
    marks.retain(|mark| mark.len() >= MIN_WIDTH);
    marks
}

/// The shape of the mark in these columns.
fn shape(inked: &[Vec<bool>], columns: Range<usize>) -> Shape {
    let has_ink = |row: &Vec<bool>| row[columns.clone()].contains(&true);
    let top = inked.iter().position(has_ink).expect("a mark has ink");
    let bottom = inked.iter().rposition(has_ink).expect("a mark has ink") + 1;
    let part = |range: &Range<usize>, n: usize| {
        range.start + n * range.len() / SQUARES..range.start + (n + 1) * range.len() / SQUARES
    };
    let mut shape = [0; SQUARES * SQUARES];
    for (place, value) in shape.iter_mut().enumerate() {
        let rows = part(&(top..bottom), place / SQUARES);
        let columns = part(&columns, place % SQUARES);
        let all = rows.len() * columns.len();
        let ink = inked[rows].iter().flat_map(|row| &row[columns.clone()]).filter(|&&ink| ink);
        *value = u8::try_from(ink.count() * 255 / all.max(1)).unwrap_or(u8::MAX);
    }
    shape
}

/// The digit with the most similar shape.
fn nearest(shape: &Shape, digits: &[Shape]) -> char {
    let distance = |digit: &Shape| -> u32 {
        shape.iter().zip(digit).map(|(&one, &other)| u32::from(one.abs_diff(other))).sum()
    };
    let best = (0_u32..).zip(digits).min_by_key(|(_, digit)| distance(digit));
    best.and_then(|(digit, _)| char::from_digit(digit, 10)).unwrap_or('?')
}
