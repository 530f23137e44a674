//! Figures that can't be seen from outside the engine; `benches/README.md` says what each means.
//! Run: `bench MODE VIDEO... [-m MODEL] [--provider P] [--precision X] [--quality Q] [--decoders
//! N]`.
#![expect(clippy::print_stdout, reason = "the figures go there")]

#[path = "../bench_support/mod.rs"]
mod bench_support;
mod floor;
mod models;
mod shares;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use moviola::{
    Frame,
    frame_view::{FrameView, Orientation},
    infer::{detect::DetectorOptions, session::SessionOptions},
    input::{OpenInput, Purpose},
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};
use moviola_av::frame::VideoFrame;
use moviola_media::convert::{ChannelOrder, Placement, TensorConverter, TensorSpec};
use serde_json::{Value, json};

use bench_support::{Call, timed};

struct Arguments {
    /// At least one; most modes take the first only.
    videos: Vec<String>,
    model: String,
    session: SessionOptions,
    quality: u8,
    decoders: Option<usize>,
}

impl Arguments {
    fn video(&self) -> &str {
        &self.videos[0]
    }

    fn detector(&self) -> DetectorOptions {
        DetectorOptions { session: self.session.clone(), ..DetectorOptions::default() }
    }
}

fn main() -> Result<()> {
    let started = Instant::now();
    let call = bench_support::start()?;
    let mode = call.mode.clone();
    let arguments = parse(call)?;
    let figures = match mode.as_str() {
        "floor-decode" => floor::decode(&arguments)?,
        "keyframes" => keyframes(&arguments)?,
        "floor-jpeg" => floor::jpeg(&arguments)?,
        "convert" => convert(&arguments)?,
        "floor-detect" => floor::detect(&arguments)?,
        "detect" => models::stream_and_collect(&arguments, started)?,
        "first" => models::first(&arguments)?,
        "bulk" => models::bulk(&arguments)?,
        _ => bail!("no such mode: {mode}"),
    };
    println!("{figures}");
    Ok(())
}

fn parse(call: Call) -> Result<Arguments> {
    let mut arguments = Arguments {
        videos: call.videos,
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

fn source_options(arguments: &Arguments) -> SourceOptions {
    let usual = SourceOptions::default();
    SourceOptions { decoders: arguments.decoders.unwrap_or(usual.decoders), ..usual }
}

fn open(arguments: &Arguments) -> Result<OpenInput> {
    Ok(OpenInput::open(
        Source::parse(arguments.video()),
        source_options(arguments),
        Purpose::Video,
    )?)
}

fn keyframes(arguments: &Arguments) -> Result<Value> {
    let (before, mut first) = (Instant::now(), None);
    let (frames, cpu_s, wall_s) = timed(|| {
        let input = open(arguments)?;
        let workers = (0..input.decoders()).map(|_| |keyframe: Frame| keyframe).collect();
        let mut frames = 0;
        for keyframe in KeyframeReader::start(input, workers)? {
            drop(keyframe?);
            first.get_or_insert_with(|| before.elapsed().as_secs_f64());
            frames += 1;
        }
        Ok(frames)
    })?;
    Ok(json!({"wall_s": wall_s, "cpu_s": cpu_s, "first_frame_s": first, "keyframes": frames}))
}

fn view(frame: &VideoFrame) -> Result<FrameView<'_>> {
    FrameView::of_frame(frame, Orientation::default(), None).context("no kernel for this format")
}

fn convert(arguments: &Arguments) -> Result<Value> {
    let input = open(arguments)?;
    let keyframe = KeyframeReader::start(input, vec![|keyframe: Frame| keyframe])?
        .next()
        .context("no keyframe")??;
    let view = keyframe.view().context("no kernel for this format")?;
    let (width, height) = view.display_size();
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
    let mut converter = TensorConverter::new(&view, &spec)?;
    let mut tensor = vec![0.0; spec.values()];
    converter.run(&view, &mut tensor)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let before = Instant::now();
        converter.run(&view, &mut tensor)?;
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(json!({"ms_per_frame": times[50], "ms_least": times[0], "frames": 100}))
}
