//! One pass over a source: packets of two streams in, frames and sound out, as they come.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use moviola_av::packet::Packet;

use super::Decoded;
use crate::{
    audio::{AudioReader, SoundDecoder, SoundReport},
    error::{Error, Result},
    video::Stream,
};

/// Where one pass over a source stands.
pub(super) struct Pass {
    streams: Streams,
    /// What is told before anything else.
    errors: VecDeque<Error>,
    /// The sound's, for whoever asks while the pass is under way.
    report: Arc<Mutex<SoundReport>>,
}

/// What is read.
pub(super) enum Streams {
    /// Video, and sound if there is any.
    Together(Box<Together>),
    /// Sound without video.
    Sound(Box<AudioReader>),
}

impl Pass {
    /// A pass that tells `errors` first.
    pub(super) fn new(streams: Streams, errors: VecDeque<Error>) -> Self {
        Self { streams, errors, report: Arc::default() }
    }

    /// Where the state of the sound is to be seen.
    pub(super) fn report(&self) -> Arc<Mutex<SoundReport>> {
        Arc::clone(&self.report)
    }

    /// The next item; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<Decoded>> {
        if let Some(error) = self.errors.pop_front() {
            return Some(Err(error));
        }
        let (item, report) = match &mut self.streams {
            Streams::Together(streams) => (streams.next(), streams.report()),
            Streams::Sound(reader) => {
                let piece = reader.next();
                (piece.map(|piece| piece.map(Decoded::Sound)), Some(reader.report()))
            }
        };
        if let Some(report) = report {
            *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
        }
        item
    }
}

/// A stream of video and one of sound, whose packets come from one demuxer.
pub(super) struct Together {
    /// Reads for both.
    frames: Stream,
    sound: Option<SoundDecoder>,
    /// Whether no packets of a stream are wanted any more.
    frames_ended: bool,
    sound_ended: bool,
    /// Errors of one stream that are to be told next.
    errors: VecDeque<Error>,
    /// The error of the container that ended the reading; it is told last.
    failure: Option<Error>,
}

impl Together {
    /// Decodes what `frames` reads: the video, and the stream of `sound`.
    pub(super) fn new(frames: Stream, sound: Option<SoundDecoder>) -> Self {
        let sound_ended = sound.is_none();
        let (errors, failure) = (VecDeque::new(), None);
        Self { frames, sound, frames_ended: false, sound_ended, errors, failure }
    }

    fn report(&self) -> Option<SoundReport> {
        self.sound.as_ref().map(SoundDecoder::report)
    }

    fn next(&mut self) -> Option<Result<Decoded>> {
        loop {
            if let Some(error) = self.errors.pop_front() {
                return Some(Err(error));
            }
            if let Some(item) = self.piece().or_else(|| self.frame()) {
                return Some(item);
            }
            if self.frames_ended && self.sound_ended {
                return self.failure.take().map(Err);
            }
            self.feed();
        }
    }

    /// The next frame that takes no further packet.
    fn frame(&mut self) -> Option<Result<Decoded>> {
        self.frames.receive().map(|frame| frame.map(Decoded::Frame))
    }

    /// The next piece of sound that takes no further packet.
    fn piece(&mut self) -> Option<Result<Decoded>> {
        let piece = self.sound.as_mut()?.receive().transpose()?;
        if piece.is_err() {
            // The decoder would say so again.
            self.sound = None;
            self.leave_out_sound();
        }
        Some(piece.map(Decoded::Sound))
    }

    /// Reads a packet and gives it to its decoder, which has room: it has nothing to give.
    fn feed(&mut self) {
        match self.frames.read() {
            Ok(Some(packet)) => self.send(packet),
            Ok(None) => self.end(Stream::end),
            // The one error that is of packets, not of the container.
            Err(error @ Error::NoVideo { .. }) => {
                if !self.frames_ended {
                    self.errors.push_back(error);
                    self.end_frames(Stream::break_off);
                }
            }
            Err(error) => {
                self.failure = Some(error);
                self.end(Stream::break_off);
            }
        }
    }

    fn send(&mut self, packet: Packet) {
        let sound = self.sound.as_mut();
        if let Some(sound) = sound.filter(|s| s.stream().index == packet.stream_index()) {
            if let Err(error) = sound.push(&packet) {
                self.errors.push_back(error);
                self.end_sound();
                self.leave_out_sound();
            }
        } else if !self.frames_ended {
            self.errors.extend(self.frames.send(packet).err());
        }
    }

    /// Nothing more is read: decoders give what they hold.
    fn end(&mut self, how: impl FnOnce(&mut Stream) -> Result<()>) {
        self.end_frames(how);
        self.end_sound();
    }

    fn end_frames(&mut self, how: impl FnOnce(&mut Stream) -> Result<()>) {
        if !std::mem::replace(&mut self.frames_ended, true) {
            self.errors.extend(how(&mut self.frames).err());
        }
    }

    fn end_sound(&mut self) {
        let is_over = std::mem::replace(&mut self.sound_ended, true);
        if let Some(sound) = self.sound.as_mut().filter(|_| !is_over) {
            self.errors.extend(sound.end().err());
        }
    }

    fn leave_out_sound(&mut self) {
        self.sound_ended = true;
        self.frames.leave_out_sound();
    }
}
