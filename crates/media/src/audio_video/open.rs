//! Which streams one pass reads, and what becomes of those that can't be decoded.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::interrupt::Interrupt;

use super::pass::{Pass, Streams, Together};
use crate::{
    audio::{AudioOptions, AudioReader, AudioStream, AudioStreamDecoder},
    damage::DamageHandler,
    error::{Error, Result},
    input::{OpenInput, VideoStream, nothing},
    video::{PacketReader, SequentialDecoder, index_from_tables, room},
};

/// Items that wait for each worker, at least and at most: with one frame that takes its time, as
/// much audio goes by as muxers write between frames.
const WAITING: (usize, usize) = (2, 16);

/// What starting to read an input's frames and audio gives.
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
    pub(super) fn new(mut input: OpenInput, wanted: AudioOptions, workers: usize) -> Result<Self> {
        let mut errors = VecDeque::from(std::mem::take(&mut input.missing));
        let audio = input.audio.clone().and_then(|stream| {
            let audio = AudioStreamDecoder::open(&input.name, stream, input.start, wanted.clone());
            told(audio, &mut errors)
        });
        let Some(video) = input.video.clone() else {
            return Self::of_audio(input, audio, wanted, errors);
        };
        let heard = audio.as_ref().map(stream_of);
        let audio_index = heard.as_ref().map(|audio| audio.index);
        input.read_only([video.index].into_iter().chain(audio_index).collect());
        let index = index_from_tables(&input, &video).map(Arc::new);
        match SequentialDecoder::open_decoder(&input, &video, index.as_deref(), workers) {
            Ok(decoder) => {
                let damage_handler = DamageHandler::new(&input, &video);
                let (name, interrupt) = (input.name.clone(), input.interrupt());
                let window = window(&input, &video, workers);
                let reader = PacketReader::new(input, Arc::clone(&video));
                let other = damage_handler.clone_for_worker();
                let frames = SequentialDecoder::new(reader, decoder, index, other);
                let streams = Streams::Together(Box::new(Together::new(frames, audio)));
                Ok(Self {
                    name,
                    interrupt,
                    video: Some(video),
                    audio: heard,
                    damage_handler: Some(damage_handler),
                    window,
                    pass: Pass::new(streams, errors),
                })
            }
            Err(error) => {
                errors.push_front(error);
                Self::of_audio(input, audio, wanted, errors)
            }
        }
    }

    /// Where there is no video.
    fn of_audio(
        input: OpenInput,
        audio: Option<AudioStreamDecoder>,
        wanted: AudioOptions,
        mut errors: VecDeque<Error>,
    ) -> Result<Self> {
        let name = input.name.clone();
        let Some(audio) = audio else {
            return Err(errors.pop_front().unwrap_or_else(|| nothing(&name)));
        };
        let (interrupt, stream) = (input.interrupt(), stream_of(&audio));
        let reader = AudioReader::with_decoder(input, audio, wanted);
        let pass = Pass::new(Streams::Audio(Box::new(reader)), errors);
        let (audio, window) = (Some(stream), WAITING.1);
        Ok(Self { name, interrupt, video: None, audio, damage_handler: None, window, pass })
    }
}

/// Keeps an error, which is told before anything comes.
fn told<T>(found: Result<T>, errors: &mut VecDeque<Error>) -> Option<T> {
    found.map_err(|error| errors.push_back(error)).ok()
}

fn stream_of(audio: &AudioStreamDecoder) -> AudioStream {
    audio.stream().clone()
}

/// How many items may wait, all of which may be frames.
fn window(input: &OpenInput, video: &VideoStream, workers: usize) -> usize {
    let (least, most) = WAITING;
    room(input, video).clamp(least * workers, most * workers)
}
