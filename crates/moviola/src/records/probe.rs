//! What a source is: container, streams, frames, rotation, colour.

use std::borrow::Cow;

use moviola_av::{
    demuxer::Demuxer,
    interrupt::Interrupt,
    stream::{MediaKind, Stream},
};
use moviola_media::{
    error::Result,
    media::{Media, VideoStream},
    source::{Source, SourceOptions, cannot_read},
    video::Video,
};
use serde::{Deserialize, Serialize};

use super::record::{AudioRecord, SCHEMA, VideoRecord};

/// What a source is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Always [`SCHEMA`].
    pub schema: u32,
    /// The source as its user knows it.
    pub source: String,
    /// The container in FFmpeg's words, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Length of the presentation in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How many keyframes are shown. Where frames can't be counted, as many as the container's
    /// index lists, if that is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyframes: Option<u64>,
    /// How many frames are shown; known of files and memory that can be decoded. Elsewhere they
    /// can't be counted without reading the source a second time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// The video stream that other commands read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoRecord>,
    /// The first audio stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioRecord>,
    /// All streams.
    pub streams: Vec<StreamRecord>,
}

/// One stream of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Its number.
    pub index: usize,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`, `cover` or `unknown`.
    pub kind: Cow<'static, str>,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// As the container writes it, such as `eng`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Looks at a source: reads the header and, for what it leaves open, the first packets. Frames are
/// counted as exactly as [`Video::index`] does, which may read a whole file; addresses and pipes
/// aren't read for that.
///
/// # Errors
///
/// [`Error::Open`](moviola_media::error::Error::Open) or
/// [`Error::Demux`](moviola_media::error::Error::Demux) if it can't be read. A source without
/// video is no error.
pub fn probe(source: Source, options: &SourceOptions) -> Result<Probe> {
    let source = source.opened()?;
    let again = source.try_clone();
    let (name, mut demuxer) = source.demuxer(options, Interrupt::new())?;
    // An error here leaves some things unknown, which is no reason to keep back the rest.
    if let Err(error) = demuxer.find_stream_info() {
        tracing::debug!(%error, "the streams are not fully known");
    }
    let video = VideoStream::pick(&demuxer, options.stream);
    let video = video.map_err(|cause| cannot_read(&name, cause))?;
    let again = again.filter(|_| video.is_some());
    let counts = again.and_then(|source| count(source, options));
    let listed = || video.as_ref().and_then(|video| keyframes(&demuxer, video.index));
    Ok(Probe {
        schema: SCHEMA,
        source: name,
        container: demuxer.format_name().into(),
        duration: demuxer.duration_us().map(|us| us as f64 / 1e6),
        keyframes: counts.map(|counts| counts.keyframes).or_else(listed),
        frames: counts.map(|counts| counts.frames),
        video: video.as_ref().map(VideoRecord::of),
        audio: find_audio(&demuxer),
        streams: demuxer.streams().filter_map(stream_record).collect(),
    })
}

/// What an index counts.
#[derive(Clone, Copy)]
struct Counts {
    frames: u64,
    keyframes: u64,
}

/// The exact counts; `None` if the source isn't at hand, or can't be read as video: that is no
/// reason to keep back the rest.
fn count(source: Source, options: &SourceOptions) -> Option<Counts> {
    let counted = Media::open(source, options.clone()).and_then(|media| {
        if media.bytes().is_none() {
            return Ok(None);
        }
        let mut video = Video::of_media(media)?;
        let index = video.index()?;
        tracing::debug!(origin = ?index.origin(), "the frames are counted");
        Ok(Some(Counts { frames: index.len(), keyframes: index.keyframes() }))
    });
    counted.unwrap_or_else(|error| {
        tracing::debug!(%error, "the frames can't be counted");
        None
    })
}

fn find_audio(demuxer: &Demuxer) -> Option<AudioRecord> {
    let stream = demuxer.streams().find(|stream| stream.kind() == MediaKind::Audio)?;
    Some(AudioRecord::of(&stream.parameters().ok()?))
}

fn stream_record(stream: Stream<'_>) -> Option<StreamRecord> {
    Some(StreamRecord {
        index: stream.index(),
        kind: kind(stream).into(),
        codec: stream.parameters().ok()?.codec_name().into(),
        language: stream.language().filter(|language| language != "und"),
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

/// The keyframes that are shown, if the container's index is complete: then it has as many entries
/// as the header counts frames. MP4's is, unless it is fragmented and counts none; edit lists may
/// shorten it.
fn keyframes(demuxer: &Demuxer, stream: usize) -> Option<u64> {
    let frames = demuxer.stream(stream)?.frame_count()?;
    let entries: Vec<_> = demuxer.index_entries(stream).collect();
    let complete = demuxer.format_name().starts_with("mov") || entries.len() as u64 == frames;
    let shown = entries.iter().filter(|entry| entry.keyframe && !entry.discard).count();
    complete.then_some(shown as u64)
}
