//! Selection and opening of the streams for one pass.

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

/// The least and most items that wait for each worker. While a worker is busy with a frame, as many
/// pieces of audio pass as muxers write between frames.
const WAITING: (usize, usize) = (2, 16);

/// The parts of a reader of an input's frames and audio.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) interrupt: Interrupt,
    pub(super) video: Option<Arc<VideoStream>>,
    pub(super) audio: Option<AudioStream>,
    /// Records damaged frames; `None` without video.
    pub(super) damage_handler: Option<DamageHandler>,
    /// The most items that wait for the caller.
    pub(super) window: usize,
    pub(super) pass: Pass,
}

impl Opened {
    pub(super) fn new(mut input: OpenInput, wanted: AudioOptions, workers: usize) -> Result<Self> {
        let mut errors = VecDeque::from(std::mem::take(&mut input.missing));
        let audio = input.audio.clone().and_then(|stream| {
            let audio = AudioStreamDecoder::open(&input.name, stream, input.start, wanted.clone());
            or_keep_error(audio, &mut errors)
        });
        let Some(video) = input.video.clone() else {
            return Self::of_audio(input, audio, wanted, errors);
        };
        let audio_stream = audio.as_ref().map(stream_of);
        let audio_index = audio_stream.as_ref().map(|audio| audio.index);
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
                    audio: audio_stream,
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

    /// The parts for an input without video.
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

/// The value, or `None` after its error was added to `errors`.
fn or_keep_error<T>(found: Result<T>, errors: &mut VecDeque<Error>) -> Option<T> {
    found.map_err(|error| errors.push_back(error)).ok()
}

fn stream_of(audio: &AudioStreamDecoder) -> AudioStream {
    audio.stream().clone()
}

/// The most items that wait for the caller. All of them may be frames.
fn window(input: &OpenInput, video: &VideoStream, workers: usize) -> usize {
    let (least, most) = WAITING;
    room(input, video).clamp(least * workers, most * workers)
}
