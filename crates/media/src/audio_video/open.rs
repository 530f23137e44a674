//! Which streams one pass reads, and what becomes of those that can't be decoded.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{demuxer::Demuxer, interrupt::Interrupt, stream::MediaKind};

use super::pass::{Pass, Streams, Together};
use crate::{
    audio::{self, AudioOptions, AudioReader, SoundDecoder, SoundStream, no_sound},
    container::Container,
    error::{Error, Result},
    media::{self, Media, VideoStream, check_decodable, find_video, no_video},
    source::{Source, SourceOptions, cannot_read},
    video::{Mender, Stream, listed, room},
};

/// Items that wait for each worker, at least and at most: with one frame that takes its time, as
/// much sound goes by as muxers write between frames.
const WAITING: (usize, usize) = (2, 16);

/// What opening a source for its frames and its sound gives.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) interrupt: Interrupt,
    pub(super) video: Option<Arc<VideoStream>>,
    pub(super) sound: Option<SoundStream>,
    /// Tells of damaged frames, if there is video.
    pub(super) mender: Option<Mender>,
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
        let (video, sound) = (options.stream, wanted.stream);
        let tells = |demuxer: &Demuxer| tells_of_both(demuxer, video, sound);
        let mut container = Container::open(source, options, tells)?;
        let (name, mut errors) = (container.name.clone(), VecDeque::new());
        let video = told(video_of(&container), &mut errors);
        let sound = told(sound_of(&container, sound), &mut errors);
        if video.is_none() && sound.is_none() {
            return Err(errors.pop_front().unwrap_or_else(|| nothing(&name)));
        }
        container.find_start()?;
        let sound = sound.and_then(|stream| {
            let sound = SoundDecoder::open(&name, stream, container.start, wanted.clone());
            told(sound.map(Some), &mut errors)
        });
        let Some(video) = video else { return Self::of_sound(container, sound, wanted, errors) };
        let media = Media::of_container(container, video, sound.as_ref().map(stream_of));
        let index = listed(&media).map(Arc::new);
        match Stream::decoder(&media, index.as_deref(), workers) {
            Ok(decoder) => {
                let mender = Mender::new(&media);
                let (video, window) = (Arc::new(media.video.clone()), window(&media, workers));
                let interrupt = media.interrupt.clone();
                let heard = sound.as_ref().map(stream_of);
                let streams =
                    Together::new(Stream::new(media, decoder, index, mender.sibling()), sound);
                let pass = Pass::new(Streams::Together(Box::new(streams)), errors);
                let mender = Some(mender);
                Ok(Self { name, interrupt, video: Some(video), sound: heard, mender, window, pass })
            }
            Err(error) => {
                errors.push_front(error);
                Self::of_sound(media.into_container(), sound, wanted, errors)
            }
        }
    }

    /// Where there is no video.
    fn of_sound(
        container: Container,
        sound: Option<SoundDecoder>,
        wanted: AudioOptions,
        mut errors: VecDeque<Error>,
    ) -> Result<Self> {
        let name = container.name.clone();
        let Some(sound) = sound else {
            return Err(errors.pop_front().unwrap_or_else(|| nothing(&name)));
        };
        let (interrupt, stream) = (container.interrupt.clone(), stream_of(&sound));
        let reader = AudioReader::of_container(container, sound, wanted);
        let pass = Pass::new(Streams::Sound(Box::new(reader)), errors);
        let (sound, window) = (Some(stream), WAITING.1);
        Ok(Self { name, interrupt, video: None, sound, mender: None, window, pass })
    }
}

/// Whether the header alone tells all that is needed to find and decode what there is.
fn tells_of_both(demuxer: &Demuxer, video: Option<usize>, sound: Option<usize>) -> bool {
    let video = find_video(demuxer, video);
    let has_sound = demuxer.streams().any(|stream| stream.kind() == MediaKind::Audio);
    (video.is_some() || has_sound)
        && video.is_none_or(|video| media::is_self_describing(demuxer, video))
        && (!has_sound || audio::is_self_describing(demuxer, sound))
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

/// The sound to read, if there is any.
fn sound_of(container: &Container, wanted: Option<usize>) -> Result<Option<SoundStream>> {
    let Container { name, demuxer, .. } = container;
    match SoundStream::find(name, demuxer, wanted)? {
        None if wanted.is_some() => Err(no_sound(name, demuxer)),
        sound => Ok(sound),
    }
}

/// Keeps an error, which is told before anything comes.
fn told<T>(found: Result<Option<T>>, errors: &mut VecDeque<Error>) -> Option<T> {
    found.unwrap_or_else(|error| {
        errors.push_back(error);
        None
    })
}

fn stream_of(sound: &SoundDecoder) -> SoundStream {
    sound.stream().clone()
}

/// How many items may wait, all of which may be frames.
fn window(media: &Media, workers: usize) -> usize {
    let (least, most) = WAITING;
    room(media).clamp(least * workers, most * workers)
}

fn nothing(name: &str) -> Error {
    Error::NoVideo { name: name.into(), reason: "there is neither video nor sound in it".into() }
}
