//! Tests that frames equal the ffmpeg command's, byte for byte, in presentation order and without
//! loss.

use std::process::Command;

use md5::{Digest, Md5};
use moviola_av::{DecoderOptions, Demuxer, Io, VideoFrame, decoder::ThreadKind};

use crate::clips::{clip, decode, decode_from, media, options};

/// The MD5 of the planes without padding, as `ffmpeg -f framemd5` computes it.
pub(crate) fn md5(frame: &VideoFrame) -> String {
    let mut hash = Md5::new();
    for plane in frame.planes() {
        for row in plane.iter() {
            hash.update(row);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn md5s(frames: &[VideoFrame]) -> Vec<String> {
    frames.iter().map(md5).collect()
}

/// The reference's hashes of a clip's frames; prints a line and returns `None` without a reference.
fn reference(url: &str) -> Option<Vec<String>> {
    let Ok(ffmpeg) = std::env::var("MOVIOLA_FFMPEG") else {
        println!("skipped: MOVIOLA_FFMPEG names no reference ffmpeg");
        return None;
    };
    let before = ["-v", "fatal", "-noautorotate", "-i", url, "-map", "0:v:0", "-noautoscale"];
    let after = ["-fps_mode", "passthrough", "-f", "framemd5", "-"];
    let arguments = before.iter().chain(&after);
    let output = Command::new(ffmpeg).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sums = lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned());
    Some(sums.collect())
}

#[track_caller]
fn check_clip(url: &str) {
    let Some(want) = reference(url) else { return };
    assert!(!want.is_empty(), "{url}: the reference decodes no frame");
    // Frames hidden by an edit list are decoded, but the reference does not show them.
    let mut frames = decode(url, &DecoderOptions::default());
    frames.retain(|frame| !frame.is_discard());
    assert_eq!(md5s(&frames), want, "{url}");
    let times = frames.iter().filter_map(VideoFrame::pts).collect::<Vec<_>>();
    assert!(times.is_sorted(), "{url}: {times:?}");
}

#[test]
fn own_clips_decode_as_ffmpeg_does() {
    for name in [
        "av1.mkv",
        "colorbars_bt2020_limited_10bit.mp4",
        "cues.mkv",
        "demo.mp4",
        "edit_list.mp4",
        "fragmented.mp4",
        "gray.mp4",
        "h264_422_10.mp4",
        "h264_444.mp4",
        "h264_bframes.mp4",
        "h264_intra_refresh.ts",
        "h264_mbaff.mp4",
        "h264_opengop.ts",
        "h264_paff.ts",
        "hevc_10bit.mp4",
        "hevc_cra.mp4",
        "mjpeg.avi",
        "mpeg2_field.ts",
        "mpeg4.avi",
        "negative_start.mkv",
        "prores.mov",
        "resolution_change.ts",
        "rotated_90.mp4",
        "still.jpg",
        "vp8.webm",
        "vp9.webm",
        "webm_no_cues.webm",
    ] {
        check_clip(&clip(name));
    }
}

#[test]
fn other_clips_decode_as_ffmpeg_does() {
    for name in [
        "tc_nasa_13013.mp4",
        "ax_bear-vp9-odd-dimensions.webm",
        "ax_sample_vvc.mp4",
        "av1_lossless.ivf",
        "av1_av1-1-b8-03-sizedown.ivf",
        "av1_av1-1-b8-23-film_grain-50.ivf",
        "cros_test-25fps-interlaced.h264",
        "tc_testsrc2_odd_height_and_width_mpeg2.mp4",
        "tc_discard_first_keyframe.mp4",
        "streamio_awesome_movie_vfr.mov",
        "vp80-00-comprehensive-008.ivf",
        "jvt_HPCAFL_BRCM_C.264",
        "ax_hlg10-color-test.mp4",
    ] {
        if let Some(url) = media(name) {
            check_clip(&url);
        }
    }
}

#[test]
fn threads_do_not_change_the_frames() {
    for name in ["h264_bframes.mp4", "hevc_10bit.mp4", "av1.mkv", "vp9.webm", "mpeg2_field.ts"] {
        let url = clip(name);
        let want = md5s(&decode(&url, &DecoderOptions::default()));
        for thread_kind in [ThreadKind::Frame, ThreadKind::Slice, ThreadKind::FrameOrSlice] {
            let options = DecoderOptions { threads: 4, thread_kind, ..Default::default() };
            assert_eq!(md5s(&decode(&url, &options)), want, "{name} {thread_kind:?}");
        }
    }
}

#[test]
fn byte_sources_do_not_change_the_frames() {
    type Make = fn(&str) -> Io;
    let makes: [Make; 5] = [
        |url| Io::file(std::fs::File::open(url).unwrap()).unwrap(),
        |url| Io::map(std::fs::File::open(url).unwrap()).unwrap(),
        |url| Io::bytes(std::fs::read(url).unwrap()),
        |url| Io::read_seek(std::fs::File::open(url).unwrap()),
        |url| Io::read(std::fs::File::open(url).unwrap()),
    ];
    for name in ["fragmented.mp4", "cues.mkv", "mpeg2_field.ts", "mpeg4.avi"] {
        let url = clip(name);
        let want = md5s(&decode(&url, &DecoderOptions::default()));
        for (index, make) in makes.into_iter().enumerate() {
            let io = make(&url);
            let counters = io.counters();
            let mut demuxer =
                Demuxer::open(moviola_av::DemuxerOptions { io: Some(io), ..options(&url) })
                    .unwrap();
            let frames = decode_from(&mut demuxer, &DecoderOptions::default());
            assert_eq!(md5s(&frames), want, "{name} from byte source {index}");
            let len = std::fs::metadata(&url).unwrap().len();
            assert!(counters.bytes_read() >= len / 2, "{name}: {counters:?}");
            assert_eq!(demuxer.io_counters().unwrap().reads(), counters.reads());
        }
    }
}
