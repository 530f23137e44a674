//! The one way to send packets to a decoder and to receive its frames.

use moviola_av::{
    audio::{AudioDecoder, AudioFrame},
    decoder::{Decoder, Received, Sent},
    error::{Error as AvError, Result as AvResult},
    frame::VideoFrame,
    packet::Packet,
};

/// Errors in a row after which a decoder is asked for no more frames until its next packet.
const MAX_ERRORS: usize = 64;

/// A decoder of video or audio: packets in, frames out.
pub(crate) trait PacketDecoder {
    /// What it decodes packets to.
    type Frame;

    /// Sends a packet, unless the decoder is full.
    ///
    /// # Errors
    ///
    /// The decoder's; the packet counts as sent.
    fn send(&mut self, packet: &Packet) -> AvResult<Sent>;

    /// Asks for the next frame.
    ///
    /// # Errors
    ///
    /// The decoder's; the next frame may come all the same.
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

/// Whether an error is one of damaged packets, after which a decoder goes on: not of memory or
/// limits.
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
