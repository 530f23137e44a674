//! Figures that can't be seen from outside the engine; `benches/README.md` says what each means.
//! Run: `bench MODE VIDEO [-m MODEL] [--provider P] [--precision X] [--quality Q] [--decoders N]`.
#![expect(clippy::print_stdout, reason = "the figures go there")]

mod bench_support;

use std::{fs, time::Instant};

use anyhow::{Context, Result, bail};
use moviola::{
    Frame, Plan,
    detect::{Detected, Detectors, Model},
    infer::{
        detect::{Detector, DetectorOptions},
        session::SessionOptions,
    },
    keyframes::KeyframeReader,
    media::Media,
    pipeline::{Engines, Pipeline},
    plan::Detect,
    source::{Source, SourceOptions},
};
use moviola_av::{
    Decoder, DecoderOptions, Demuxer, DemuxerOptions, Packet, Received, Sent, frame::VideoFrame,
    parameters::CodecParameters,
};
use moviola_media::{
    convert::{ChannelOrder, Placement, TensorConverter, TensorSpec},
    image::{JpegEncoder, JpegOptions},
    picture::{Orientation, Picture},
};
use serde_json::{Value, json};

use bench_support::{Call, resident, timed};

struct Arguments {
    video: String,
    model: String,
    session: SessionOptions,
    quality: u8,
    decoders: Option<usize>,
}

fn main() -> Result<()> {
    let started = Instant::now();
    let call = bench_support::start()?;
    let mode = call.mode.clone();
    let arguments = parse(call)?;
    let figures = match mode.as_str() {
        "floor-decode" => floor_decode(&arguments)?,
        "keyframes" => keyframes(&arguments)?,
        "floor-jpeg" => floor_jpeg(&arguments)?,
        "convert" => convert(&arguments)?,
        "floor-detect" => floor_detect(&arguments)?,
        "detect" => stream_and_collect(&arguments, started)?,
        _ => bail!("no such mode: {mode}"),
    };
    println!("{figures}");
    Ok(())
}

fn parse(call: Call) -> Result<Arguments> {
    let mut arguments = Arguments {
        video: call.video,
        model: String::new(),
        session: SessionOptions { threads: 1, ..SessionOptions::default() },
        quality: 90,
        decoders: None,
    };
    for (name, value) in call.options {
        match name.as_str() {
            "-m" => arguments.model = value,
            "--provider" => {
                arguments.session.provider = value.parse().map_err(anyhow::Error::msg)?
            }
            "--precision" => {
                arguments.session.precision = value.parse().map_err(anyhow::Error::msg)?;
            }
            "--quality" => arguments.quality = value.parse()?,
            "--decoders" => arguments.decoders = Some(value.parse()?),
            _ => bail!("no such option: {name}"),
        }
    }
    Ok(arguments)
}

fn open(arguments: &Arguments) -> Result<Media> {
    let mut options = SourceOptions::default();
    options.decoders = arguments.decoders.unwrap_or(options.decoders);
    Ok(Media::open(Source::parse(&arguments.video), options)?)
}

/// All key packets of the video, in memory.
fn key_packets(arguments: &Arguments) -> Result<(CodecParameters, Vec<Packet>)> {
    let stream = open(arguments)?.video().index;
    let options = DemuxerOptions { url: arguments.video.clone(), ..DemuxerOptions::default() };
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
fn decode(
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

fn floor_decode(arguments: &Arguments) -> Result<Value> {
    let (parameters, packets) = key_packets(arguments)?;
    let bytes: usize = packets.iter().map(|packet| packet.data().len()).sum();
    let mut frames = 0;
    let ((), cpu_s, wall_s) = timed(|| {
        decode(&parameters, &packets, |_| {
            frames += 1;
            Ok(())
        })
    })?;
    Ok(json!({"cpu_s": cpu_s, "wall_s": wall_s, "keyframes": frames, "packets_bytes": bytes}))
}

fn keyframes(arguments: &Arguments) -> Result<Value> {
    let (before, mut first) = (Instant::now(), None);
    let (frames, cpu_s, wall_s) = timed(|| {
        let media = open(arguments)?;
        let workers = (0..media.decoders()).map(|_| |keyframe: Frame| keyframe).collect();
        let mut frames = 0;
        for keyframe in KeyframeReader::start(media, workers)? {
            drop(keyframe?);
            first.get_or_insert_with(|| before.elapsed().as_secs_f64());
            frames += 1;
        }
        Ok(frames)
    })?;
    Ok(json!({"wall_s": wall_s, "cpu_s": cpu_s, "first_frame_s": first, "keyframes": frames}))
}

fn picture(frame: &VideoFrame) -> Result<Picture<'_>> {
    Picture::of_frame(frame, Orientation::default(), None).context("no kernel for this format")
}

fn floor_jpeg(arguments: &Arguments) -> Result<Value> {
    let (parameters, packets) = key_packets(arguments)?;
    let options = JpegOptions { quality: arguments.quality, ..JpegOptions::default() };
    let (mut encoder, mut encode_cpu, mut bytes, mut frames) =
        (JpegEncoder::new(options)?, 0.0, 0, 0);
    let ((), cpu_s, _) = timed(|| {
        decode(&parameters, &packets, |frame| {
            let (length, cpu_s, _) = timed(|| Ok(encoder.encode(&picture(&frame)?)?.bytes.len()))?;
            (encode_cpu, bytes, frames) = (encode_cpu + cpu_s, bytes + length, frames + 1);
            Ok(())
        })
    })?;
    let decode_cpu = cpu_s - encode_cpu;
    Ok(json!({"decode_cpu_s": decode_cpu, "encode_cpu_s": encode_cpu, "keyframes": frames,
        "bytes": bytes}))
}

fn convert(arguments: &Arguments) -> Result<Value> {
    let media = open(arguments)?;
    let keyframe = KeyframeReader::start(media, vec![|keyframe: Frame| keyframe])?
        .next()
        .context("no keyframe")??;
    let picture = keyframe.picture().context("no kernel for this format")?;
    let (width, height) = picture.display_size();
    let placed = 640 * height / width.max(1);
    let spec = TensorSpec {
        width: 640,
        height: 640,
        placement: Placement { x: 0, y: (640 - placed) / 2, width: 640, height: placed },
        channels: ChannelOrder::Rgb,
        scale: [1.0 / 255.0; 3],
        bias: [0.0; 3],
        fill: [114.0; 3],
    };
    let mut converter = TensorConverter::new(&picture, &spec)?;
    let mut tensor = vec![0.0; spec.values()];
    converter.run(&picture, &mut tensor)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let before = Instant::now();
        converter.run(&picture, &mut tensor)?;
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(json!({"ms_per_frame": times[50], "ms_least": times[0], "frames": 100}))
}

fn detector_options(arguments: &Arguments) -> DetectorOptions {
    DetectorOptions { session: arguments.session.clone(), ..DetectorOptions::default() }
}

fn floor_detect(arguments: &Arguments) -> Result<Value> {
    let (parameters, packets) = key_packets(arguments)?;
    let mut detector = Detector::load(&arguments.model, &detector_options(arguments))?;
    let mut preparer = moviola::infer::preprocess::Preparer::new(detector.preprocess());
    let mut tensor = vec![0.5; detector.input_len()];
    detector.candidates(&tensor)?;
    let (mut other_cpu, mut inference_cpu, mut frames) = (0.0, 0.0, 0);
    let ((), cpu_s, _) = timed(|| {
        decode(&parameters, &packets, |frame| {
            let ((), prepare_cpu, _) = timed(|| {
                preparer.prepare(&picture(&frame)?, &mut tensor)?;
                Ok(())
            })?;
            let (_, run_cpu, _) = timed(|| Ok(detector.candidates(&tensor)?))?;
            other_cpu += prepare_cpu;
            (inference_cpu, frames) = (inference_cpu + run_cpu, frames + 1);
            Ok(())
        })
    })?;
    let decode_cpu = cpu_s - other_cpu - inference_cpu;
    Ok(json!({"decode_cpu_s": decode_cpu, "inference_cpu_s": inference_cpu, "frames": frames}))
}

fn stream_and_collect(arguments: &Arguments, started: Instant) -> Result<Value> {
    let floor = floor_detect(arguments)?;
    let ready_before = Instant::now();
    let media = open(arguments)?;
    let model = Model::parse(arguments.model.as_ref());
    let detectors = Detectors::load(&model, &detector_options(arguments), media.decoders())?;
    detectors.wait()?;
    let session_ready = started.elapsed().min(ready_before.elapsed()).as_secs_f64();
    warm(arguments, &detectors)?;
    let rss_after_load = resident("VmRSS:")?;
    fs::write("/proc/self/clear_refs", "5")?;
    let (before, mut first, mut frames) = (Instant::now(), None, 0);
    let ((), cpu_s, wall_s) = timed(|| {
        for detected in detect(media, &detectors)? {
            drop(detected?);
            first.get_or_insert_with(|| before.elapsed().as_secs_f64());
            frames += 1;
        }
        Ok(())
    })?;
    let rss_peak = resident("VmHWM:")?;
    let (collect_first, collect_wall) = collect(arguments)?;
    let busy = ["decode_cpu_s", "inference_cpu_s"].map(|key| floor[key].as_f64().unwrap_or(0.0));
    let other = 1.0 - (busy[0] + busy[1]) / cpu_s;
    Ok(json!({"wall_s": wall_s, "cpu_s": cpu_s, "first_record_s": first, "frames": frames,
        "other_cpu_share": other, "rss_after_load_mb": rss_after_load, "rss_peak_mb": rss_peak,
        "collect_first_s": collect_first, "collect_wall_s": collect_wall,
        "session_ready_s": session_ready, "floor": floor}))
}

/// The objects on each keyframe.
fn detect(media: Media, detectors: &Detectors) -> Result<impl Iterator<Item = Result<Detected>>> {
    let plan = Plan { detect: Some(Detect::new(Model::Demo)), ..Plan::default() };
    // Other models than the plan's, loaded before.
    let engines = Engines::of(detectors.clone());
    let outputs = Pipeline::start(media, &plan, &engines)?;
    Ok(outputs.map(|output| Ok(output?.detected.context("objects were wanted")??)))
}

/// The first runs of a session allocate what later ones reuse.
fn warm(arguments: &Arguments, detectors: &Detectors) -> Result<()> {
    let found = detect(open(arguments)?, detectors)?;
    for detected in found.take(2 * detectors.len()) {
        detected?;
    }
    Ok(())
}

/// Decodes and keeps every keyframe, then searches one after the other.
fn collect(arguments: &Arguments) -> Result<(f64, f64)> {
    let mut detector = Detector::load(
        &arguments.model,
        &DetectorOptions {
            session: SessionOptions { threads: 2, ..arguments.session.clone() },
            ..DetectorOptions::default()
        },
    )?;
    let tensor = vec![0.5; detector.input_len()];
    detector.candidates(&tensor)?;
    let before = Instant::now();
    let media = open(arguments)?;
    let workers = (0..media.decoders()).map(|_| |keyframe: Frame| keyframe).collect();
    let all: Vec<_> =
        KeyframeReader::start(media, workers)?.collect::<std::result::Result<_, _>>()?;
    let mut first = None;
    for keyframe in &all {
        detector.detect_picture(&keyframe.picture().context("no kernel for this format")?)?;
        first.get_or_insert_with(|| before.elapsed().as_secs_f64());
    }
    Ok((first.unwrap_or_default(), before.elapsed().as_secs_f64()))
}
