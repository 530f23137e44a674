//! The index of a stream whose packets don't say when they are shown: all are decoded once.
//!
//! Raw H.264 and HEVC carry no times, and AVI knows the order of decoding alone.

use std::sync::Arc;

use moviola_av::{
    decoder::{DecoderOptions, Received, Sent},
    demuxer::Demuxer,
    error::{Error as AvError, Result as AvResult},
    frame::VideoFrame,
};

use super::{FrameIndex, PacketEntry};
use crate::{budget, hardware::StreamDecoder, media::Media};

/// Decodes all packets, of which `packets` are known, and numbers the pictures as they come out.
///
/// What decodes to no picture is no frame; where none has a time, they are counted. Takes as long as
/// decoding the whole stream on all cores.
///
/// # Errors
///
/// The decoder's, if it can't be opened at all.
pub(super) fn index(
    demuxer: &mut Demuxer,
    Media { video: stream, options, hardware, .. }: &Media,
    mut packets: Vec<PacketEntry>,
) -> AvResult<FrameIndex> {
    let decoder_options = DecoderOptions {
        threads: u16::try_from(budget::cores()).unwrap_or(1),
        time_base: Some(stream.time_base),
        max_pixels: Some(options.max_pixels),
        pool: Some(Arc::clone(&options.pool)),
        ..DecoderOptions::default()
    };
    let mut decoder = StreamDecoder::open(&stream.parameters, &decoder_options, hardware)?;
    let mut shown = Vec::new();
    let mut number = 0;
    while let Ok(Some(mut packet)) = demuxer.read_packet() {
        if packet.stream_index() != stream.index {
            continue;
        }
        packet.set_tag(number);
        number += 1;
        while let Ok(Sent::Full) = decoder.send(&packet) {
            receive(&mut decoder, &mut shown);
        }
        receive(&mut decoder, &mut shown);
    }
    // A decoder that refuses the end has nothing more to give.
    if decoder.send_end().is_ok() {
        receive(&mut decoder, &mut shown);
    }
    let mut order = Vec::with_capacity(shown.len());
    let mut last = None;
    let is_timed = shown.iter().any(|(_, pts)| pts.is_some());
    for (tag, pts) in shown {
        let Some(number) = first_packet(&packets, tag) else { continue };
        let entry = &mut packets[number];
        let pts = if is_timed { pts } else { stream.counted_ticks(order.len() as u64) };
        // Later frames have later times, whatever the stream says.
        let pts = pts.max(last.map(|last: i64| last.saturating_add(1)));
        entry.pts = pts.unwrap_or(0);
        last = Some(entry.pts);
        order.push(u32::try_from(number).unwrap_or(u32::MAX));
    }
    Ok(FrameIndex::of_order(stream.time_base, &packets, &order))
}

/// The packet in which the picture with a number begins: decoders give it that of either field.
fn first_packet(packets: &[PacketEntry], tag: i64) -> Option<usize> {
    let number = usize::try_from(tag).ok().filter(|&number| number < packets.len())?;
    let is_second = number > 0 && !packets[number].shown;
    Some(number - usize::from(is_second))
}

/// Takes note of the pictures that are ready: their packets' numbers and their times.
fn receive(decoder: &mut StreamDecoder, shown: &mut Vec<(i64, Option<i64>)>) {
    /// Damaged packets in a row after which a decoder is given up, until the next packet.
    const MOST_FAILURES: usize = 64;
    let mut failures = 0;
    loop {
        match decoder.receive() {
            Ok(Received::Frame(frame)) => shown.extend(place(&frame)),
            Ok(Received::NeedPacket | Received::End) => return,
            Err(AvError::Ffmpeg { .. }) if failures < MOST_FAILURES => failures += 1,
            Err(_) => return,
        }
    }
}

fn place(frame: &VideoFrame) -> Option<(i64, Option<i64>)> {
    (!frame.is_discard()).then(|| (frame.tag(), frame.pts()))
}
