//! The start of the presentation.

use std::collections::VecDeque;

use moviola_av::{
    demuxer::Demuxer, media_kind::MediaKind, packet::Packet, stream::Stream, time::Pts,
};

use crate::{error::Result, source::cannot_read};

/// The most packets that are read to find the start of a Matroska file's stream.
const MAX_LOOK_AHEAD: usize = 64;

/// The earliest presentation time of the picture of stream `video` and of audio, and the packets
/// that were read to find it, oldest first.
///
/// The demuxer has it after stream information was searched. In MP4 it follows from the tables, in
/// Matroska from the first packets.
pub(super) fn find_start(
    name: &str,
    demuxer: &mut Demuxer,
    video: usize,
) -> Result<(Option<Pts>, VecDeque<Packet>)> {
    let is_presented =
        |stream: &Stream<'_>| stream.index() == video || stream.kind() == MediaKind::Audio;
    let presented = demuxer.streams().filter(is_presented);
    let mut starts: Vec<_> =
        presented.map(|stream| (stream.index(), known_start(&stream))).collect();
    let is_known =
        demuxer.start_time_us().is_some() || demuxer.index_entries(video).next().is_some();
    let mut read_ahead = VecDeque::new();
    for _ in 0..MAX_LOOK_AHEAD {
        if is_known || starts.iter().all(|(_, start)| start.is_some()) {
            break;
        }
        let read = demuxer.read_packet();
        let Some(packet) = read.map_err(|cause| cannot_read(name, cause))? else { break };
        let base = demuxer.stream(packet.stream_index()).and_then(Stream::time_base);
        if let (Some((_, start)), Some(ticks), Some(base)) = (
            starts.iter_mut().find(|(index, _)| *index == packet.stream_index()),
            packet.pts().or(packet.dts()),
            base,
        ) {
            start.get_or_insert(Pts { ticks, base });
        }
        read_ahead.push_back(packet);
    }
    let known = starts.into_iter().filter_map(|(_, start)| start);
    Ok((known.min_by(|a, b| a.cmp_instant(*b)), read_ahead))
}

/// A stream's start according to the container's tables or the search for stream information.
fn known_start(stream: &Stream<'_>) -> Option<Pts> {
    Some(Pts { ticks: stream.start_pts()?, base: stream.time_base()? })
}
