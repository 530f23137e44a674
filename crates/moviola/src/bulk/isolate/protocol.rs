//! The messages between a run and its worker processes: JSON, one message a line.
//!
//! A worker receives one [`InitMessage`] and answers [`WorkerMessage::Ready`] when its models are
//! loaded. Then it receives one [`Job`] after another and answers each with
//! [`WorkerMessage::Accepted`], the source's records ([`WorkerMessage::Recorded`], at most one
//! [`WorkerMessage::Fallback`] among them) and [`WorkerMessage::Ended`]. It ends when its standard
//! input ends.

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

/// The first message to a worker: the plan and options for every source.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InitMessage {
    pub(super) plan: Plan,
    pub(super) options: WireOptions,
}

/// [`SourceOptions`] as they are sent. Without the damage policy, which the plan contains, and the
/// number of decoders, which is 1.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireOptions {
    #[serde(with = "WireIoMode")]
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

/// [`IoMode`] as it is sent.
#[derive(Serialize, Deserialize)]
#[serde(remote = "IoMode")]
enum WireIoMode {
    Read,
    Map,
    Auto,
}

#[derive(Debug, Serialize, Deserialize)]
struct ExactPath(#[serde(with = "exact_path")] PathBuf);

/// A source for a worker to read, and the folders for its images.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::bulk) struct Job {
    source: WireSource,
    folders: SourceFolders,
}

/// A source that another process can open.
#[derive(Debug, Serialize, Deserialize)]
enum WireSource {
    Path(ExactPath),
    Url(String),
}

/// A message from a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WorkerMessage {
    /// The worker is ready for sources: the provider of its models, and how many it has loaded.
    Ready { provider: Option<ProviderReport>, models: u64 },
    /// A model can't be loaded or run: the worker reads no source.
    ModelFailed { message: String },
    /// The source is being opened.
    Accepted,
    /// Software decodes the source because the requested hardware doesn't.
    Fallback { reason: String },
    /// A record of the source, and the tally up to it.
    Recorded { record: Box<Record>, tally: SourceTally },
    /// The source has ended: its tally, and how many models the worker has loaded since it started.
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
            pool: _,      // frame memory can't be shared with another process
            interrupt: _, // the end of its input interrupts a worker
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

    /// The options, with one decoder.
    ///
    /// # Errors
    ///
    /// A value that can't be parsed.
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
    /// The job for `input` and the source's name.
    ///
    /// # Errors
    ///
    /// Why no worker process can read it, and the source's name.
    pub(in crate::bulk) fn of(input: BulkInput) -> Result<(Self, String), (SourceFailure, String)> {
        let BulkInput { name, source, folders } = input;
        let with_name = |failure| (failure, name.clone());
        let source = source.map_err(with_name)?;
        let unwritten = |error: ImageError| SourceFailure::unwritten(error.to_string());
        let folders = folders.map_err(|error| with_name(unwritten(error)))?;
        let location = match source.location() {
            Some(Location::Path(path)) => WireSource::Path(ExactPath(path.into())),
            Some(Location::Url(url)) => WireSource::Url(url.into()),
            None => return Err(with_name(SourceFailure::not_transferable())),
        };
        Ok((Self { source: location, folders }, source.name().into()))
    }

    /// Removes the unfinished images of a process that has ended.
    pub(in crate::bulk) fn remove_unfinished(&self) {
        self.folders.remove_unfinished();
    }

    /// The source and the folders for its images.
    pub(super) fn open(self) -> (Source, SourceFolders) {
        let source = match self.source {
            WireSource::Path(path) => Source::path(path.0),
            WireSource::Url(url) => Source::parse(&url),
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
    fn options_are_equal_after_transfer() {
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
        let received = serde_json::from_str::<WireOptions>(&line).unwrap().options().unwrap();
        // Each process has its own pool and interrupt.
        let (pool, interrupt) = (options.pool.clone(), options.interrupt.clone());
        let received = SourceOptions { pool, interrupt, ..received };
        assert_eq!(format!("{received:?}"), format!("{options:?}"));
    }
}
