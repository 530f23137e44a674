//! Makes an index in the cheapest exact way.

use moviola_av::error::{Error as AvError, ErrorKind};

use super::{
    Details, FrameIndex, Origin, PacketEntry, by_decoding,
    scan::{Scan, scan},
    sidecar::{self, SourceKey},
    tables::{self, Listing, ReadScope},
};
use crate::{
    error::Result,
    input::{OpenInput, VideoStream},
    source::cannot_read,
};

/// The index of the `video` of an input.
///
/// From the container's tables if they are complete; else by reading, or even decoding, all
/// packets through a demuxer of their own.
///
/// # Errors
///
/// [`Error::ReadOnce`](crate::error::Error::ReadOnce) if the source is a pipe;
/// [`Error::Demux`](crate::error::Error::Demux) if it can't be read at all. A file that breaks off
/// has the frames before that.
pub(crate) fn build(input: &OpenInput, video: &VideoStream) -> Result<FrameIndex> {
    match from_tables(input, video, ReadScope::File) {
        Some(index) => Ok(index),
        None => cached_from_packets(input, video),
    }
}

/// The index made from packets, or stored when it was made before, in
/// [`SourceOptions::index_cache`](crate::source::SourceOptions::index_cache).
pub(crate) fn cached_from_packets(input: &OpenInput, video: &VideoStream) -> Result<FrameIndex> {
    let folder = input.options.index_cache.as_ref();
    let key = input.bytes().filter(|_| folder.is_some());
    let key = key.and_then(|bytes| SourceKey::of(bytes, video.index, input.options.max_pixels));
    sidecar::cached(folder, key, || from_packets(input, video))
}

/// The index made by reading all packets and, if need be, decoding them.
fn from_packets(input: &OpenInput, video: &VideoStream) -> Result<FrameIndex> {
    let mut demuxer = input.reopen()?;
    let found = scan(&mut demuxer, video);
    let is_complete = found.broken_off.is_none();
    if let Some(error) = found.broken_off {
        if found.packets.is_empty() || !is_of_the_file(&error) {
            return Err(cannot_read(&input.name, error));
        }
        tracing::warn!(source = input.name, %error, "reading breaks off; what came before is indexed");
    }
    let Scan { sets, extradata, second_fields, .. } = found;
    let details = Details { sets, extradata, second_fields, is_complete };
    if !found.timed {
        let mut demuxer = input.reopen()?;
        let index = by_decoding::index(&mut demuxer, input, video, found.packets)?;
        return Ok(index.with_details(details));
    }
    let base = video.time_base;
    let index = FrameIndex::of_packets(base, &found.packets, found.end, Origin::Packets);
    Ok(index.with_details(details))
}

/// Whether reading again would fail at the same packet.
fn is_of_the_file(error: &AvError) -> bool {
    !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::OutOfMemory)
}

/// The index of the container's tables, if they are complete within `scope`; nothing else is read.
pub(crate) fn from_tables(
    input: &OpenInput,
    video: &VideoStream,
    scope: ReadScope,
) -> Option<FrameIndex> {
    // Whether a VP8 frame of Matroska is shown is only in its own bytes.
    if video.parameters.codec_name() == "vp8" {
        return None;
    }
    let Listing { packets, end } =
        tables::list(input.bytes()?, &input.demuxer, video.index, scope)?;
    let packets: Vec<_> = packets
        .into_iter()
        .map(|listed| PacketEntry {
            pts: listed.pts,
            key: listed.key,
            shown: !listed.discard,
            position: Some(listed.position),
        })
        .collect();
    let base = video.time_base;
    Some(FrameIndex::of_packets(base, &packets, end, Origin::Tables))
}

/// The packets of an input's video as the container's tables list them, without reading any, if the
/// tables are complete.
pub fn listing(input: &OpenInput, scope: ReadScope) -> Option<Listing> {
    tables::list(input.bytes()?, &input.demuxer, input.video()?.index, scope)
}
