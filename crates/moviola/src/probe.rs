//! What a source is, without decoding it: container, streams, keyframes, rotation, colour.

use std::{ffi::OsStr, fs::File, io, sync::Arc};

use moviola_av::{
    demuxer::{Demuxer, DemuxerOptions},
    error::Error as AvError,
    io::Io,
    protocols::Protocols,
    stream::{MediaKind, Stream},
};
use moviola_media::{
    error::{Error, Result},
    media::{Media, VideoStream},
    picture::Orientation,
    source::{Source, SourceOptions},
};
use serde::Serialize;

use crate::results::{AudioRecord, SCHEMA, VideoRecord};

/// What a source is.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// How many keyframes the container's index lists; unknown if it has no complete index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyframes: Option<u64>,
    /// The video stream that other commands read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoRecord>,
    /// The first sound stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioRecord>,
    /// All streams.
    pub streams: Vec<StreamRecord>,
}

/// One stream of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamRecord {
    /// Its number.
    pub index: usize,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`, `cover` or `unknown`.
    pub kind: &'static str,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// As the container writes it, such as `eng`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Looks at the input that a user typed: a path, an address, or `-` for standard input.
///
/// Reads the header and, for what it leaves open, the first packets. Of `options`, only the
/// protocols count.
///
/// # Errors
///
/// [`Error::Open`] or [`Error::Demux`] if it can't be read. A source without video is none.
pub fn probe(input: &OsStr, options: &SourceOptions) -> Result<Probe> {
    let mut demuxer = open(input, options).map_err(|cause| explain(input, options, cause))?;
    // An error here leaves some things unknown, which is no reason to keep back the rest.
    if let Err(error) = demuxer.find_stream_info() {
        tracing::debug!(%error, "the streams are not fully known");
    }
    let (video, audio) = (find_video(&demuxer), find_audio(&demuxer));
    Ok(Probe {
        schema: SCHEMA,
        source: input.to_string_lossy().into_owned(),
        container: demuxer.format_name().into(),
        duration: demuxer.duration_us().map(|us| us as f64 / 1e6),
        keyframes: video.and_then(|stream| keyframes(&demuxer, stream)),
        video: video.and_then(video_record),
        audio,
        streams: demuxer.streams().filter_map(stream_record).collect(),
    })
}

fn open(input: &OsStr, options: &SourceOptions) -> std::result::Result<Demuxer, AvError> {
    let io = match input.to_str() {
        Some("-") => Some(Io::read(io::stdin())),
        Some(_) => None,
        // FFmpeg's names are text; a file that is open needs none.
        None => Some(Io::file(File::open(input).map_err(|error| AvError::Io {
            op: "open",
            message: error.to_string(),
            kind: error.kind(),
        })?)?),
    };
    Demuxer::open(DemuxerOptions {
        url: input.to_string_lossy().into_owned(),
        io,
        allow_protocols: Protocols::also(options.allow_protocols.iter().cloned()),
        network_timeout: Some(options.network_timeout),
        ..DemuxerOptions::default()
    })
}

/// The same words for the same failure as when the source is read.
fn explain(input: &OsStr, options: &SourceOptions, cause: AvError) -> Error {
    let name = input.to_string_lossy().into_owned();
    let again = match input.to_str() {
        Some("-") => None,
        Some(text) => Media::open(Source::parse(text), options.clone()).err(),
        None => Media::open(Source::path(input), options.clone()).err(),
    };
    again.unwrap_or_else(|| Error::Demux { name, reason: cause.to_string(), cause })
}

/// The stream that [`Media`] picks: most pixels, the default one first, cover art never.
fn find_video(demuxer: &Demuxer) -> Option<Stream<'_>> {
    let video = |stream: &Stream<'_>| kind(*stream) == "video";
    // Of equals `max_by_key` takes the last, so the order is turned round.
    let mut streams: Vec<_> = demuxer.streams().filter(video).collect();
    streams.reverse();
    streams.into_iter().max_by_key(|stream| {
        let pixels = stream
            .parameters()
            .map_or(0, |video| u64::from(video.width()) * u64::from(video.height()));
        pixels + if stream.disposition().is_default() { 5_000_000 } else { 0 }
    })
}

fn find_audio(demuxer: &Demuxer) -> Option<AudioRecord> {
    let stream = demuxer.streams().find(|stream| stream.kind() == MediaKind::Audio)?;
    Some(AudioRecord::of(&stream.parameters().ok()?))
}

fn video_record(stream: Stream<'_>) -> Option<VideoRecord> {
    let parameters = stream.parameters().ok()?;
    let orientation = parameters.display_matrix().map(Orientation::of_matrix).unwrap_or_default();
    Some(VideoRecord::of(&VideoStream {
        index: stream.index(),
        time_base: stream.time_base()?,
        frame_rate: stream.average_frame_rate(),
        orientation,
        sample_aspect: stream.sample_aspect_ratio(),
        parameters: Arc::new(parameters),
    }))
}

fn stream_record(stream: Stream<'_>) -> Option<StreamRecord> {
    Some(StreamRecord {
        index: stream.index(),
        kind: kind(stream),
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
fn keyframes(demuxer: &Demuxer, stream: Stream<'_>) -> Option<u64> {
    let frames = stream.frame_count()?;
    let entries: Vec<_> = demuxer.index_entries(stream.index()).collect();
    let complete = demuxer.format_name().starts_with("mov") || entries.len() as u64 == frames;
    let shown = entries.iter().filter(|entry| entry.keyframe && !entry.discard).count();
    complete.then_some(shown as u64)
}
