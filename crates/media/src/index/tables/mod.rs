//! Listing of a stream's packets from the container's own tables, without reading media data.
//!
//! The list equals that of reading all packets through FFmpeg. If the tables are incomplete or
//! ambiguous, or FFmpeg would read them differently, there is no list.

mod boxes;
mod bytes;
mod ebml;
mod fragments;
mod matroska;
mod mp4;
mod runs;
mod samples;
mod segments;
mod track;
mod tracks;

use moviola_av::demuxer::Demuxer;

use self::bytes::Bytes;

/// A packet of a stream as the container lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPacket {
    /// Presentation time in ticks of the stream's time base, as `Packet::pts`.
    pub pts: i64,
    /// Whether the container marks it as a keyframe. `Packet::is_key` is the same, unless FFmpeg
    /// parses the codec and uses the bitstream.
    pub key: bool,
    /// Whether it is decoded but not shown because of an edit list, as `Packet::is_discard`.
    pub discard: bool,
    /// Offset in the file in bytes, as `Packet::position`.
    pub position: u64,
}

/// The list of all packets of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In decoding order.
    pub packets: Vec<ListedPacket>,
    /// End of the last shown packet in ticks of the stream's time base; `None` if unknown.
    pub end: Option<i64>,
}

/// The part of a file that is searched for tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// The header only. MP4's lists all packets, unless the file is fragmented.
    Header,
    /// The whole file, with the headers of fragments and blocks.
    File,
}

/// The packets of `stream` as the container lists them. `bytes` is the source of `demuxer`.
///
/// `None` if the container has no such tables within `scope`, or they are incomplete, damaged or
/// not supported: then the packets have to be read. Nothing is read through `demuxer`.
pub fn list(bytes: &Bytes, demuxer: &Demuxer, stream: usize, scope: ReadScope) -> Option<Listing> {
    let found = demuxer.stream(stream)?;
    let parameters = found.parameters().ok()?;
    let codec = parameters.codec_name();
    let mut listing = match (demuxer.format_name(), scope) {
        ("mov,mp4,m4a,3gp,3g2,mj2", _) if mp4::REPACKETISED.contains(&codec) => return None,
        ("mov,mp4,m4a,3gp,3g2,mj2", ReadScope::Header) => mp4::list_header(bytes, demuxer, found)?,
        ("mov,mp4,m4a,3gp,3g2,mj2", ReadScope::File) => mp4::list(bytes, demuxer, found)?,
        ("matroska,webm", ReadScope::File) => matroska::list(bytes, demuxer, found)?,
        _ => return None,
    };
    if parameters.is_intra_only() {
        listing.packets.iter_mut().for_each(|packet| packet.key = true);
    }
    (!listing.packets.is_empty()).then_some(listing)
}

/// A collector of packets that tracks the end of the packet shown last.
#[derive(Debug, Default)]
struct Collector {
    listing: Listing,
    /// Presentation time of the packet shown last, in ticks.
    last: Option<i64>,
}

impl Collector {
    fn with_capacity(packets: usize) -> Self {
        let packets = Vec::with_capacity(packets);
        Self { listing: Listing { packets, end: None }, last: None }
    }

    /// Adds a packet. `duration` is in ticks; 0 if unknown.
    fn push(&mut self, packet: ListedPacket, duration: u64) {
        self.listing.packets.push(packet);
        if !packet.discard && self.last.is_none_or(|last| packet.pts >= last) {
            self.last = Some(packet.pts);
            let duration = i64::try_from(duration).ok().filter(|&ticks| ticks > 0);
            self.listing.end = duration.and_then(|ticks| packet.pts.checked_add(ticks));
        }
    }
}
