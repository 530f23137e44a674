//! The exchange with a decoder: packets are sent and frames received, for video and audio alike.

use moviola_av::{
    audio::{AudioDecoder, AudioFrame},
    decoder::{Decoder, Received, Sent},
    error::{Error as AvError, Result as AvResult},
    frame::VideoFrame,
    packet::Packet,
};

/// The number of successive errors after which no more frames are requested until the next packet.
const MAX_ERRORS: usize = 64;

/// A decoder of video or audio: packets in, frames out.
pub(crate) trait PacketDecoder {
    /// The type of the decoded frames.
    type Frame;

    /// Sends a packet, unless the decoder is full.
    ///
    /// # Errors
    ///
    /// The decoder's error. The packet counts as sent.
    fn send(&mut self, packet: &Packet) -> AvResult<Sent>;

    /// Receives the next frame.
    ///
    /// # Errors
    ///
    /// The decoder's error. The next call may still return a frame.
    fn receive(&mut self) -> AvResult<Received<Self::Frame>>;
}

impl PacketDecoder for Decoder {
    type Frame = VideoFrame;

    fn send(&mut self, packet: &Packet) -> AvResult<Sent> {
        Decoder::send(self, packet)
    }

    fn receive(&mut self) -> AvResult<Received> {
        Decoder::receive(self)
    }
}

impl PacketDecoder for AudioDecoder {
    type Frame = AudioFrame;

    fn send(&mut self, packet: &Packet) -> AvResult<Sent> {
        AudioDecoder::send(self, packet)
    }

    fn receive(&mut self) -> AvResult<Received<AudioFrame>> {
        AudioDecoder::receive(self)
    }
}

/// Whether an error is one of damaged packets, after which decoding continues. Errors of memory and
/// limits are not.
pub(crate) fn is_damage(error: &AvError) -> bool {
    matches!(error, AvError::Ffmpeg { .. })
}

/// Sends a packet. While the decoder is full, `make_room` receives from it.
///
/// # Errors
///
/// Those of the decoder and of `make_room`.
pub(crate) fn send<D: PacketDecoder>(
    decoder: &mut D,
    packet: &Packet,
    mut make_room: impl FnMut(&mut D) -> AvResult<()>,
) -> AvResult<()> {
    while decoder.send(packet)? == Sent::Full {
        make_room(decoder)?;
    }
    Ok(())
}

/// The next frame that a decoder has ready, or what it needs first.
///
/// Errors for which `pass_over` is true are passed over. After many in a row the decoder counts as
/// needing a packet.
///
/// # Errors
///
/// The others.
pub(crate) fn receive<D: PacketDecoder>(
    decoder: &mut D,
    mut pass_over: impl FnMut(&AvError) -> bool,
) -> AvResult<Received<D::Frame>> {
    for _ in 0..=MAX_ERRORS {
        match decoder.receive() {
            Err(error) if pass_over(&error) => {}
            received => return received,
        }
    }
    Ok(Received::NeedPacket)
}

/// Hands `take` all frames that a decoder has ready, and passes over damaged packets.
///
/// # Errors
///
/// Those that are not of damaged packets.
pub(crate) fn receive_all<D: PacketDecoder>(
    decoder: &mut D,
    mut take: impl FnMut(D::Frame),
) -> AvResult<()> {
    while let Received::Frame(frame) = receive(decoder, is_damage)? {
        take(frame);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A decoder that returns prepared answers, and that is full until it was asked for a frame.
    struct Prepared {
        answers: VecDeque<AvResult<Received<u32>>>,
        is_full: bool,
        sent: usize,
    }

    impl PacketDecoder for Prepared {
        type Frame = u32;

        fn send(&mut self, _packet: &Packet) -> AvResult<Sent> {
            if self.is_full {
                return Ok(Sent::Full);
            }
            self.sent += 1;
            Ok(Sent::Accepted)
        }

        fn receive(&mut self) -> AvResult<Received<u32>> {
            self.is_full = false;
            self.answers.pop_front().unwrap_or(Ok(Received::NeedPacket))
        }
    }

    fn prepared(answers: impl IntoIterator<Item = AvResult<Received<u32>>>) -> Prepared {
        Prepared { answers: answers.into_iter().collect(), is_full: false, sent: 0 }
    }

    fn damage() -> AvError {
        AvError::Ffmpeg { op: "avcodec_receive_frame", code: -1, message: "invalid data".into() }
    }

    #[test]
    fn damaged_packets_are_passed_over() {
        let mut decoder = prepared([
            Err(damage()),
            Ok(Received::Frame(1)),
            Err(damage()),
            Err(damage()),
            Ok(Received::Frame(2)),
        ]);
        let mut frames = Vec::new();
        receive_all(&mut decoder, |frame| frames.push(frame)).unwrap();
        assert_eq!(frames, [1, 2]);
    }

    #[test]
    fn a_decoder_that_only_fails_is_given_up_until_its_next_packet() {
        let mut decoder = prepared((0..=MAX_ERRORS).map(|_| Err(damage())));
        let received = receive(&mut decoder, is_damage).unwrap();
        assert!(matches!(received, Received::NeedPacket));
        assert!(decoder.answers.is_empty());
    }

    #[test]
    fn other_errors_are_returned() {
        let mut decoder = prepared([Err(damage()), Err(AvError::OutOfMemory)]);
        assert_eq!(receive(&mut decoder, is_damage).unwrap_err(), AvError::OutOfMemory);
        let mut decoder = prepared([Err(damage())]);
        assert_eq!(receive(&mut decoder, |_| false).unwrap_err(), damage());
    }

    #[test]
    fn a_packet_is_sent_once_there_is_room_for_it() {
        let packet = Packet::from_data(&[1]).unwrap();
        let mut decoder = Prepared { is_full: true, ..prepared([Ok(Received::Frame(7))]) };
        let mut frames = Vec::new();
        send(&mut decoder, &packet, |decoder| receive_all(decoder, |frame| frames.push(frame)))
            .unwrap();
        assert_eq!((decoder.sent, frames), (1, vec![7]));
    }
}
