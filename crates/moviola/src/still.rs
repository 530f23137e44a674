//! Stills: what is kept of a frame once its picture is gone.

use moviola_av::{
    error::{Error as AvError, ErrorKind},
    remedy::Remedy,
    stage, trace,
};
use moviola_media::{
    any_format::AnyFormat,
    frame::Frame,
    frame_view::FrameView,
    image::{self, ImageError, JpegEncoder, JpegOptions, PngEncoder, PngOptions, image_size},
};
use serde::{Deserialize, Serialize};

use crate::{
    frame_info::FrameInfo,
    hash::frame_md5,
    results::{FrameRecord, Record},
};

/// What is kept of each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StillOptions {
    /// Make an image in this format. Default: none.
    #[serde(rename = "format", skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFormat>,
    /// JPEG quality, 1 to 100. Default: 90.
    pub quality: u8,
    /// Shrink images to fit into this width and height, keeping their shape. Default: as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<(usize, usize)>,
    /// Keep the coded size and orientation instead of upright images with square pixels.
    /// Default: `false`.
    pub coded: bool,
    /// Hash the decoded planes. Default: `false`.
    pub hash: bool,
}

impl Default for StillOptions {
    fn default() -> Self {
        Self { image: None, quality: 90, max_size: None, coded: false, hash: false }
    }
}

/// The format of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageFormat {
    /// JPEG.
    #[serde(rename = "jpg", alias = "jpeg")]
    Jpeg,
    /// PNG, 8 bits a channel.
    #[serde(rename = "png")]
    Png,
}

impl ImageFormat {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// Makes stills, on the thread that decoded the frame: its picture is still in the core's cache.
#[derive(Debug)]
pub struct StillMaker {
    options: StillOptions,
    /// Made for the first image.
    encoder: Option<Encoder>,
    any_format: AnyFormat,
}

#[derive(Debug)]
enum Encoder {
    Jpeg(Box<JpegEncoder>),
    Png(Box<PngEncoder>),
}

/// What is kept of a frame.
#[derive(Clone, Debug)]
pub struct Still {
    /// Which frame it was; its width and height are the image's.
    pub facts: FrameInfo,
    /// The image file, if one was asked for.
    pub image: Option<Vec<u8>>,
    /// MD5 of the decoded planes, if it was asked for.
    pub md5: Option<String>,
}

/// A frame that was decoded but can't become an image.
#[derive(Debug, thiserror::Error)]
#[error("the picture can't become an image: {reason}")]
pub struct StillError {
    /// Seconds from the start of the presentation.
    pub time: Option<f64>,
    /// What is wrong and what to do.
    pub reason: String,
    cause: StillCause,
}

#[derive(Debug)]
enum StillCause {
    Format(AvError),
    Encode(ImageError),
}

impl StillError {
    fn new(time: Option<f64>, cause: StillCause) -> Self {
        let reason = match &cause {
            StillCause::Format(cause) => cause.to_string(),
            StillCause::Encode(cause) => cause.to_string(),
        };
        Self { time, reason, cause }
    }

    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match &self.cause {
            StillCause::Format(cause) => cause.kind(),
            StillCause::Encode(cause) => cause.kind(),
        }
    }

    /// What the caller can change so that it does not come again.
    pub fn remedy(&self) -> Option<Remedy> {
        match &self.cause {
            StillCause::Format(cause) => cause.remedy(),
            StillCause::Encode(cause) => cause.remedy(),
        }
    }
}

impl StillMaker {
    /// One for one thread.
    pub fn new(options: StillOptions) -> Self {
        Self { options, encoder: None, any_format: AnyFormat::default() }
    }

    /// Keeps what was asked for.
    ///
    /// # Errors
    ///
    /// [`StillError`] if there should be an image and can't be.
    pub fn make(&mut self, frame: &Frame) -> Result<Still, StillError> {
        let failed = |cause| StillError::new(frame.time, cause);
        let md5 = self.options.hash.then(|| frame_md5(&frame.decoded));
        let view = self.any_format.view(frame);
        let view = view.map_err(|error| failed(StillCause::Format(error)))?;
        let size = image_size(&view, self.options.max_size, self.options.coded);
        let image = encode(&mut self.encoder, &self.options, &view);
        let image = image.map_err(|error| failed(StillCause::Encode(error)))?;
        Ok(Still { facts: FrameInfo::of(frame, size), image, md5 })
    }
}

fn encode(
    encoder: &mut Option<Encoder>,
    options: &StillOptions,
    view: &FrameView<'_>,
) -> image::Result<Option<Vec<u8>>> {
    let Some(format) = options.image else { return Ok(None) };
    let stage = stage!("encode");
    let encoder = match encoder {
        Some(encoder) => encoder,
        none => none.insert(Encoder::new(format, options)?),
    };
    let image = match encoder {
        Encoder::Jpeg(encoder) => encoder.encode(view)?,
        Encoder::Png(encoder) => encoder.encode(view)?,
    };
    trace::record_bytes(&stage, image.bytes.len());
    Ok(Some(image.bytes.to_vec()))
}

impl Encoder {
    fn new(format: ImageFormat, options: &StillOptions) -> image::Result<Self> {
        let StillOptions { quality, max_size, coded, .. } = *options;
        Ok(match format {
            ImageFormat::Jpeg => {
                Self::Jpeg(Box::new(JpegEncoder::new(JpegOptions { quality, max_size, coded })?))
            }
            ImageFormat::Png => {
                Self::Png(Box::new(PngEncoder::new(PngOptions { max_size, coded })))
            }
        })
    }
}

impl Still {
    /// The record of this still of `source`, whose image is at `path`: of the keyframe numbered
    /// `index`, or of any frame.
    pub fn record(&self, source: &str, index: Option<u64>, path: Option<String>) -> Record {
        let record = FrameRecord {
            source: source.into(),
            index,
            place: self.facts.place(),
            keyframe: index.is_none().then_some(self.facts.keyframe),
            md5: self.md5.clone(),
            path,
            damaged: self.facts.damaged,
        };
        if index.is_some() { Record::Keyframe(record) } else { Record::Frame(record) }
    }
}
