use super::*;
use crate::color::{ChromaLocation, Color, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer};

/// A frame in which each byte differs from its neighbours.
fn numbered(format: PixelFormat, width: u32, height: u32) -> VideoFrame {
    let mut frame = VideoFrameMut::new(format, width, height).unwrap();
    for index in 0..format.planes() {
        let mut plane = frame.plane_mut(index).unwrap();
        for y in 0..plane.rows() {
            for (x, byte) in plane.row_mut(y).unwrap().iter_mut().enumerate() {
                *byte = value(index, x, y);
            }
        }
    }
    frame.freeze()
}

fn value(plane: usize, x: usize, y: usize) -> u8 {
    u8::try_from((x * 7 + y * 31 + plane * 101) % 251).unwrap()
}

#[track_caller]
fn check_rows(frame: &VideoFrame, row: impl Fn(usize, usize) -> usize) {
    for (index, plane) in frame.planes().enumerate() {
        for (y, got) in plane.iter().enumerate() {
            let y = row(y, plane.rows());
            let want = (0..plane.row_bytes()).map(|x| value(index, x, y));
            assert!(got.iter().copied().eq(want), "plane {index}, row {y}");
        }
    }
}

/// Flips a frame vertically as filters do: the planes point at the last row, with negative strides.
fn flip(frame: &mut VideoFrame) {
    for index in 0..frame.format().planes() {
        let rows = frame.plane(index).unwrap().rows().cast_signed();
        let raw = frame.raw_mut();
        // SAFETY: the frame is valid.
        let stride = unsafe { (*raw).linesize[index] };
        // SAFETY: the frame is valid.
        let first = unsafe { (*raw).data[index] };
        // SAFETY: the last row lies inside the buffer.
        let last = unsafe { first.offset((rows - 1) * stride as isize) };
        // SAFETY: the frame is valid, and the rows stay inside the buffer.
        unsafe { (*raw).data[index] = last };
        // SAFETY: as above.
        unsafe { (*raw).linesize[index] = -stride };
    }
}

#[test]
fn rows_hold_what_was_written_at_every_size() {
    for (width, height) in [(1, 1), (3, 5), (64, 64), (65, 33)] {
        for format in [PixelFormat::YUV420P, PixelFormat::NV12, PixelFormat::RGB24] {
            check_rows(&numbered(format, width, height), |y, _| y);
        }
    }
}

#[test]
fn a_bottom_up_frame_is_read_from_the_top() {
    let mut frame = numbered(PixelFormat::YUV420P, 5, 7);
    flip(&mut frame);
    assert!(frame.plane(0).unwrap().stride() < 0);
    check_rows(&frame, |y, rows| rows - 1 - y);
}

#[test]
fn strides_are_aligned_and_rows_are_not_padded() {
    let frame = VideoFrameMut::new(PixelFormat::RGB24, 5, 2).unwrap().freeze();
    let plane = frame.plane(0).unwrap();
    assert_eq!((plane.stride(), plane.row_bytes(), plane.rows()), (64, 15, 2));
    assert_eq!(frame.plane(1).map(|plane| plane.rows()), None);
    assert_eq!(frame.plane(usize::MAX).map(|plane| plane.rows()), None);
}

#[test]
fn new_frames_are_zeroed() {
    for format in PixelFormat::all().filter(|format| format.planes() > 0) {
        let frame = VideoFrameMut::new(format, 17, 9).unwrap();
        for index in 0..format.planes() {
            assert!(frame.plane(index).unwrap().iter().all(|row| row.iter().all(|&b| b == 0)));
        }
    }
}

#[test]
fn frames_without_size_or_in_a_device_are_refused() {
    let refused = |format, width, height| {
        matches!(VideoFrameMut::new(format, width, height), Err(Error::InvalidArgument { .. }))
    };
    assert!(refused(PixelFormat::RGB24, 0, 1));
    assert!(refused(PixelFormat::RGB24, 1, u32::MAX));
    assert!(refused(PixelFormat::from_name("vaapi").unwrap(), 16, 16));
    assert!(VideoFrameMut::new(PixelFormat::RGB48, i32::MAX as u32, i32::MAX as u32).is_err());
}

#[test]
fn only_an_unshared_frame_can_be_written() {
    let frame = numbered(PixelFormat::GRAY8, 3, 3);
    let clone = frame.try_clone().unwrap();
    let frame = frame.try_into_unique().unwrap_err();
    drop(clone);
    let mut frame = frame.try_into_unique().unwrap();
    frame.plane_mut(0).unwrap().row_mut(2).unwrap().fill(9);
    assert_eq!(frame.freeze().plane(0).unwrap().row(2), Some(&[9; 3][..]));
}

#[test]
fn a_clone_outlives_the_frame() {
    let frame = numbered(PixelFormat::YUV420P, 9, 9);
    let clone = frame.try_clone().unwrap();
    drop(frame);
    check_rows(&clone, |y, _| y);
}

#[test]
fn palettes_belong_to_palette_formats() {
    let colors = std::array::from_fn(|index| 0xff00_0000 | u32::try_from(index).unwrap());
    let mut frame = VideoFrameMut::new(PixelFormat::PAL8, 3, 3).unwrap();
    frame.set_palette(&colors).unwrap();
    assert_eq!(frame.freeze().palette(), Some(colors));
    let mut gray = VideoFrameMut::new(PixelFormat::GRAY8, 3, 3).unwrap();
    assert!(gray.set_palette(&colors).is_err());
    assert_eq!(gray.freeze().palette(), None);
}

#[test]
fn properties_survive_freezing_and_cloning() {
    let color = Color {
        matrix: ColorMatrix::Bt2020Ncl,
        range: ColorRange::Full,
        primaries: ColorPrimaries::Other(77),
        transfer: ColorTransfer::Pq,
        chroma_location: ChromaLocation::TopLeft,
    };
    let mut frame = VideoFrameMut::new(PixelFormat::P010, 4, 4).unwrap();
    frame.set_color(color);
    frame.set_pts(Some(-5));
    frame.set_duration(2);
    frame.set_tag(-1);
    let frame = frame.freeze().try_clone().unwrap();
    assert_eq!(frame.color(), color);
    assert_eq!((frame.pts(), frame.raw_pts(), frame.duration()), (Some(-5), Some(-5), Some(2)));
    assert_eq!((frame.tag(), frame.display_matrix()), (-1, None));
    assert!(!frame.is_key() && !frame.is_corrupt() && !frame.is_interlaced());
    assert_eq!(frame.picture_type(), PictureType::Other);
}
