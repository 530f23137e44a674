//! Frames through a model, in each of the ways that there are.

use std::{fs, time::Instant};

use anyhow::{Context, Result, anyhow, bail};
use moviola::{
    Bulk, Fast, Frame, Plan,
    bulk::{BulkOptions, Event},
    infer::{
        detect::{Detector, DetectorOptions},
        session::SessionOptions,
    },
    keyframes::KeyframeReader,
    plan::{Detect, Model, Task},
    records::{DetectionsRecord, Record},
    source::Source,
};
use serde_json::{Value, json};

use crate::{
    Arguments,
    bench_support::{resident, timed},
    floor, open,
    shares::Shares,
    source_options,
};

pub(crate) fn stream_and_collect(arguments: &Arguments, started: Instant) -> Result<Value> {
    let floor = floor::detect(arguments)?;
    let ready_before = Instant::now();
    let fast = Fast::new(plan(arguments), source_options(arguments))?;
    fast.ready()?;
    let session_ready = started.elapsed().min(ready_before.elapsed()).as_secs_f64();
    warm(arguments, &fast)?;
    let rss_after_load = resident("VmRSS:")?;
    fs::write("/proc/self/clear_refs", "5")?;
    let (before, mut first, mut frames) = (Instant::now(), None, 0);
    let ((), cpu_s, wall_s) = timed(|| {
        for found in detect(arguments, &fast) {
            drop(found?);
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

/// What the first record can't do without, each part by itself and for the first time.
pub(crate) fn first(arguments: &Arguments) -> Result<Value> {
    let before = Instant::now();
    let mut keyframes = KeyframeReader::start(open(arguments)?, vec![|keyframe: Frame| keyframe])?;
    let keyframe = keyframes.next().context("no keyframe")??;
    let open_decode_s = before.elapsed().as_secs_f64();
    drop(keyframes); // waits for its worker, which has gone on with the next
    let (mut detector, _, load_s) =
        timed(|| Ok(Detector::load(&arguments.model, &arguments.detector())?))?;
    let view = keyframe.view().context("no kernel for this format")?;
    let (_, _, inference_s) = timed(|| Ok(detector.detect_frame(&view)?))?;
    Ok(json!({"open_decode_s": open_decode_s, "load_s": load_s, "inference_s": inference_s,
        "prediction_s": open_decode_s.max(load_s) + inference_s}))
}

/// All videos at once, as `moviola bulk` reads them, from the moment all models are ready; then
/// once more, to hear what the CPU time goes into.
pub(crate) fn bulk(arguments: &Arguments) -> Result<Value> {
    let options = BulkOptions::default();
    let jobs = options.jobs;
    let (bulk, _, load_s) = timed(|| {
        let bulk = Bulk::new(plan(arguments), options)?;
        bulk.ready()?;
        Ok(bulk)
    })?;
    // The first runs of a session allocate what later ones reuse.
    searched(&bulk, &arguments.videos[..jobs.min(arguments.videos.len())])?;
    let (frames, cpu_s, wall_s) = timed(|| searched(&bulk, &arguments.videos))?;
    let shares = Shares::listen()?;
    let (_, heard_cpu_s, _) = timed(|| searched(&bulk, &arguments.videos))?;
    let share = |stages: &[&str]| shares.of(stages) / heard_cpu_s;
    Ok(json!({"load_s": load_s, "wall_s": wall_s, "cpu_s": cpu_s, "frames": frames, "jobs": jobs,
        "files": arguments.videos.len(), "busy_share": cpu_s / (wall_s * jobs as f64),
        "decode_share": share(&["decode"]), "inference_share": share(&["infer"]),
        "useful_share": share(&["decode", "infer"])}))
}

fn plan(arguments: &Arguments) -> Plan {
    let SessionOptions { provider, precision, .. } = arguments.session;
    let model = Model::parse(arguments.model.as_ref());
    let detect = Detect { provider, precision, ..Detect::new(model) };
    Plan { tasks: vec![Task::Detect(detect)], ..Plan::default() }
}

/// How many frames of all `videos` were searched.
fn searched(bulk: &Bulk, videos: &[String]) -> Result<usize> {
    let inputs: Vec<_> = videos.iter().map(|video| Source::parse(video).into()).collect();
    let mut frames = 0;
    for event in bulk.run(inputs)? {
        if let Event::Record { record, .. } = event? {
            match *record {
                Record::Detections(_) => frames += 1,
                Record::Error(error) => bail!("{}: {}", error.source, error.message),
                _ => {}
            }
        }
    }
    Ok(frames)
}

/// The objects on each keyframe.
fn detect(
    arguments: &Arguments,
    fast: &Fast,
) -> impl Iterator<Item = Result<DetectionsRecord>> + use<> {
    fast.run(Source::parse(arguments.video())).filter_map(|record| match record {
        Ok(Record::Detections(found)) => Some(Ok(found)),
        Ok(Record::Error(error)) => Some(Err(anyhow!("{}: {}", error.source, error.message))),
        Ok(_) => None,
        Err(error) => Some(Err(error.into())),
    })
}

/// The first runs of a session allocate what later ones reuse.
fn warm(arguments: &Arguments, fast: &Fast) -> Result<()> {
    let workers = source_options(arguments).decoders;
    detect(arguments, fast).take(2 * workers).try_for_each(|found| found.map(drop))
}

/// Decodes and keeps every keyframe, then searches one after the other, each on all cores.
fn collect(arguments: &Arguments) -> Result<(f64, f64)> {
    let threads = SessionOptions::default().threads;
    let mut detector = Detector::load(
        &arguments.model,
        &DetectorOptions {
            session: SessionOptions { threads, ..arguments.session.clone() },
            ..DetectorOptions::default()
        },
    )?;
    // As the other way: warmed by real frames.
    let some = KeyframeReader::start(open(arguments)?, vec![|keyframe: Frame| keyframe])?;
    for keyframe in some.take(2) {
        detector.detect_frame(&keyframe?.view().context("no kernel for this format")?)?;
    }
    let before = Instant::now();
    let input = open(arguments)?;
    let workers = (0..input.decoders()).map(|_| |keyframe: Frame| keyframe).collect();
    let all: Vec<_> =
        KeyframeReader::start(input, workers)?.collect::<std::result::Result<_, _>>()?;
    let mut first = None;
    for keyframe in &all {
        detector.detect_frame(&keyframe.view().context("no kernel for this format")?)?;
        first.get_or_insert_with(|| before.elapsed().as_secs_f64());
    }
    Ok((first.unwrap_or_default(), before.elapsed().as_secs_f64()))
}
