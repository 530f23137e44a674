//! A selection of frames by the times at which they are shown, and its reader for any source.

use std::ops::Range;

use moviola_av::trace;

use super::{FrameReader, Video};
use crate::{
    error::{Error, Result},
    frame::Frame,
    input::OpenInput,
};

/// Tolerance: a frame's time that was rounded to `f64` and text must select that frame again.
const NANOSECOND: f64 = 1e-9;

/// Frames selected by the times at which they are shown, each once.
///
/// ```
/// use moviola_media::video::TimeSelection;
///
/// let all = TimeSelection::default();
/// let two_a_second = TimeSelection { every: Some(0.5), ..TimeSelection::default() };
/// let the_second_minute = TimeSelection { range: 60.0..120.0, every: None };
/// # drop((all, two_a_second, the_second_minute));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSelection {
    /// Seconds from the start of the presentation, infinite without a bound. Selects the
    /// frames that begin in it, and the one that is shown when it begins. Default: without bounds.
    pub range: Range<f64>,
    /// Only the frames shown at every multiple of so many seconds, counted from the start of the
    /// range, or from 0 if that has no bound. Default: `None`; 0 and negative numbers are the same.
    pub every: Option<f64>,
}

impl Default for TimeSelection {
    fn default() -> Self {
        Self { range: f64::NEG_INFINITY..f64::INFINITY, every: None }
    }
}

impl TimeSelection {
    /// Whether the frame that is shown from `begin` to `end` is selected.
    fn selects(&self, begin: f64, end: f64) -> bool {
        let Range { start, end: stop } = self.range;
        let reaches = |time: f64| time >= start - NANOSECOND;
        let Some(step) = self.every.filter(|&step| step > 0.0) else {
            return (reaches(begin) || end > start + NANOSECOND) && !self.is_over(begin);
        };
        let origin = if start.is_finite() { start } else { 0.0 };
        // Each time is computed from its number: sums of the step would drift.
        let number = ((begin - NANOSECOND - origin) / step).ceil().max(0.0);
        let time = origin + number * step;
        // A frame of no or unknown duration is shown when it begins.
        let is_shown = time < end - NANOSECOND || (end <= begin && time < begin + NANOSECOND);
        is_shown && time < stop - NANOSECOND
    }

    /// Whether no frame that begins at `time` or later is selected.
    fn is_over(&self, time: f64) -> bool {
        time >= self.range.end - NANOSECOND
    }
}

impl Video {
    /// The numbers of the selected frames, in ascending order.
    ///
    /// # Errors
    ///
    /// As [`index`](Self::index).
    pub fn numbers_played(
        &mut self,
        times: TimeSelection,
    ) -> Result<impl Iterator<Item = u64> + Send + use<>> {
        let start = self.start;
        let index = self.true_index()?;
        let until = times.clone();
        let frames = (0..index.len()).map_while(move |number| {
            let frame = index.frame(number)?;
            let begin = frame.pts.seconds_since(start);
            let end = frame.pts.checked_add(frame.duration).unwrap_or(frame.pts);
            Some((number, begin, end.seconds_since(start)))
        });
        let frames = frames.take_while(move |&(_, begin, _)| !until.is_over(begin));
        let wanted = frames.filter(move |&(_, begin, end)| times.selects(begin, end));
        Ok(wanted.map(|(number, _, _)| number))
    }
}

impl<T: Send + 'static> FrameReader<T> {
    /// Starts decoding the frames that are selected by their times. Each frame goes to one of the
    /// `workers`, each of which has a thread of its own.
    ///
    /// Any source can be read. Of one that can be read only once, or has no known end, all frames
    /// are decoded up to the last selected one.
    ///
    /// # Errors
    ///
    /// As [`FrameReader::chosen`]. Results are [`Error::ReadOnce`] if the frames of a pipe don't
    /// say when they are shown.
    pub fn played<W>(input: OpenInput, times: TimeSelection, workers: Vec<W>) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        let is_live = input.bytes().is_none() && input.duration().is_none();
        if input.can_reopen() && !is_live {
            let mut video = Video::start(input)?;
            let numbers = video.numbers_played(times)?;
            return Self::chosen(video, numbers, workers);
        }
        let name = input.name().to_owned();
        let mut chooser = Chooser { times, name, held: None, is_over: false };
        Self::in_one(input, None, workers, move |read| chooser.next(read))
    }
}

/// Passes on the selected frames. Holds one frame until the next one's time says when it ends.
struct Chooser {
    times: TimeSelection,
    name: String,
    held: Option<Frame>,
    is_over: bool,
}

impl Chooser {
    /// The next selected frame of those that `read` returns.
    fn next(&mut self, read: &mut dyn FnMut() -> Option<Result<Frame>>) -> Option<Result<Frame>> {
        while !self.is_over {
            let next = match read() {
                Some(Ok(frame)) => Some(frame),
                Some(Err(error)) => return Some(Err(error)),
                None => None,
            };
            let end = next.as_ref().map(|frame| frame.time);
            self.is_over = end.is_none_or(|time| time.is_some_and(|time| self.times.is_over(time)));
            let Some(frame) = std::mem::replace(&mut self.held, next) else { continue };
            let begin = frame.time;
            let end = end.unwrap_or(begin.map(|begin| begin + frame.duration.unwrap_or(0.0)));
            match begin.zip(end) {
                None => return Some(Err(Error::ReadOnce { name: self.name.clone() })),
                Some((begin, end)) if self.times.selects(begin, end) => return Some(Ok(frame)),
                Some(_) => drop_with_reason(&frame),
            }
        }
        // The frame whose time ended the selection.
        if let Some(frame) = self.held.take() {
            drop_with_reason(&frame);
        }
        None
    }
}

fn drop_with_reason(frame: &Frame) {
    let why = "it isn't on at a time that is wanted";
    trace::emit_decision("decoded and dropped", why, frame.pts.map(|pts| pts.ticks), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        input::Purpose,
        source::{Source, SourceOptions},
    };

    /// Checks which frames are selected, of those that begin at `begins`; the last time is the end.
    #[track_caller]
    fn check(times: &TimeSelection, begins: &[f64], want: &[usize]) {
        let got = begins.windows(2).enumerate();
        let got = got.filter(|(_, pair)| times.selects(pair[0], pair[1])).map(|(number, _)| number);
        assert_eq!(got.collect::<Vec<_>>(), want, "{times:?}");
    }

    fn every(step: f64) -> TimeSelection {
        TimeSelection { every: Some(step), ..TimeSelection::default() }
    }

    const FIFTHS: [f64; 11] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0];

    #[test]
    fn every_so_many_seconds_the_frame_that_is_shown_then() {
        check(&every(0.5), &FIFTHS, &[0, 2, 5, 7]);
        check(&every(0.2), &FIFTHS, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check(&every(0.05), &FIFTHS[..4], &[0, 1, 2]);
        check(&every(9.0), &FIFTHS, &[0]);
        check(&every(0.0), &FIFTHS[..3], &[0, 1]);
    }

    #[test]
    fn nothing_is_shown_before_the_first_frame() {
        check(&every(0.5), &[0.1, 0.3, 0.6, 0.9], &[1]);
        check(&every(0.5), &[-0.3, -0.1, 0.1, 0.6], &[1, 2]);
    }

    #[test]
    fn ranges_begin_with_the_frame_that_is_on_and_are_half_open() {
        let range = |range| TimeSelection { range, every: None };
        check(&range(0.4..0.8), &FIFTHS, &[2, 3]);
        check(&range(0.5..0.9), &FIFTHS, &[2, 3, 4]);
        check(&range(f64::NEG_INFINITY..0.3), &FIFTHS, &[0, 1]);
        check(&range(1.7..f64::INFINITY), &FIFTHS, &[8, 9]);
        check(&range(3.0..4.0), &FIFTHS, &[]);
        check(&TimeSelection { range: 0.5..1.5, every: Some(0.5) }, &FIFTHS, &[2, 5]);
    }

    #[test]
    fn times_that_were_rounded_find_their_frame() {
        let thirtieths: Vec<_> = (0..108_000).map(|n| f64::from(n) / 30.0).collect();
        let all: Vec<_> = (0..107_999).collect();
        check(&every(1.0 / 30.0), &thirtieths, &all);
        let range =
            TimeSelection { range: thirtieths[7] + 4e-10..thirtieths[9] - 4e-10, every: None };
        check(&range, &thirtieths, &[7, 8]);
    }

    #[test]
    fn a_frame_of_unknown_length_is_shown_when_it_begins() {
        check(&every(0.5), &[0.5, 0.5], &[0]);
        check(&every(0.5), &[0.4, 0.4], &[]);
    }

    /// Numbers of the selected frames, of a clip as a file and through a pipe.
    fn both_ways(name: &str, times: &TimeSelection) -> [Vec<u64>; 2] {
        let path = format!("{}/../../testdata/{name}", env!("CARGO_MANIFEST_DIR"));
        let pipe = Source::reader(name, std::fs::File::open(&path).unwrap());
        [Source::path(path), pipe].map(|source| {
            let input = OpenInput::open(source, SourceOptions::default(), Purpose::Video);
            let workers = vec![|frame: Frame| frame.number.unwrap(); 2];
            let reader = FrameReader::played(input.unwrap(), times.clone(), workers).unwrap();
            reader.collect::<Result<_>>().unwrap()
        })
    }

    #[test]
    fn a_pipe_gives_the_frames_of_the_file() {
        for name in [
            "fragmented.mp4",
            "h264_opengop.ts",
            "vp9.webm",
            "negative_start.mkv",
            "parameter_sets_once.h264",
        ] {
            for times in [
                every(0.5),
                TimeSelection { range: 0.3..0.9, every: None },
                TimeSelection { range: 0.3..f64::INFINITY, every: Some(0.25) },
                TimeSelection::default(),
            ] {
                let [file, pipe] = both_ways(name, &times);
                assert!(!file.is_empty());
                assert_eq!(file, pipe, "{name}, {times:?}");
            }
        }
    }
}
