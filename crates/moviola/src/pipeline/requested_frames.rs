//! Frames asked for one by one, by number or by time.

use std::{collections::VecDeque, vec};

use moviola_media::{error::Result, video::Video};

use super::{FrameOutput, worker::Workers};

/// The most frames that are fetched together.
const MOST: usize = 64;

/// Bytes that the images of frames which are fetched together may take.
const MOST_BYTES: usize = 256 << 20;

/// A frame that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// By its number; negative numbers count from the end.
    Number(i64),
    /// By a time at which it is shown, in seconds.
    Time(f64),
}

/// What is made of the frames, in the order of asking; what doesn't exist is an error in its place.
///
/// Some are fetched together: on all cores, and frames of one group of pictures at once.
#[derive(Debug)]
pub(super) struct RequestedFrames {
    video: Video,
    workers: Workers,
    /// How many are fetched together.
    at_once: usize,
    requested: vec::IntoIter<Which>,
    fetched: VecDeque<Result<FrameOutput>>,
}

impl RequestedFrames {
    /// The frames of these numbers.
    pub(super) fn numbers(numbers: &[i64]) -> Vec<Which> {
        numbers.iter().copied().map(Which::Number).collect()
    }

    /// The frames shown at these times.
    pub(super) fn times(times: &[f64]) -> Vec<Which> {
        times.iter().copied().map(Which::Time).collect()
    }

    pub(super) fn new(
        video: Video,
        requested: Vec<Which>,
        makes_images: bool,
        workers: Workers,
    ) -> Self {
        let most = if makes_images { MOST_BYTES / image_bytes(&video) } else { MOST };
        let at_once = most.clamp(1, MOST);
        Self { video, workers, at_once, requested: requested.into_iter(), fetched: VecDeque::new() }
    }

    /// The next one; `None` after the last.
    pub(super) fn next(&mut self) -> Option<Result<FrameOutput>> {
        // What the policy for damage leaves out gives nothing.
        while self.fetched.is_empty() && self.requested.len() > 0 {
            self.fetch();
        }
        self.fetched.pop_front()
    }

    fn fetch(&mut self) {
        let Self { video, workers, at_once, requested, fetched } = self;
        let numbers = requested.by_ref().take(*at_once).map(|which| match which {
            Which::Number(number) => video.resolve(number),
            Which::Time(seconds) => video.resolve_time(seconds),
        });
        let numbers: Vec<_> = numbers.map(|number| number.map(u64::cast_signed)).collect();
        let known: Vec<_> = numbers.iter().flatten().copied().collect();
        let made = video.map_frames_at(&known, |place, frame| (place, workers.work(frame)));
        let mut made = match made {
            Ok(made) => made.into_iter().peekable(),
            Err(error) => {
                *requested = Vec::new().into_iter(); // the source can't be read on
                fetched.push_back(Err(error));
                return;
            }
        };
        let mut place = 0;
        for number in numbers {
            match number {
                // What the policy for damage leaves out has a place, and nothing in it.
                Ok(_) => {
                    let is_here = |one: &Result<_>| !matches!(one, Ok((its, _)) if *its != place);
                    let here = made.next_if(is_here);
                    fetched.extend(here.map(|one| one.map(|(_, output)| output)));
                    place += 1;
                }
                Err(error) => fetched.push_back(Err(error)),
            }
        }
    }
}

/// What an image of the video takes at most.
fn image_bytes(video: &Video) -> usize {
    let parameters = &video.stream().parameters;
    (parameters.width() as usize * parameters.height() as usize * 3).max(1)
}
