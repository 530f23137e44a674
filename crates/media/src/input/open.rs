//! Opening of a source, as far as its purpose demands.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{demuxer::Demuxer, stage};

use super::{
    AudioStream, Damage, OpenInput, Purpose, VideoStream,
    audio_stream::{self, no_audio},
    select::find_video,
    start::find_start,
    video_stream::{self, check_decodable, no_video},
};
use crate::{
    error::{Error, Result},
    hardware::Hardware,
    source::{Source, SourceOptions, StreamSelection, cannot_read},
};

impl OpenInput {
    /// Opens `source` and selects its streams. If the header lacks something that the purpose
    /// needs, packets are read to find it; readers read them again.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for options outside their ranges; [`Error::Open`] or
    /// [`Error::Demux`] if the source can't be read; [`Error::NoVideo`] or [`Error::NoAudio`] if it
    /// lacks a stream that the purpose needs and this build can decode, or the one that
    /// [`SourceOptions::streams`] selects; for a description these are [`missing`](Self::missing).
    pub fn open(source: Source, options: SourceOptions, purpose: Purpose) -> Result<Self> {
        let _stage = stage!("open");
        options.check()?;
        let interrupt = options.interrupt.child();
        let source = source.opened()?;
        let (again, bytes) = (source.try_clone(), source.shared_bytes());
        let (name, mut demuxer) = source.demuxer(&options, interrupt.clone())?;
        learn_streams(&name, &mut demuxer, purpose, &options.streams)?;
        let streams = Streams::select(&name, &demuxer, purpose, &options.streams)?;
        let pictures = match purpose {
            Purpose::Description => None,
            _ => find_video(&demuxer, options.streams.video),
        };
        let (start, read_ahead) = match pictures {
            Some(video) => find_start(&name, &mut demuxer, video)?,
            None => (None, VecDeque::new()),
        };
        let (reads, hardware) = (streams.numbers(purpose), streams.hardware(purpose, &options));
        let Streams { video, audio, missing } = streams;
        Ok(Self {
            name,
            demuxer,
            interrupt,
            options,
            video: video.map(Arc::new),
            audio,
            missing,
            hardware,
            start,
            read_ahead,
            reads,
            damage: Damage::default(),
            again,
            bytes,
        })
    }
}

/// Reads packets to find the stream properties that the header lacks. For a description, properties
/// that can't be found are omitted.
fn learn_streams(
    name: &str,
    demuxer: &mut Demuxer,
    purpose: Purpose,
    selection: &StreamSelection,
) -> Result<()> {
    if header_tells(demuxer, purpose, selection) {
        return Ok(());
    }
    match demuxer.find_stream_info() {
        Err(error) if purpose == Purpose::Description => {
            tracing::debug!(%error, "the streams are not fully known");
            Ok(())
        }
        learnt => learnt.map_err(|cause| cannot_read(name, cause)),
    }
}

/// Whether the header contains all that the purpose needs.
fn header_tells(demuxer: &Demuxer, purpose: Purpose, selection: &StreamSelection) -> bool {
    let video = || find_video(demuxer, selection.video);
    let tells_video = |video| video_stream::is_self_describing(demuxer, video);
    let tells_audio = || audio_stream::is_self_describing(demuxer, &selection.audio);
    match purpose {
        Purpose::Video => video().is_some_and(tells_video),
        Purpose::Audio => tells_audio(),
        Purpose::AudioVideo => {
            let (video, has_audio) = (video(), audio_stream::is_there(demuxer));
            (video.is_some() || has_audio)
                && video.is_none_or(tells_video)
                && (!has_audio || tells_audio())
        }
        Purpose::Description => false,
    }
}

/// The streams that were selected.
struct Streams {
    video: Option<VideoStream>,
    audio: Option<AudioStream>,
    /// Why one is missing, where the other will do.
    missing: Vec<Error>,
}

impl Streams {
    fn select(
        name: &str,
        demuxer: &Demuxer,
        purpose: Purpose,
        selection: &StreamSelection,
    ) -> Result<Self> {
        let video = VideoStream::find(name, demuxer, selection.video);
        let audio = AudioStream::find(name, demuxer, &selection.audio);
        let missing = Vec::new();
        match purpose {
            Purpose::Video => {
                let video = video?.ok_or_else(|| no_video(name, demuxer))?;
                check_decodable(name, &video)?;
                // Its audio isn't read, so an absent choice of it doesn't matter.
                Ok(Self { video: Some(video), audio: audio.ok().flatten(), missing })
            }
            Purpose::Audio => {
                let audio = audio?.ok_or_else(|| no_audio(name))?;
                audio.check_clear(name)?;
                Ok(Self { video: video?, audio: Some(audio), missing })
            }
            Purpose::AudioVideo => Self::one_of(name, video, audio),
            Purpose::Description => {
                let mut missing = missing;
                let video = keep_error(video, |_| Ok(()), &mut missing);
                let audio = keep_error(audio, |_| Ok(()), &mut missing);
                Ok(Self { video, audio, missing })
            }
        }
    }

    /// Those that can be read, if there is one.
    fn one_of(
        name: &str,
        video: Result<Option<VideoStream>>,
        audio: Result<Option<AudioStream>>,
    ) -> Result<Self> {
        let mut missing = Vec::new();
        let video = keep_error(video, |video| check_decodable(name, video), &mut missing);
        let audio = keep_error(audio, |audio| audio.check_clear(name), &mut missing);
        if video.is_none() && audio.is_none() {
            return Err(missing.into_iter().next().unwrap_or_else(|| nothing(name)));
        }
        Ok(Self { video, audio, missing })
    }

    /// Numbers of those that the purpose reads.
    fn numbers(&self, purpose: Purpose) -> Vec<usize> {
        let video = self.video.as_ref().filter(|_| purpose != Purpose::Audio);
        let audio = self.audio.as_ref().filter(|_| purpose != Purpose::Video);
        let (video, audio) = (video.map(|video| video.index), audio.map(|audio| audio.index));
        video.into_iter().chain(audio).collect()
    }

    /// Where the video is decoded.
    fn hardware(&self, purpose: Purpose, options: &SourceOptions) -> Arc<Hardware> {
        match (&self.video, purpose) {
            (Some(video), Purpose::Video | Purpose::AudioVideo) => {
                Hardware::choose(options.hwaccel, video.parameters.codec())
            }
            _ => Hardware::none(),
        }
    }
}

/// A stream that was found and passes a check; else the error is added to `missing`.
fn keep_error<S>(
    found: Result<Option<S>>,
    check: impl FnOnce(&S) -> Result<()>,
    missing: &mut Vec<Error>,
) -> Option<S> {
    let checked = found.and_then(|stream| {
        stream.as_ref().map_or(Ok(()), check)?;
        Ok(stream)
    });
    checked.unwrap_or_else(|error| {
        missing.push(error);
        None
    })
}

/// Says that there is nothing to read.
pub(crate) fn nothing(name: &str) -> Error {
    Error::no_video(name, "there is neither video nor audio in it")
}
