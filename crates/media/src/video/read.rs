//! Frames as pixels, straight into the caller's buffer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use moviola_av::{frame::VideoFrame, memory, time::Pts};

use super::Video;
use crate::{
    any_format::AnyFormat,
    convert::{ConvertError, DeepConverter, Normalise, PixelConverter, PixelSpec},
    error::{Error, Result},
    frame::Frame,
    index::FrameIndex,
    media::VideoStream,
    picture::Picture,
};

/// What is known of a frame once its picture is pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameInfo {
    /// Its number among the stream's frames.
    pub number: u64,
    /// When it is shown.
    pub pts: Option<Pts>,
    /// Seconds from the start of the presentation.
    pub time: Option<f64>,
    /// Seconds until the next frame, if known.
    pub duration: Option<f64>,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Whether the decoder had to conceal damage.
    pub damaged: bool,
}

impl From<&Frame> for FrameInfo {
    fn from(frame: &Frame) -> Self {
        let Frame { pts, time, duration, keyframe, damaged, .. } = *frame;
        Self { number: frame.number.unwrap_or(0), pts, time, duration, keyframe, damaged }
    }
}

impl FrameInfo {
    /// What an index knows of a frame; times count from `start`.
    pub(super) fn of(number: u64, index: &FrameIndex, start: Pts) -> Self {
        let nothing = Self { number, ..Self::default() };
        index.frame(number).map_or(nothing, |known| {
            let seconds = Pts { ticks: known.duration, base: known.pts.base }.seconds();
            Self {
                number,
                pts: Some(known.pts),
                time: Some(known.pts.seconds_since(start)),
                duration: (known.duration > 0).then_some(seconds),
                keyframe: known.keyframe,
                damaged: false,
            }
        })
    }

    /// The frame with its picture.
    pub(super) fn show(self, picture: VideoFrame, stream: Arc<VideoStream>) -> Frame {
        let Self { number, pts, time, duration, keyframe, damaged } = self;
        let number = Some(number);
        Frame { decoded: picture, number, pts, time, duration, keyframe, damaged, stream }
    }
}

/// Whether a frame has become pixels, and why not.
type Made = std::result::Result<(), String>;

/// What turns pictures into pixels; one for each that is at work.
#[derive(Default)]
struct Maker {
    any_format: AnyFormat,
    converter: Option<PixelConverter>,
    deep: DeepConverter,
}

impl Video {
    /// Writes the frames of these numbers as 8-bit red, green and blue: `out` is
    /// `[numbers, height, width, 3]` or `[numbers, 3, height, width]`, as `spec` says.
    ///
    /// Pictures are converted on the threads of their decoders, each into its own place, upright
    /// and with square pixels. Frames that [`OnDamage::Skip`](super::OnDamage::Skip) leaves out
    /// take no place: those after them move up.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrame`] if one of the frames doesn't exist, [`Error::Decode`] if it can't be
    /// decoded, [`Error::Pixels`] if `out` has another size or no such conversion exists. Other
    /// frames may have been written then.
    pub fn read_frames_at(
        &mut self,
        numbers: &[i64],
        spec: &PixelSpec,
        out: &mut [u8],
    ) -> Result<Vec<FrameInfo>> {
        self.read(numbers, spec, out, |maker, frame, out| {
            maker.make(frame, spec, |converter, picture| converter.run(picture, out))
        })
    }

    /// The same as 16-bit samples, which keep what pictures of 10 and 12 bits hold. They are made by
    /// other means: of an 8-bit picture they aren't the 8-bit samples to the last bit, and matrices
    /// that swscale has none for are an error.
    ///
    /// # Errors
    ///
    /// As [`read_frames_at`](Self::read_frames_at).
    pub fn read_deep_frames_at(
        &mut self,
        numbers: &[i64],
        spec: &PixelSpec,
        out: &mut [u16],
    ) -> Result<Vec<FrameInfo>> {
        self.read(numbers, spec, out, |maker, frame, out| {
            maker.deep.run(frame, spec, out).map_err(|error| error.to_string())
        })
    }

    /// The same as `f32`, normalised.
    ///
    /// # Errors
    ///
    /// As [`read_frames_at`](Self::read_frames_at).
    pub fn read_tensors_at(
        &mut self,
        numbers: &[i64],
        spec: &PixelSpec,
        normalise: &Normalise,
        out: &mut [f32],
    ) -> Result<Vec<FrameInfo>> {
        self.read(numbers, spec, out, |maker, frame, out| {
            maker.make(frame, spec, |converter, picture| converter.run_f32(picture, normalise, out))
        })
    }

    fn read<S: Copy + Send>(
        &mut self,
        numbers: &[i64],
        spec: &PixelSpec,
        out: &mut [S],
        make: impl Fn(&mut Maker, &Frame, &mut [S]) -> Made + Sync,
    ) -> Result<Vec<FrameInfo>> {
        let (row, expected) = (spec.values(), spec.values().saturating_mul(numbers.len()));
        if out.len() != expected || row == 0 {
            return Err(self.no_pixels(&ConvertError::OutputLength { expected, got: out.len() }));
        }
        let numbers = self.resolve_all(numbers)?;
        self.index()?;
        memory::expect_filling(out);
        let makers = Mutex::new(Vec::new());
        let make = |frame: &Frame, out: &mut [S]| {
            let mut maker: Maker = lock(&makers).pop().unwrap_or_default();
            let made = make(&mut maker, frame, out);
            lock(&makers).push(maker);
            made
        };
        // Each frame is written to the first of its places, and copied to the others at the end.
        let mut first_places = BTreeMap::new();
        numbers.iter().enumerate().for_each(|(place, &number)| {
            first_places.entry(number).or_insert(place);
        });
        let mut slots = Vec::new();
        for (place, (&number, out)) in
            numbers.iter().zip(out.chunks_exact_mut(row.max(1))).enumerate()
        {
            if first_places.get(&number) == Some(&place) {
                slots.push((u32::try_from(number).unwrap_or(u32::MAX), out));
            }
        }
        slots.sort_by_key(|(frame, _)| *frame);
        let told = self.fetch_mended(slots, |out: &mut [S], frame| {
            (FrameInfo::from(&frame), make(&frame, out))
        })?;
        let mut infos = BTreeMap::new();
        for (_, shown) in told {
            let Some((info, made)) = shown.transpose()? else { continue };
            made.map_err(|reason| self.not_converted(info.time, reason))?;
            infos.insert(info.number, info);
        }
        Ok(arrange(&numbers, &first_places, &infos, out, row))
    }

    fn no_pixels(&self, cause: &ConvertError) -> Error {
        Error::Pixels { name: self.name.clone(), reason: cause.to_string() }
    }

    fn not_converted(&self, time: Option<f64>, reason: String) -> Error {
        let place = time.map_or_else(String::new, |time| format!(" at {time:.3} s"));
        let reason = format!("the picture{place} can't be converted: {reason}");
        Error::Pixels { name: self.name.clone(), reason }
    }
}

impl Maker {
    fn make(
        &mut self,
        frame: &Frame,
        spec: &PixelSpec,
        convert: impl FnOnce(&mut PixelConverter, &Picture<'_>) -> std::result::Result<(), ConvertError>,
    ) -> Made {
        let picture = self.any_format.picture(frame).map_err(|error| error.to_string())?;
        let fitting = self.converter.take().filter(|converter| converter.fits(&picture, spec));
        let converter = match fitting {
            Some(fitting) => self.converter.insert(fitting),
            None => {
                let new = PixelConverter::new(&picture, spec).map_err(|error| error.to_string())?;
                self.converter.insert(new)
            }
        };
        convert(converter, &picture).map_err(|error| error.to_string())
    }
}

/// Copies frames that were asked for more than once, and closes the gaps that left-out ones leave.
fn arrange<S: Copy>(
    numbers: &[u64],
    first_places: &BTreeMap<u64, usize>,
    infos: &BTreeMap<u64, FrameInfo>,
    out: &mut [S],
    row: usize,
) -> Vec<FrameInfo> {
    // Backwards, so that no first place is written over before its copies are made.
    for (place, number) in numbers.iter().enumerate().rev() {
        let first = first_places.get(number).copied().unwrap_or(place);
        if first != place {
            out.copy_within(first * row..(first + 1) * row, place * row);
        }
    }
    let there =
        numbers.iter().enumerate().filter_map(|(place, number)| Some((place, infos.get(number)?)));
    let mut left = Vec::with_capacity(numbers.len());
    for (place, info) in there {
        if left.len() != place {
            out.copy_within(place * row..(place + 1) * row, left.len() * row);
        }
        left.push(*info);
    }
    left
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
