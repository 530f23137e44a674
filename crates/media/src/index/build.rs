//! Makes an index in the cheapest exact way.

use super::{
    Details, FrameIndex, Origin, PacketEntry, by_decoding,
    scan::{Scan, scan},
    sidecar::{self, SourceKey},
    tables::{Listing, ReadScope},
};
use crate::{error::Result, media::Media, source::cannot_read};

/// The index of the media's video.
///
/// From the container's tables if they are complete; else by reading, or even decoding, all
/// packets through a demuxer of their own.
///
/// # Errors
///
/// [`Error::ReadOnce`](crate::error::Error::ReadOnce) if the source is a pipe;
/// [`Error::Demux`](crate::error::Error::Demux) if it can't be read at all. A file that breaks off
/// has the frames before that.
pub(crate) fn build(media: &Media) -> Result<FrameIndex> {
    match from_tables(media, ReadScope::File) {
        Some(index) => Ok(index),
        None => cached_from_packets(media),
    }
}

/// The index made from packets, or stored when it was made before, in
/// [`SourceOptions::index_cache`](crate::source::SourceOptions::index_cache).
pub(crate) fn cached_from_packets(media: &Media) -> Result<FrameIndex> {
    let folder = media.options.index_cache.as_ref();
    let key = media.bytes().filter(|_| folder.is_some());
    let key =
        key.and_then(|bytes| SourceKey::of(bytes, media.video.index, media.options.max_pixels));
    sidecar::cached(folder, key, || from_packets(media))
}

/// The index made by reading all packets and, if need be, decoding them.
fn from_packets(media: &Media) -> Result<FrameIndex> {
    let mut demuxer = media.reopen()?;
    let found = scan(&mut demuxer, &media.video);
    let is_complete = found.broken_off.is_none();
    if let Some(error) = found.broken_off {
        if found.packets.is_empty() {
            return Err(cannot_read(&media.name, error));
        }
        tracing::warn!(source = media.name, %error, "reading breaks off; what came before is indexed");
    }
    let Scan { sets, extradata, second_fields, .. } = found;
    let details = Details { sets, extradata, second_fields, is_complete };
    if !found.timed {
        let mut demuxer = media.reopen()?;
        let index = by_decoding::index(&mut demuxer, media, found.packets)?;
        return Ok(index.with_details(details));
    }
    let base = media.video.time_base;
    let index = FrameIndex::of_packets(base, &found.packets, found.end, Origin::Packets);
    Ok(index.with_details(details))
}

/// The index of the container's tables, if they are complete within `scope`; nothing else is read.
pub(crate) fn from_tables(media: &Media, scope: ReadScope) -> Option<FrameIndex> {
    // Whether a VP8 frame of Matroska is shown is only in its own bytes.
    if media.video.parameters.codec_name() == "vp8" {
        return None;
    }
    let Listing { packets, end } = media.listing(scope)?;
    let packets: Vec<_> = packets
        .into_iter()
        .map(|listed| PacketEntry {
            pts: listed.pts,
            key: listed.key,
            shown: !listed.discard,
            position: Some(listed.position),
        })
        .collect();
    let base = media.video.time_base;
    Some(FrameIndex::of_packets(base, &packets, end, Origin::Tables))
}
