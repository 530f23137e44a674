//! Tests of video decoders: results, draining, flushing, damage, limits.

use moviola_av::{
    CodecParameters, Decoder, DecoderOptions, Discard, Error, Packet, PixelFormat, Received, Sent,
    TimeBase, VideoFrame, decoder::Concealment, frame::PictureType,
};

use crate::{
    clips::{clip, decode, drain, feed, open, video},
    conformance::{md5, md5s},
};

/// The parameters and packets of a clip's video.
fn packets(name: &str) -> (CodecParameters, Vec<Packet>) {
    let mut demuxer = open(&clip(name));
    let (index, parameters) = video(&mut demuxer);
    let all = std::iter::from_fn(|| demuxer.read_packet().unwrap());
    (parameters, all.filter(|packet| packet.stream_index() == index).collect())
}

fn decoder(parameters: &CodecParameters) -> Decoder {
    Decoder::open(parameters, &DecoderOptions::default()).unwrap()
}

/// Sends all packets and drains the decoder.
#[track_caller]
fn run(decoder: &mut Decoder, packets: &[Packet]) -> Vec<VideoFrame> {
    let mut frames = Vec::new();
    let mut sink = |frame| frames.push(frame);
    for packet in packets {
        feed(decoder, packet, &mut sink);
    }
    decoder.send_end().unwrap();
    assert!(drain(decoder, &mut sink));
    frames
}

#[test]
fn draining_returns_every_frame() {
    for name in ["h264_bframes.mp4", "hevc_cra.mp4", "mpeg4.avi", "vp9.webm", "av1.mkv"] {
        for threads in [1, 3] {
            let (parameters, packets) = packets(name);
            let options = DecoderOptions { threads, ..Default::default() };
            let mut decoder = Decoder::open(&parameters, &options).unwrap();
            let frames = run(&mut decoder, &packets);
            let shown = packets.len() - usize::from(name == "vp9.webm") * hidden(&packets);
            assert_eq!(frames.len(), shown, "{name}, {threads} threads");
            assert!(matches!(decoder.receive(), Ok(Received::End)));
        }
    }
}

/// The number of VP9 packets without a shown frame.
fn hidden(packets: &[Packet]) -> usize {
    packets.iter().filter(|packet| packet.data().len() == 1).count()
}

#[test]
fn a_full_decoder_loses_nothing() {
    let (parameters, packets) = packets("mjpeg.avi");
    let mut decoder = decoder(&parameters);
    let mut frames = 0;
    let mut was_full = false;
    for packet in &packets {
        while decoder.send(packet).unwrap() == Sent::Full {
            was_full = true;
            assert!(matches!(decoder.receive(), Ok(Received::Frame(_))));
            frames += 1;
        }
    }
    decoder.send_end().unwrap();
    drain(&mut decoder, &mut |_| frames += 1);
    assert!(was_full);
    assert_eq!(frames, packets.len());
}

#[test]
fn a_new_decoder_needs_a_packet() {
    let (parameters, _) = packets("h264_bframes.mp4");
    let mut decoder = decoder(&parameters);
    assert!(matches!(decoder.receive(), Ok(Received::NeedPacket)));
    decoder.send_end().unwrap();
    decoder.send_end().unwrap();
    assert!(matches!(decoder.receive(), Ok(Received::End)));
}

#[test]
fn more_frames_can_be_held_back() {
    let (parameters, packets) = packets("h264_bframes.mp4");
    let packets_before_first_frame = |reorder_delay| {
        let options = DecoderOptions { reorder_delay, ..Default::default() };
        let mut decoder = Decoder::open(&parameters, &options).unwrap();
        let sent = packets.iter().position(|packet| {
            assert_eq!(decoder.send(packet), Ok(Sent::Accepted));
            matches!(decoder.receive(), Ok(Received::Frame(_)))
        });
        (sent.unwrap(), decoder.reorder_delay())
    };
    let (default, delay) = packets_before_first_frame(0);
    let (later, max_delay) = packets_before_first_frame(15);
    assert!(
        delay > 0 && later > default && max_delay == 15,
        "{default} {delay}, {later} {max_delay}"
    );
}

#[test]
fn packets_after_the_end_are_refused_until_a_flush() {
    let (parameters, packets) = packets("h264_bframes.mp4");
    let mut decoder = decoder(&parameters);
    let want = md5s(&run(&mut decoder, &packets));
    assert!(matches!(decoder.send(&packets[0]), Err(Error::InvalidArgument { .. })));
    decoder.flush();
    assert_eq!(md5s(&run(&mut decoder, &packets)), want);
}

#[test]
fn a_flush_discards_all_earlier_frames() {
    for name in ["h264_bframes.mp4", "hevc_cra.mp4", "hevc_10bit.mp4", "av1.mkv", "vp9.webm"] {
        for (threads, ended) in [(1, false), (1, true), (3, false), (3, true)] {
            let (parameters, packets) = packets(name);
            let options = DecoderOptions { threads, ..Default::default() };
            let mut decoder = Decoder::open(&parameters, &options).unwrap();
            let want = md5s(&run(&mut decoder, &packets));
            decoder.flush();
            for packet in &packets[..8] {
                while decoder.send(packet).unwrap() == Sent::Full {
                    let _ = decoder.receive().unwrap();
                }
            }
            if ended {
                decoder.send_end().unwrap();
            }
            decoder.flush();
            let got = md5s(&run(&mut decoder, &packets));
            assert_eq!(got, want, "{name}, {threads} threads, ended: {ended}");
        }
    }
}

#[test]
fn an_empty_packet_does_not_end_the_stream() {
    let (parameters, packets) = packets("h264_bframes.mp4");
    let mut decoder = decoder(&parameters);
    assert_eq!(decoder.send(&Packet::new().unwrap()), Ok(Sent::Accepted));
    assert_eq!(decoder.send(&Packet::from_data(&[]).unwrap()), Ok(Sent::Accepted));
    assert_eq!(run(&mut decoder, &packets).len(), packets.len());
}

#[test]
fn a_tag_is_returned_on_the_frame_of_its_packet() {
    for name in ["h264_bframes.mp4", "av1.mkv", "hevc_cra.mp4", "mpeg2_field.ts"] {
        let (parameters, mut packets) = packets(name);
        for (tag, packet) in packets.iter_mut().enumerate() {
            packet.set_tag(i64::try_from(tag).unwrap() - 5);
        }
        let of_pts = |pts| packets.iter().find(|p| p.pts() == pts).map(Packet::tag);
        for threads in [1, 2] {
            let options = DecoderOptions { threads, ..Default::default() };
            let mut decoder = Decoder::open(&parameters, &options).unwrap();
            for frame in run(&mut decoder, &packets) {
                assert_eq!(Some(frame.tag()), of_pts(frame.raw_pts()), "{name}: {frame:?}");
            }
        }
    }
}

#[test]
fn damaged_packets_are_errors_and_others_are_decoded() {
    let (parameters, packets) = packets("h264_bframes.mp4");
    let mut decoder = decoder(&parameters);
    let (mut frames, mut errors) = (0, 0);
    for (index, packet) in packets.iter().enumerate() {
        let mut bytes = packet.data().to_vec();
        if index % 5 == 2 {
            bytes.fill(0xff);
        }
        let mut damaged = Packet::from_data(&bytes).unwrap();
        damaged.copy_properties_from(packet).unwrap();
        loop {
            match decoder.send(&damaged) {
                Ok(Sent::Accepted) => break,
                Ok(Sent::Full) => {}
                Err(error) => {
                    assert!(error.is_corrupt(), "{error}");
                    errors += 1;
                    break;
                }
            }
            frames += count(&mut decoder);
        }
        frames += count(&mut decoder);
    }
    decoder.send_end().unwrap();
    frames += count(&mut decoder);
    assert!(errors > 5 && frames > packets.len() / 2, "{errors} errors, {frames} frames");
}

fn count(decoder: &mut Decoder) -> usize {
    let mut frames = 0;
    loop {
        match decoder.receive() {
            Ok(Received::Frame(_)) => frames += 1,
            Ok(_) => return frames,
            Err(error) => assert!(error.is_corrupt(), "{error}"),
        }
    }
}

#[test]
fn random_bytes_never_crash_a_decoder() {
    let mut seed = 1_u32;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    for name in
        ["h264_bframes.mp4", "hevc_cra.mp4", "vp8.webm", "av1.mkv", "mjpeg.avi", "prores.mov"]
    {
        let (parameters, packets) = packets(name);
        let mut decoder = decoder(&parameters);
        for packet in packets.iter().cycle().take(60) {
            let mut bytes = packet.data().to_vec();
            for _ in 0..8 {
                let place = usize::from(random()) * bytes.len() / 256;
                bytes[place] = random();
            }
            let damaged = Packet::from_data(&bytes).unwrap();
            while matches!(decoder.send(&damaged), Ok(Sent::Full)) {
                count(&mut decoder);
            }
            count(&mut decoder);
        }
    }
}

#[test]
fn damage_in_a_keyframe_is_marked() {
    let frames = decode(&clip("damaged_keyframe.mp4"), &DecoderOptions::default());
    let corrupt = frames.iter().filter(|frame| frame.is_corrupt()).count();
    assert!(corrupt > 0);
    let damaged = frames.iter().find(|frame| !frame.decode_errors().is_empty()).unwrap();
    assert!(damaged.decode_errors().is_concealed() || damaged.decode_errors().has_damaged_slices());
    assert!(!frames[0].is_corrupt());
    let off = DecoderOptions { concealment: Concealment::Off, ..Default::default() };
    let bare = decode(&clip("damaged_keyframe.mp4"), &off);
    assert_eq!(md5(&bare[0]), md5(&frames[0]));
    assert!(!bare.iter().any(|frame| frame.decode_errors().is_concealed()));
}

#[test]
fn keyframes_decoded_alone_have_the_same_pixels() {
    for name in ["h264_bframes.mp4", "hevc_10bit.mp4", "av1.mkv", "mpeg4.avi", "vp8.webm"] {
        let all = decode(&clip(name), &DecoderOptions::default());
        let options = DecoderOptions { skip_frame: Discard::NonKey, ..Default::default() };
        let keys = decode(&clip(name), &options);
        let want = all.iter().filter(|frame| frame.is_key());
        assert!(keys.len() > 1 && keys.len() < all.len(), "{name}: {}", keys.len());
        assert!(keys.iter().map(md5).eq(want.map(md5)), "{name}");
        assert!(keys.iter().all(|key| key.picture_type() != PictureType::Predicted), "{name}");
    }
}

#[test]
fn skipping_can_be_changed_if_the_decoder_supports_it() {
    let (parameters, packets) = packets("h264_bframes.mp4");
    let mut h264 = decoder(&parameters);
    assert!(h264.set_skip_frame(Discard::NonKey));
    h264.set_skip_loop_filter(Discard::NonReference);
    assert_eq!(run(&mut h264, &packets).len(), 7);
    let (parameters, _) = self::packets("av1.mkv");
    let mut av1 = decoder(&parameters);
    if av1.name() == "libdav1d" {
        assert!(!av1.set_skip_frame(Discard::NonKey));
    }
}

#[test]
fn frame_threads_are_reported() {
    let (parameters, _) = packets("h264_bframes.mp4");
    assert_eq!(decoder(&parameters).frame_threads(), 1);
    let options = DecoderOptions { threads: 3, ..Default::default() };
    assert_eq!(Decoder::open(&parameters, &options).unwrap().frame_threads(), 3);
    let none = DecoderOptions { threads: 0, ..Default::default() };
    assert_eq!(Decoder::open(&parameters, &none).unwrap().frame_threads(), 1);
}

#[test]
fn frames_over_the_limit_are_an_error() {
    for name in ["h264_bframes.mp4", "av1.mkv", "resolution_change.ts", "vp8.webm"] {
        let (parameters, packets) = packets(name);
        let mut demuxer = open(&clip(name));
        demuxer.find_stream_info().unwrap();
        let (_, known) = video(&mut demuxer);
        let pixels = u64::from(known.width()) * u64::from(known.height());
        let options = |max| DecoderOptions { max_pixels: Some(max), ..Default::default() };
        let limit = |result| matches!(result, Err(Error::Limit { got, .. }) if got >= pixels);
        assert!(limit(Decoder::open(&known, &options(pixels - 1)).map(drop)), "{name}");
        if parameters.width() == 0 {
            // Only the bitstream has the size.
            let mut decoder = Decoder::open(&parameters, &options(pixels - 1)).unwrap();
            let over = packets.iter().any(|packet| {
                limit(decoder.send(packet).map(drop)) || limit(decoder.receive().map(drop))
            });
            assert!(over, "{name}");
        }
        assert!(Decoder::open(&known, &options(pixels)).is_ok());
    }
}

#[test]
fn a_frame_exactly_at_the_limit_is_decoded() {
    let (parameters, packets) = packets("vp9.webm");
    let pixels = u64::from(parameters.width()) * u64::from(parameters.height());
    let options = DecoderOptions { max_pixels: Some(pixels), ..Default::default() };
    let mut decoder = Decoder::open(&parameters, &options).unwrap();
    assert!(!run(&mut decoder, &packets).is_empty());
}

#[test]
fn declared_sizes_over_the_limit_are_an_error() {
    for name in ["huge_header.avi", "huge_header.ivf"] {
        let mut demuxer = open(&clip(name));
        let (_, parameters) = video(&mut demuxer);
        let opened = Decoder::open(&parameters, &DecoderOptions::default());
        assert!(matches!(opened, Err(Error::Limit { got: 4_294_836_225, .. })), "{opened:?}");
        let probed = demuxer.find_stream_info();
        assert!(matches!(probed, Err(Error::Limit { got: 4_294_836_225, .. })), "{probed:?}");
    }
}

#[test]
fn unknown_options_are_an_error() {
    let (parameters, _) = packets("h264_bframes.mp4");
    let options = DecoderOptions {
        options: [("no_such_option", "1")].into_iter().collect(),
        ..Default::default()
    };
    let opened = Decoder::open(&parameters, &options).map(drop);
    assert_eq!(opened, Err(Error::UnusedOptions { names: vec!["no_such_option".into()] }));
    let options = DecoderOptions { decoder: Some("no_such_decoder".into()), ..Default::default() };
    let opened = Decoder::open(&parameters, &options).map(drop);
    assert_eq!(opened, Err(Error::NoDecoder { codec: "no_such_decoder".into() }));
}

#[test]
fn a_video_decoder_refuses_audio() {
    let demuxer = open(&clip("audio_only.m4a"));
    let parameters = demuxer.stream(0).unwrap().parameters().unwrap();
    let opened = Decoder::open(&parameters, &DecoderOptions::default());
    assert!(matches!(opened, Err(Error::InvalidArgument { .. })));
    assert_eq!((parameters.sample_rate(), parameters.channels()), (48_000, 1));
}

#[test]
fn durations_are_in_the_streams_ticks() {
    let demuxer = open(&clip("h264_bframes.mp4"));
    let stream = demuxer.streams().find(|s| s.parameters().unwrap().width() > 0).unwrap();
    let options = DecoderOptions { time_base: stream.time_base(), ..Default::default() };
    assert!(options.time_base.is_some_and(|base: TimeBase| base.den() > 25));
    let frames = decode(&clip("h264_bframes.mp4"), &options);
    let step = frames[1].pts().unwrap() - frames[0].pts().unwrap();
    assert_eq!(frames[0].duration(), Some(step));
}

#[test]
fn frames_have_their_properties() {
    let first = |name: &str| decode(&clip(name), &DecoderOptions::default()).swap_remove(0);
    assert!(
        first("h264_mbaff.mp4").is_interlaced() && first("h264_mbaff.mp4").is_top_field_first()
    );
    assert!(!first("demo.mp4").is_interlaced());
    assert_eq!(first("demo.mp4").color().matrix.name(), "bt709");
    assert_eq!(first("demo.mp4").color().range.name(), "limited");
    assert_eq!(first("colorbars_bt601_full.mp4").color().range.name(), "full");
    assert_eq!(first("colorbars_bt2020_limited_10bit.mp4").color().primaries.name(), "bt2020");
    assert_eq!(first("gray.mp4").format(), PixelFormat::GRAY8);
    assert_eq!(first("hevc_10bit.mp4").format(), PixelFormat::YUV420P10);
    assert_eq!(first("sar_2x1.mp4").sample_aspect_ratio(), Some((2, 1)));
    assert!(first("still.jpg").format().is_full_range());
}
