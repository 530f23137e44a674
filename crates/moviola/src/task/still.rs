//! The still task: a record of each frame, and optionally an image and a hash.

use moviola_av::{stage, trace};
use moviola_media::{
    any_format::AnyFormat,
    frame::Frame,
    frame_view::FrameView,
    image::{self, JpegEncoder, JpegOptions, PngEncoder, PngOptions, image_size},
};

use super::{
    FrameTask, RecordContext, RecordImage, TaskData, TaskError, TaskOutput, TaskRecord, TaskWorker,
};
use crate::{
    columns::record,
    frame_info::{FrameInfo, FramePosition},
    hash::frame_md5,
    is_false,
    plan::{ImageFormat, StillOptions, TaskKind},
};

/// The still task; it has no models.
#[derive(Debug)]
pub(super) struct StillTask {
    options: StillOptions,
}

impl StillTask {
    pub(super) fn new(options: StillOptions) -> Self {
        Self { options }
    }
}

impl FrameTask for StillTask {
    fn worker(&self, _: usize) -> Box<dyn TaskWorker> {
        let (options, any_format) = (self.options, AnyFormat::default());
        Box::new(StillWorker { options, encoder: None, any_format })
    }
}

/// A still worker. It runs on the thread that decoded the frame, whose planes are still in the
/// core's cache.
#[derive(Debug)]
struct StillWorker {
    options: StillOptions,
    /// Created for the first image.
    encoder: Option<Encoder>,
    any_format: AnyFormat,
}

#[derive(Debug)]
enum Encoder {
    Jpeg(Box<JpegEncoder>),
    Png(Box<PngEncoder>),
}

impl TaskWorker for StillWorker {
    fn work(&mut self, frame: &Frame, _: bool) -> Result<TaskOutput, TaskError> {
        let failed = |reason: String| {
            let (kind, time) = (TaskKind::Still, frame.time);
            let reason = format!("the frame can't be converted to an image: {reason}");
            TaskError::Frame { kind, time, reason }
        };
        let md5 = self.options.hash.then(|| frame_md5(&frame.decoded));
        let view = self.any_format.view(frame);
        let view = view.map_err(|error| failed(error.to_string()))?;
        let size = image_size(&view, self.options.max_size, self.options.coded);
        let image = encode(&mut self.encoder, &self.options, &view);
        let image = image.map_err(|error| failed(error.to_string()))?;
        let (info, data) = (FrameInfo::of(frame, size), TaskData::Still { md5 });
        Ok(TaskOutput { info, image, data, model_input: None })
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

record! {
    /// A record of one keyframe.
    pub struct KeyframeRecord {
        /// The source's name, as the user gave it.
        pub source: String,
        /// Number among the keyframes, from 0. A keyframe that can't be decoded takes a number too.
        pub index: u64,
        /// The frame and the size of its image.
        #[serde(flatten)]
        pub position: FramePosition => ..,
        /// MD5 of the decoded planes, as 32 lowercase hexadecimal digits.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub md5: Option<String>,
        /// Path of the image file, once it is written.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// Whether the decoder concealed damage.
        #[serde(default, skip_serializing_if = "is_false")]
        pub damaged: bool,
        /// The image, until it is written to a file.
        #[serde(skip)]
        pub image: Option<RecordImage> => _,
    }
}

record! {
    /// A record of one frame.
    pub struct FrameRecord {
        /// The source's name, as the user gave it.
        pub source: String,
        /// The frame and the size of its image.
        #[serde(flatten)]
        pub position: FramePosition => ..,
        /// Whether it is a keyframe.
        pub keyframe: bool,
        /// MD5 of the decoded planes, as 32 lowercase hexadecimal digits.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub md5: Option<String>,
        /// Path of the image file, once it is written.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// Whether the decoder concealed damage.
        #[serde(default, skip_serializing_if = "is_false")]
        pub damaged: bool,
        /// The image, until it is written to a file.
        #[serde(skip)]
        pub image: Option<RecordImage> => _,
    }
}

/// The record of a still: of a keyframe if the context has an index, else of a frame.
pub(super) fn record(
    info: &FrameInfo,
    image: Option<RecordImage>,
    md5: Option<String>,
    context: RecordContext<'_>,
) -> TaskRecord {
    let (source, position) = (context.source.into(), info.position());
    let FrameInfo { keyframe, damaged, .. } = *info;
    match context.index {
        Some(index) => TaskRecord::Keyframe(KeyframeRecord {
            source,
            index,
            position,
            md5,
            path: None,
            damaged,
            image,
        }),
        None => TaskRecord::Frame(FrameRecord {
            source,
            position,
            keyframe,
            md5,
            path: None,
            damaged,
            image,
        }),
    }
}
