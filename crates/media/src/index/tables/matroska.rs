//! Packets of Matroska and WebM, from the headers of all blocks.
//!
//! The format has no table of packets, so the file is walked from block to block without reading
//! their payload. If FFmpeg would have to resynchronise anywhere, there is no list.

use moviola_av::{demuxer::Demuxer, stream::Stream};

use super::{
    Collector, ListedPacket, Listing,
    bytes::{Bytes, Window},
    ebml::{self, Element},
    tracks::{self, Track},
};

/// Ids of the elements that contain blocks (RFC 9559).
mod id {
    pub(super) const EBML: u32 = 0x1a45_dfa3;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const INFO: u32 = 0x1549_a966;
    pub(super) const TRACKS: u32 = 0x1654_ae6b;
    pub(super) const CLUSTER: u32 = 0x1f43_b675;
    /// Other elements of a segment: cues, tags, seek heads, attachments, chapters.
    pub(super) const BESIDE: [u32; 5] =
        [0x1c53_bb6b, 0x1254_c367, 0x114d_9b74, 0x1941_a469, 0x1043_a770];
    pub(super) const TIMESTAMP: u32 = 0xe7;
    pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
    pub(super) const BLOCK_GROUP: u32 = 0xa0;
    pub(super) const BLOCK: u32 = 0xa1;
    pub(super) const BLOCK_DURATION: u32 = 0x9b;
    pub(super) const REFERENCE_BLOCK: u32 = 0xfb;
}

/// Number of bytes read at once: several headers where blocks are small (audio), and little more
/// than the header where they are large. Measured to be the fastest for a video with audio.
const AHEAD: usize = 256;

/// Lists the packets of `stream`.
pub(super) fn list(bytes: &Bytes, demuxer: &Demuxer, stream: Stream<'_>) -> Option<Listing> {
    let mut window = Window::new(bytes, AHEAD);
    let segment = find_segment(&mut window)?;
    // FFmpeg searches bytes after the segment for further clusters.
    let end = segment.end.unwrap_or(bytes.len());
    if end != bytes.len() {
        return None;
    }
    let (info, tracks, first) = head(&mut window, segment.payload, end)?;
    let payload = |element: Element| bytes.range(element.payload, element.end?);
    let (track, numbers) =
        tracks::read(&payload(info)?, &payload(tracks)?, stream, demuxer.stream_count())?;
    let collector = Collector::default();
    let mut walk = Walk { window, track, numbers, collector };
    walk.clusters(first, end)?;
    Some(walk.collector.listing)
}

fn find_segment(window: &mut Window<'_>) -> Option<Element> {
    let len = window.file_len();
    let head = ebml::at(window, 0, len).filter(|head| head.id == id::EBML)?;
    ebml::at(window, head.end?, len).filter(|segment| segment.id == id::SEGMENT)
}

/// The elements `Info` and `Tracks` before the first cluster, and that cluster's offset.
fn head(window: &mut Window<'_>, start: u64, end: u64) -> Option<(Element, Element, u64)> {
    let (mut info, mut tracks, mut next) = (None, None, start);
    loop {
        let element = ebml::at(window, next, end)?;
        let twice = match element.id {
            id::CLUSTER => return Some((info?, tracks?, next)),
            id::INFO => info.replace(element).is_some(),
            id::TRACKS => tracks.replace(element).is_some(),
            _ => false,
        };
        next = element.end.filter(|_| !twice)?;
    }
}

/// A walk over the blocks of a file.
struct Walk<'b> {
    window: Window<'b>,
    track: Track,
    /// The numbers of all tracks.
    numbers: Vec<u64>,
    collector: Collector,
}

/// The header of a block of the track.
struct Block {
    /// Offset of the block's payload in the file in bytes.
    position: u64,
    /// Presentation time in ticks.
    pts: i64,
    /// Whether the keyframe flag of a `SimpleBlock` is set.
    key: bool,
}

impl Walk<'_> {
    fn clusters(&mut self, first: u64, end: u64) -> Option<()> {
        let mut next = first;
        while next < end {
            let element = ebml::at(&mut self.window, next, end)?;
            next = match (element.id, element.end) {
                (id::CLUSTER, Some(its)) => {
                    self.cluster(element.payload, its, true)?;
                    its
                }
                (id::CLUSTER, None) => self.cluster(element.payload, end, false)?,
                (id::EBML | id::SEGMENT, _) => return None, // concatenated files
                (_, end) => end?,
            };
        }
        Some(())
    }

    /// Walks over a cluster and gives the offset of its end. A cluster of unknown size ends at the
    /// first element that can't be inside it.
    fn cluster(&mut self, start: u64, end: u64, has_length: bool) -> Option<u64> {
        let (mut next, mut time) = (start, 0);
        while next < end {
            let element = ebml::at(&mut self.window, next, end)?;
            let outside = [id::CLUSTER, id::INFO, id::TRACKS].contains(&element.id)
                || id::BESIDE.contains(&element.id);
            match element.id {
                id::TIMESTAMP => time = self.unsigned(element)?,
                id::SIMPLE_BLOCK => {
                    if let Some(block) = self.block(element, time)? {
                        self.take(&block, block.key, 0);
                    }
                }
                id::BLOCK_GROUP => self.block_group(element, time)?,
                _ if outside && !has_length => return Some(next),
                id::EBML | id::SEGMENT => return None,
                _ if outside => return None,
                _ => {}
            }
            next = element.end?;
        }
        Some(next)
    }

    fn block_group(&mut self, group: Element, time: u64) -> Option<()> {
        let (end, mut next) = (group.end?, group.payload);
        let (mut block, mut duration, mut references) = (None, 0, false);
        while next < end {
            let element = ebml::at(&mut self.window, next, end)?;
            match element.id {
                // FFmpeg uses the last of several blocks.
                id::BLOCK if block.is_some() => return None,
                id::BLOCK => block = Some(self.block(element, time)?),
                id::BLOCK_DURATION => duration = self.unsigned(element)?,
                id::REFERENCE_BLOCK => references = true,
                _ => {}
            }
            next = element.end?;
        }
        if let Some(Some(block)) = block {
            self.take(&block, !references, duration);
        }
        Some(())
    }

    /// Parses the header of a block: `Some(None)` if it is another track's, `None` if FFmpeg may
    /// make no packet or several packets of it.
    fn block(&mut self, element: Element, time: u64) -> Option<Option<Block>> {
        const MAX_HEAD: usize = 11;
        let len = element.len()?;
        let head_len = usize::try_from(len).map_or(MAX_HEAD, |len| len.min(MAX_HEAD));
        let head = self.window.get(element.payload, head_len)?;
        let (number, number_len) = ebml::number(head, 8)?;
        let [high, low, flags] = *head.get(number_len..)?.first_chunk::<3>()?;
        if number != self.track.number {
            return self.numbers.contains(&number).then_some(None);
        }
        let laced = flags & 0x06 != 0;
        if laced || len == number_len as u64 + 3 {
            return None;
        }
        let pts = self.track.ticks(time, i16::from_be_bytes([high, low]))?;
        Some(Some(Block { position: element.payload, pts, key: flags & 0x80 != 0 }))
    }

    /// Adds a block's packet. `duration` is in ticks; 0 if the block has none.
    fn take(&mut self, block: &Block, key: bool, duration: u64) {
        let duration = if duration == 0 { self.track.default_duration } else { duration };
        let Block { position, pts, .. } = *block;
        self.collector.push(ListedPacket { pts, key, discard: false, position }, duration);
    }

    fn unsigned(&mut self, element: Element) -> Option<u64> {
        let len = usize::try_from(element.len()?).ok().filter(|len| (1..=8).contains(len))?;
        ebml::unsigned(self.window.get(element.payload, len)?)
    }
}
