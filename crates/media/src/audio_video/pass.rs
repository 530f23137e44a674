//! One pass over a source: packets of two streams in, frames and audio out, as they come.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use moviola_av::packet::Packet;

use super::Decoded;
use crate::{
    audio::{AudioReader, AudioReport, AudioStreamDecoder},
    error::{Error, Result},
    video::SequentialDecoder,
};

/// Where one pass over a source stands.
pub(super) struct Pass {
    streams: Streams,
    /// What is told before anything else.
    errors: VecDeque<Error>,
    /// The audio's, for whoever asks while the pass is under way.
    report: Arc<Mutex<AudioReport>>,
}

/// What is read.
pub(super) enum Streams {
    /// Video, and audio if there is any.
    Together(Box<Together>),
    /// Audio without video.
    Audio(Box<AudioReader>),
}

impl Pass {
    /// A pass that tells `errors` first.
    pub(super) fn new(streams: Streams, errors: VecDeque<Error>) -> Self {
        Self { streams, errors, report: Arc::default() }
    }

    /// Where the state of the audio is to be seen.
    pub(super) fn report(&self) -> Arc<Mutex<AudioReport>> {
        Arc::clone(&self.report)
    }

    /// The next item; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<Decoded>> {
        if let Some(error) = self.errors.pop_front() {
            return Some(Err(error));
        }
        let (item, report) = match &mut self.streams {
            Streams::Together(streams) => (streams.next(), streams.report()),
            Streams::Audio(reader) => {
                let piece = reader.next();
                (piece.map(|piece| piece.map(Decoded::Audio)), Some(reader.report()))
            }
        };
        if let Some(report) = report {
            *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
        }
        item
    }
}

/// A stream of video and one of audio, whose packets come from one demuxer.
pub(super) struct Together {
    /// Reads for both.
    frames: SequentialDecoder,
    audio: Option<AudioStreamDecoder>,
    /// Whether no packets of a stream are wanted any more.
    frames_ended: bool,
    audio_ended: bool,
    /// Errors of one stream that are to be told next.
    errors: VecDeque<Error>,
    /// The error of the container that ended the reading; it is told last.
    failure: Option<Error>,
}

impl Together {
    /// Decodes what `frames` reads: the video, and the stream of `audio`.
    pub(super) fn new(frames: SequentialDecoder, audio: Option<AudioStreamDecoder>) -> Self {
        let audio_ended = audio.is_none();
        let (errors, failure) = (VecDeque::new(), None);
        Self { frames, audio, frames_ended: false, audio_ended, errors, failure }
    }

    fn report(&self) -> Option<AudioReport> {
        self.audio.as_ref().map(AudioStreamDecoder::report)
    }

    fn next(&mut self) -> Option<Result<Decoded>> {
        loop {
            if let Some(error) = self.errors.pop_front() {
                return Some(Err(error));
            }
            if let Some(item) = self.piece().or_else(|| self.frame()) {
                return Some(item);
            }
            if self.frames_ended && self.audio_ended {
                return self.failure.take().map(Err);
            }
            self.feed();
        }
    }

    /// The next frame that takes no further packet.
    fn frame(&mut self) -> Option<Result<Decoded>> {
        self.frames.receive().map(|frame| frame.map(Decoded::Frame))
    }

    /// The next piece of audio that takes no further packet.
    fn piece(&mut self) -> Option<Result<Decoded>> {
        let piece = self.audio.as_mut()?.receive().transpose()?;
        if piece.is_err() {
            // The decoder would say so again.
            self.audio = None;
            self.leave_out_audio();
        }
        Some(piece.map(Decoded::Audio))
    }

    /// Reads a packet and gives it to its decoder, which has room: it has nothing to give.
    fn feed(&mut self) {
        match self.frames.read() {
            Ok(Some(packet)) => self.send(packet),
            Ok(None) => self.end(SequentialDecoder::end),
            // The one error that is of packets, not of the container.
            Err(error @ Error::NoVideo { .. }) => {
                if !self.frames_ended {
                    self.errors.push_back(error);
                    self.end_frames(SequentialDecoder::break_off);
                }
            }
            Err(error) => {
                self.failure = Some(error);
                self.end(SequentialDecoder::break_off);
            }
        }
    }

    fn send(&mut self, packet: Packet) {
        let audio = self.audio.as_mut();
        if let Some(audio) = audio.filter(|s| s.stream().index == packet.stream_index()) {
            if let Err(error) = audio.push(&packet) {
                self.errors.push_back(error);
                self.end_audio();
                self.leave_out_audio();
            }
        } else if !self.frames_ended {
            self.errors.extend(self.frames.send(packet).err());
        }
    }

    /// Nothing more is read: decoders give what they hold.
    fn end(&mut self, how: impl FnOnce(&mut SequentialDecoder) -> Result<()>) {
        self.end_frames(how);
        self.end_audio();
    }

    fn end_frames(&mut self, how: impl FnOnce(&mut SequentialDecoder) -> Result<()>) {
        if !std::mem::replace(&mut self.frames_ended, true) {
            self.errors.extend(how(&mut self.frames).err());
        }
    }

    fn end_audio(&mut self) {
        let is_over = std::mem::replace(&mut self.audio_ended, true);
        if let Some(audio) = self.audio.as_mut().filter(|_| !is_over) {
            self.errors.extend(audio.end().err());
        }
    }

    fn leave_out_audio(&mut self) {
        self.audio_ended = true;
        self.frames.leave_out_audio();
    }
}
