//! One pass over a source: it decodes packets of two streams to frames and audio, in file order.

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

/// The state of one pass over a source.
pub(super) struct Pass {
    streams: Streams,
    /// Errors that are returned before any other item.
    errors: VecDeque<Error>,
    /// The audio's report, shared with the reader's owner.
    report: Arc<Mutex<AudioReport>>,
}

/// The streams that are decoded.
pub(super) enum Streams {
    /// Video, and audio if there is any.
    Together(Box<Together>),
    /// Audio without video.
    Audio(Box<AudioReader>),
}

impl Pass {
    /// A pass that returns `errors` first.
    pub(super) fn new(streams: Streams, errors: VecDeque<Error>) -> Self {
        Self { streams, errors, report: Arc::default() }
    }

    /// The audio's report, which is updated during the pass.
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

/// A video and an audio stream whose packets come from one demuxer.
pub(super) struct Together {
    /// Decodes the video, and reads packets of both streams.
    frames: SequentialDecoder,
    audio: Option<AudioStreamDecoder>,
    /// Whether the video needs no more packets.
    has_frames_ended: bool,
    /// Whether the audio needs no more packets.
    has_audio_ended: bool,
    /// Errors of one stream that are returned next.
    errors: VecDeque<Error>,
    /// The container's error that ended reading; it is returned last.
    failure: Option<Error>,
}

impl Together {
    /// A decoder of the video that `frames` reads and of the stream of `audio`.
    pub(super) fn new(frames: SequentialDecoder, audio: Option<AudioStreamDecoder>) -> Self {
        let has_audio_ended = audio.is_none();
        let (errors, failure) = (VecDeque::new(), None);
        Self { frames, audio, has_frames_ended: false, has_audio_ended, errors, failure }
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
            if self.has_frames_ended && self.has_audio_ended {
                return self.failure.take().map(Err);
            }
            self.feed();
        }
    }

    /// The next frame that is decoded without a further packet.
    fn frame(&mut self) -> Option<Result<Decoded>> {
        self.frames.receive().map(|frame| frame.map(Decoded::Frame))
    }

    /// The next piece of audio that is decoded without a further packet.
    fn piece(&mut self) -> Option<Result<Decoded>> {
        let piece = self.audio.as_mut()?.receive().transpose()?;
        if piece.is_err() {
            // The decoder would give the same error again.
            self.audio = None;
            self.leave_out_audio();
        }
        Some(piece.map(Decoded::Audio))
    }

    /// Reads a packet and sends it to its decoder, which accepts it because it has no output left.
    fn feed(&mut self) {
        match self.frames.read() {
            Ok(Some(packet)) => self.send(packet),
            Ok(None) => self.end(SequentialDecoder::end),
            // The only error of a packet instead of the container: it is encrypted.
            Err(error @ Error::NoVideo { .. }) => {
                if !self.has_frames_ended {
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
        } else if !self.has_frames_ended {
            self.errors.extend(self.frames.send(packet).err());
        }
    }

    /// Ends both decoders after the last packet, so that they return the rest of their output.
    fn end(&mut self, how: impl FnOnce(&mut SequentialDecoder) -> Result<()>) {
        self.end_frames(how);
        self.end_audio();
    }

    fn end_frames(&mut self, how: impl FnOnce(&mut SequentialDecoder) -> Result<()>) {
        if !std::mem::replace(&mut self.has_frames_ended, true) {
            self.errors.extend(how(&mut self.frames).err());
        }
    }

    fn end_audio(&mut self) {
        let is_over = std::mem::replace(&mut self.has_audio_ended, true);
        if let Some(audio) = self.audio.as_mut().filter(|_| !is_over) {
            self.errors.extend(audio.end().err());
        }
    }

    fn leave_out_audio(&mut self) {
        self.has_audio_ended = true;
        self.frames.leave_out_audio();
    }
}
