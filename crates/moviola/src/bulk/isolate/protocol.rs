//! What the processes say to each other: JSON, one message a line.
//!
//! A worker first hears its [`InitMessage`] and answers [`WorkerMessage::Ready`] when its models are loaded. Then it
//! takes one [`Job`] after another, and answers each with [`WorkerMessage::Taken`], the source's records
//! ([`WorkerMessage::Told`], perhaps one [`WorkerMessage::Fallback`] between them) and [`WorkerMessage::Ended`]. Standard
//! input's end is its own.

use std::{path::PathBuf, time::Duration};

use moviola_infer::provider::ProviderReport;
use moviola_media::{
    image::ImageError,
    source::{IoMode, Location, Source, SourceOptions, StreamSelection},
};
use serde::{Deserialize, Serialize, de::Error};

use crate::{
    bulk::BulkInput,
    error::SourceFailure,
    exact_path,
    plan::Plan,
    records::{Record, SourceTally},
    sink::images::SourceFolders,
};

/// What a worker does with every source.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InitMessage {
    pub(super) plan: Plan,
    pub(super) options: WireOptions,
}

/// [`SourceOptions`] as they are written; a plan says what to do about damage, and there is one
/// decoder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireOptions {
    #[serde(with = "Reading")]
    io: IoMode,
    allow_protocols: String,
    max_pixels: u64,
    network_timeout: Duration,
    video_stream: String,
    audio_stream: String,
    hwaccel: String,
    index_cache: Option<ExactPath>,
    memory: usize,
}

/// How [`IoMode`] is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "IoMode")]
enum Reading {
    Read,
    Map,
    Auto,
}

#[derive(Debug, Serialize, Deserialize)]
struct ExactPath(#[serde(with = "exact_path")] PathBuf);

/// A source that a worker is to read, and where its images go.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::bulk) struct Job {
    place: Written,
    folders: SourceFolders,
}

/// Where a source is.
#[derive(Debug, Serialize, Deserialize)]
enum Written {
    Path(ExactPath),
    Url(String),
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WorkerMessage {
    /// Sources may come; how many models were loaded, and what runs them.
    Ready { provider: Option<ProviderReport>, models: u64 },
    /// A model can't be loaded: no source can be read.
    Broken { message: String },
    /// The source is being opened.
    Taken,
    /// The hardware that was asked for doesn't decode it.
    Fallback { reason: String },
    /// One of its records, and what was counted when it came.
    Told { record: Box<Record>, tally: SourceTally },
    /// It had its last record; the models that were loaded since the worker began.
    Ended { tally: SourceTally, models: u64 },
}

impl WireOptions {
    pub(super) fn of(options: &SourceOptions) -> Self {
        let &SourceOptions {
            io,
            ref allow_protocols,
            max_pixels,
            network_timeout,
            ref streams,
            decoders: _,
            hwaccel,
            on_damage: _,
            ref index_cache,
            memory,
            pool: _,      // what pictures are in can't be shared with another process
            interrupt: _, // nor what stops the work
        } = options;
        let allow_protocols = allow_protocols.to_string();
        let hwaccel = hwaccel.to_string();
        let index_cache = index_cache.as_deref().map(|path| ExactPath(path.into()));
        Self {
            io,
            allow_protocols,
            max_pixels,
            network_timeout,
            video_stream: streams.video.to_string(),
            audio_stream: streams.audio.to_string(),
            hwaccel,
            index_cache,
            memory,
        }
    }

    /// The options, for one decoder.
    pub(super) fn options(self) -> serde_json::Result<SourceOptions> {
        Ok(SourceOptions {
            io: self.io,
            allow_protocols: self.allow_protocols.parse().map_err(serde_json::Error::custom)?,
            max_pixels: self.max_pixels,
            network_timeout: self.network_timeout,
            streams: StreamSelection {
                video: self.video_stream.parse().map_err(serde_json::Error::custom)?,
                audio: self.audio_stream.parse().map_err(serde_json::Error::custom)?,
            },
            decoders: 1,
            hwaccel: self.hwaccel.parse().map_err(serde_json::Error::custom)?,
            index_cache: self.index_cache.map(|path| path.0.into()),
            memory: self.memory,
            ..SourceOptions::default()
        })
    }
}

impl Job {
    /// What to hand over for `input`, and how the source is called; or why it can't be.
    pub(in crate::bulk) fn of(input: BulkInput) -> Result<(Self, String), (SourceFailure, String)> {
        let BulkInput { name, source, folders } = input;
        let refused = |refusal| (refusal, name.clone());
        let source = source.map_err(refused)?;
        let unwritten = |error: ImageError| SourceFailure::unwritten(error.to_string());
        let folders = folders.map_err(|error| refused(unwritten(error)))?;
        let place = match source.location() {
            Some(Location::Path(path)) => Written::Path(ExactPath(path.into())),
            Some(Location::Url(url)) => Written::Url(url.into()),
            None => return Err(refused(SourceFailure::not_elsewhere())),
        };
        Ok((Self { place, folders }, source.name().into()))
    }

    /// Removes the images that a process was making when it died.
    pub(in crate::bulk) fn clear_up(&self) {
        self.folders.clear_up();
    }

    /// The source, and where its images go.
    pub(super) fn open(self) -> (Source, SourceFolders) {
        let source = match self.place {
            Written::Path(path) => Source::path(path.0),
            Written::Url(url) => Source::parse(&url),
        };
        (source, self.folders)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use moviola_media::{
        hardware::Hwaccel,
        source::{AudioChoice, VideoChoice},
    };

    use super::*;

    #[test]
    fn options_come_over_as_they_are() {
        let options = SourceOptions {
            io: IoMode::Auto,
            allow_protocols: "https,tcp".parse().unwrap(),
            max_pixels: 7,
            network_timeout: Duration::from_millis(1500),
            streams: StreamSelection {
                video: VideoChoice::Number(2),
                audio: AudioChoice::Language("eng".into()),
            },
            decoders: 1,
            hwaccel: Hwaccel::Auto,
            index_cache: Some(Path::new("cache").into()),
            memory: 5,
            ..SourceOptions::default()
        };
        let line = serde_json::to_string(&WireOptions::of(&options)).unwrap();
        let over = serde_json::from_str::<WireOptions>(&line).unwrap().options().unwrap();
        // The pool is a process's own.
        let over = SourceOptions { pool: options.pool.clone(), ..over };
        assert_eq!(format!("{over:?}"), format!("{options:?}"));
    }
}
