//! What Moviola found: the records that leave it, one JSON object each.
//!
//! Field names and their order are part of the interface: fields are only ever added. What is
//! unknown is left out. Times are seconds from the start of the presentation, `pts` and
//! `time_base` the exact tick. Floats are written as the shortest text that reads back to the same
//! `f32` or `f64`, whichever the field is. Records can be read back from their lines.

mod describe;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::probe::Probe;
use crate::{
    columns::record,
    is_false,
    plan::TaskKind,
    task::{DetectionsRecord, FrameRecord, KeyframeRecord, RecordImage, TaskRecord},
};

/// Version of the records; goes up only if a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// One record, with its `type` in front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Record {
    /// A source that was opened; stands before all other records of the source.
    Source(SourceRecord),
    /// What a source is, all streams included.
    Probe(Probe),
    /// A keyframe.
    Keyframe(KeyframeRecord),
    /// A frame.
    Frame(FrameRecord),
    /// The objects on one frame.
    Detections(DetectionsRecord),
    /// Something that failed.
    Error(ErrorRecord),
    /// The last record of a source.
    End(EndRecord),
    /// The last record of all, if there are several sources.
    Summary(SummaryRecord),
}

impl Record {
    /// Seconds from the start of the presentation, of what concerns one frame.
    pub fn time(&self) -> Option<f64> {
        match self {
            Self::Keyframe(keyframe) => keyframe.position.time,
            Self::Frame(frame) => frame.position.time,
            Self::Detections(detections) => detections.position.time,
            Self::Error(error) => error.time,
            Self::Source(_) | Self::Probe(_) | Self::End(_) | Self::Summary(_) => None,
        }
    }

    /// The image that comes with it and the path that is to say where it was written, of records of
    /// tasks that make images.
    pub(crate) fn image(&mut self) -> Option<ImageFields<'_>> {
        let (task, image, path) = match self {
            Self::Keyframe(KeyframeRecord { image, path, .. })
            | Self::Frame(FrameRecord { image, path, .. }) => (TaskKind::Still, image, path),
            Self::Detections(DetectionsRecord { image, path, .. }) => {
                (TaskKind::Detect, image, path)
            }
            _ => return None,
        };
        Some(ImageFields { task, image, path })
    }
}

/// The fields of a record that concern its image.
pub(crate) struct ImageFields<'a> {
    /// The task whose image it is.
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
    /// What a source is.
    pub struct SourceRecord {
        /// Always [`SCHEMA`].
        pub schema: u32,
        /// The source as its user knows it.
        pub source: String,
        /// The container in FFmpeg's words, such as `mov,mp4,m4a,3gp,3g2,mj2`.
        pub container: String,
        /// Length of the presentation in seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub duration: Option<f64>,
        /// The video stream that is read.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub video: Option<VideoRecord>,
        /// The audio stream that is selected.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub audio: Option<AudioRecord>,
    }
}

record! {
    /// What a video stream is, as it is coded: not yet turned, its pixels not yet square.
    pub struct VideoRecord {
        /// Its number among all streams.
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
        /// Frames per second, on average.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub frame_rate: Option<f64>,
        /// Degrees by which pictures are turned clockwise to stand upright: 0, 90, 180 or 270.
        pub rotation: u32,
        /// FFmpeg's name of the pixel format; known once a picture is decoded.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pixel_format: Option<String>,
        /// What the stream says of its colour; known once a picture is decoded.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub color: Option<ColorRecord>,
        /// Width to height of a pixel, if it is not square.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sample_aspect: Option<[u32; 2]>,
        /// Whether pictures are mirrored left and right before they are turned.
        #[serde(default, skip_serializing_if = "is_false")]
        pub mirrored: bool,
    }
}

record! {
    /// What a stream says of its colour.
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
    /// What an audio stream is.
    #[derive(Eq)]
    pub struct AudioRecord {
        /// Its number among all streams.
        #[serde(default)]
        pub stream: u64,
        /// FFmpeg's name of the codec.
        pub codec: String,
        /// Samples per second of a channel.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sample_rate: Option<u32>,
        /// Number of channels.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub channels: Option<u32>,
    }
}

record! {
    /// Something that failed. What it doesn't concern goes on.
    pub struct ErrorRecord {
        /// The source as its user knows it.
        pub source: String,
        /// The step at which it failed: `open`, `demux`, `decode`, `image`, `write`, `infer`; or what ended
        /// the reading: `crash`, `deadline`.
        pub stage: String,
        /// Seconds from the start of the presentation; `null` unless it concerns one picture.
        pub time: Option<f64>,
        /// What is wrong and what to do.
        pub message: String,
    }
}

record! {
    /// How a source ended.
    pub struct EndRecord {
        /// The source as its user knows it.
        pub source: String,
        /// Frames that were handed out.
        pub frames: u64,
        /// How many of them were keyframes.
        pub keyframes: u64,
        /// Error records.
        pub errors: u64,
        /// The first and the last number of each range of damaged frames.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub damaged: Vec<[u64; 2]>,
        /// Seconds of wall time.
        pub elapsed: f64,
    }
}

/// How everything ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRecord {
    /// Sources that were asked for.
    pub sources: u64,
    /// Sources that were read to their end. Single pictures of them may have failed.
    pub done: u64,
    /// Sources that could not be opened, or broke off.
    pub failed: u64,
    /// Frames that were handed out.
    pub frames: u64,
    /// Seconds of wall time.
    pub elapsed: f64,
    /// How often a model was loaded: once for each worker, and for each that took the place of one
    /// that died.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub models_loaded: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde calls")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
