use super::*;

const WIDTH: u32 = 33;
const HEIGHT: u32 = 19;

fn frame_format(format: PixelFormat, color: Color) -> FrameFormat {
    FrameFormat { format, width: WIDTH, height: HEIGHT, color }
}

/// A frame of one colour.
fn plain(rgb: [u8; 3]) -> VideoFrame {
    let mut frame = VideoFrameMut::new(PixelFormat::RGB24, WIDTH, HEIGHT).unwrap();
    let mut plane = frame.plane_mut(0).unwrap();
    for y in 0..plane.rows() {
        plane.row_mut(y).unwrap().as_chunks_mut().0.fill(rgb);
    }
    frame.freeze()
}

fn convert(frame: &VideoFrame, from: FrameFormat, to: FrameFormat) -> Result<VideoFrame> {
    let mut target = VideoFrameMut::new(to.format, to.width, to.height)?;
    Scaler::new(from, to, Filter::default())?.scale(frame, &mut target)?;
    Ok(target.freeze())
}

/// The largest difference between a frame's bytes and a colour.
fn error(frame: &VideoFrame, rgb: [u8; 3]) -> u8 {
    let plane = frame.plane(0).unwrap();
    let pixels = plane.iter().flat_map(|row| row.as_chunks::<3>().0);
    let differences = pixels.flat_map(|got| (0..3).map(|c| got[c].abs_diff(rgb[c])));
    differences.max().unwrap()
}

/// The largest error of a colour after conversion to `format` and back.
fn tolerance(format: PixelFormat) -> u8 {
    let fewest_bits = format.components().map(|c| c.depth).min().unwrap_or(8);
    match fewest_bits {
        1 => 255,
        2..=3 => 100,
        4 => 20,
        5..=6 => 10,
        _ => 3,
    }
}

#[test]
fn every_format_that_swscale_takes_keeps_its_colours() {
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    let mut both_ways = 0;
    for format in
        PixelFormat::all().filter(|&f| FrameFormat::is_writable(f) && FrameFormat::is_readable(f))
    {
        let colors =
            if format.is_gray() { [[128; 3], [200; 3]] } else { [[128; 3], [180, 90, 40]] };
        for color in colors {
            let there =
                convert(&plain(color), rgb, frame_format(format, Color::default())).unwrap();
            let back = convert(&there, frame_format(format, Color::default()), rgb).unwrap();
            let error = error(&back, color);
            assert!(error <= tolerance(format), "{format}: {color:?} is off by {error}");
        }
        both_ways += 1;
    }
    assert!(both_ways > 150, "{both_ways}");
}

#[test]
fn formats_that_swscale_only_reads_convert_too() {
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    for format in
        PixelFormat::all().filter(|&f| !FrameFormat::is_writable(f) && FrameFormat::is_readable(f))
    {
        let frame = VideoFrameMut::new(format, WIDTH, HEIGHT).unwrap().freeze();
        convert(&frame, frame_format(format, Color::default()), rgb).unwrap();
    }
}

#[test]
fn formats_that_swscale_does_not_read_are_refused_by_name() {
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    let mut refused = Vec::new();
    for format in PixelFormat::all().filter(|&f| !FrameFormat::is_readable(f)) {
        let error = Scaler::new(frame_format(format, Color::default()), rgb, Filter::default())
            .unwrap_err();
        assert!(error.to_string().contains(format.name()), "{error}");
        if !format.is_hardware() {
            refused.push(format.name());
        }
    }
    println!("swscale does not read {}", refused.join(" "));
}

#[track_caller]
fn check_luma(color: Color, want: u8) {
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    let yuv = frame_format(PixelFormat::YUV444P, color);
    let frame = convert(&plain([255, 0, 0]), rgb, yuv).unwrap();
    assert_eq!(frame.plane(0).unwrap().row(9).unwrap()[9], want, "{color:?}");
    assert!(error(&convert(&frame, yuv, rgb).unwrap(), [255, 0, 0]) <= 2);
}

#[test]
fn matrix_and_range_are_applied() {
    use ColorMatrix::*;
    use ColorRange::{Full, Limited};
    let color = |matrix, range| Color { matrix, range, ..Default::default() };
    check_luma(color(Smpte170m, Full), 76);
    check_luma(color(Smpte170m, Limited), 81);
    check_luma(Color::default(), 81);
    check_luma(color(Bt709, Full), 54);
    check_luma(color(Bt709, Limited), 63);
    check_luma(color(Bt2020Ncl, Full), 67);
    check_luma(color(Bt2020Ncl, Limited), 74);
}

#[test]
fn matrices_unknown_to_swscale_are_refused() {
    let color = Color { matrix: ColorMatrix::Ictcp, ..Default::default() };
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    let refused = Scaler::new(frame_format(PixelFormat::YUV420P10, color), rgb, Filter::default());
    assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
}

#[test]
fn frames_of_another_size_are_refused() {
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    let mut scaler = Scaler::new(rgb, rgb, Filter::default()).unwrap();
    let mut small = VideoFrameMut::new(PixelFormat::RGB24, WIDTH - 1, HEIGHT).unwrap();
    assert!(scaler.scale(&plain([1; 3]), &mut small).is_err());
    let small = small.freeze();
    let mut target = VideoFrameMut::new(PixelFormat::RGB24, WIDTH, HEIGHT).unwrap();
    assert!(scaler.scale(&small, &mut target).is_err());
    assert!(scaler.scale(&plain([1; 3]), &mut target).is_ok());
}

#[test]
fn sizes_change_with_every_filter() {
    use Filter::*;
    let source = plain([10, 200, 90]);
    for filter in [Nearest, Bilinear, Bicubic, Area, Lanczos] {
        for (width, height) in [(1, 1), (7, 50), (100, 3)] {
            let from = frame_format(PixelFormat::RGB24, Color::default());
            let to = FrameFormat { width, height, ..from };
            let mut target = VideoFrameMut::new(to.format, width, height).unwrap();
            Scaler::new(from, to, filter).unwrap().scale(&source, &mut target).unwrap();
            assert!(error(&target.freeze(), [10, 200, 90]) <= 1, "{filter:?} {width}×{height}");
        }
    }
}

#[test]
fn a_bottom_up_frame_is_converted_upright() {
    let mut frame = VideoFrameMut::new(PixelFormat::RGB24, WIDTH, HEIGHT).unwrap();
    frame.plane_mut(0).unwrap().row_mut(0).unwrap().fill(200);
    let mut frame = frame.freeze();
    let stride = frame.plane(0).unwrap().stride();
    let raw = frame.raw_mut();
    // SAFETY: the frame is valid.
    let first = unsafe { (*raw).data[0] };
    // SAFETY: the last row lies inside the buffer.
    let last = unsafe { first.offset(stride * (HEIGHT as isize - 1)) };
    // SAFETY: the frame is valid, and the rows stay inside the buffer.
    unsafe { (*raw).data[0] = last };
    // SAFETY: as above.
    unsafe { (*raw).linesize[0] = -c_int::try_from(stride).unwrap() };
    let rgb = frame_format(PixelFormat::RGB24, Color::default());
    let gray = convert(&frame, rgb, frame_format(PixelFormat::GRAY8, Color::default())).unwrap();
    let rows = gray.plane(0).unwrap().iter().map(|row| row[5]).collect::<Vec<_>>();
    assert_eq!((rows[0], rows[HEIGHT as usize - 1]), (0, 200));
}
