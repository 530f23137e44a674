//! A software decoder that takes over gives the same frames. What needs a device uses Vulkan's,
//! which may be a software one that decodes no video: then everything must fall back.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use moviola_av::{
    codec::Codec,
    decoder::{DecoderOptions, Received, Sent},
    demuxer::{Demuxer, DemuxerOptions},
    frame::VideoFrame,
    packet::Packet,
    parameters::CodecParameters,
};

use super::{PacketDecoder, StreamDecoder};
use crate::{
    hardware::{Hardware, HwKind, Hwaccel},
    input::{OpenInput, Purpose, VideoStream},
    keyframes::KeyframeReader,
    source::{Source, SourceOptions, VideoChoice},
};

fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// The keyframes of a clip, and why they were decoded in software.
#[track_caller]
fn keyframes(name: &str, hwaccel: Hwaccel, decoders: usize) -> (Vec<VideoFrame>, Option<String>) {
    let options = SourceOptions { hwaccel, decoders, ..SourceOptions::default() };
    let input = OpenInput::open(Source::path(clip(name)), options, Purpose::Video).unwrap();
    let hardware = Arc::clone(input.hardware());
    let workers = (0..decoders).map(|_| |keyframe| keyframe).collect();
    let reader = KeyframeReader::start(input, workers).unwrap();
    let frames = reader.map(|keyframe| keyframe.unwrap().decoded).collect();
    (frames, hardware.fallback().map(str::to_owned))
}

#[track_caller]
fn assert_same(got: &[VideoFrame], want: &[VideoFrame], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (number, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!((got.format(), got.pts()), (want.format(), want.pts()), "{what}: {number}");
        let same = got.planes().zip(want.planes()).all(|(got, want)| got.iter().eq(want.iter()));
        assert!(same, "{what}: frame {number} differs");
    }
}

#[test]
fn keyframes_are_the_same_on_any_device() {
    for name in
        ["h264_trial.mp4", "h264_opengop.ts", "hevc_10bit.mp4", "av1.mkv", "damaged_keyframe.mp4"]
    {
        let (want, none) = keyframes(name, Hwaccel::None, 1);
        assert_eq!(none, None);
        for hwaccel in [Hwaccel::Auto].into_iter().chain(HwKind::ALL.map(Hwaccel::Kind)) {
            for decoders in [1, 3] {
                let (got, _) = keyframes(name, hwaccel, decoders);
                assert_same(&got, &want, &format!("{name}, {hwaccel}, {decoders} decoders"));
            }
        }
    }
}

/// A clip's stream and the packets of its video.
#[track_caller]
fn packets(name: &str) -> (Arc<CodecParameters>, Vec<Packet>) {
    let url = clip(name).to_str().unwrap().to_owned();
    let mut demuxer = Demuxer::open(DemuxerOptions { url, ..Default::default() }).unwrap();
    demuxer.find_stream_info().unwrap();
    let video = VideoStream::pick(&demuxer, VideoChoice::Best).unwrap().unwrap();
    let all = std::iter::from_fn(|| demuxer.read_packet().unwrap());
    (video.parameters, all.filter(|packet| packet.stream_index() == video.index).collect())
}

/// Every frame of the packets.
#[track_caller]
fn decode(decoder: &mut StreamDecoder, packets: &[Packet]) -> Vec<VideoFrame> {
    let mut frames = Vec::new();
    let mut drain = |decoder: &mut StreamDecoder| {
        loop {
            match decoder.receive().unwrap() {
                Received::Frame(frame) => frames.push(frame),
                Received::NeedPacket | Received::End => return,
            }
        }
    };
    for packet in packets {
        while decoder.send(packet).unwrap() == Sent::Full {
            drain(decoder);
        }
        drain(decoder);
    }
    decoder.send_end().unwrap();
    drain(decoder);
    frames
}

/// A stream's choice with Vulkan's device; `None`, and a line of output, if there is none.
fn vulkan(codec: Codec) -> Option<Arc<Hardware>> {
    let hardware = Hardware::choose(Hwaccel::Kind(HwKind::Vulkan), codec);
    match hardware.fallback() {
        None => Some(hardware),
        Some(reason) => {
            println!("skipped: {reason}");
            None
        }
    }
}

#[test]
fn software_goes_on_where_the_device_failed() {
    for name in ["h264_bframes.mp4", "hevc_cra.mp4", "av1.mkv", "vp9.webm", "mpeg4.avi"] {
        let (parameters, packets) = packets(name);
        let options = DecoderOptions { threads: 2, ..Default::default() };
        let mut software = StreamDecoder::open(&parameters, &options, &Hardware::none()).unwrap();
        let want = decode(&mut software, &packets);
        let Some(hardware) = vulkan(parameters.codec()) else { continue };
        let mut decoder = StreamDecoder::open(&parameters, &options, &hardware).unwrap();
        assert_same(&decode(&mut decoder, &packets), &want, name);
        // And from the start again, as after a seek.
        decoder.flush();
        assert_same(&decode(&mut decoder, &packets), &want, name);
    }
}

#[test]
fn a_device_that_decodes_no_video_is_used_once() {
    let Some(hardware) = vulkan(Codec::AV1) else { return };
    let (parameters, packets) = packets("av1.mkv");
    let options = DecoderOptions::default();
    let mut first = StreamDecoder::open(&parameters, &options, &hardware).unwrap();
    assert_eq!(first.name(), "av1", "the decoder that takes devices");
    decode(&mut first, &packets[..2]);
    if first.name() == "av1" {
        println!("skipped: this device decodes AV1");
        return;
    }
    assert!(hardware.device().is_none());
    assert!(hardware.fallback().unwrap().starts_with("vulkan: "));
    let second = StreamDecoder::open(&parameters, &options, &hardware).unwrap();
    assert_eq!((first.name(), second.name()), ("libdav1d", "libdav1d"));
}

#[test]
fn damage_is_no_failure_of_the_device() {
    let Some(hardware) = vulkan(Codec::AV1) else { return };
    let (parameters, _) = packets("av1.mkv");
    let options = DecoderOptions::default();
    let mut decoder = StreamDecoder::open(&parameters, &options, &hardware).unwrap();
    let broken = Packet::from_data(&[0x12, 0x00, 0x0a, 0x01, 0xff, 0x32, 0x01, 0xff]).unwrap();
    let sent = decoder.send(&broken).and_then(|_| decoder.receive().map(drop));
    assert!(sent.unwrap_err().is_corrupt());
    assert_eq!(hardware.fallback(), None);
}
