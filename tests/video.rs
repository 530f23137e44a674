//! Tests of requests for frames of a video: by number, by time, in ranges, as pixels.

use std::path::PathBuf;

use moviola_av::{
    color::Color,
    frame::{VideoFrame, VideoFrameMut},
    pixel::PixelFormat,
    scaler::{Filter, FrameFormat, Scaler},
};
use moviola_media::{
    convert::{Crop, Normalise, PixelOrder, PixelSpec},
    error::Error,
    source::{Source, SourceOptions},
    video::{FrameReader, OnDamage, OutOfRange, Video},
};
use moviola_tests::clips;

fn clip(name: &str) -> PathBuf {
    clips::testdata().join(name)
}

fn open(name: &str) -> Video {
    let source = Source::path(clip(name));
    Video::open(source, SourceOptions::default()).expect("a clip of testdata")
}

/// Checks the numbers of the frames that `ask` returns.
#[track_caller]
fn check<E: std::fmt::Debug>(
    ask: impl FnOnce(&mut Video) -> Result<Vec<moviola_media::frame::Frame>, E>,
    want: &[u64],
) {
    let frames = ask(&mut open("demo.mp4")).expect("the frames exist");
    let numbers: Vec<_> = frames.iter().filter_map(|frame| frame.number).collect();
    assert_eq!(numbers, want);
}

#[test]
fn frames_come_in_the_order_requested_with_duplicates() {
    check(|video| video.frames_at(&[7, -1, 7, 0, -300]), &[7, 299, 7, 0, 0]);
    check(|video| video.frames_at(&[0_u64; 0]), &[]);
}

#[test]
fn a_number_that_an_answer_gives_is_a_request_too() {
    let mut video = open("demo.mp4");
    let last: u64 = video.frame_at(-1).unwrap().number.unwrap();
    assert_eq!(video.frame_at(last).unwrap().number, Some(last));
    check(|video| video.frames_at(&[last, 0]), &[299, 0]);
    check(|video| video.frames_in_range(last - 1..u64::MAX, 1), &[298, 299]);
    assert!(matches!(video.frame_at(u64::MAX), Err(Error::NoFrame { .. })));
    assert!(matches!(video.frame_at(i64::MIN), Err(Error::NoFrame { .. })));
}

#[test]
fn ranges_have_steps_and_ends() {
    check(|video| video.frames_in_range(2..9, 3), &[2, 5, 8]);
    check(|video| video.frames_in_range(-3..1000, 1), &[297, 298, 299]);
    check(|video| video.frames_in_range(5..5, 1), &[]);
    check(|video| video.frames_in_range(0..2, 0), &[0, 1]);
}

#[test]
fn a_time_gives_the_frame_shown_then() {
    // 30 frames a second
    check(|video| video.frames_played_at(&[0.0, 0.033, 0.034, 9.99, 0.04]), &[0, 0, 1, 299, 1]);
    check(|video| video.frames_played_in_range(0.05..0.2, None), &[1, 2, 3, 4, 5]);
    check(|video| video.frames_played_in_range(0.05..0.05, None), &[]);
    check(|video| video.frames_played_in_range(1.0..1.5, Some(5.0)), &[30, 36, 42]);
    check(|video| video.frames_played_in_range(0.0..0.06, Some(90.0)), &[0, 0, 0, 1, 1, 1]);
}

#[test]
fn a_missing_frame_is_an_error_with_the_number_of_frames() {
    let mut video = open("demo.mp4");
    for error in [
        video.frame_at(300).unwrap_err(),
        video.frame_at(-301).unwrap_err(),
        video.frame_played_at(10.0).unwrap_err(),
        video.frame_played_at(-0.1).unwrap_err(),
        video.frame_played_at(f64::NAN).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NoFrame { .. }), "{error}");
        assert!(error.to_string().ends_with("there are 300, up to 10.000 s"), "{error}");
    }
}

#[test]
fn missing_frames_can_be_skipped_or_replaced_by_the_nearest() {
    let requested = [3, 300, -301, -1];
    check(|video| video.out_of_range(OutOfRange::Skip).frames_at(&requested), &[3, 299]);
    check(|video| video.out_of_range(OutOfRange::Clamp).frames_at(&requested), &[3, 299, 0, 299]);
    let times = [-1.0, 5.0, 10.0];
    check(|video| video.out_of_range(OutOfRange::Skip).frames_played_at(&times), &[150]);
    check(|video| video.out_of_range(OutOfRange::Clamp).frames_played_at(&times), &[0, 150, 299]);
    check(|video| video.out_of_range(OutOfRange::Fail).frames_at(&[3]), &[3]);
}

#[test]
fn a_range_with_a_rate_may_extend_past_the_video() {
    let last = |video: &mut Video| video.frames_played_in_range(9.8..10.5, Some(5.0));
    let first = |video: &mut Video| video.frames_played_in_range(-0.4..0.1, Some(5.0));
    check(|video| last(video.out_of_range(OutOfRange::Skip)), &[294]);
    check(|video| last(video.out_of_range(OutOfRange::Clamp)), &[294, 299, 299, 299]);
    check(|video| first(video.out_of_range(OutOfRange::Skip)), &[0]);
    check(|video| first(video.out_of_range(OutOfRange::Clamp)), &[0, 0, 0]);
    for beyond in [last, first] {
        let error = beyond(&mut open("demo.mp4")).unwrap_err();
        assert!(matches!(error, Error::NoFrame { .. }), "{error}");
    }
}

#[test]
fn a_rate_is_positive_and_limited_for_its_range() {
    let mut video = open("demo.mp4");
    video.out_of_range(OutOfRange::Skip);
    for (range, rate) in
        [(0.0..1.0, 0.0), (0.0..1.0, -1.0), (0.0..1.0, f64::NAN), (0.0..1.0, f64::INFINITY)]
            .into_iter()
            .chain([(0.0..1.0, 1e9), (0.0..1e9, 30.0)])
    {
        let error = video.frames_played_in_range(range, Some(rate)).unwrap_err();
        assert!(matches!(error, Error::Range { .. }), "{error}");
    }
}

#[test]
fn every_frame_is_found_by_its_own_time() {
    for name in ["h264_bframes.mp4", "edit_list.mp4", "vp9.webm", "h264_paff.ts"] {
        let mut video = open(name);
        for number in 0..video.len().unwrap() {
            let frame = video.index().unwrap().frame(number).unwrap();
            let time = video.time_of(frame.pts);
            let found = video.frame_played_at(time).unwrap();
            assert_eq!(found.number, Some(number), "{name} at {time}");
        }
    }
}

#[test]
fn frames_read_in_order_have_the_times_of_the_index() {
    // The last frame of the AVI has no time.
    for name in ["mpeg4.avi", "h264_bframes.mp4", "h264_paff.ts", "vp9.webm"] {
        let options = SourceOptions { decoders: 1, ..SourceOptions::default() };
        let frames = FrameReader::open(Source::path(clip(name)), options).unwrap();
        let times: Vec<_> = frames.map(|frame| frame.unwrap().pts).collect();
        let index: Vec<_> =
            open(name).index().unwrap().frames().map(|frame| Some(frame.pts)).collect();
        assert_eq!(times, index, "{name}");
    }
}

#[test]
fn a_pipe_does_not_support_random_access() {
    let file = std::fs::File::open(clip("demo.mp4")).unwrap();
    let mut video = Video::open(Source::reader("pipe", file), SourceOptions::default()).unwrap();
    let error = video.frame_at(0).unwrap_err();
    assert!(matches!(error, Error::ReadOnce { .. }), "{error}");
}

/// A frame as RGB, converted by swscale in its accurate mode: the reference.
fn reference_rgb(frame: &VideoFrame) -> Vec<u8> {
    let format = PixelFormat::from_name("rgb24").expect("a format of FFmpeg");
    let from = FrameFormat::of(frame);
    let to = FrameFormat { format, color: Color::default(), ..from };
    let mut scaler = Scaler::new(from, to, Filter::Bilinear).expect("swscale supports both");
    let target = VideoFrameMut::new(format, frame.width(), frame.height());
    let mut target = target.expect("enough memory");
    scaler.scale(frame, &mut target).expect("the formats match");
    target.freeze().plane(0).expect("RGB has one plane").iter().flatten().copied().collect()
}

#[test]
fn rgb_equals_swscales_within_one() {
    for name in ["demo.mp4", "h264_bframes.mp4", "vp9.webm", "h264_444.mp4", "hevc_10bit.mp4"] {
        let mut video = open(name);
        let frame = video.frame_at(3).unwrap();
        let size = (frame.decoded.width() as usize, frame.decoded.height() as usize);
        let spec = PixelSpec { size, crop: None, order: PixelOrder::Hwc };
        let mut ours = vec![0; spec.values()];
        video.read_frames_at(&[3], &spec, &mut ours).unwrap();
        let theirs = reference_rgb(&frame.decoded);
        let off = ours.iter().zip(&theirs).position(|(ours, theirs)| ours.abs_diff(*theirs) > 1);
        let values = off.map(|at| (at / 3 % size.0, at / 3 / size.0, ours[at], theirs[at]));
        assert_eq!(values, None, "{name}: column, row, our value, swscale's");
    }
}

#[test]
fn planar_and_interleaved_pixels_and_tensors_agree() {
    let mut video = open("demo.mp4");
    let size = (96, 54);
    let hwc = PixelSpec { size, crop: None, order: PixelOrder::Hwc };
    let chw = PixelSpec { order: PixelOrder::Chw, ..hwc };
    let numbers = [10, 200, 10, -1];
    let row = hwc.values();
    let (mut pixels, mut planes) = (vec![0; 4 * row], vec![0; 4 * row]);
    let infos = video.read_frames_at(&numbers, &hwc, &mut pixels).unwrap();
    assert_eq!(infos.iter().map(|info| info.number).collect::<Vec<_>>(), [10, 200, 10, 299]);
    video.read_frames_at(&numbers, &chw, &mut planes).unwrap();
    assert_eq!(pixels[..row], pixels[2 * row..3 * row], "the duplicate");
    assert_ne!(pixels[..row], pixels[row..2 * row]);
    let (mut interleaved, mut tensor) = (vec![0.0; 4 * row], vec![0.0; 4 * row]);
    let normalise = Normalise { scale: [0.5, 1.0, 2.0], bias: [1.0, 0.0, -1.0] };
    video.read_tensors_at(&numbers, &hwc, &normalise, &mut interleaved).unwrap();
    video.read_tensors_at(&numbers, &chw, &normalise, &mut tensor).unwrap();
    for (frame, pixels) in pixels.chunks(row).enumerate() {
        for (place, &sample) in pixels.iter().enumerate() {
            let (pixel, channel) = (place / 3, place % 3);
            let in_planes = frame * row + channel * size.0 * size.1 + pixel;
            assert_eq!(planes[in_planes], sample);
            let want = f32::from(sample) * normalise.scale[channel] + normalise.bias[channel];
            assert_eq!((tensor[in_planes], interleaved[frame * row + place]), (want, want));
        }
    }
}

#[test]
fn deep_pixels_equal_8_bit_pixels_within_rounding() {
    for name in ["hevc_10bit.mp4", "demo.mp4", "rotated_90.mp4", "rotated_270.mp4"] {
        let mut video = open(name);
        let whole = video.frame_at(0).unwrap().display_size();
        for order in [PixelOrder::Hwc, PixelOrder::Chw] {
            let crop = Crop { x: 8, y: 4, width: 60, height: 40 };
            let sizes =
                [(None, whole), (Some(crop), (60, 40)), (Some(crop), (33, 57)), (None, (50, 31))];
            for (crop, size) in sizes {
                let spec = PixelSpec { size, crop, order };
                let (mut plain, mut deep) = (vec![0; spec.values()], vec![0; spec.values()]);
                video.read_frames_at(&[2], &spec, &mut plain).unwrap();
                video.read_deep_frames_at(&[2], &spec, &mut deep).unwrap();
                let off: Vec<_> = plain
                    .iter()
                    .zip(&deep)
                    .map(|(&plain, &deep)| (f64::from(plain) - f64::from(deep) / 257.0).abs())
                    .collect();
                let worst = off.iter().copied().fold(0.0, f64::max);
                let mean = off.iter().sum::<f64>() / off.len() as f64;
                // Colours outside RGB are clipped before resizing in one case, after it in the
                // other.
                let is_resized = size != crop.map_or(whole, |crop| (crop.width, crop.height));
                let (max_error, max_mean) = if is_resized { (50.0, 1.5) } else { (1.6, 0.6) };
                assert!(mean < max_mean && worst < max_error, "{name}, {spec:?}: {worst} {mean}");
            }
        }
    }
}

#[test]
fn ranges_may_be_open_at_either_end() {
    let mut video = open("h264_bframes.mp4");
    let count = video.len().unwrap();
    let all: Vec<_> = (0..count).collect();
    let mut numbers = |range| video.resolve_range(range, None).unwrap();
    assert_eq!(numbers(f64::NEG_INFINITY..f64::INFINITY), all);
    assert_eq!(numbers(2.0..f64::INFINITY), all[50..]);
    assert_eq!(numbers(f64::NEG_INFINITY..2.0), all[..50]);
    assert!(video.resolve_range(f64::NAN..2.0, None).is_err());
    assert!(video.resolve_range(0.0..f64::INFINITY, Some(1.0)).is_err());
}

#[test]
fn an_interrupted_video_reads_no_more() {
    let mut video = open("h264_bframes.mp4");
    video.frame_at(0).unwrap();
    video.interrupt().cancel();
    assert!(matches!(video.frame_at(60), Err(Error::Demux { .. })));
}

#[test]
fn a_crop_equals_that_part_of_the_frame() {
    for name in ["demo.mp4", "rotated_90.mp4", "rotated_180.mp4"] {
        let mut video = open(name);
        let (width, height) = video.frame_at(0).unwrap().view().unwrap().display_size();
        let whole = PixelSpec { size: (width, height), crop: None, order: PixelOrder::Hwc };
        let crop = Crop { x: 16, y: 10, width: 64, height: 40 };
        let part = PixelSpec { size: (64, 40), crop: Some(crop), ..whole };
        let (mut all, mut some) = (vec![0; whole.values()], vec![0; part.values()]);
        video.read_frames_at(&[5], &whole, &mut all).unwrap();
        video.read_frames_at(&[5], &part, &mut some).unwrap();
        for (y, row) in some.chunks(64 * 3).enumerate().take(39).skip(1) {
            let start = ((10 + y) * width + 16) * 3;
            assert_eq!(row[3..63 * 3], all[start + 3..start + 63 * 3], "{name}, row {y}");
        }
        let outside = Crop { x: width - 10, ..crop };
        let spec = PixelSpec { crop: Some(outside), ..part };
        let error = video.read_frames_at(&[5], &spec, &mut some).unwrap_err();
        assert!(error.to_string().contains("outside"), "{error}");
    }
}

/// Reads frames 20 to 29 of a clip in which frame 26 and some after it are damaged; returns their
/// numbers and whether they are damaged.
fn with_damage(policy: OnDamage) -> Result<Vec<(Option<u64>, bool)>, Error> {
    let mut video = open("damaged_keyframe.mp4");
    let frames = video.on_damage(policy).frames_in_range(20..30, 1)?;
    Ok(frames.iter().map(|frame| (frame.number, frame.damaged)).collect())
}

#[test]
fn damaged_frames_are_kept_refused_skipped_or_replaced() {
    let kept = with_damage(OnDamage::Keep).unwrap();
    let damaged = kept.iter().filter(|(_, damaged)| *damaged).count();
    assert!(kept.len() == 10 && damaged > 0, "{kept:?}");
    assert!(matches!(with_damage(OnDamage::Fail), Err(Error::Decode { .. })));
    let rest = with_damage(OnDamage::Skip).unwrap();
    assert_eq!(rest.len(), 10 - damaged);
    assert!(rest.iter().all(|(_, damaged)| !damaged));
    assert_eq!(with_damage(OnDamage::Repeat).unwrap(), kept);
    assert_eq!(with_damage(OnDamage::Black).unwrap(), kept);
}

#[test]
fn damaged_frames_are_reported_and_filled_in_a_buffer() {
    let mut video = open("damaged_keyframe.mp4");
    let spec = PixelSpec { size: (32, 32), crop: None, order: PixelOrder::Hwc };
    let numbers: Vec<i64> = (20..30).collect();
    let mut pixels = vec![7; 10 * spec.values()];
    let infos = video.on_damage(OnDamage::Black).read_frames_at(&numbers, &spec, &mut pixels);
    let infos = infos.unwrap();
    let ranges = video.damaged();
    assert!(!ranges.is_empty());
    for (info, pixels) in infos.iter().zip(pixels.chunks(spec.values())) {
        let damaged = ranges.iter().any(|range| range.contains(&info.number));
        assert_eq!(info.damaged, damaged);
        assert_eq!(pixels.iter().all(|&sample| sample == 0), damaged, "{}", info.number);
    }
    let mut pixels = vec![7; 10 * spec.values()];
    let infos = video.on_damage(OnDamage::Skip).read_frames_at(&numbers, &spec, &mut pixels);
    assert!(infos.unwrap().iter().all(|info| !info.damaged));
}

#[test]
fn an_index_made_by_scanning_is_cached_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        SourceOptions { index_cache: Some(folder.path().into()), ..SourceOptions::default() };
    let names = ["h264_opengop.ts", "parameter_sets_change.h264", "demo.mp4"];
    for name in names.into_iter().chain(names) {
        let mut video = Video::open(Source::path(clip(name)), options.clone()).unwrap();
        let whole: Vec<_> = open(name).index().unwrap().frames().collect();
        assert!(video.index().unwrap().frames().eq(whole), "{name}");
        let pixels = |video: &mut Video| moviola::frame_md5(&video.frame_at(7).unwrap().decoded);
        assert_eq!(pixels(&mut video), pixels(&mut open(name)), "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "MP4 has tables");
}

#[test]
fn tables_that_mark_every_frame_as_a_keyframe_are_not_trusted() {
    let mut bytes = std::fs::read(clip("h264_bframes.mp4")).unwrap();
    let place = bytes.windows(4).position(|window| window == b"stss").unwrap();
    bytes[place..place + 4].copy_from_slice(b"free"); // without it all samples are keyframes
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    let source = || Source::bytes("false.mp4", std::sync::Arc::clone(&bytes));
    let hash = |frame: &moviola_media::frame::Frame| moviola::frame_md5(&frame.decoded);
    let mut whole = open("h264_bframes.mp4");
    let count = i64::try_from(whole.len().unwrap()).unwrap();
    let truth: Vec<_> = whole.frames_in_range(0..count, 1).unwrap().iter().map(&hash).collect();
    let mut video = Video::open(source(), SourceOptions::default()).unwrap();
    assert_eq!(video.index().unwrap().keyframes(), whole.index().unwrap().keyframes());
    for number in (0..count).rev().step_by(5) {
        let place = usize::try_from(number).unwrap();
        assert_eq!(hash(&video.frame_at(number).unwrap()), truth[place], "{number}");
    }
    let options = SourceOptions { decoders: 4, ..SourceOptions::default() };
    let all: Vec<_> =
        FrameReader::open(source(), options).unwrap().map(|f| hash(&f.unwrap())).collect();
    assert_eq!(all, truth);
    let chosen =
        FrameReader::chosen(video, [3, 9, 40], vec![move |frame| hash(&frame); 3]).unwrap();
    let chosen: Vec<_> = chosen.map(Result::unwrap).collect();
    assert_eq!(chosen, [3, 9, 40].map(|number: usize| truth[number].clone()));
}

#[test]
fn chosen_frames_do_not_depend_on_how_groups_are_decoded() {
    let hash = |frame: &moviola_media::frame::Frame| moviola::frame_md5(&frame.decoded);
    for name in ["demo.mp4", "hevc_cra.mp4", "h264_paff_mixed.ts", "same_times.mkv"] {
        let count = open(name).len().unwrap();
        for numbers in [(0..count).collect::<Vec<_>>(), (2..count).step_by(7).collect()] {
            let truth = open(name).map_frames_at(&numbers, |_, frame| hash(frame)).unwrap();
            let truth: Vec<_> = truth.into_iter().map(Result::unwrap).collect();
            // Without memory for waiting frames, one decoder with threads is used.
            for (workers, memory) in [(1, 0), (3, 0), (3, usize::MAX)] {
                let options = SourceOptions { memory, ..SourceOptions::default() };
                let video = Video::open(Source::path(clip(name)), options).unwrap();
                let workers = vec![move |frame| hash(&frame); workers];
                let frames = FrameReader::chosen(video, numbers.clone(), workers).unwrap();
                let frames: Vec<_> = frames.map(Result::unwrap).collect();
                assert!(frames == truth, "{name}, memory {memory}");
            }
        }
    }
}
