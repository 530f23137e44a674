use super::*;

#[track_caller]
fn format(name: &str) -> PixelFormat {
    PixelFormat::from_name(name).unwrap()
}

#[track_caller]
fn check_planes(name: &str, size: (u32, u32), want: &[(usize, usize)]) {
    let format = format(name);
    let planes = (0..format.planes())
        .map(|p| (format.row_bytes(p, size.0).unwrap(), format.rows(p, size.1).unwrap()));
    assert_eq!(planes.collect::<Vec<_>>(), want, "{name}");
    assert_eq!(format.row_bytes(want.len(), size.0), None);
    assert_eq!(format.rows(want.len(), size.1), None);
}

#[test]
fn chroma_of_odd_sizes_is_rounded_up() {
    check_planes("yuv420p", (5, 3), &[(5, 3), (3, 2), (3, 2)]);
    check_planes("nv12", (5, 3), &[(5, 3), (6, 2)]);
    check_planes("p010le", (5, 3), &[(10, 3), (12, 2)]);
    check_planes("yuv410p", (5, 5), &[(5, 5), (2, 2), (2, 2)]);
    check_planes("yuva420p", (5, 3), &[(5, 3), (3, 2), (3, 2), (5, 3)]);
}

#[test]
fn packed_and_odd_formats_have_their_row_sizes() {
    check_planes("rgb24", (5, 3), &[(15, 3)]);
    check_planes("yuyv422", (5, 3), &[(12, 3)]);
    check_planes("gbrp", (5, 3), &[(5, 3); 3]);
    check_planes("monob", (9, 2), &[(2, 2)]);
    check_planes("pal8", (5, 3), &[(5, 3)]);
    check_planes("vaapi", (5, 3), &[]);
}

#[test]
fn every_number_below_the_last_is_a_format() {
    // `from_raw` rests on this.
    let all = PixelFormat::all().collect::<Vec<_>>();
    for (number, format) in all.iter().enumerate() {
        assert_eq!(format.0 as usize, number, "{format}");
        assert_eq!(PixelFormat::from_name(format.name()), Some(*format));
    }
    assert_eq!(all.len(), AV_PIX_FMT_NB as usize);
    assert_eq!(PixelFormat::from_raw(-1), None);
    assert_eq!(PixelFormat::from_raw(AV_PIX_FMT_NB as c_int), None);
    assert_eq!(PixelFormat::from_raw(c_int::MAX), None);
}

#[test]
fn plane_counts_are_ffmpegs() {
    for format in PixelFormat::all() {
        // SAFETY: one of FFmpeg's formats.
        let want = unsafe { ffi::av_pix_fmt_count_planes(format.0) };
        assert_eq!(format.planes(), usize::try_from(want).unwrap(), "{format}");
    }
}

#[track_caller]
fn check_flags(name: &str, want: &str) {
    let f = format(name);
    let flags = [
        (f.is_rgb(), "rgb"),
        (f.has_alpha(), "alpha"),
        (f.is_gray(), "gray"),
        (f.is_planar(), "planar"),
        (f.is_palette(), "palette"),
        (f.is_bitstream(), "bits"),
        (f.is_big_endian(), "be"),
        (f.is_float(), "float"),
        (f.is_hardware(), "hardware"),
        (f.is_full_range(), "full"),
    ];
    let got = flags.into_iter().filter_map(|(set, name)| set.then_some(name)).collect::<Vec<_>>();
    assert_eq!(got.join(" "), want, "{name}");
}

#[test]
fn formats_have_their_flags() {
    check_flags("yuv420p", "planar");
    check_flags("yuvj420p", "planar full");
    check_flags("gray", "gray");
    check_flags("ya8", "alpha gray");
    check_flags("gray10be", "gray be");
    check_flags("monow", "gray bits");
    check_flags("pal8", "alpha palette");
    check_flags("gbrapf32be", "rgb alpha planar be float");
    check_flags("cuda", "hardware");
}

#[test]
fn p010_keeps_its_bits_high() {
    assert_eq!(PixelFormat::P010.shift(0), Some(6));
    assert_eq!(PixelFormat::P010.shift(3), None);
    assert_eq!(PixelFormat::YUV420P10.shift(0), Some(0));
    assert_eq!((PixelFormat::P010.depth(), PixelFormat::YUV420P.depth()), (10, 8));
    assert_eq!(PixelFormat::YUV422P.log2_chroma(), (1, 0));
}

#[test]
fn sizes_that_overflow_are_none() {
    assert_eq!(PixelFormat::RGB48.row_bytes(0, i32::MAX as u32), None);
    assert_eq!(PixelFormat::RGB48.row_bytes(0, u32::MAX), None);
    assert!(dimensions(0, 1).is_err());
    assert!(dimensions(1, u32::MAX).is_err());
}
