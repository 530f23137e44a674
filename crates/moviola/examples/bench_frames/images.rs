//! Chosen frames as RGB images in memory, and thumbnails of them to compare libraries by.

use std::cell::RefCell;

use anyhow::{Context, Result};
use moviola::{
    Frame, Video,
    convert::{PixelOrder, PixelSpec, Rgb8Converter},
};
use moviola_av::time::{Pts, TimeBase};

/// Squares of a thumbnail, each way.
const SQUARES: usize = 8;

/// Images one behind the other, and when each is shown.
pub(crate) struct Images {
    width: usize,
    height: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) times: Vec<Option<f64>>,
}

/// The frames asked for, each converted on the thread that decoded it.
pub(crate) fn read(
    video: &mut Video,
    numbers: &[i64],
    side: Option<usize>,
    mut bytes: Vec<u8>,
) -> Result<Images> {
    let parameters = &video.stream().parameters;
    let (width, height) = match side {
        Some(side) => (side, side),
        None => (parameters.width() as usize, parameters.height() as usize),
    };
    let spec = PixelSpec { size: (width, height), crop: None, order: PixelOrder::Hwc };
    bytes.resize(numbers.len() * spec.values(), 0);
    let frames = video.read_frames_at(numbers, &spec, &mut bytes)?;
    let times = frames.iter().map(|frame| frame.time).collect();
    Ok(Images { width, height, bytes, times })
}

/// The numbers of the frames that are shown at these times.
pub(crate) fn numbers_at(video: &mut Video, times: &[f64]) -> Result<Vec<i64>> {
    let base = video.stream().time_base;
    let start = -video.time_of(Pts { ticks: 0, base });
    let fine = TimeBase::new(1, 1_000_000_000).context("a billionth")?;
    let instants = times.iter().map(|&seconds| {
        // A frame's own time, rounded to an f64, means that frame.
        let exact = Pts::from_seconds(start + seconds, base);
        let exact = exact.filter(|&exact| (video.time_of(exact) - seconds).abs() < 1e-9);
        exact.or_else(|| Pts::from_seconds(start + seconds, fine)).context("no such time")
    });
    let instants = instants.collect::<Result<Vec<_>>>()?;
    let index = video.index()?;
    let number = |instant| index.frame_played_at(instant).context("no frame at this time");
    instants.into_iter().map(|instant| Ok(i64::try_from(number(instant)?)?)).collect()
}

thread_local! {
    static CONVERTER: RefCell<Option<(Size, Rgb8Converter)>> = const { RefCell::new(None) };
}

/// Width and height in pixels.
type Size = (usize, usize);

/// Writes a frame as an image of this size. Each thread keeps its converter.
pub(crate) fn convert(frame: &Frame, size: Size, out: &mut [u8]) -> Result<()> {
    let view = frame.view().context("no kernel for this format")?;
    CONVERTER.with_borrow_mut(|kept| {
        let fitting = kept.take().filter(|(of, same)| *of == size && same.fits(&view));
        let (_, converter) = match fitting {
            Some(same) => kept.insert(same),
            None => kept.insert((size, Rgb8Converter::new(&view, size)?)),
        };
        Ok(converter.run(&view, out, size.0 * 3)?)
    })
}

/// The mean red, green and blue of each square, left to right, top to bottom.
pub(crate) fn thumbnail(images: &Images, place: usize) -> Vec<f64> {
    let Images { width, height, bytes, .. } = images;
    let image = &bytes[place * width * height * 3..][..width * height * 3];
    let (across, down) = (width / SQUARES, height / SQUARES);
    let mut sums = vec![0_u64; SQUARES * SQUARES * 3];
    for (y, row) in image.chunks_exact(width * 3).take(down * SQUARES).enumerate() {
        for (x, pixel) in row.chunks_exact(3).take(across * SQUARES).enumerate() {
            let square = (y / down * SQUARES + x / across) * 3;
            for (sum, &value) in sums[square..].iter_mut().zip(pixel) {
                *sum += u64::from(value);
            }
        }
    }
    let area = (across * down) as f64;
    sums.into_iter().map(|sum| (sum as f64 / area * 100.0).round() / 100.0).collect()
}
