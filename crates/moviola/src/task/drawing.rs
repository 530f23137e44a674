//! Images of frames with the boxes of their objects drawn in.

use moviola_av::stage;
use moviola_infer::results::Detection;
use moviola_media::{
    convert::{ConvertError, to_rgb8},
    frame_view::FrameView,
    image::{Annotation, ImageError, JpegEncoder, JpegOptions, annotate},
};

/// Draws boxes into images; reuses its buffers from frame to frame.
#[derive(Debug)]
pub(super) struct Drawing {
    /// JPEG quality, 1 to 100.
    quality: u8,
    pixels: Vec<u8>,
    encoder: Option<JpegEncoder>,
}

/// Why an image with boxes can't be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum DrawError {
    /// The frame can't be converted to RGB.
    #[error(transparent)]
    Rgb(#[from] ConvertError),
    /// The image can't be drawn into, or encoded.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl Drawing {
    pub(super) fn new(quality: u8) -> Self {
        Self { quality, pixels: Vec::new(), encoder: None }
    }

    /// Encodes a JPEG of the upright frame with the boxes of `objects`.
    pub(super) fn draw(
        &mut self,
        view: &FrameView<'_>,
        objects: &[Detection],
    ) -> Result<Vec<u8>, DrawError> {
        let _stage = stage!("encode");
        let size = view.display_size();
        self.pixels.resize(size.0 * size.1 * 3, 0);
        to_rgb8(view, size, &mut self.pixels, size.0 * 3)?;
        let boxes: Vec<_> = objects.iter().map(annotation).collect();
        annotate(&mut self.pixels, size, &boxes)?;
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => {
                let options = JpegOptions { quality: self.quality, ..JpegOptions::default() };
                none.insert(JpegEncoder::new(options)?)
            }
        };
        Ok(encoder.encode_rgb(&self.pixels, size)?.bytes.to_vec())
    }
}

fn annotation(object: &Detection) -> Annotation<'_> {
    Annotation {
        area: object.bounds,
        class_id: object.class_id,
        class: &object.class,
        confidence: object.confidence,
    }
}
