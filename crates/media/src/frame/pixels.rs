//! Frames made from the caller's pixels: a camera's, a renderer's, another decoder's.

use std::sync::Arc;

use moviola_av::{
    color::Color,
    error::{Error, Result},
    frame::{VideoFrame, VideoFrameMut},
    parameters::CodecParameters,
    pixel::PixelFormat,
    plane::Plane,
    pool::FramePool,
    time::{Pts, TimeBase},
};

use super::Frame;
use crate::{frame_view::Orientation, input::VideoStream};

/// One plane of an image in the caller's memory.
#[derive(Clone, Copy, Debug)]
pub struct PixelPlane<'a> {
    /// The rows, from the top down.
    pub data: &'a [u8],
    /// Bytes from the start of one row to the start of the next, at least the bytes of a row. The
    /// last row needs no padding after it.
    pub stride: usize,
}

/// An image in the caller's memory, to make a [`Frame`] from.
///
/// | format | planes, rows × bytes of a row |
/// |---|---|
/// | `RGB24`, `BGR24` | one: height × 3·width |
/// | `RGBA`, `BGRA` | one: height × 4·width; alpha is ignored |
/// | `GRAY8` | one: height × width |
/// | `YUV420P` | Y: height × width; U, V: ⌈height/2⌉ × ⌈width/2⌉ |
/// | `YUV422P` | Y: height × width; U, V: height × ⌈width/2⌉ |
/// | `YUV444P` | Y, U, V: height × width |
/// | `NV12` | Y: height × width; U and V interleaved: ⌈height/2⌉ × 2·⌈width/2⌉ |
/// | with 10, 12 or 16 bits | as above, two bytes a sample in the machine's order |
///
/// All other FFmpeg formats with pixels in memory are supported too, except those with a palette.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// The pixel format.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// As many planes as the format has, in its order.
    pub planes: &'a [PixelPlane<'a>],
    /// The colour tags. Without tags (`Color::default()`), YUV is read as BT.601 in limited range,
    /// RGB and gray as full range.
    pub color: Color,
    /// The steps that make the image upright.
    pub orientation: Orientation,
    /// Presentation time in seconds from the start of the presentation; `None` if unknown.
    pub time: Option<f64>,
}

impl<'a> Pixels<'a> {
    /// An upright image of the given width and height, without colour tags and time.
    pub fn new(
        format: PixelFormat,
        (width, height): (u32, u32),
        planes: &'a [PixelPlane<'a>],
    ) -> Self {
        let (color, orientation) = (Color::default(), Orientation::default());
        Self { format, width, height, planes, color, orientation, time: None }
    }
}

impl Frame {
    /// Makes a frame from a copy of the caller's pixels.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a side is 0, the format has no pixels in memory or a palette,
    /// or a plane is missing or too short; [`Error::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// use moviola_av::pixel::PixelFormat;
    /// use moviola_media::frame::{Frame, PixelPlane, Pixels};
    ///
    /// let camera = vec![128; 640 * 480 * 3 / 2]; // NV12
    /// let (luma, chroma) = camera.split_at(640 * 480);
    /// let planes = [luma, chroma].map(|data| PixelPlane { data, stride: 640 });
    /// let frame = Frame::from_pixels(&Pixels::new(PixelFormat::NV12, (640, 480), &planes))?;
    /// assert_eq!(frame.display_size(), (640, 480));
    /// # Ok::<(), moviola_av::error::Error>(())
    /// ```
    pub fn from_pixels(pixels: &Pixels<'_>) -> Result<Self> {
        let Pixels { format, width, height, .. } = *pixels;
        fill(pixels, VideoFrameMut::new(format, width, height)?)
    }

    /// Makes a frame from a copy of the caller's pixels, in memory of `pool`.
    ///
    /// The memory returns to the pool when the last handle on the frame is dropped. This saves
    /// allocations for a stream of images.
    ///
    /// # Errors
    ///
    /// As [`from_pixels`](Self::from_pixels).
    pub fn from_pixels_in(pool: &Arc<FramePool>, pixels: &Pixels<'_>) -> Result<Self> {
        let Pixels { format, width, height, .. } = *pixels;
        fill(pixels, VideoFrameMut::new_in(pool, format, width, height)?)
    }

    /// Makes a frame from a decoded one; no pixel is copied.
    ///
    /// Its orientation is that of its display matrix, upright without one. `time` is the
    /// presentation time in seconds from the start of the presentation.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the time isn't finite, [`Error::OutOfMemory`].
    pub fn from_decoded(decoded: VideoFrame, time: Option<f64>) -> Result<Self> {
        of_frame(decoded, Orientation::default(), time)
    }
}

fn fill(pixels: &Pixels<'_>, mut frame: VideoFrameMut) -> Result<Frame> {
    if pixels.format.is_palette() {
        return Err(invalid("the pixel format", "one without a palette", pixels.format));
    }
    if pixels.planes.len() != pixels.format.planes() {
        return Err(invalid("planes", "as many as the format has", pixels.planes.len()));
    }
    for (index, plane) in pixels.planes.iter().enumerate() {
        copy_plane(plane, index, &mut frame)?;
    }
    frame.set_color(pixels.color);
    let frame = of_frame(frame.freeze(), pixels.orientation, pixels.time)?;
    Ok(Frame { keyframe: true, ..frame })
}

fn copy_plane(plane: &PixelPlane<'_>, index: usize, frame: &mut VideoFrameMut) -> Result<()> {
    let PixelPlane { data, stride } = *plane;
    let Some(mut target) = frame.plane_mut(index) else { return Ok(()) };
    let source = Plane::from_slice(data, stride, target.row_bytes(), target.rows());
    let source = source.ok_or_else(|| {
        let got = format!("{} bytes with a stride of {stride} in plane {index}", data.len());
        invalid("a plane", "large enough for its rows, and its stride for a row", got)
    })?;
    for (y, row) in source.iter().enumerate() {
        if let Some(target) = target.row_mut(y) {
            target.copy_from_slice(row);
        }
    }
    Ok(())
}

fn of_frame(decoded: VideoFrame, orientation: Orientation, time: Option<f64>) -> Result<Frame> {
    let base = TimeBase::NANOSECONDS;
    let pts = |seconds: f64| {
        let pts = Pts::from_seconds(seconds, base);
        pts.ok_or_else(|| invalid("the time", "finite and within 292 years", seconds))
    };
    let pts = time.map(pts).transpose()?;
    let stream = Arc::new(VideoStream {
        index: 0,
        parameters: Arc::new(CodecParameters::empty()?),
        time_base: base,
        frame_rate: None,
        orientation,
        sample_aspect: None,
    });
    let (keyframe, damaged) = (decoded.is_key(), decoded.is_corrupt());
    Ok(Frame { decoded, number: None, pts, time, duration: None, keyframe, damaged, stream })
}

fn invalid(what: &'static str, expected: &'static str, got: impl ToString) -> Error {
    Error::InvalidArgument { what, expected, got: got.to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of a plane with its padding; neighbouring bytes differ.
    fn bytes(len: usize, seed: usize) -> Vec<u8> {
        (0..len).map(|at| u8::try_from((at * 7 + seed * 101) % 251).unwrap()).collect()
    }

    fn formats() -> impl Strategy<Value = PixelFormat> {
        prop::sample::select(vec![
            PixelFormat::RGB24,
            PixelFormat::BGRA,
            PixelFormat::GRAY8,
            PixelFormat::GRAY16,
            PixelFormat::YUV420P,
            PixelFormat::YUV422P10,
            PixelFormat::NV12,
            PixelFormat::P010,
            PixelFormat::GBRP,
        ])
    }

    proptest! {
        #[test]
        fn every_row_of_every_plane_is_copied(
            format in formats(), width in 1_u32..70, height in 1_u32..20, padding in 0_usize..9,
            pooled: bool,
        ) {
            let sizes: Vec<_> = (0..format.planes())
                .map(|at| (format.row_bytes(at, width).unwrap(), format.rows(at, height).unwrap()))
                .collect();
            let data: Vec<_> = sizes
                .iter()
                .enumerate()
                .map(|(at, (row, rows))| bytes((row + padding) * rows - padding, at))
                .collect();
            let planes: Vec<_> = data
                .iter()
                .zip(&sizes)
                .map(|(data, (row, _))| PixelPlane { data, stride: row + padding })
                .collect();
            let pixels = Pixels::new(format, (width, height), &planes);
            let frame = match pooled {
                true => Frame::from_pixels_in(&FramePool::new(1 << 20), &pixels).unwrap(),
                false => Frame::from_pixels(&pixels).unwrap(),
            };
            for (at, (row, rows)) in sizes.into_iter().enumerate() {
                let plane = frame.decoded.plane(at).unwrap();
                for y in 0..rows {
                    let start = y * (row + padding);
                    prop_assert_eq!(plane.row(y).unwrap(), &data[at][start..start + row]);
                }
            }
        }
    }

    #[track_caller]
    fn check_refused(format: PixelFormat, size: (u32, u32), planes: &[PixelPlane<'_>], want: &str) {
        let error = Frame::from_pixels(&Pixels::new(format, size, planes)).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
        assert!(error.to_string().contains(want), "{error}");
    }

    #[test]
    fn pixels_that_do_not_match_the_format_are_errors() {
        let plane = |len: usize, stride| PixelPlane { data: &[0; 99][..len], stride };
        check_refused(PixelFormat::RGB24, (4, 3), &[plane(35, 12)], "large enough");
        check_refused(PixelFormat::RGB24, (4, 3), &[plane(99, 11)], "stride of 11");
        check_refused(PixelFormat::RGB24, (4, 3), &[], "as many");
        check_refused(PixelFormat::YUV420P, (4, 4), &[plane(16, 4)], "as many");
        check_refused(PixelFormat::GRAY8, (0, 4), &[plane(16, 4)], "got");
        check_refused(PixelFormat::PAL8, (4, 4), &[plane(16, 4)], "palette");
    }

    #[test]
    fn time_and_colour_are_kept() {
        let planes = [PixelPlane { data: &[255; 3], stride: 3 }];
        let pixels = Pixels { time: Some(1.5), ..Pixels::new(PixelFormat::RGB24, (1, 1), &planes) };
        let frame = Frame::from_pixels(&pixels).unwrap();
        assert_eq!((frame.time, frame.pts.map(|pts| pts.ticks)), (Some(1.5), Some(1_500_000_000)));
        assert!(frame.view().is_some());
    }

    #[test]
    fn pooled_memory_is_used_again() {
        let pool = FramePool::new(1 << 20);
        let planes = [PixelPlane { data: &[7; 64 * 64], stride: 64 }];
        let pixels = Pixels::new(PixelFormat::GRAY8, (64, 64), &planes);
        for _ in 0..3 {
            drop(Frame::from_pixels_in(&pool, &pixels).unwrap());
        }
        assert_eq!((pool.stats().fresh, pool.stats().reused), (1, 2));
    }
}
