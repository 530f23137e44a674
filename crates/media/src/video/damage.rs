//! What becomes of frames that are damaged, or can't be decoded at all.

use std::{collections::BTreeSet, ops::Range};

use moviola_av::frame::{VideoFrame, VideoFrameMut};

use super::Video;
use crate::{
    error::{Error, Result},
    frame::Frame,
};

/// What to do about a frame that is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// Take what the decoder made of it, marked [`Frame::damaged`]; fail where it made nothing.
    #[default]
    Keep,
    /// Fail.
    Fail,
    /// Leave the frame out.
    Skip,
    /// Show the last frame before it that is whole.
    Repeat,
    /// Show a black one.
    Black,
}

/// How many frames before a damaged one are tried at a time.
const LOOK_BACK: u64 = 16;

impl Video {
    /// Says what to do about damaged frames from now on.
    ///
    /// [`map_frames_at`](Self::map_frames_at) and [`FrameReader`](super::FrameReader) take no notice
    /// of it: they hand out what the decoder gives, marked, and an `Err` for what it doesn't.
    pub fn on_damage(&mut self, policy: OnDamage) -> &mut Self {
        self.on_damage = policy;
        self
    }

    /// The frames that the policy was asked about so far and are damaged, as ranges of numbers.
    pub fn damaged(&self) -> Vec<Range<u64>> {
        ranges(&self.damaged)
    }

    /// Does what the policy says with frames of these numbers, of which some may be damaged.
    pub(super) fn mend(
        &mut self,
        numbers: &[u64],
        frames: Vec<Result<Frame>>,
    ) -> Result<Vec<Frame>> {
        let mended = numbers.iter().zip(frames).map(|(&number, frame)| {
            let bad = frame.as_ref().map_or(true, |frame| frame.damaged);
            if !bad {
                return frame.map(Some);
            }
            self.damaged.extend(u32::try_from(number));
            match self.on_damage {
                OnDamage::Keep => frame.map(Some),
                OnDamage::Fail => Err(frame.err().unwrap_or_else(|| self.undecodable(number))),
                OnDamage::Skip => Ok(None),
                OnDamage::Repeat => self.repeat(number).map(Some),
                OnDamage::Black => self.black(number).map(Some),
            }
        });
        mended.collect::<Vec<_>>().into_iter().filter_map(Result::transpose).collect()
    }

    /// The last whole frame before one, in its place.
    fn repeat(&mut self, number: u64) -> Result<Frame> {
        let mut end = number;
        while end > 0 {
            let start = end.saturating_sub(LOOK_BACK);
            let numbers: Vec<_> = (start..end).collect();
            let frames = self.map(&numbers, |_, frame| frame.try_clone())?;
            let whole = frames.into_iter().rev().flatten().flatten().find(|frame| !frame.damaged);
            if let Some(whole) = whole {
                return self.in_place_of(number, whole.frame);
            }
            end = start;
        }
        Err(self.undecodable(number))
    }

    fn black(&mut self, number: u64) -> Result<Frame> {
        let parameters = &self.stream.parameters;
        let format = parameters.pixel_format();
        let format = format.or_else(|| moviola_av::PixelFormat::from_name("yuv420p"));
        let picture = format.ok_or_else(|| self.undecodable(number)).and_then(|format| {
            let (width, height) = (parameters.width(), parameters.height());
            let picture = VideoFrameMut::new(format, width, height).and_then(|mut picture| {
                picture.fill_black()?;
                Ok(picture.freeze())
            });
            picture.map_err(|_| self.undecodable(number))
        })?;
        self.in_place_of(number, picture)
    }

    fn in_place_of(&self, number: u64, picture: VideoFrame) -> Result<Frame> {
        let index = self.index.as_ref().ok_or_else(|| self.undecodable(number))?;
        let frame = super::fetch::frame(number, picture, index, &self.stream, self.start);
        Ok(Frame { damaged: true, ..frame })
    }

    pub(super) fn undecodable(&self, number: u64) -> Error {
        let known = self.index.as_ref().and_then(|index| index.frame(number));
        let time = known.map(|known| self.time_of(known.pts));
        let place = time.map_or_else(|| format!("frame {number}"), |time| format!("{time:.3} s"));
        let reason = "it is damaged".into();
        Error::Decode { name: self.name.clone(), place, time, reason }
    }
}

/// Numbers as ranges of those that follow one another.
fn ranges(numbers: &BTreeSet<u32>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for number in numbers.iter().copied().map(u64::from) {
        match ranges.last_mut().filter(|range| range.end == number) {
            Some(range) => range.end += 1,
            None => ranges.push(number..number + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_make_a_range() {
        let numbers = BTreeSet::from([7, 3, 4, 5, 9]);
        assert_eq!(ranges(&numbers), [3..6, 7..8, 9..10]);
        assert!(ranges(&BTreeSet::new()).is_empty());
    }
}
