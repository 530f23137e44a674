//! Decoding all frames of a clip with moviola-av's demuxer and decoder.

use std::path::Path;

use md5::{Digest, Md5};
use moviola_av::{
    decoder::{Decoder, DecoderOptions, Received, Sent},
    demuxer::{Demuxer, DemuxerOptions},
    error::{Error, Result},
    frame::VideoFrame,
    packet::Packet,
};
use moviola_media::{
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
};

use crate::reference::{Decoded, Frame};

/// The index of the video stream that readers select, or the message if there is none.
pub fn video_stream(clip: &Path) -> std::result::Result<usize, String> {
    OpenInput::open(Source::path(clip), SourceOptions::default(), Purpose::Video)
        .map(|input| input.video().expect("it has video").index)
        .map_err(|error| error.to_string())
}

/// Decodes all frames of a stream in order. Damaged packets are skipped, as in the ffmpeg command.
///
/// # Errors
///
/// If the clip or its decoder can't be opened.
pub fn all_frames(clip: &Path, stream: usize) -> Result<Decoded> {
    let mut frames = Vec::new();
    let time_base = each_frame(clip, stream, |frame| {
        frames.push(Frame { pts: frame.pts().unwrap_or(i64::MIN), md5: moviola::frame_md5(frame) });
    })?;
    Ok(Decoded { time_base, frames })
}

/// The presentation times of all frames of a stream in ticks, in decoder output order; `None` for
/// frames without one.
///
/// # Errors
///
/// If the clip or its decoder can't be opened.
pub fn all_times(clip: &Path, stream: usize) -> Result<Vec<Option<i64>>> {
    let mut times = Vec::new();
    each_frame(clip, stream, |frame| times.push(frame.pts()))?;
    Ok(times)
}

/// The hashes of all frames of the first video stream in the two published forms: of the planes as
/// decoded, and of the planes converted to NV12.
///
/// # Errors
///
/// If the clip or its decoder can't be opened.
pub fn published_hashes(clip: &Path) -> Result<[Vec<String>; 2]> {
    let (mut planar, mut nv12) = (Vec::new(), Vec::new());
    each_frame(clip, 0, |frame| {
        planar.push(moviola::frame_md5(frame));
        nv12.push(md5_as_nv12(frame));
    })?;
    Ok([planar, nv12])
}

/// Calls `see` with each frame; returns the time base as a fraction of a second.
fn each_frame(clip: &Path, stream: usize, mut see: impl FnMut(&VideoFrame)) -> Result<(i64, i64)> {
    let mut demuxer = Demuxer::open(DemuxerOptions {
        url: clip.to_string_lossy().into_owned(),
        ..DemuxerOptions::default()
    })?;
    demuxer.find_stream_info()?;
    let Some(found) = demuxer.stream(stream) else { return Ok((0, 1)) };
    let (parameters, base) = (found.parameters()?, found.time_base());
    let options = DecoderOptions { time_base: base, ..DecoderOptions::default() };
    let mut decoder = Decoder::open(&parameters, &options)?;
    while let Some(packet) = next_packet(&mut demuxer) {
        if packet.stream_index() == stream {
            feed(&mut decoder, &packet, &mut see);
        }
    }
    decoder.send_end()?;
    receive_all(&mut decoder, &mut see);
    Ok(base.map_or((0, 1), |base| (base.num().into(), base.den().into())))
}

/// The next packet; `None` at the end and at the first error, where the ffmpeg command stops too.
fn next_packet(demuxer: &mut Demuxer) -> Option<Packet> {
    demuxer.read_packet().ok().flatten()
}

fn feed(decoder: &mut Decoder, packet: &Packet, see: &mut impl FnMut(&VideoFrame)) {
    while let Ok(Sent::Full) = decoder.send(packet) {
        receive_all(decoder, see);
    }
    receive_all(decoder, see);
}

fn receive_all(decoder: &mut Decoder, see: &mut impl FnMut(&VideoFrame)) {
    let mut failures = 0;
    loop {
        match decoder.receive() {
            Ok(Received::Frame(frame)) => see(&frame),
            Ok(Received::NeedPacket | Received::End) => return,
            Err(Error::Ffmpeg { .. }) if failures < 64 => failures += 1,
            Err(_) => return,
        }
    }
}

/// MD5 of a frame's planes rearranged as NV12: luma, then U and V alternating.
fn md5_as_nv12(frame: &VideoFrame) -> String {
    let mut hash = Md5::new();
    let [luma, u, v] = [0, 1, 2].map(|plane| frame.plane(plane));
    luma.iter().flat_map(|plane| plane.iter()).for_each(|row| hash.update(row));
    if let (Some(u), Some(v)) = (u, v) {
        for (u, v) in u.iter().zip(v.iter()) {
            let row: Vec<_> = u.iter().zip(v).flat_map(|(&u, &v)| [u, v]).collect();
            hash.update(row);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
