//! The handling of frames that are damaged or can't be decoded.

use std::{ops::Range, sync::Arc};

use moviola_av::{
    frame::{VideoFrame, VideoFrameMut},
    pixel::PixelFormat,
    trace,
};

use crate::{
    error::{Error, Result},
    frame::Frame,
    index::FrameMetadata,
    input::{Damage, OpenInput, VideoStream},
    source::OnDamage,
};

/// The number of frames before a damaged one that are searched first. Each further search doubles
/// it.
const LOOK_BACK: u64 = 16;

/// A decoded frame, or its metadata if the decoder returns none.
pub(crate) type DecodeOutcome = std::result::Result<Frame, FrameMetadata>;

/// The handler of damaged frames: it applies the policy, and records their numbers.
#[derive(Debug)]
pub(crate) struct DamageHandler {
    pub(crate) policy: OnDamage,
    name: String,
    stream: Arc<VideoStream>,
    max_pixels: u64,
    last: LastWhole,
    /// Made once, and shown in place of each damaged frame.
    black: Option<VideoFrame>,
    damage: Damage,
}

impl DamageHandler {
    pub(crate) fn new(input: &OpenInput, video: &Arc<VideoStream>) -> Self {
        Self {
            policy: input.options.on_damage,
            name: input.name.clone(),
            stream: Arc::clone(video),
            max_pixels: input.options.max_pixels,
            last: LastWhole::default(),
            black: None,
            damage: input.damage(),
        }
    }

    /// A handler for another worker, which records damaged frames in the same list.
    pub(crate) fn clone_for_worker(&self) -> Self {
        Self {
            name: self.name.clone(),
            stream: Arc::clone(&self.stream),
            last: LastWhole::default(),
            black: None,
            damage: self.damage.clone(),
            ..*self
        }
    }

    /// The frames that were damaged so far, as ranges of numbers.
    pub(crate) fn damaged(&self) -> Vec<Range<u64>> {
        self.damage.ranges()
    }

    /// Records a damaged frame.
    pub(crate) fn note(&self, number: u64) {
        self.damage.note(number);
    }

    /// The frame to return for an outcome; `None` if the policy leaves it out. `last_whole` returns
    /// the last undamaged frame of a range, with its number; it isn't called for frames that the
    /// handler has had.
    pub(crate) fn apply(
        &mut self,
        outcome: DecodeOutcome,
        last_whole: impl FnMut(Range<u64>) -> Result<Option<(u64, VideoFrame)>>,
    ) -> Option<Result<Frame>> {
        let info = match &outcome {
            Ok(frame) => FrameMetadata::from(frame),
            Err(info) => *info,
        };
        if outcome.is_ok() && !info.damaged {
            return outcome.ok().map(|frame| self.remember(frame));
        }
        self.note(info.number);
        let picture = match self.policy {
            OnDamage::Keep => {
                return Some(outcome.map_err(|info| undecodable(&self.name, &info)));
            }
            OnDamage::Skip => {
                let decision = if outcome.is_ok() { "decoded and dropped" } else { "left out" };
                let why = "it is damaged, and such frames are to be left out";
                trace::emit_decision(decision, why, info.pts.map(|pts| pts.ticks), 0);
                return None;
            }
            OnDamage::Fail => None,
            OnDamage::Repeat => match self.last.before(info.number, last_whole) {
                Ok(picture) => picture.and_then(|picture| picture.try_clone().ok()),
                Err(error) => return Some(Err(error)),
            },
            OnDamage::Black => self.black(),
        };
        let stream = Arc::clone(&self.stream);
        let frame = picture
            .map(|picture| FrameMetadata { damaged: true, ..info }.with_pixels(picture, stream));
        Some(frame.ok_or_else(|| undecodable(&self.name, &info)))
    }

    /// Keeps an undamaged frame, if it may be shown again.
    fn remember(&mut self, frame: Frame) -> Result<Frame> {
        if self.policy == OnDamage::Repeat
            && let (Some(number), Ok(picture)) = (frame.number, frame.decoded.try_clone())
        {
            self.last = LastWhole { whole: Some((number, picture)), until: number + 1 };
        }
        Ok(frame)
    }

    /// A black frame of the stream's size, unless that is over the pixel limit.
    fn black(&mut self) -> Option<VideoFrame> {
        if self.black.is_none() {
            let parameters = &self.stream.parameters;
            let (width, height) = (parameters.width(), parameters.height());
            let format = parameters.pixel_format().or_else(|| PixelFormat::from_name("yuv420p"))?;
            if u64::from(width) * u64::from(height) > self.max_pixels {
                return None;
            }
            let mut picture = VideoFrameMut::new(format, width, height).ok()?;
            picture.fill_black().ok()?;
            self.black = Some(picture.freeze());
        }
        self.black.as_ref()?.try_clone().ok()
    }
}

/// The error of a frame that is damaged or missing.
pub(crate) fn undecodable(name: &str, info: &FrameMetadata) -> Error {
    let FrameMetadata { number, time, .. } = *info;
    let place = time.map_or_else(|| format!("frame {number}"), |time| format!("{time:.3} s"));
    Error::Decode { name: name.into(), place, time, reason: "it is damaged".into(), cause: None }
}

/// The undamaged frame that was found last, so that a long damaged range is searched once.
#[derive(Debug, Default)]
struct LastWhole {
    /// With its number.
    whole: Option<(u64, VideoFrame)>,
    /// Between it, or the first frame, and this number all frames are damaged.
    until: u64,
}

impl LastWhole {
    /// The last undamaged frame before a damaged one.
    fn before(
        &mut self,
        number: u64,
        mut last_whole: impl FnMut(Range<u64>) -> Result<Option<(u64, VideoFrame)>>,
    ) -> Result<Option<&VideoFrame>> {
        if self.whole.as_ref().is_some_and(|(whole, _)| *whole >= number) {
            *self = Self::default();
        }
        let (mut end, mut step) = (number, LOOK_BACK);
        while end > self.until {
            let start = end.saturating_sub(step).max(self.until);
            if let Some(whole) = last_whole(start..end)? {
                self.whole = Some(whole);
                break;
            }
            (end, step) = (start, step.saturating_mul(2));
        }
        self.until = self.until.max(number + 1);
        Ok(self.whole.as_ref().map(|(_, picture)| picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> VideoFrame {
        let format = PixelFormat::from_name("gray").expect("every build has it");
        VideoFrameMut::new(format, 2, 2).expect("there is memory for it").freeze()
    }

    /// Of a stream with these whole frames, the last before each of `numbers`, and how many frames
    /// were looked at for all of them.
    fn look_back(whole: &[u64], numbers: impl Iterator<Item = u64>) -> (Vec<Option<u64>>, u64) {
        let (mut last, mut looked_at) = (LastWhole::default(), 0);
        let found = numbers.map(|number| {
            let found = last.before(number, |range| {
                looked_at += range.end - range.start;
                let last = whole.iter().rev().find(|whole| range.contains(whole));
                Ok(last.map(|&number| (number, picture())))
            });
            let found = found.expect("nothing is read").is_some();
            found.then(|| last.whole.as_ref().expect("it was found").0)
        });
        (found.collect(), looked_at)
    }

    #[test]
    fn the_nearest_undamaged_frame_before_is_found() {
        let (found, _) = look_back(&[3, 40, 60], [41, 45, 90, 50, 2, 4, 1000].into_iter());
        assert_eq!(found, [Some(40), Some(40), Some(60), Some(40), None, Some(3), Some(60)]);
    }

    #[test]
    fn a_long_damaged_range_is_searched_once() {
        let (found, looked_at) = look_back(&[7], 1000..3000);
        assert!(found.iter().all(|found| *found == Some(7)));
        assert!(looked_at < 1100, "{looked_at}");
        let (found, looked_at) = look_back(&[], 0..3000);
        assert!(found.iter().all(Option::is_none));
        assert_eq!(looked_at, 0);
    }
}
