//! One thread's notes about the frames it works on.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use moviola_av::stage;
use moviola_infer::results::Detection;
use moviola_media::{
    any_format::AnyFormat,
    frame::Frame,
    image::{self, JpegEncoder, JpegOptions},
};

use super::{
    collector::Collector,
    lanes::{Candidates, Effort},
    stage::Times,
};
use crate::{detect::searcher::Searcher, facts::FrameFacts, pipeline::Output};

/// What the small pictures fit into, in pixels.
const SMALL: (usize, usize) = (320, 240);

/// JPEG quality of pictures of tensors.
const TENSOR_QUALITY: u8 = 70;

/// Makes notes about frames; clones belong to the same report.
#[derive(Clone, Debug)]
pub(crate) struct Inspector {
    pub(super) collector: Collector,
    /// Every so many frames, one is pictured.
    pub(super) stride: Arc<AtomicU64>,
    frames: Arc<AtomicU64>,
}

/// What is noted about a frame.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(super) facts: FrameFacts,
    pub(super) pictures: Option<Pictures>,
    pub(super) objects: Vec<Detection>,
    pub(super) times: Times,
    /// From the first packet to the last box, in nanoseconds since the beginning.
    pub(super) span: (u64, u64),
    pub(super) lane: usize,
    pub(super) why: Option<String>,
    pub(super) packets: u64,
    pub(super) packet_bytes: u64,
    pub(super) decoded: u64,
    pub(super) candidates: Option<Candidates>,
}

/// Pictures for the report, as JPEG files.
#[derive(Clone, Debug, Default)]
pub(super) struct Pictures {
    /// The frame, upright and small.
    pub(super) small: Vec<u8>,
    /// What the model got.
    pub(super) input: Option<Vec<u8>>,
}

impl Inspector {
    pub(super) fn new(collector: Collector) -> Self {
        let (stride, frames) = (Arc::new(AtomicU64::new(1)), Arc::default());
        Self { collector, stride, frames }
    }

    /// One thread's part.
    pub(crate) fn looker(&self) -> Looker {
        Looker {
            inspector: self.clone(),
            small: None,
            input: None,
            any_format: AnyFormat::default(),
        }
    }

    /// Whether the next frame is to be pictured.
    fn wants_pictures(&self) -> bool {
        let number = self.frames.fetch_add(1, Ordering::Relaxed);
        number.is_multiple_of(self.stride.load(Ordering::Relaxed).max(1))
    }
}

/// Looks at frames, on one thread.
#[derive(Debug)]
pub(crate) struct Looker {
    inspector: Inspector,
    small: Option<JpegEncoder>,
    input: Option<JpegEncoder>,
    any_format: AnyFormat,
}

impl Looker {
    /// Notes what was made of a frame, and what that took.
    pub(crate) fn look(
        &mut self,
        frame: &Frame,
        output: &Output,
        searcher: Option<&Searcher>,
    ) -> Note {
        let pts = frame.pts.map(|pts| pts.ticks);
        let mut heard = self.inspector.collector.heard();
        let (effort, why, lane) = heard.finish_frame(pts);
        let now = heard.now();
        drop(heard);
        let Effort { times, since, packets, packet_bytes, decoded, candidates } = effort;
        let detected = output.detected.as_ref().and_then(|detected| detected.as_ref().ok());
        let _stage = stage!("report");
        let pictured = self.inspector.wants_pictures();
        // Of a picture that couldn't be searched, the model got nothing.
        let searcher = searcher.filter(|_| detected.is_some());
        let pictures = pictured.then(|| self.pictures(frame, searcher));
        let pictures = pictures.and_then(|made| {
            made.inspect_err(|error| tracing::warn!(%error, "a frame can't be pictured")).ok()
        });
        Note {
            facts: FrameFacts::of(frame, size_of(frame)),
            pictures,
            objects: detected.map(|detected| detected.objects.clone()).unwrap_or_default(),
            times,
            span: (since.unwrap_or(now), now),
            lane,
            why,
            packets,
            packet_bytes,
            decoded,
            candidates,
        }
    }

    fn pictures(&mut self, frame: &Frame, searcher: Option<&Searcher>) -> Result<Pictures, String> {
        let picture = self.any_format.picture(frame).map_err(|error| error.to_string())?;
        let options = JpegOptions { quality: 80, max_size: Some(SMALL), ..JpegOptions::default() };
        let text = |error: image::ImageError| error.to_string();
        let small = encoder(&mut self.small, options)
            .and_then(|encoder| encoder.encode(&picture).map(|image| image.bytes.to_vec()));
        let input = searcher.map(|searcher| {
            let (pixels, size) = searcher.last_input();
            let options = JpegOptions { quality: TENSOR_QUALITY, ..JpegOptions::default() };
            let encoder = encoder(&mut self.input, options)?;
            encoder.encode_rgb(&pixels, size).map(|image| image.bytes.to_vec())
        });
        Ok(Pictures { small: small.map_err(text)?, input: input.transpose().map_err(text)? })
    }
}

fn encoder(
    encoder: &mut Option<JpegEncoder>,
    options: JpegOptions,
) -> image::Result<&mut JpegEncoder> {
    match encoder {
        Some(encoder) => Ok(encoder),
        none => Ok(none.insert(JpegEncoder::new(options)?)),
    }
}

/// Width and height of the upright picture; those of the coded one if it has none.
fn size_of(frame: &Frame) -> (usize, usize) {
    let coded = || {
        let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
        (side(frame.frame.width()), side(frame.frame.height()))
    };
    frame.picture().map_or_else(coded, |picture| picture.display_size())
}
