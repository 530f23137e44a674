//! Floors: the CPU time of the bare work, on one thread.

use anyhow::{Context, Result};
use moviola::{
    infer::{detect::Detector, preprocess::Preparer},
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
};
use moviola_av::{
    Decoder, DecoderOptions, Demuxer, DemuxerOptions, Packet, Received, Sent, frame::VideoFrame,
    parameters::CodecParameters,
};
use moviola_media::image::{JpegEncoder, JpegOptions};
use serde_json::{Value, json};

use crate::{Arguments, bench_support::timed, shares::Shares, view};

pub(crate) fn decode(arguments: &Arguments) -> Result<Value> {
    let (parameters, packets) = key_packets(arguments.video())?;
    let bytes: usize = packets.iter().map(|packet| packet.data().len()).sum();
    let mut frames = 0;
    let ((), cpu_s, wall_s) = timed(|| {
        decode_all(&parameters, &packets, |_| {
            frames += 1;
            Ok(())
        })
    })?;
    Ok(json!({"cpu_s": cpu_s, "wall_s": wall_s, "keyframes": frames, "packets_bytes": bytes}))
}

pub(crate) fn jpeg(arguments: &Arguments) -> Result<Value> {
    let (parameters, packets) = key_packets(arguments.video())?;
    let options = JpegOptions { quality: arguments.quality, ..JpegOptions::default() };
    let (mut encoder, mut encode_cpu, mut bytes, mut frames) =
        (JpegEncoder::new(options)?, 0.0, 0, 0);
    let ((), cpu_s, _) = timed(|| {
        decode_all(&parameters, &packets, |frame| {
            let (length, cpu_s, _) = timed(|| Ok(encoder.encode(&view(&frame)?)?.bytes.len()))?;
            (encode_cpu, bytes, frames) = (encode_cpu + cpu_s, bytes + length, frames + 1);
            Ok(())
        })
    })?;
    let decode_cpu = cpu_s - encode_cpu;
    Ok(json!({"decode_cpu_s": decode_cpu, "encode_cpu_s": encode_cpu, "keyframes": frames,
        "bytes": bytes}))
}

/// Of all videos together.
pub(crate) fn detect(arguments: &Arguments) -> Result<Value> {
    let mut detector = Detector::load(&arguments.model, &arguments.detector())?;
    let mut preparer = Preparer::new(detector.preprocess());
    let mut tensor = vec![0.5; detector.input_len()];
    detector.candidates(&tensor)?;
    // The detector reads the model's output too, which is no part of its run.
    let runs = Shares::default();
    let (mut decode_cpu, mut frames) = (0.0, 0);
    for video in &arguments.videos {
        let (parameters, packets) = key_packets(video)?;
        let mut aside = 0.0;
        let ((), cpu_s, _) = timed(|| {
            decode_all(&parameters, &packets, |frame| {
                let ((), prepare_cpu, _) = timed(|| {
                    preparer.prepare(&view(&frame)?, &mut tensor)?;
                    Ok(())
                })?;
                let (_, run_cpu, _) =
                    timed(|| Ok(runs.listen_to(|| detector.candidates(&tensor))?))?;
                aside += prepare_cpu + run_cpu;
                frames += 1;
                Ok(())
            })
        })?;
        decode_cpu += cpu_s - aside;
    }
    let inference_cpu = runs.of(&["infer"]);
    Ok(json!({"decode_cpu_s": decode_cpu, "inference_cpu_s": inference_cpu, "frames": frames}))
}

/// All key packets of the video, in memory.
fn key_packets(video: &str) -> Result<(CodecParameters, Vec<Packet>)> {
    let input = OpenInput::open(Source::parse(video), SourceOptions::default(), Purpose::Video)?;
    let stream = input.video().expect("it has video").index;
    let options = DemuxerOptions { url: video.into(), ..DemuxerOptions::default() };
    let mut demuxer = Demuxer::open(options)?;
    let parameters = demuxer.stream(stream).context("no video")?.parameters()?;
    let mut packets = Vec::new();
    while let Some(packet) = demuxer.read_packet()? {
        if packet.stream_index() == stream && packet.is_key() {
            packets.push(packet);
        }
    }
    Ok((parameters, packets))
}

/// Decodes `packets` in one context with one thread.
fn decode_all(
    parameters: &CodecParameters,
    packets: &[Packet],
    mut see: impl FnMut(VideoFrame) -> Result<()>,
) -> Result<()> {
    let mut decoder = Decoder::open(parameters, &DecoderOptions::default())?;
    for packet in packets {
        while decoder.send(packet)? == Sent::Full {
            receive(&mut decoder, &mut see)?;
        }
        receive(&mut decoder, &mut see)?;
    }
    decoder.send_end()?;
    receive(&mut decoder, &mut see)
}

fn receive(decoder: &mut Decoder, see: &mut impl FnMut(VideoFrame) -> Result<()>) -> Result<()> {
    while let Received::Frame(frame) = decoder.receive()? {
        see(frame)?;
    }
    Ok(())
}
