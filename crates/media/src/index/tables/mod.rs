//! What a container's own tables say of a stream's packets, without reading media data.
//!
//! The list is what a scan through FFmpeg would give, packet by packet. Where the tables leave
//! anything open, or FFmpeg would make something else of them, there is no list.

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

pub use self::bytes::Bytes;

/// One packet of a stream as a container lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPacket {
    /// Presentation time in ticks of the stream's time base: what `Packet::pts` would say.
    pub pts: i64,
    /// Whether the container calls it a key frame. `Packet::is_key` says the same unless FFmpeg
    /// parses the codec: then it goes by the bitstream.
    pub key: bool,
    /// Whether it is decoded but not shown (`Packet::is_discard`, edit lists).
    pub discard: bool,
    /// Offset in the file in bytes (`Packet::position`).
    pub position: u64,
}

/// All packets of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In decoding order.
    pub packets: Vec<ListedPacket>,
    /// When the last shown packet ends, in ticks of the stream's time base, if known.
    pub end: Option<i64>,
}

/// How far tables are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// In the header alone: that of MP4 lists all packets, unless the file is fragmented.
    Header,
    /// In the whole file: before every fragment and block too.
    File,
}

/// The packets of `stream` as the container lists them. `bytes` is what `demuxer` reads.
///
/// `None` if the container has no such tables within `reach`, or they are incomplete, damaged or in
/// a form that isn't understood: then the packets have to be read. Nothing is read through
/// `demuxer`.
pub fn list(bytes: &Bytes, demuxer: &Demuxer, stream: usize, reach: ReadScope) -> Option<Listing> {
    let found = demuxer.stream(stream)?;
    let parameters = found.parameters().ok()?;
    let codec = parameters.codec_name();
    let mut listing = match (demuxer.format_name(), reach) {
        ("mov,mp4,m4a,3gp,3g2,mj2", _) if mp4::CUT_ANEW.contains(&codec) => return None,
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

/// Collects packets, and the end of the one that is shown last.
#[derive(Debug, Default)]
struct Collector {
    listing: Listing,
    /// The time of the packet that is shown last.
    last: Option<i64>,
}

impl Collector {
    fn with_capacity(packets: usize) -> Self {
        let packets = Vec::with_capacity(packets);
        Self { listing: Listing { packets, end: None }, last: None }
    }

    /// `duration` is in ticks; 0 if it isn't known.
    fn push(&mut self, packet: ListedPacket, duration: u64) {
        self.listing.packets.push(packet);
        if !packet.discard && self.last.is_none_or(|last| packet.pts >= last) {
            self.last = Some(packet.pts);
            let duration = i64::try_from(duration).ok().filter(|&ticks| ticks > 0);
            self.listing.end = duration.and_then(|ticks| packet.pts.checked_add(ticks));
        }
    }
}
