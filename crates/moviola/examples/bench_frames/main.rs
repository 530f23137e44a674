//! Frames in memory, timed: those of chosen times, the first, all; `benches/README.md` says what
//! each figure means.
//! Run: `bench_frames MODE VIDEO [--times S,S...] [--first N] [--repeats N] [--budget S]
//! [--videos N] [--callers N] [--side N]`.
#![expect(clippy::print_stdout, reason = "the figures go there")]

#[path = "../bench_support/mod.rs"]
mod bench_support;
mod images;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use moviola::{
    Frame, Source, Video,
    input::{OpenInput, Purpose},
    keyframes::KeyframeReader,
    source::SourceOptions,
    video::FrameReader,
};
use serde_json::{Value, json};

use bench_support::{Call, kernel_says, resident, timed};
use images::{Images, convert, numbers_at, read, thumbnail};

/// Frames whose thumbnails are told, at most.
const THUMBNAILS: usize = 10;

struct Arguments {
    path: String,
    /// Seconds from the start of the presentation.
    times: Vec<f64>,
    /// Instead of times: that many frames from the first on.
    first: Option<i64>,
    repeats: usize,
    /// Begin no run after so long.
    budget: Duration,
    videos: usize,
    callers: usize,
    /// Sides of the images of `many`.
    side: usize,
}

fn main() -> Result<()> {
    let call = bench_support::start()?;
    let mode = call.mode.clone();
    let arguments = parse(call)?;
    let figures = match mode.as_str() {
        "frames" => frames(&arguments)?,
        "many" => many(&arguments)?,
        "open" => open(&arguments)?,
        "all" => all(&arguments, || drop)?,
        "all-rgb" => all(&arguments, converting)?,
        "bounded" => bounded(&arguments)?,
        _ => bail!("no such mode: {mode}"),
    };
    println!("{figures}");
    Ok(())
}

fn parse(mut call: Call) -> Result<Arguments> {
    let mut arguments = Arguments {
        path: call.videos.remove(0),
        times: Vec::new(),
        first: None,
        repeats: 3,
        budget: Duration::from_secs(10),
        videos: 50,
        callers: 10,
        side: 256,
    };
    for (name, value) in call.options {
        match name.as_str() {
            "--times" => {
                let times = value.split(',').map(str::parse);
                arguments.times = times.collect::<Result<_, _>>()?;
            }
            "--first" => arguments.first = Some(value.parse()?),
            "--repeats" => arguments.repeats = value.parse()?,
            "--budget" => arguments.budget = Duration::from_secs_f64(value.parse()?),
            "--videos" => arguments.videos = value.parse()?,
            "--callers" => arguments.callers = value.parse()?,
            "--side" => arguments.side = value.parse()?,
            _ => bail!("no such option: {name}"),
        }
    }
    Ok(arguments)
}

fn open_video(arguments: &Arguments) -> Result<Video> {
    Ok(Video::open(Source::path(&arguments.path), SourceOptions::default())?)
}

/// One warm-up, then `repeats` runs; their times and the last result.
///
/// No run begins once the budget is spent. A warm-up that spends it all alone counts itself.
fn repeated<T>(
    arguments: &Arguments,
    mut work: impl FnMut() -> Result<T>,
) -> Result<(T, serde_json::Map<String, Value>)> {
    let (mut times, started) = (Vec::new(), Instant::now());
    let mut result = work()?;
    let warm_up = started.elapsed();
    while times.len() < arguments.repeats && started.elapsed() < arguments.budget {
        let before = Instant::now();
        result = work()?;
        times.push(before.elapsed().as_secs_f64());
    }
    if times.is_empty() {
        times.push(warm_up.as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median = (times[middle] + times[(times.len() - 1) / 2]) / 2.0;
    let mut figures = serde_json::Map::new();
    figures.insert("median_s".into(), json!(median));
    figures.insert("least_s".into(), json!(times[0]));
    figures.insert("repeats".into(), json!(times.len()));
    Ok((result, figures))
}

/// Opens the video and reads the frames asked for into a buffer, which may be one of a read before.
fn read_asked(arguments: &Arguments, side: Option<usize>, buffer: Vec<u8>) -> Result<Images> {
    let mut video = open_video(arguments)?;
    let numbers = match arguments.first {
        Some(first) => (0..first).collect(),
        None => numbers_at(&mut video, &arguments.times)?,
    };
    read(&mut video, &numbers, side, buffer)
}

fn frames(arguments: &Arguments) -> Result<Value> {
    // The caller's buffer is the caller's to keep.
    let mut kept: Option<Images> = None;
    let ((), mut figures) = repeated(arguments, || {
        let buffer = kept.take().map_or_else(Vec::new, |images| images.bytes);
        kept = Some(read_asked(arguments, None, buffer)?);
        Ok(())
    })?;
    let images = kept.context("it was read at least once")?;
    let count = images.times.len();
    let shown = (0..count.min(THUMBNAILS)).map(|n| n * count / count.min(THUMBNAILS));
    let thumbnails: Vec<_> = shown.map(|place| thumbnail(&images, place)).collect();
    figures.insert("frames".into(), json!(count));
    figures.insert("pts".into(), json!(images.times));
    figures.insert("thumbnails".into(), json!(thumbnails));
    Ok(Value::Object(figures))
}

/// Several callers at once; each takes the next video until all are read.
fn many(arguments: &Arguments) -> Result<Value> {
    let ((), mut figures) = repeated(arguments, || {
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            let call = || -> Result<()> {
                while taken.fetch_add(1, Ordering::Relaxed) < arguments.videos {
                    read_asked(arguments, Some(arguments.side), Vec::new())?;
                }
                Ok(())
            };
            let callers: Vec<_> = (0..arguments.callers).map(|_| scope.spawn(call)).collect();
            callers.into_iter().try_for_each(|caller| caller.join().expect("no panic"))
        })
    })?;
    figures.insert("frames".into(), json!(arguments.videos * arguments.times.len()));
    Ok(Value::Object(figures))
}

/// Opening a video and making its index.
fn open(arguments: &Arguments) -> Result<Value> {
    let read = || kernel_says("/proc/self/io", "rchar:");
    let read_before = read()?;
    let mut video = open_video(arguments)?;
    let count = video.len()?;
    let read_bytes = read()? - read_before;
    drop(video);
    let (_, mut figures) = repeated(arguments, || Ok(open_video(arguments)?.len()?))?;
    figures.insert("frames".into(), json!(count));
    figures.insert("read_kb".into(), json!(read_bytes / 1024.0));
    Ok(Value::Object(figures))
}

/// Every frame of the video, handed to workers that `make` gives.
fn all<W>(arguments: &Arguments, make: impl Fn() -> W) -> Result<Value>
where
    W: FnMut(Frame) + Send + 'static,
{
    let (count, cpu_s, wall_s) = timed(|| {
        let input = OpenInput::open(
            Source::path(&arguments.path),
            SourceOptions::default(),
            Purpose::Video,
        )?;
        let workers = (0..input.decoders()).map(|_| make()).collect();
        let mut count = 0_u64;
        for frame in FrameReader::all(input, workers)? {
            frame?;
            count += 1;
        }
        Ok(count)
    })?;
    Ok(json!({"wall_s": wall_s, "cpu_s": cpu_s, "frames": count}))
}

/// A worker that makes an image of each frame, over the one before.
fn converting() -> impl FnMut(Frame) + Send + 'static {
    let mut image = Vec::new();
    move |frame| {
        let size = (frame.decoded.width() as usize, frame.decoded.height() as usize);
        image.resize(size.0 * size.1 * 3, 0);
        convert(&frame, size, &mut image).expect("the clips are of a format with a kernel");
    }
}

/// All keyframes, then the frames asked for, and how much memory that took.
fn bounded(arguments: &Arguments) -> Result<Value> {
    let input =
        OpenInput::open(Source::path(&arguments.path), SourceOptions::default(), Purpose::Video)?;
    let workers = (0..input.decoders()).map(|_| drop::<Frame>).collect();
    let mut keyframes = 0_u64;
    let before = Instant::now();
    for keyframe in KeyframeReader::start(input, workers)? {
        keyframe?;
        keyframes += 1;
    }
    let keyframes_s = before.elapsed().as_secs_f64();
    let peak_of_keyframes = resident("VmHWM:")?;
    let before = Instant::now();
    let mut video = open_video(arguments)?;
    let numbers = numbers_at(&mut video, &arguments.times)?;
    let seen = video.map_frames_at(&numbers, |_, frame| frame.damaged)?;
    ensure!(seen.iter().all(Result::is_ok), "a frame can't be decoded");
    Ok(json!({"keyframes": keyframes, "keyframes_s": keyframes_s, "frames": seen.len(),
        "frames_s": before.elapsed().as_secs_f64(), "keyframes_peak_mb": peak_of_keyframes,
        "peak_mb": resident("VmHWM:")?}))
}
