//! What a source is: container, streams, frames, rotation, colour.

use std::borrow::Cow;

use moviola_av::{
    demuxer::Demuxer,
    stream::{MediaKind, Stream},
};
use moviola_media::{
    error::Result,
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
    video::Video,
};
use serde::{Deserialize, Serialize};

use super::record::{AudioRecord, SCHEMA, VideoRecord};
use crate::is_false;

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
    /// The video stream that is selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoRecord>,
    /// The audio stream that is selected.
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
    /// Whether it is the one of its kind that is read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub selected: bool,
}

/// Looks at a source: reads the header and, for what it leaves open, the first packets. Frames are
/// counted as exactly as [`Video::index`] does, which may read a whole file; addresses and pipes
/// aren't read for that.
///
/// # Errors
///
/// [`Error::Open`](moviola_media::error::Error::Open) or
/// [`Error::Demux`](moviola_media::error::Error::Demux) if it can't be read;
/// [`Error::NoVideo`](moviola_media::error::Error::NoVideo) or
/// [`Error::NoAudio`](moviola_media::error::Error::NoAudio) if it hasn't the stream that `options`
/// name. A source without video is no error.
pub fn probe(source: Source, options: &SourceOptions) -> Result<Probe> {
    let input = OpenInput::open(source, options.clone(), Purpose::Description)?;
    let again = input.source().filter(|_| input.video().is_some());
    let counts = again.and_then(|source| count(source, options));
    let listed = || input.video().and_then(|video| keyframes(input.demuxer(), video.index));
    let streams = input.demuxer().streams();
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
    let counted = OpenInput::open(source, options.clone(), Purpose::Video).and_then(|input| {
        if input.bytes().is_none() {
            return Ok(None);
        }
        let mut video = Video::start(input)?;
        let index = video.index()?;
        tracing::debug!(origin = ?index.origin(), "the frames are counted");
        Ok(Some(Counts { frames: index.len(), keyframes: index.keyframes() }))
    });
    counted.unwrap_or_else(|error| {
        tracing::debug!(%error, "the frames can't be counted");
        None
    })
}

fn stream_record(input: &OpenInput, stream: Stream<'_>) -> Option<StreamRecord> {
    Some(StreamRecord {
        index: stream.index(),
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
