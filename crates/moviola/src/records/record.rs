//! The records of a run, one JSON object each.
//!
//! Field names and their order are part of the interface: fields are only added. Unknown values are
//! omitted. Times are seconds from the start of the presentation; `pts` and `time_base` give the
//! exact tick. A float is the shortest text that parses to the same value of the field's type,
//! `f32` or `f64`. Records can be parsed from their lines.

mod describe;
#[cfg(test)]
mod tests;

use moviola_media::error::Error;
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use crate::{
    columns::record,
    is_false,
    plan::TaskKind,
    task::{DetectionsRecord, FrameRecord, KeyframeRecord, RecordImage, TaskRecord},
};

/// The version of the records; it is raised only if a field is removed or changes its meaning.
pub const SCHEMA: u32 = 1;

/// A record; its first JSON field is its `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Record {
    /// A source that was opened; the first record of the source.
    Source(SourceRecord),
    /// A description of a source, with all streams.
    Probe(Probe),
    /// A keyframe.
    Keyframe(KeyframeRecord),
    /// A frame.
    Frame(FrameRecord),
    /// The objects in one frame.
    Detections(DetectionsRecord),
    /// A failure of a source or of one frame.
    Error(ErrorRecord),
    /// The last record of a source.
    End(EndRecord),
    /// The last record of a run over several sources.
    Summary(SummaryRecord),
}

impl Record {
    /// Seconds from the start of the presentation; `None` unless the record concerns one frame.
    pub fn time(&self) -> Option<f64> {
        match self {
            Self::Keyframe(keyframe) => keyframe.position.time,
            Self::Frame(frame) => frame.position.time,
            Self::Detections(detections) => detections.position.time,
            Self::Error(error) => error.time,
            Self::Source(_) | Self::Probe(_) | Self::End(_) | Self::Summary(_) => None,
        }
    }

    /// The image and path fields; `None` for records of other types than a task's.
    pub(crate) fn image(&mut self) -> Option<ImageFields<'_>> {
        let (task, image, path) = match self {
            Self::Keyframe(KeyframeRecord { image, path, .. })
            | Self::Frame(FrameRecord { image, path, .. }) => (TaskKind::Still, image, path),
            Self::Detections(DetectionsRecord { image, path, .. }) => {
                (TaskKind::Detect, image, path)
            }
            Self::Source(_) | Self::Probe(_) | Self::Error(_) | Self::End(_) | Self::Summary(_) => {
                return None;
            }
        };
        Some(ImageFields { task, image, path })
    }
}

/// The image fields of a record.
pub(crate) struct ImageFields<'a> {
    /// The task that made the image.
    pub(crate) task: TaskKind,
    pub(crate) image: &'a mut Option<RecordImage>,
    pub(crate) path: &'a mut Option<String>,
}

impl From<TaskRecord> for Record {
    fn from(record: TaskRecord) -> Self {
        match record {
            TaskRecord::Keyframe(keyframe) => Self::Keyframe(keyframe),
            TaskRecord::Frame(frame) => Self::Frame(frame),
            TaskRecord::Detections(detections) => Self::Detections(detections),
        }
    }
}

record! {
    /// A description of a source, with its selected streams.
    pub struct SourceRecord {
        /// Always [`SCHEMA`].
        pub schema: u32,
        /// The source's name, as the user gave it.
        pub source: String,
        /// FFmpeg's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
        pub container: String,
        /// Length of the presentation in seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub duration: Option<f64>,
        /// The selected video stream.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub video: Option<VideoRecord>,
        /// The selected audio stream.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub audio: Option<AudioRecord>,
    }
}

record! {
    /// A video stream as it is coded, before rotation and scaling to square pixels.
    pub struct VideoRecord {
        /// The stream's number among all streams.
        #[serde(default)]
        pub stream: u64,
        /// FFmpeg's name of the codec.
        pub codec: String,
        /// Coded width in pixels.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub width: Option<u32>,
        /// Coded height in pixels.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub height: Option<u32>,
        /// Average frames per second.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub frame_rate: Option<f64>,
        /// Degrees by which frames are rotated clockwise for display: 0, 90, 180 or 270.
        pub rotation: u32,
        /// FFmpeg's name of the pixel format; may be unknown until a frame is decoded.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pixel_format: Option<String>,
        /// The stream's colour description; may be unknown until a frame is decoded.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub color: Option<ColorRecord>,
        /// Ratio of a pixel's width to its height, unless pixels are square.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sample_aspect: Option<[u32; 2]>,
        /// Whether frames are mirrored left to right before rotation.
        #[serde(default, skip_serializing_if = "is_false")]
        pub mirrored: bool,
    }
}

record! {
    /// The colour description of a stream.
    #[derive(Default, Eq)]
    pub struct ColorRecord {
        /// The matrix between RGB and YUV, such as `bt709`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub matrix: Option<String>,
        /// `limited` or `full`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub range: Option<String>,
    }
}

record! {
    /// An audio stream.
    #[derive(Eq)]
    pub struct AudioRecord {
        /// The stream's number among all streams.
        #[serde(default)]
        pub stream: u64,
        /// FFmpeg's name of the codec.
        pub codec: String,
        /// Samples per second in each channel.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sample_rate: Option<u32>,
        /// Number of channels.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub channels: Option<u32>,
    }
}

record! {
    /// A failure of a source or of one frame; the run continues with the others.
    pub struct ErrorRecord {
        /// The source's name, as the user gave it.
        pub source: String,
        /// The step that failed: `open`, `demux`, `decode`, `image`, `write` or `infer`; or the
        /// reason why reading ended: `crash` or `deadline`.
        pub stage: String,
        /// Seconds from the start of the presentation; `null` unless it concerns one frame.
        pub time: Option<f64>,
        /// What is wrong and what to do.
        pub message: String,
    }
}

record! {
    /// The end of a source, with its counts.
    pub struct EndRecord {
        /// The source's name, as the user gave it.
        pub source: String,
        /// Number of frames that have at least one record besides errors. A frame that was
        /// requested twice counts twice.
        pub frames: u64,
        /// Number of those frames that are keyframes.
        pub keyframes: u64,
        /// Number of error records: of the source, of frames and of tasks on them.
        pub errors: u64,
        /// First and last frame number of each range of damaged frames.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub damaged: Vec<[u64; 2]>,
        /// Seconds of wall time from the start of opening the source.
        pub elapsed: f64,
    }
}

impl ErrorRecord {
    /// The record of an error of `source`, which has its own field.
    pub fn new(source: &str, error: &Error) -> Self {
        let text = error.to_string();
        let message = text.strip_prefix(&format!("{source}: ")).unwrap_or(&text).to_owned();
        let (source, stage) = (source.to_owned(), error.stage().name().to_owned());
        Self { source, stage, time: error.time(), message }
    }
}

/// The end of a run over several sources, with its counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRecord {
    /// Number of sources: `done` and `failed` ones. In a bulk run they include those that earlier
    /// runs have finished.
    pub sources: u64,
    /// Number of sources that were read to their end and have a frame or no error.
    pub done: u64,
    /// Number of sources that could not be opened or read to their end, or had only errors.
    pub failed: u64,
    /// Number of frames that have at least one record besides errors.
    pub frames: u64,
    /// Seconds of wall time of the run.
    pub elapsed: f64,
    /// Number of times that a model was loaded: at most once for each worker, and once more for
    /// each replacement of a worker process.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub models_loaded: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde calls")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
