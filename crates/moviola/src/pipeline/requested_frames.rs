//! Frames that are selected by a list of numbers or times.

use std::{collections::VecDeque, vec};

use moviola_media::{error::Result, video::Video};

use super::{FrameOutput, worker::Workers};

/// The most frames in one fetch.
const MAX_FRAMES: usize = 64;

/// The most bytes that the images of one fetch may take.
const MAX_BYTES: usize = 256 << 20;

/// A requested frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum FrameRequest {
    /// The frame with this number; negative numbers count from the end.
    Number(i64),
    /// The frame shown at this time, in seconds.
    Time(f64),
}

/// The outputs of requested frames, in the order of the requests. A frame that doesn't exist is an
/// error.
///
/// Frames are fetched in batches: on all cores, and those of one group of pictures together.
#[derive(Debug)]
pub(super) struct RequestedFrames {
    video: Video,
    workers: Workers,
    /// The number of frames in a batch.
    batch: usize,
    requested: vec::IntoIter<FrameRequest>,
    fetched: VecDeque<Result<FrameOutput>>,
}

impl RequestedFrames {
    /// Requests for the frames with these numbers.
    pub(super) fn numbers(numbers: &[i64]) -> Vec<FrameRequest> {
        numbers.iter().copied().map(FrameRequest::Number).collect()
    }

    /// Requests for the frames shown at these times, in seconds.
    pub(super) fn times(times: &[f64]) -> Vec<FrameRequest> {
        times.iter().copied().map(FrameRequest::Time).collect()
    }

    pub(super) fn new(
        video: Video,
        requested: Vec<FrameRequest>,
        makes_images: bool,
        workers: Workers,
    ) -> Self {
        let most = if makes_images { MAX_BYTES / image_bytes(&video) } else { MAX_FRAMES };
        let batch = most.clamp(1, MAX_FRAMES);
        Self { video, workers, batch, requested: requested.into_iter(), fetched: VecDeque::new() }
    }

    /// The next output; `None` after the last.
    pub(super) fn next(&mut self) -> Option<Result<FrameOutput>> {
        // A batch is empty if the policy for damage skips all its frames.
        while self.fetched.is_empty() && self.requested.len() > 0 {
            self.fetch();
        }
        self.fetched.pop_front()
    }

    fn fetch(&mut self) {
        let Self { video, workers, batch, requested, fetched } = self;
        let resolve = |request| match request {
            FrameRequest::Number(number) => video.resolve(number),
            FrameRequest::Time(seconds) => video.resolve_time(seconds),
        };
        let numbers: Vec<_> = requested.by_ref().take(*batch).map(resolve).collect();
        let known: Vec<_> = numbers.iter().flatten().copied().collect();
        let outputs =
            video.map_frames_at(&known, |position, frame| (position, workers.work(frame)));
        let mut outputs = match outputs {
            Ok(outputs) => outputs.into_iter().peekable(),
            Err(error) => {
                *requested = Vec::new().into_iter(); // the source can't be read any further
                fetched.push_back(Err(error));
                return;
            }
        };
        let mut position = 0;
        for number in numbers {
            match number {
                // A frame that the policy for damage skips has a position, but no output.
                Ok(_) => {
                    let is_at_position =
                        |one: &Result<_>| !matches!(one, Ok((its, _)) if *its != position);
                    let output = outputs.next_if(is_at_position);
                    fetched.extend(output.map(|one| one.map(|(_, output)| output)));
                    position += 1;
                }
                Err(error) => fetched.push_back(Err(error)),
            }
        }
    }
}

/// The most bytes that an image of the video takes.
fn image_bytes(video: &Video) -> usize {
    let parameters = &video.stream().parameters;
    (parameters.width() as usize * parameters.height() as usize * 3).max(1)
}
