//! Tests of demuxers: properties of containers, indexes, seeking, errors, options.

use std::time::Duration;

use moviola_av::{
    Demuxer, DemuxerOptions, Error, Io, MediaKind, SeekDirection, codec::Codec, demuxer::Limits,
    error::ErrorKind, stream::Stream,
};

use crate::clips::{clip, decode, media, open, options, video};

#[track_caller]
fn video_stream(demuxer: &Demuxer) -> Stream<'_> {
    demuxer.streams().find(|stream| stream.kind() == MediaKind::Video).unwrap()
}

#[test]
fn properties_of_a_container_are_read() {
    let demuxer = open(&clip("h264_bframes.mp4"));
    assert_eq!(demuxer.format_name(), "mov,mp4,m4a,3gp,3g2,mj2");
    assert_eq!((demuxer.stream_count(), demuxer.streams().len()), (2, 2));
    assert!(demuxer.duration_us().is_some_and(|us| us > 1_000_000));
    assert_eq!(demuxer.start_time_us(), Some(0));
    let stream = video_stream(&demuxer);
    let parameters = stream.parameters().unwrap();
    assert_eq!((parameters.codec(), parameters.codec_name()), (Codec::H264, "h264"));
    assert_eq!((parameters.width(), parameters.height()), (320, 180));
    assert_eq!(&parameters.codec_tag(), b"avc1");
    assert_eq!(parameters.extradata()[0], 1, "avcC begins with its version");
    assert!(parameters.has_decoder() && !parameters.is_intra_only());
    assert!(!parameters.is_encrypted() && !stream.disposition().is_attached_picture());
    assert_eq!(stream.average_frame_rate(), Some((25, 1)));
    assert_eq!((stream.start_pts(), stream.display_matrix()), (Some(0), Ok(None)));
    assert_eq!(stream.frame_count(), Some(u64::try_from(stream_packets(&demuxer)).unwrap()));
    assert_eq!(demuxer.stream(7).map(|stream| stream.index()), None);
    assert!(demuxer.metadata().get("major_brand").is_some());
}

fn stream_packets(demuxer: &Demuxer) -> usize {
    demuxer.index_entries(video_stream(demuxer).index()).count()
}

#[test]
fn rotations_are_read_from_the_container() {
    let matrix = |name: &str| {
        let demuxer = open(&clip(name));
        video_stream(&demuxer).display_matrix().unwrap().map(|m| [m[0], m[1], m[3], m[4]])
    };
    const ONE: i32 = 1 << 16;
    assert_eq!(matrix("h264_bframes.mp4"), None);
    assert_eq!(matrix("rotated_180.mp4"), Some([-ONE, 0, 0, -ONE]));
    assert_eq!(matrix("rotated_90.mp4").map(|m| m[0]), Some(0));
    assert_eq!(matrix("rotated_90.mp4").map(|m| m.map(|n| -n)), matrix("rotated_270.mp4"));
}

#[test]
fn pixels_need_not_be_square() {
    let demuxer = open(&clip("sar_2x1.mp4"));
    let stream = video_stream(&demuxer);
    assert_eq!(stream.sample_aspect_ratio(), Some((2, 1)));
}

#[test]
fn cover_art_is_recognised() {
    let demuxer = open(&clip("cover_art_only.mp3"));
    assert!(video_stream(&demuxer).disposition().is_attached_picture());
}

#[test]
fn encryption_is_recognised() {
    let mut bytes = std::fs::read(clip("demo.mp4")).unwrap();
    let sample_entry = bytes.windows(4).position(|window| window == b"avc1").unwrap();
    // The file's brands contain the name too, before the sample entry.
    let next = bytes[sample_entry + 4..].windows(4).position(|window| window == b"avc1").unwrap();
    let place = sample_entry + 4 + next;
    bytes[place..place + 4].copy_from_slice(b"encv");
    let io = Some(Io::bytes(bytes));
    let demuxer = Demuxer::open(DemuxerOptions { io, ..options("encrypted.mp4") }).unwrap();
    assert!(video_stream(&demuxer).parameters().unwrap().is_encrypted());
    if let Some(url) = media("ax_sample_fragmented_clearkey.mp4") {
        check_error(&url, ErrorKind::Corrupt, "Invalid data");
    }
}

#[test]
fn stream_info_finds_what_a_transport_streams_header_lacks() {
    let mut demuxer = open(&clip("mpeg2_field.ts"));
    let before = video_stream(&demuxer).parameters().unwrap();
    demuxer.find_stream_info().unwrap();
    let parameters = video_stream(&demuxer).parameters().unwrap();
    assert_eq!((before.width(), parameters.width(), parameters.height()), (0, 352, 288));
    assert!(parameters.pixel_format().is_some() && demuxer.may_jump());
    // The packets read by it are returned again.
    let first = demuxer.read_packet().unwrap().unwrap();
    assert!(first.is_key() || first.stream_index() != video_stream(&demuxer).index());
}

#[test]
fn an_index_lists_every_keyframe() {
    let mut demuxer = open(&clip("h264_bframes.mp4"));
    let (index, _) = video(&mut demuxer);
    let entries = demuxer.index_entries(index).collect::<Vec<_>>();
    let mut keys = entries.iter().filter(|entry| entry.keyframe);
    while let Some(packet) = demuxer.read_packet().unwrap() {
        if packet.is_key() && packet.stream_index() == index {
            let entry = keys.next().unwrap();
            assert_eq!(Some(entry.position), packet.position());
            assert_eq!((entry.timestamp, entry.size as usize), (packet.dts(), packet.data().len()));
        }
    }
    assert_eq!(keys.next(), None);
    assert_eq!(demuxer.index_entries(99).count(), 0);
}

#[test]
fn seeks_land_on_the_keyframe_before_or_after() {
    for name in ["h264_bframes.mp4", "cues.mkv"] {
        let mut demuxer = open(&clip(name));
        let (index, _) = video(&mut demuxer);
        let keys = std::iter::from_fn(|| demuxer.read_packet().unwrap())
            .filter(|packet| packet.stream_index() == index && packet.is_key())
            .filter_map(|packet| packet.pts())
            .collect::<Vec<_>>();
        let (second, third) = (keys[1], keys[2]);
        let between = (second + third) / 2;
        for (direction, want) in
            [(SeekDirection::Backward, second), (SeekDirection::Forward, third)]
        {
            demuxer.seek(index, between, direction).unwrap();
            let packet = std::iter::from_fn(|| demuxer.read_packet().unwrap())
                .find(|packet| packet.stream_index() == index)
                .unwrap();
            assert_eq!((packet.pts(), packet.is_key()), (Some(want), true), "{name}");
        }
        let missing = demuxer.seek(99, 0, SeekDirection::Any);
        assert!(matches!(missing, Err(Error::InvalidArgument { .. })));
    }
}

#[test]
fn a_transport_stream_is_seeked_by_bytes() {
    let mut demuxer = open(&clip("mpeg2_field.ts"));
    demuxer.seek_bytes(188 * 300).unwrap();
    let packet = demuxer.read_packet().unwrap().unwrap();
    assert!(packet.position().is_some_and(|position| position >= 188 * 300), "{packet:?}");
}

#[test]
fn the_end_is_reported_again() {
    let mut demuxer = open(&clip("fragmented.mp4"));
    while demuxer.read_packet().unwrap().is_some() {}
    assert!(demuxer.read_packet().unwrap().is_none());
}

#[test]
fn a_packet_can_be_reused() {
    let mut demuxer = open(&clip("fragmented.mp4"));
    let want = std::iter::from_fn(|| demuxer.read_packet().unwrap())
        .map(|packet| packet.data().to_vec())
        .collect::<Vec<_>>();
    let mut demuxer = open(&clip("fragmented.mp4"));
    let mut packet = moviola_av::Packet::new().unwrap();
    let mut got = Vec::new();
    while demuxer.read_into(&mut packet).unwrap() {
        got.push(packet.data().to_vec());
    }
    assert!(got == want && packet.data().is_empty());
}

#[track_caller]
fn check_error(url: &str, kind: ErrorKind, words: &str) {
    let error = Demuxer::open(options(url)).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn other_files_are_errors_with_a_reason() {
    check_error(&clip("not_media.mp4"), ErrorKind::Corrupt, "Invalid data");
    check_error(&clip("moov_missing.mp4"), ErrorKind::Corrupt, "Invalid data");
    check_error(&clip("empty.mp4"), ErrorKind::Corrupt, "Invalid data");
    check_error("no/such/file.mp4", ErrorKind::NotFound, "No such file");
    check_error(env!("CARGO_MANIFEST_DIR"), ErrorKind::Io, "directory");
    check_error("zero\0byte", ErrorKind::InvalidArgument, "zero byte");
    check_error("nosuchprotocol://host/file", ErrorKind::Unsupported, "Protocol not found");
}

#[test]
fn a_name_with_a_colon_is_a_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("12:30.mp4");
    std::fs::copy(clip("demo.mp4"), &path).unwrap();
    assert_eq!(open(path.to_str().unwrap()).stream_count(), 1);
    // With `file:`, FFmpeg's own syntax works too.
    let script = format!("file:{}", path.to_str().unwrap());
    assert_eq!(open(&script).stream_count(), 1);
}

#[test]
fn numbered_images_are_one_input() {
    let dir = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        std::fs::copy(clip("still.jpg"), dir.path().join(format!("{number:03}.jpg"))).unwrap();
    }
    let pattern = dir.path().join("%03d.jpg");
    assert_eq!(decode(pattern.to_str().unwrap(), &Default::default()).len(), 3);
}

#[test]
fn the_format_can_be_specified() {
    let named = |format: &str| {
        let format = Some(format.to_owned());
        Demuxer::open(DemuxerOptions { format, ..options(&clip("mpeg2_field.ts")) })
    };
    assert_eq!(named("mpegts").unwrap().format_name(), "mpegts");
    assert!(matches!(named("no_such_format"), Err(Error::InvalidArgument { .. })));
}

#[test]
fn unknown_options_are_an_error() {
    let open = |names: &[(&str, &str)]| {
        let given = names.iter().copied().collect();
        Demuxer::open(DemuxerOptions { options: given, ..options(&clip("demo.mp4")) }).map(drop)
    };
    assert_eq!(open(&[("ignore_editlist", "1")]), Ok(()));
    let names = vec!["no_such_option".to_owned()];
    let unused = open(&[("ignore_editlist", "1"), ("no_such_option", "1")]);
    assert_eq!(unused, Err(Error::UnusedOptions { names }));
    let whitelist = open(&[("protocol_whitelist", "http")]);
    assert!(matches!(whitelist, Err(Error::InvalidArgument { .. })));
}

#[test]
fn streams_and_probing_are_limited() {
    let limits = Limits { max_streams: 1, ..Default::default() };
    let opened = Demuxer::open(DemuxerOptions { limits, ..options(&clip("h264_bframes.mp4")) });
    assert!(opened.is_err(), "{opened:?}");
    let limits = Limits {
        max_analyze_bytes: 2000,
        max_analyze_duration: Some(Duration::from_millis(10)),
        ..Default::default()
    };
    let mut demuxer =
        Demuxer::open(DemuxerOptions { limits, ..options(&clip("mpeg2_field.ts")) }).unwrap();
    assert_eq!(demuxer.find_stream_info(), Ok(()));
}

#[test]
fn parameters_outlive_the_demuxer() {
    let mut demuxer = open(&clip("demo.mp4"));
    demuxer.find_stream_info().unwrap();
    let parameters = video_stream(&demuxer).parameters().unwrap();
    drop(demuxer);
    let copy = parameters.try_clone().unwrap();
    assert_eq!(copy.extradata(), parameters.extradata());
    assert!(parameters.profile().is_some() && parameters.level().is_some());
}
