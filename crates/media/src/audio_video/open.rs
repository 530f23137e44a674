//! Which streams one pass reads, and what becomes of those that can't be decoded.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{demuxer::Demuxer, interrupt::Interrupt, stream::MediaKind};

use super::pass::{Pass, Streams, Together};
use crate::{
    audio::{self, AudioOptions, AudioReader, AudioStream, AudioStreamDecoder, no_audio},
    container::Container,
    damage::DamageHandler,
    error::{Error, Result},
    media::{self, Media, VideoStream, check_decodable, find_video, no_video},
    source::{Source, SourceOptions, cannot_read},
    video::{SequentialDecoder, index_from_tables, room},
};

/// Items that wait for each worker, at least and at most: with one frame that takes its time, as
/// much audio goes by as muxers write between frames.
const WAITING: (usize, usize) = (2, 16);

/// What opening a source for its frames and its audio gives.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) interrupt: Interrupt,
    pub(super) video: Option<Arc<VideoStream>>,
    pub(super) audio: Option<AudioStream>,
    /// Tells of damaged frames, if there is video.
    pub(super) damage_handler: Option<DamageHandler>,
    /// How many items may wait for the caller.
    pub(super) window: usize,
    pub(super) pass: Pass,
}

impl Opened {
    pub(super) fn new(
        source: Source,
        options: SourceOptions,
        wanted: AudioOptions,
        workers: usize,
    ) -> Result<Self> {
        let (video, audio) = (options.stream, wanted.stream);
        let tells = |demuxer: &Demuxer| tells_of_both(demuxer, video, audio);
        let mut container = Container::open(source, options, tells)?;
        let (name, mut errors) = (container.name.clone(), VecDeque::new());
        let video = told(video_of(&container), &mut errors);
        let audio = told(audio_of(&container, audio), &mut errors);
        if video.is_none() && audio.is_none() {
            return Err(errors.pop_front().unwrap_or_else(|| nothing(&name)));
        }
        container.find_start()?;
        let audio = audio.and_then(|stream| {
            let audio = AudioStreamDecoder::open(&name, stream, container.start, wanted.clone());
            told(audio.map(Some), &mut errors)
        });
        let Some(video) = video else { return Self::of_audio(container, audio, wanted, errors) };
        let media = Media::of_container(container, video, audio.as_ref().map(stream_of));
        let index = index_from_tables(&media).map(Arc::new);
        match SequentialDecoder::open_decoder(&media, index.as_deref(), workers) {
            Ok(decoder) => {
                let damage_handler = DamageHandler::new(&media);
                let (video, window) = (Arc::new(media.video.clone()), window(&media, workers));
                let interrupt = media.interrupt.clone();
                let heard = audio.as_ref().map(stream_of);
                let streams = Together::new(
                    SequentialDecoder::new(
                        media,
                        decoder,
                        index,
                        damage_handler.clone_for_worker(),
                    ),
                    audio,
                );
                let pass = Pass::new(Streams::Together(Box::new(streams)), errors);
                let damage_handler = Some(damage_handler);
                Ok(Self {
                    name,
                    interrupt,
                    video: Some(video),
                    audio: heard,
                    damage_handler,
                    window,
                    pass,
                })
            }
            Err(error) => {
                errors.push_front(error);
                Self::of_audio(media.into_container(), audio, wanted, errors)
            }
        }
    }

    /// Where there is no video.
    fn of_audio(
        container: Container,
        audio: Option<AudioStreamDecoder>,
        wanted: AudioOptions,
        mut errors: VecDeque<Error>,
    ) -> Result<Self> {
        let name = container.name.clone();
        let Some(audio) = audio else {
            return Err(errors.pop_front().unwrap_or_else(|| nothing(&name)));
        };
        let (interrupt, stream) = (container.interrupt.clone(), stream_of(&audio));
        let reader = AudioReader::of_container(container, audio, wanted);
        let pass = Pass::new(Streams::Audio(Box::new(reader)), errors);
        let (audio, window) = (Some(stream), WAITING.1);
        Ok(Self { name, interrupt, video: None, audio, damage_handler: None, window, pass })
    }
}

/// Whether the header alone tells all that is needed to find and decode what there is.
fn tells_of_both(demuxer: &Demuxer, video: Option<usize>, audio: Option<usize>) -> bool {
    let video = find_video(demuxer, video);
    let has_audio = demuxer.streams().any(|stream| stream.kind() == MediaKind::Audio);
    (video.is_some() || has_audio)
        && video.is_none_or(|video| media::is_self_describing(demuxer, video))
        && (!has_audio || audio::is_self_describing(demuxer, audio))
}

/// The video to read, if there is any.
fn video_of(container: &Container) -> Result<Option<VideoStream>> {
    let Container { name, demuxer, options, .. } = container;
    let video = VideoStream::pick(demuxer, options.stream);
    match video.map_err(|cause| cannot_read(name, cause))? {
        Some(video) => check_decodable(name, &video).map(|()| Some(video)),
        None if options.stream.is_some() => Err(no_video(name, demuxer)),
        None => Ok(None),
    }
}

/// The audio to read, if there is any.
fn audio_of(container: &Container, wanted: Option<usize>) -> Result<Option<AudioStream>> {
    let Container { name, demuxer, .. } = container;
    match AudioStream::find(name, demuxer, wanted)? {
        None if wanted.is_some() => Err(no_audio(name, demuxer)),
        audio => Ok(audio),
    }
}

/// Keeps an error, which is told before anything comes.
fn told<T>(found: Result<Option<T>>, errors: &mut VecDeque<Error>) -> Option<T> {
    found.unwrap_or_else(|error| {
        errors.push_back(error);
        None
    })
}

fn stream_of(audio: &AudioStreamDecoder) -> AudioStream {
    audio.stream().clone()
}

/// How many items may wait, all of which may be frames.
fn window(media: &Media, workers: usize) -> usize {
    let (least, most) = WAITING;
    room(media).clamp(least * workers, most * workers)
}

fn nothing(name: &str) -> Error {
    Error::no_video(name, "there is neither video nor audio in it")
}
