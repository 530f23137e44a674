//! Descriptions of sources: container, streams, frame counts, rotation, colour.

use std::borrow::Cow;

use moviola_av::{demuxer::Demuxer, media_kind::MediaKind, stream::Stream};
use moviola_media::{
    error::Result,
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
    video::Video,
};
use serde::{Deserialize, Serialize};

use super::record::{AudioRecord, ErrorRecord, SCHEMA, VideoRecord};
use crate::is_false;

/// A description of a source, with all its streams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Always [`SCHEMA`].
    pub schema: u32,
    /// The source's name, as the user gave it.
    pub source: String,
    /// FFmpeg's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Length of the presentation in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Number of keyframes that are shown. If frames can't be counted, the number of keyframes in
    /// the container's index, if that is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyframes: Option<u64>,
    /// Number of frames that are shown; known for files and memory that can be decoded. Other
    /// sources would have to be read a second time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// The selected video stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoRecord>,
    /// The selected audio stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioRecord>,
    /// All streams.
    pub streams: Vec<StreamRecord>,
    /// The errors of streams that the options select and the source lacks. They aren't part of the
    /// record.
    #[serde(skip)]
    pub missing: Vec<ErrorRecord>,
}

/// One stream of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// The stream's number.
    pub index: u64,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`, `cover` or `unknown`.
    pub kind: Cow<'static, str>,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// The language code in the container, such as `eng`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether the stream is selected for reading.
    #[serde(default, skip_serializing_if = "is_false")]
    pub selected: bool,
}

/// Describes a source from its header and, if the header is incomplete, its first packets. Frames
/// are counted as by [`Video::index`], which may read a whole file; URLs and pipes aren't read for
/// that.
///
/// # Errors
///
/// [`Error::Open`](moviola_media::error::Error::Open) or
/// [`Error::Demux`](moviola_media::error::Error::Demux) if it can't be read. A source without video
/// isn't an error, and a selected stream that it lacks is one of [`Probe::missing`].
pub fn probe(source: Source, options: &SourceOptions) -> Result<Probe> {
    let input = OpenInput::open(source, options.clone(), Purpose::Description)?;
    let again = input.source().filter(|_| input.video().is_some());
    let counts = again.and_then(|source| count(source, options));
    let listed = || input.video().and_then(|video| indexed_keyframes(input.demuxer(), video.index));
    let streams = input.demuxer().streams();
    let missing = input.missing().iter();
    Ok(Probe {
        schema: SCHEMA,
        source: input.name().into(),
        container: input.container().into(),
        duration: input.duration(),
        keyframes: counts.map(|counts| counts.keyframes).or_else(listed),
        frames: counts.map(|counts| counts.frames),
        video: input.video().map(VideoRecord::of),
        audio: input.audio().map(AudioRecord::of),
        streams: streams.filter_map(|stream| stream_record(&input, stream)).collect(),
        missing: missing.map(|error| ErrorRecord::new(input.name(), error)).collect(),
    })
}

/// The counts of an index.
#[derive(Clone, Copy)]
struct Counts {
    frames: u64,
    keyframes: u64,
}

/// The exact counts; `None` if the source isn't a file or memory, or can't be read as video. Then
/// the probe has no counts, but isn't an error.
fn count(source: Source, options: &SourceOptions) -> Option<Counts> {
    let counted = OpenInput::open(source, options.clone(), Purpose::Video).and_then(|input| {
        if input.bytes().is_none() {
            return Ok(None);
        }
        let mut video = Video::start(input)?;
        let index = video.index()?;
        tracing::debug!(origin = ?index.origin(), "frames counted");
        Ok(Some(Counts { frames: index.len(), keyframes: index.keyframes() }))
    });
    counted.unwrap_or_else(|error| {
        tracing::debug!(%error, "frames can't be counted");
        None
    })
}

fn stream_record(input: &OpenInput, stream: Stream<'_>) -> Option<StreamRecord> {
    Some(StreamRecord {
        index: stream.index() as u64,
        kind: kind(stream).into(),
        codec: stream.parameters().ok()?.codec_name().into(),
        language: stream.language().filter(|language| language != "und"),
        selected: input.is_selected(stream.index()),
    })
}

fn kind(stream: Stream<'_>) -> &'static str {
    match stream.kind() {
        MediaKind::Video if stream.disposition().is_attached_picture() => "cover",
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
        MediaKind::Subtitle => "subtitle",
        MediaKind::Data => "data",
        MediaKind::Attachment => "attachment",
        _ => "unknown",
    }
}

/// The number of shown keyframes in the container's index, if that is complete: it has as many
/// entries as the header counts frames. MP4's index is complete, except in fragmented files, whose
/// header counts no frames; edit lists may shorten it.
fn indexed_keyframes(demuxer: &Demuxer, stream: usize) -> Option<u64> {
    let frames = demuxer.stream(stream)?.frame_count()?;
    let entries: Vec<_> = demuxer.index_entries(stream).collect();
    let is_complete = demuxer.format_name().starts_with("mov") || entries.len() as u64 == frames;
    let shown = entries.iter().filter(|entry| entry.keyframe && !entry.discard).count();
    is_complete.then_some(shown as u64)
}
