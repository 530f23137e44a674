//! Frames asked for one by one, by number or by time.

use std::sync::{Mutex, PoisonError};

use moviola::{
    Frame, Video,
    still::{Still, StillError, StillMaker, StillOptions},
};

use crate::stills::Made;

/// The most frames that are fetched together.
const MOST: usize = 64;

/// Bytes that the images of frames which are fetched together may take.
const MOST_BYTES: usize = 256 << 20;

/// A frame that is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asked {
    /// By its number; negative numbers count from the end.
    Number(i64),
    /// By a time at which it is shown, in seconds.
    Time(f64),
}

/// Stills of the frames, in the order of asking; what doesn't exist is an error in its place.
///
/// Some are fetched together: on all cores, and frames of one group of pictures at once.
pub(crate) fn stills(
    mut video: Video,
    asked: Vec<Asked>,
    options: StillOptions,
) -> impl Iterator<Item = Made> {
    let at_once = options.image.map_or(MOST, |_| MOST_BYTES / image_bytes(&video)).clamp(1, MOST);
    let makers = Makers { options, idle: Mutex::default() };
    let mut asked = asked.into_iter();
    let chunks = std::iter::from_fn(move || {
        let chunk: Vec<_> = asked.by_ref().take(at_once).collect();
        (!chunk.is_empty()).then(|| fetch(&mut video, &chunk, &makers))
    });
    chunks.flatten()
}

/// What an image of the video takes at most.
fn image_bytes(video: &Video) -> usize {
    let parameters = &video.stream().parameters;
    (parameters.width() as usize * parameters.height() as usize * 3).max(1)
}

fn fetch(video: &mut Video, asked: &[Asked], makers: &Makers) -> Vec<Made> {
    let numbers = asked.iter().map(|asked| match *asked {
        Asked::Number(number) => video.resolve(number),
        Asked::Time(seconds) => video.resolve_time(seconds),
    });
    let numbers: Vec<_> = numbers.map(|number| number.map(u64::cast_signed)).collect();
    let known: Vec<_> = numbers.iter().flatten().copied().collect();
    let mut stills = match video.map_frames_at(&known, |_, frame| makers.make(frame)) {
        Ok(stills) => stills.into_iter(),
        Err(error) => return vec![Err(error)],
    };
    let made = numbers.into_iter().map(|number| number.and_then(|_| stills.next().transpose()));
    made.filter_map(Result::transpose).collect()
}

/// Makers of stills, one for each thread that happens to be at work.
struct Makers {
    options: StillOptions,
    idle: Mutex<Vec<StillMaker>>,
}

impl Makers {
    fn make(&self, frame: &Frame) -> Result<Still, StillError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let maker = idle().pop();
        let mut maker = maker.unwrap_or_else(|| StillMaker::new(self.options));
        let still = maker.make(frame);
        idle().push(maker);
        still
    }
}
