//! Conversion of frames to pixels in the caller's buffer.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use moviola_av::{error::ErrorKind, memory};

use super::Video;
use crate::{
    any_format::AnyFormat,
    convert::{ConvertError, DeepConverter, Normalise, PixelConverter, PixelSpec},
    error::{Error, Result},
    frame::Frame,
    frame_view::FrameView,
    index::FrameMetadata,
};

/// Whether a frame was converted to pixels, or why it wasn't.
type Converted = std::result::Result<(), String>;

/// Converts frames to pixels, one at a time; there is one for each thread at work.
#[derive(Default)]
struct FrameConverter {
    any_format: AnyFormat,
    converter: Option<PixelConverter>,
    deep: DeepConverter,
}

impl Video {
    /// Writes the frames of these numbers as 8-bit red, green and blue: `out` is
    /// `[numbers, height, width, 3]` or `[numbers, 3, height, width]`, as `spec` says.
    ///
    /// Frames are converted on the threads of their decoders, each into its own place, upright
    /// and with square pixels. Frames that [`OnDamage::Skip`](super::OnDamage::Skip) skips take no
    /// place: those after them move up.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrame`] if one of the frames doesn't exist, [`Error::Decode`] if it can't be
    /// decoded, [`Error::Pixels`] if `out` has another size or no such conversion exists. Other
    /// frames may have been written then.
    pub fn read_frames_at(
        &mut self,
        numbers: &[impl Into<i128> + Copy],
        spec: &PixelSpec,
        out: &mut [u8],
    ) -> Result<Vec<FrameMetadata>> {
        self.read(numbers, spec, out, |converter, frame, out| {
            converter.run(frame, spec, |converter, view| converter.run(view, out))
        })
    }

    /// As [`read_frames_at`](Self::read_frames_at), with 16-bit samples, which keep the precision
    /// of frames of 10 and 12 bits. The conversion is another one: for 8-bit frames it differs from
    /// the 8-bit samples in the last bit, and matrices that swscale doesn't support are an error.
    ///
    /// # Errors
    ///
    /// As [`read_frames_at`](Self::read_frames_at).
    pub fn read_deep_frames_at(
        &mut self,
        numbers: &[impl Into<i128> + Copy],
        spec: &PixelSpec,
        out: &mut [u16],
    ) -> Result<Vec<FrameMetadata>> {
        self.read(numbers, spec, out, |converter, frame, out| {
            converter.deep.run(frame, spec, out).map_err(|error| error.to_string())
        })
    }

    /// The same as `f32`, normalised.
    ///
    /// # Errors
    ///
    /// As [`read_frames_at`](Self::read_frames_at).
    pub fn read_tensors_at(
        &mut self,
        numbers: &[impl Into<i128> + Copy],
        spec: &PixelSpec,
        normalise: &Normalise,
        out: &mut [f32],
    ) -> Result<Vec<FrameMetadata>> {
        self.read(numbers, spec, out, |converter, frame, out| {
            converter.run(frame, spec, |converter, view| converter.run_f32(view, normalise, out))
        })
    }

    fn read<S: Copy + Send>(
        &mut self,
        numbers: &[impl Into<i128> + Copy],
        spec: &PixelSpec,
        out: &mut [S],
        convert: impl Fn(&mut FrameConverter, &Frame, &mut [S]) -> Converted + Sync,
    ) -> Result<Vec<FrameMetadata>> {
        let (row, expected) = (spec.values(), spec.values().saturating_mul(numbers.len()));
        if out.len() != expected || row == 0 {
            return Err(self.no_pixels(&ConvertError::OutputLength { expected, got: out.len() }));
        }
        let numbers = self.resolve_all(numbers)?;
        self.index()?;
        memory::expect_filling(out);
        let converters = Mutex::new(Vec::new());
        let convert = |frame: &Frame, out: &mut [S]| {
            let mut converter: FrameConverter = lock(&converters).pop().unwrap_or_default();
            let converted = convert(&mut converter, frame, out);
            lock(&converters).push(converter);
            converted
        };
        // Each frame is written to the first of its places, and copied to the others at the end.
        let first_places = first_places(&numbers);
        let slots = slots(&numbers, &first_places, out, row);
        let results = self.fetch_under_policy(slots, |out: &mut [S], frame| {
            (FrameMetadata::from(&frame), convert(&frame, out))
        })?;
        let mut metadata = BTreeMap::new();
        for (_, result) in results {
            let Some((of_frame, converted)) = result.transpose()? else { continue };
            converted.map_err(|reason| self.not_converted(of_frame.time, reason))?;
            metadata.insert(of_frame.number, of_frame);
        }
        Ok(arrange(&numbers, &first_places, &metadata, out, row))
    }

    fn no_pixels(&self, cause: &ConvertError) -> Error {
        Error::Pixels { name: self.name.clone(), reason: cause.to_string(), kind: cause.kind() }
    }

    fn not_converted(&self, time: Option<f64>, reason: String) -> Error {
        let place = time.map_or_else(String::new, |time| format!(" at {time:.3} s"));
        let reason = format!("the picture{place} can't be converted: {reason}");
        Error::Pixels { name: self.name.clone(), reason, kind: ErrorKind::Unsupported }
    }
}

impl FrameConverter {
    fn run(
        &mut self,
        frame: &Frame,
        spec: &PixelSpec,
        convert: impl FnOnce(
            &mut PixelConverter,
            &FrameView<'_>,
        ) -> std::result::Result<(), ConvertError>,
    ) -> Converted {
        let view = self.any_format.view(frame).map_err(|error| error.to_string())?;
        let fitting = self.converter.take().filter(|converter| converter.fits(&view, spec));
        let converter = match fitting {
            Some(fitting) => self.converter.insert(fitting),
            None => {
                let new = PixelConverter::new(&view, spec).map_err(|error| error.to_string())?;
                self.converter.insert(new)
            }
        };
        convert(converter, &view).map_err(|error| error.to_string())
    }
}

/// The first place of each number in a list.
fn first_places(numbers: &[u64]) -> BTreeMap<u64, usize> {
    let mut first_places = BTreeMap::new();
    for (place, &number) in numbers.iter().enumerate() {
        first_places.entry(number).or_insert(place);
    }
    first_places
}

/// The frames to fetch, in ascending order, each with the part of `out` at its first place.
fn slots<'o, S>(
    numbers: &[u64],
    first_places: &BTreeMap<u64, usize>,
    out: &'o mut [S],
    row: usize,
) -> Vec<(u32, &'o mut [S])> {
    let places = numbers.iter().zip(out.chunks_exact_mut(row)).enumerate();
    let mut slots: Vec<_> = places
        .filter(|(place, (number, _))| first_places.get(number) == Some(place))
        .map(|(_, (&number, out))| (u32::try_from(number).unwrap_or(u32::MAX), out))
        .collect();
    slots.sort_by_key(|(frame, _)| *frame);
    slots
}

/// Copies frames that were asked for more than once, and closes the gaps that left-out ones leave.
fn arrange<S: Copy>(
    numbers: &[u64],
    first_places: &BTreeMap<u64, usize>,
    metadata: &BTreeMap<u64, FrameMetadata>,
    out: &mut [S],
    row: usize,
) -> Vec<FrameMetadata> {
    // Backwards, so that no first place is written over before its copies are made.
    for (place, number) in numbers.iter().enumerate().rev() {
        let first = first_places.get(number).copied().unwrap_or(place);
        if first != place {
            out.copy_within(first * row..(first + 1) * row, place * row);
        }
    }
    let there = numbers
        .iter()
        .enumerate()
        .filter_map(|(place, number)| Some((place, metadata.get(number)?)));
    let mut left = Vec::with_capacity(numbers.len());
    for (place, of_frame) in there {
        if left.len() != place {
            out.copy_within(place * row..(place + 1) * row, left.len() * row);
        }
        left.push(*of_frame);
    }
    left
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
