//! All frames of a stream through one decoder.

use std::sync::Arc;

use moviola_av::{
    decoder::{DecoderOptions, Received, Sent},
    error::Error as AvError,
    frame::VideoFrame,
    packet::Packet,
    time::Pts,
};

use super::{
    damage::{Came, Mender},
    decoder_options,
    lane::MOST_FAILURES,
    listed::Listed,
    packets::PacketReader,
};
use crate::{
    error::{Error, Result},
    frame::Frame,
    hardware::StreamDecoder,
    index::FrameIndex,
    media::{Media, VideoStream, cannot_decode},
};

/// All frames of a stream, one after another.
///
/// An index numbers them, and tells which don't come; without one, those that come are counted.
pub(super) struct Stream {
    reader: PacketReader,
    video: Arc<VideoStream>,
    start: Pts,
    name: String,
    decoder: StreamDecoder,
    numbers: Numbers,
    mender: Mender,
    /// Number of the next packet.
    packet: u32,
    /// Time of the packet that was sent last.
    sent: Option<f64>,
    /// A packet the decoder had no room for.
    held: Option<Packet>,
    /// The decoder gives out all it holds, and then starts anew.
    restarts: bool,
    /// Nothing more is read.
    ended: bool,
    /// Why: told when the decoder has given all it holds.
    broken: Option<Error>,
    /// The decoder's errors in a row.
    failures: usize,
}

/// Where frames get their numbers and times from.
enum Numbers {
    /// Those that come are counted, and have the decoder's times; if they have none, of their own.
    Counted {
        next: u64,
        is_timed: bool,
    },
    Listed(Listed),
}

impl Stream {
    pub(super) fn open(
        media: Media,
        index: Option<Arc<FrameIndex>>,
        mender: Mender,
        workers: usize,
    ) -> Result<Self> {
        // FFmpeg's own rule: one more than cores, because pictures wait for each other.
        let threads = if workers > 1 { workers + 1 } else { 1 };
        let options = DecoderOptions {
            threads: u16::try_from(threads).unwrap_or(u16::MAX),
            reorder_delay: index.as_ref().map_or(0, |index| index.reorder_delay()),
            ..decoder_options(&media)
        };
        let decoder = StreamDecoder::open(&media.video.parameters, &options, media.hardware());
        let decoder = decoder.map_err(|cause| cannot_decode(&media.name, &media.video, &cause))?;
        let counted = Numbers::Counted { next: 0, is_timed: false };
        let codec = media.video.parameters.codec_name();
        let listed = index.map(|index| Numbers::Listed(Listed::new(index, codec)));
        Ok(Self {
            video: Arc::new(media.video.clone()),
            start: media.start,
            name: media.name.clone(),
            reader: PacketReader::new(media),
            decoder,
            numbers: listed.unwrap_or(counted),
            mender,
            packet: 0,
            sent: None,
            held: None,
            restarts: false,
            ended: false,
            broken: None,
            failures: 0,
        })
    }

    /// The next frame, mended; `None` at the end. After an error of reading there are no more.
    pub(super) fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            let came = match self.come()? {
                Ok(came) => came,
                Err(error) => return Some(Err(error)),
            };
            // All that was before it has been seen.
            let shown = self.mender.mend(came, |_| Ok(None));
            if shown.is_some() {
                return shown;
            }
        }
    }

    /// The next frame as it is.
    fn come(&mut self) -> Option<Result<Came>> {
        loop {
            if let Numbers::Listed(listed) = &mut self.numbers
                && let Some(came) = listed.next(&self.video, self.start)
            {
                return Some(Ok(came));
            }
            match self.decoder.receive() {
                Ok(Received::Frame(picture)) => {
                    self.failures = 0;
                    if let Some(frame) = self.number(picture) {
                        return Some(Ok(Ok(frame)));
                    }
                }
                Ok(Received::NeedPacket) if !self.ended && !self.restarts => {
                    if let Err(error) = self.feed() {
                        return Some(Err(error));
                    }
                }
                Ok(_) if self.restarts => {
                    self.decoder.flush();
                    self.restarts = false;
                }
                Ok(Received::NeedPacket | Received::End) => return self.finish(),
                Err(cause) if self.counts() => return Some(Err(self.undecodable(&cause))),
                Err(_) if self.failures < MOST_FAILURES => self.failures += 1,
                Err(_) if self.ended => return self.finish(),
                Err(_) => {
                    self.failures = 0;
                    if let Err(error) = self.feed() {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// Behind the last picture: what was in the index and didn't come, or why nothing follows.
    fn finish(&mut self) -> Option<Result<Came>> {
        if let Some(error) = self.broken.take() {
            self.numbers = Numbers::Counted { next: 0, is_timed: false }; // nothing is missed any more
            return Some(Err(error));
        }
        let Numbers::Listed(listed) = &mut self.numbers else { return None };
        listed.end();
        listed.next(&self.video, self.start).map(Ok)
    }

    /// The frame of a picture, if it is in its turn already.
    fn number(&mut self, picture: VideoFrame) -> Option<Frame> {
        match &mut self.numbers {
            _ if picture.is_discard() => None,
            Numbers::Listed(listed) => {
                listed.put(picture);
                None
            }
            Numbers::Counted { next, is_timed } => {
                let number = *next;
                *next += 1;
                *is_timed |= picture.pts().is_some();
                let counts = !*is_timed;
                Some(self.counted(number, counts, picture))
            }
        }
    }

    fn counted(&self, number: u64, counts: bool, picture: VideoFrame) -> Frame {
        let base = self.video.time_base;
        let counted = if counts { self.video.counted_ticks(number) } else { None };
        let pts = picture.pts().or(counted).map(|ticks| Pts { ticks, base });
        Frame {
            number: Some(number),
            pts,
            time: pts.map(|pts| pts.seconds_since(self.start)),
            duration: picture.duration().map(|ticks| Pts { ticks, base }.seconds()),
            keyframe: picture.is_key(),
            damaged: picture.is_corrupt(),
            frame: picture,
            stream: Arc::clone(&self.video),
        }
    }

    /// Whether no index tells which frames are missing: then the decoder's errors are all there is.
    fn counts(&self) -> bool {
        matches!(self.numbers, Numbers::Counted { .. })
    }

    /// What to tell of a packet, or the end, that the decoder refuses.
    fn refused(&self, cause: &AvError) -> Result<()> {
        match cause {
            _ if self.counts() => Err(self.undecodable(cause)),
            AvError::Ffmpeg { .. } => Ok(()),
            _ => Err(cannot_decode(&self.name, &self.video, cause)),
        }
    }

    /// Sends the next packet, or the end.
    fn feed(&mut self) -> Result<()> {
        let Some(packet) = self.read() else {
            self.ended = true;
            let outcome = self.decoder.send_end();
            return outcome.or_else(|cause| self.refused(&cause));
        };
        let ticks = packet.pts().or(packet.dts());
        let time = |ticks| Pts { ticks, base: self.video.time_base }.seconds_since(self.start);
        self.sent = ticks.map(time).or(self.sent);
        match self.decoder.send(&packet) {
            Ok(Sent::Accepted) => Ok(()),
            Ok(Sent::Full) => {
                self.held = Some(packet);
                Ok(())
            }
            Err(cause) => {
                // Without it, what follows would be taken for a part of the group before.
                self.restarts = self.lost_keyframe(&packet) && self.decoder.send_end().is_ok();
                self.refused(&cause)
            }
        }
    }

    /// Whether a packet that was refused is known to be a keyframe. With threads, the decoder may
    /// mean an earlier one.
    fn lost_keyframe(&self, packet: &Packet) -> bool {
        let Numbers::Listed(listed) = &self.numbers else { return false };
        self.decoder.frame_threads() == 1 && listed.is_keyframe(packet)
    }

    /// The next packet, with its number; `None` at the end, and where reading fails.
    fn read(&mut self) -> Option<Packet> {
        if self.held.is_some() {
            return self.held.take();
        }
        match self.reader.next() {
            Ok(packet) => {
                let mut packet = packet?;
                packet.set_tag(self.packet.into());
                self.packet = self.packet.saturating_add(1);
                Some(packet)
            }
            Err(error) => {
                self.broken = Some(error);
                None
            }
        }
    }

    fn undecodable(&self, cause: &AvError) -> Error {
        let place =
            self.sent.map_or_else(|| "an unknown time".into(), |time| format!("about {time:.3} s"));
        Error::Decode { name: self.name.clone(), place, time: self.sent, reason: cause.to_string() }
    }
}
