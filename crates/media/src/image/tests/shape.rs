//! Images are upright, with square pixels, at the right size, to the last row and column.

use super::*;

/// A colour that identifies its place in the image: no two places, and no mirror images, agree.
fn place(u: f64, v: f64) -> Rgb {
    [0.1 + 0.8 * u, 0.9 - 0.7 * v, 0.2 + 0.3 * (u + v * v)]
}

/// The place in the coded frame (0 to 1 both ways) that a place of the upright one comes from.
fn coded_place((u, v): (f64, f64), orientation: Orientation) -> (f64, f64) {
    let (u, v) = match orientation.quarter_turns {
        0 => (u, v),
        // A clockwise turn brings the left side to the top.
        1 => (v, 1.0 - u),
        2 => (1.0 - u, 1.0 - v),
        _ => (1.0 - v, u),
    };
    if orientation.is_mirrored { (1.0 - u, v) } else { (u, v) }
}

/// How a frame is shown, and by how much its colours may be off.
struct Shown {
    orientation: Orientation,
    sample_aspect: (u32, u32),
    options: JpegOptions,
    tolerance: f64,
}

const PLAIN: Shown = Shown {
    orientation: Orientation { quarter_turns: 0, is_mirrored: false },
    sample_aspect: (1, 1),
    options: JpegOptions { quality: 100, max_size: None, coded: false },
    tolerance: 7.0,
};

#[track_caller]
fn check_shown(size: (usize, usize), layout: Layout, shown: &Shown, want: (usize, usize)) {
    let paint = |x: f64, y: f64| place(x / size.0 as f64, y / size.1 as f64);
    let color = FrameColor { matrix: Matrix::Bt709, ..FrameColor::default() };
    let mut painted = Painted::new(size, layout, color, paint);
    (painted.orientation, painted.sample_aspect) = (shown.orientation, shown.sample_aspect);
    let image = encode_with(&painted.view(), shown.options);
    assert_eq!((image.width, image.height), want);
    let turned = if shown.options.coded { Orientation::default() } else { shown.orientation };
    let mut sum = 0.0;
    for (y, x) in (0..want.1).flat_map(|y| (0..want.0).map(move |x| (y, x))) {
        let (u, v) = ((x as f64 + 0.5) / want.0 as f64, (y as f64 + 0.5) / want.1 as f64);
        let (u, v) = coded_place((u, v), turned);
        let (got, off) = (image.at(x, y), difference(image.at(x, y), place(u, v)));
        let about = (size, layout, turned, x, y);
        assert!(off <= shown.tolerance, "{about:?}: {got:?} is off by {off}");
        sum += off;
    }
    let mean = sum / (want.0 * want.1) as f64;
    let most = shown.tolerance / 3.5;
    assert!(mean <= most, "{size:?} {layout:?} {turned:?}: off by {mean} on average");
}

fn orientations() -> impl Iterator<Item = Orientation> {
    let turns =
        |quarter_turns| [false, true].map(|is_mirrored| Orientation { quarter_turns, is_mirrored });
    (0..4).flat_map(turns)
}

#[test]
fn every_orientation_comes_out_upright() {
    for orientation in orientations() {
        for layout in [yuv(8, 1, 1), yuv(10, 1, 0), yuv(8, 2, 0), Layout::PlanarRgb(Depth::EIGHT)] {
            let want = if orientation.swaps_axes() { (112, 160) } else { (160, 112) };
            check_shown((160, 112), layout, &Shown { orientation, ..PLAIN }, want);
        }
    }
}

#[test]
fn odd_sizes_lose_no_edge_in_any_orientation() {
    for orientation in orientations() {
        for size in [(49, 35), (48, 35), (49, 34), (51, 37)] {
            let want = if orientation.swaps_axes() { (size.1, size.0) } else { size };
            for layout in [yuv(8, 1, 1), yuv(8, 1, 0), Layout::PlanarRgb(Depth::EIGHT)] {
                check_shown(size, layout, &Shown { orientation, ..PLAIN }, want);
            }
            let semi = Layout::SemiPlanar { depth: Depth::EIGHT, is_v_first: false };
            check_shown(size, semi, &Shown { orientation, ..PLAIN }, want);
        }
    }
}

#[test]
fn subsampling_is_kept_and_turns_with_the_frame() {
    let wanted = [
        (yuv(8, 1, 1), 0, Some((1, 1))),
        (yuv(8, 1, 1), 1, Some((1, 1))),
        (yuv(8, 1, 0), 0, Some((1, 0))),
        (yuv(8, 1, 0), 1, Some((0, 1))),
        (yuv(8, 0, 1), 1, Some((1, 0))),
        (yuv(8, 0, 0), 0, Some((0, 0))),
        (yuv(8, 2, 0), 0, Some((2, 0))),
        (yuv(8, 2, 0), 3, Some((0, 1))),
        (yuv(8, 2, 2), 0, Some((1, 1))),
        (Layout::SemiPlanar { depth: Depth::EIGHT, is_v_first: false }, 0, Some((1, 1))),
        (Layout::PlanarRgb(Depth::EIGHT), 0, Some((0, 0))),
        (Layout::Gray(Depth::EIGHT), 1, None),
    ];
    for (layout, quarter_turns, want) in wanted {
        let mut painted = Painted::new((64, 32), layout, FrameColor::default(), |_, _| [0.5; 3]);
        painted.orientation.quarter_turns = quarter_turns;
        let image = encode_with(&painted.view(), JpegOptions::default());
        assert_eq!(image.chroma, want, "{layout:?} turned {quarter_turns} times");
    }
}

#[test]
fn pixels_become_square() {
    for orientation in orientations() {
        for (sample_aspect, wide) in
            [((2, 1), (240, 90)), ((1, 2), (120, 180)), ((16, 11), (175, 90))]
        {
            let want = if orientation.swaps_axes() { (wide.1, wide.0) } else { wide };
            check_shown(
                (120, 90),
                yuv(8, 1, 1),
                &Shown { orientation, sample_aspect, ..PLAIN },
                want,
            );
        }
    }
}

#[test]
fn images_shrink_to_the_largest_size() {
    let options = |max_size| JpegOptions { max_size: Some(max_size), ..PLAIN.options };
    for (max_size, want) in [((100, 100), (100, 75)), ((57, 1000), (57, 43)), ((320, 60), (80, 60))]
    {
        for layout in [yuv(8, 1, 1), yuv(10, 0, 0), yuv(8, 2, 2), Layout::PlanarRgb(Depth::EIGHT)] {
            // A chroma sample covers much of the image and has no neighbour beyond the edge.
            let shown = Shown { options: options(max_size), tolerance: 9.0, ..PLAIN };
            check_shown((320, 240), layout, &shown, want);
        }
    }
}

#[test]
fn turned_frames_with_wide_pixels_shrink_too() {
    let shown = Shown {
        orientation: Orientation { quarter_turns: 1, is_mirrored: true },
        sample_aspect: (2, 1),
        options: JpegOptions { max_size: Some((90, 120)), ..PLAIN.options },
        ..PLAIN
    };
    check_shown((120, 180), yuv(8, 1, 1), &shown, (90, 120));
}

#[test]
fn coded_images_are_neither_turned_nor_stretched() {
    let shown = Shown {
        orientation: Orientation { quarter_turns: 1, is_mirrored: true },
        sample_aspect: (2, 1),
        options: JpegOptions { coded: true, ..PLAIN.options },
        ..PLAIN
    };
    check_shown((121, 90), yuv(8, 1, 1), &shown, (121, 90));
}

#[test]
fn the_smallest_frames_become_images() {
    let layouts = [
        Layout::Gray(Depth::EIGHT),
        yuv(8, 1, 1),
        yuv(8, 2, 2),
        yuv(16, 2, 0),
        Layout::SemiPlanar { depth: Depth { bits: 10, shift: 6 }, is_v_first: false },
        Layout::Packed { bytes: 4, rgb: [2, 1, 0] },
        Layout::PlanarRgb(Depth { bits: 12, shift: 0 }),
    ];
    for layout in layouts {
        for (width, height) in (1..6).flat_map(|w| (1..6).map(move |h| (w, h))) {
            for orientation in orientations() {
                let color = FrameColor { matrix: Matrix::Bt709, ..FrameColor::default() };
                let shade = [0.4; 3];
                let mut painted = Painted::new((width, height), layout, color, |_, _| shade);
                painted.orientation = orientation;
                let image = encode_with(&painted.view(), JpegOptions::default());
                let off = difference(image.at(image.width - 1, image.height - 1), shade);
                assert!(off <= 2.0, "{layout:?} {width}x{height} {orientation:?}: off by {off}");
            }
        }
    }
}

#[test]
fn an_encoder_keeps_nothing_of_other_frames() {
    let paint = |x: f64, y: f64| place(x / 64.0, y / 48.0);
    let painted = Painted::new((64, 48), yuv(8, 1, 1), FrameColor::default(), paint);
    let mut encoder = JpegEncoder::new(JpegOptions::default()).unwrap();
    let first = encoder.encode(&painted.view()).unwrap().bytes.to_vec();
    let other = Painted::new((33, 91), yuv(10, 1, 0), FrameColor::default(), paint);
    encoder.encode(&other.view()).unwrap();
    let again = encoder.encode(&painted.view()).unwrap();
    assert_eq!(again.bytes, first);
}

#[test]
fn an_encoder_can_move_to_another_thread() {
    fn check_send<T: Send>() {}
    check_send::<JpegEncoder>();
    check_send::<crate::image::PngEncoder>();
}
