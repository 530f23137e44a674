//! One thread's part of a search: a frame becomes objects, and perhaps a picture of them.

use std::sync::Arc;

use moviola_av::stage;
use moviola_infer::{detect::Detector, results::Detection};
use moviola_media::{
    any_format::AnyFormat,
    convert::to_rgb8,
    frame::Frame,
    frame_view::FrameView,
    image::{Annotation, JpegEncoder, JpegOptions, annotate},
};

use super::{DetectError, Detected, PictureError, Slot, with};
use crate::frame_info::FrameInfo;

/// One worker: its model, and what it needs to look at any picture.
#[derive(Debug)]
pub(crate) struct DetectWorker {
    slot: Arc<Slot>,
    annotate: Option<u8>,
    any_format: AnyFormat,
    drawing: Drawing,
    keeps_input: bool,
    input: Option<Input>,
}

/// A picture as a model got it.
#[derive(Debug)]
pub(crate) struct Input {
    /// RGB, three bytes a pixel, row by row.
    pub(crate) pixels: Vec<u8>,
    /// Width and height.
    pub(crate) size: (usize, usize),
}

/// What drawing keeps from one picture to the next.
#[derive(Debug, Default)]
struct Drawing {
    pixels: Vec<u8>,
    encoder: Option<JpegEncoder>,
}

impl DetectWorker {
    pub(crate) fn new(slot: Arc<Slot>, annotate: Option<u8>) -> Self {
        let (any_format, drawing) = (AnyFormat::default(), Drawing::default());
        Self { slot, annotate, any_format, drawing, keeps_input: false, input: None }
    }

    pub(crate) fn search(&mut self, frame: &Frame) -> Result<Detected, DetectError> {
        let failed = |cause| DetectError::Picture { time: frame.time, cause };
        let view = self.any_format.view(frame).map_err(PictureError::Format);
        let view = view.map_err(failed)?;
        let search = |detector: &mut Detector| {
            let objects = detector.detect_frame(&view);
            // Another worker may use the model next: what it got is taken before that.
            (objects, self.keeps_input.then(|| Input::of(detector)))
        };
        let (objects, input) = with(&self.slot, search).map_err(DetectError::Model)?;
        self.input = input;
        let objects = objects.map_err(|cause| failed(PictureError::Inference(cause)))?;
        let drawn = self.annotate.map(|quality| self.drawing.draw(&view, &objects, quality));
        Ok(Detected {
            facts: FrameInfo::of(frame, view.display_size()),
            objects,
            annotated: drawn.transpose().map_err(failed)?,
        })
    }
}

impl DetectWorker {
    /// From now on keeps what the model gets, or doesn't.
    pub(crate) fn keep_input(&mut self, keep: bool) {
        self.keeps_input = keep;
    }

    /// The picture that was searched last as the model got it, if it was kept.
    pub(crate) fn input(&self) -> Option<&Input> {
        self.input.as_ref()
    }
}

impl Input {
    fn of(detector: &Detector) -> Self {
        let _stage = stage!("report");
        let (pixels, size) = detector.last_input();
        Self { pixels, size: (size.width, size.height) }
    }
}

impl Drawing {
    fn draw(
        &mut self,
        view: &FrameView<'_>,
        objects: &[Detection],
        quality: u8,
    ) -> Result<Vec<u8>, PictureError> {
        let _stage = stage!("encode");
        let size = view.display_size();
        self.pixels.resize(size.0 * size.1 * 3, 0);
        to_rgb8(view, size, &mut self.pixels, size.0 * 3).map_err(PictureError::Rgb)?;
        let boxes: Vec<_> = objects
            .iter()
            .map(|object| Annotation {
                area: object.bounds,
                class_id: object.class_id,
                class: &object.class,
                confidence: object.confidence,
            })
            .collect();
        annotate(&mut self.pixels, size, &boxes).map_err(PictureError::Drawing)?;
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => {
                let options = JpegOptions { quality, ..JpegOptions::default() };
                none.insert(JpegEncoder::new(options).map_err(PictureError::Drawing)?)
            }
        };
        let image = encoder.encode_rgb(&self.pixels, size).map_err(PictureError::Drawing)?;
        Ok(image.bytes.to_vec())
    }
}
