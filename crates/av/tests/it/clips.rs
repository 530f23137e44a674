//! The clips, and decoding loops that tests share.

use std::path::{Path, PathBuf};

use moviola_av::{
    CodecParameters, Decoder, DecoderOptions, Demuxer, DemuxerOptions, Discard, MediaKind, Packet,
    Received, Sent, VideoFrame,
};

/// The path of a clip in `testdata/`.
#[track_caller]
pub(crate) fn clip(name: &str) -> String {
    let path = root().join("testdata").join(name);
    assert!(path.exists(), "testdata/{name} is missing");
    path.to_str().unwrap().to_owned()
}

/// The path of a clip in the collection beside the checkout; prints a line and returns `None` if
/// missing.
pub(crate) fn media(name: &str) -> Option<String> {
    let path = root().parent()?.join("shared/media/video").join(name);
    if path.exists() {
        return path.to_str().map(str::to_owned);
    }
    println!("skipped: no {name} beside the checkout");
    None
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn options(url: &str) -> DemuxerOptions {
    DemuxerOptions { url: url.to_owned(), ..Default::default() }
}

#[track_caller]
pub(crate) fn open(url: &str) -> Demuxer {
    Demuxer::open(options(url)).unwrap()
}

/// The first video stream that is not cover art; discards packets of the others.
#[track_caller]
pub(crate) fn video(demuxer: &mut Demuxer) -> (usize, CodecParameters) {
    let stream = demuxer
        .streams()
        .find(|s| s.kind() == MediaKind::Video && !s.disposition().is_attached_picture())
        .unwrap();
    let (index, parameters) = (stream.index(), stream.parameters().unwrap());
    for other in 0..demuxer.stream_count() {
        if other != index {
            demuxer.set_discard(other, Discard::All);
        }
    }
    (index, parameters)
}

/// Sends a packet and passes all available frames to `sink`.
#[track_caller]
pub(crate) fn feed(decoder: &mut Decoder, packet: &Packet, sink: &mut impl FnMut(VideoFrame)) {
    while decoder.send(packet).unwrap() == Sent::Full {
        drain(decoder, sink);
    }
    drain(decoder, sink);
}

/// Passes all available frames to `sink`; returns whether the decoder is drained.
#[track_caller]
pub(crate) fn drain(decoder: &mut Decoder, sink: &mut impl FnMut(VideoFrame)) -> bool {
    loop {
        match decoder.receive().unwrap() {
            Received::Frame(frame) => sink(frame),
            Received::NeedPacket => return false,
            Received::End => return true,
        }
    }
}

/// Decodes all frames of an open input's video.
#[track_caller]
pub(crate) fn decode_from(demuxer: &mut Demuxer, options: &DecoderOptions) -> Vec<VideoFrame> {
    let (index, parameters) = video(demuxer);
    let mut decoder = Decoder::open(&parameters, options).unwrap();
    let mut frames = Vec::new();
    let mut sink = |frame| frames.push(frame);
    while let Some(packet) = demuxer.read_packet().unwrap() {
        if packet.stream_index() == index {
            feed(&mut decoder, &packet, &mut sink);
        }
    }
    decoder.send_end().unwrap();
    assert!(drain(&mut decoder, &mut sink));
    frames
}

/// Decodes all frames of a clip.
#[track_caller]
pub(crate) fn decode(url: &str, options: &DecoderOptions) -> Vec<VideoFrame> {
    decode_from(&mut open(url), options)
}
