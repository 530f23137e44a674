//! Which frames a video has: the time and the place of each, exact.
//!
//! The list comes from the container's own tables where they are complete (MP4, Matroska), from
//! reading all packets elsewhere, and where packets carry no times, from decoding all of them once.

mod build;
mod by_decoding;
mod details;
mod entry;
mod scan;
mod sidecar;
pub mod tables;

use moviola_av::time::{Pts, TimeBase};

use details::Details;
pub(crate) use entry::PacketEntry;
use entry::{Entry, FAR};

pub(crate) use build::{build, from_tables, kept_from_packets};

/// Where a list of frames came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The container's tables: no packet was read.
    Tables,
    /// All packets were read, none was decoded.
    Packets,
    /// All packets were decoded, because they don't tell in which order they are shown.
    Decoding,
}

/// The frames of one video stream, in the order they are shown.
///
/// Frames are numbered from 0 in this order, packets from 0 in the order of decoding. Packets that
/// are decoded but not shown (edit lists) have a number and are no frames. Takes 16 bytes a frame;
/// what is hidden takes as much again.
#[derive(Debug, Clone)]
pub struct FrameIndex {
    base: TimeBase,
    /// In the order of presentation.
    frames: Vec<Entry>,
    /// Numbers of frames and of their packets, where [`Entry`] has no room for the distance.
    far: Vec<(u32, u32)>,
    /// Keyframes that aren't shown, by packet number, ascending.
    hidden: Vec<RandomAccessPoint>,
    packets: u32,
    /// How many pictures a decoder must hold back at most to put them in order.
    reorder_delay: u8,
    details: Details,
    /// When the last frame ends, in ticks.
    end: i64,
    origin: Origin,
}

/// The most pictures that a decoder of H.264 or HEVC ever holds back.
const MOST_DELAY: u32 = 16;

/// One frame as an index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexedFrame {
    /// Its number in the order of presentation, from 0.
    pub number: u64,
    /// When it is shown.
    pub pts: Pts,
    /// How long it is shown, in ticks: until the next frame. 0 if nobody knows when the last ends.
    pub duration: i64,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Where its packet begins in the file, in bytes, if the container says.
    pub position: Option<u64>,
}

/// A packet at which decoding can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RandomAccessPoint {
    /// Its number in the order of decoding.
    pub(crate) packet: u32,
    pub(crate) pts: i64,
    pub(crate) position: Option<u64>,
}

impl FrameIndex {
    /// The index of packets that come in decoding order; `end` is when the last frame ends.
    ///
    /// Frames of one time keep the order of their packets.
    pub(crate) fn of_packets(
        base: TimeBase,
        packets: &[PacketEntry],
        end: Option<i64>,
        origin: Origin,
    ) -> Self {
        let mut order: Vec<u32> = (0..).take(packets.len()).collect();
        order.sort_by_key(|&number| packets[number as usize].pts);
        // What is hidden takes a place in the decoder's order too.
        let delay = (0_u32..).zip(&order).map(|(rank, &number)| number.saturating_sub(rank)).max();
        order.retain(|&number| packets[number as usize].shown);
        Self::new(base, packets, &order, (end, delay.unwrap_or(0)), origin)
    }

    /// The same where the order of presentation is known: `order` names the packet of each frame.
    pub(crate) fn of_order(base: TimeBase, packets: &[PacketEntry], order: &[u32]) -> Self {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let place = |packet| sorted.partition_point(|&before| before < packet);
        let delay =
            order.iter().enumerate().map(|(rank, &packet)| place(packet).saturating_sub(rank));
        let delay = u32::try_from(delay.max().unwrap_or(0)).unwrap_or(u32::MAX);
        Self::new(base, packets, order, (None, delay), Origin::Decoding)
    }

    fn new(
        base: TimeBase,
        packets: &[PacketEntry],
        order: &[u32],
        (end, delay): (Option<i64>, u32),
        origin: Origin,
    ) -> Self {
        let (mut frames, mut far) = (Vec::with_capacity(order.len()), Vec::new());
        for (frame, &packet) in (0_u32..).zip(order) {
            let entry = &packets[packet as usize];
            let shift = i64::from(packet) - i64::from(frame);
            if i16::try_from(shift).ok().filter(|&shift| shift != FAR).is_none() {
                far.push((frame, packet));
            }
            frames.push(Entry::new(entry, shift));
        }
        let hidden = (0..).zip(packets).filter(|(_, packet)| packet.key && !packet.shown);
        let hidden = hidden
            .map(|(number, packet)| RandomAccessPoint {
                packet: number,
                pts: packet.pts,
                position: packet.position,
            })
            .collect();
        let last = frames.last().map_or(0, |last: &Entry| last.pts);
        Self {
            base,
            frames,
            far,
            hidden,
            packets: u32::try_from(packets.len()).unwrap_or(u32::MAX),
            details: Details::default(),
            reorder_delay: u8::try_from(delay.min(MOST_DELAY)).unwrap_or(0),
            end: end.unwrap_or(last).max(last),
            origin,
        }
    }

    /// Adds what a scan has found beside the packets.
    pub(crate) fn with_details(self, details: Details) -> Self {
        Self { details, ..self }
    }

    /// How many frames there are.
    pub fn len(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Where the list came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// How many keyframes there are, hidden ones aside.
    pub fn keyframes(&self) -> u64 {
        self.frames.iter().filter(|frame| frame.key()).count() as u64
    }

    /// Whether decoding can start at each of several frames, if the tables are to be believed: where
    /// they lack the list of keyframes, they say so of pictures that are none.
    pub(crate) fn calls_all_keyframes(&self) -> bool {
        self.origin == Origin::Tables
            && self.frames.len() > 1
            && self.frames.iter().all(|frame| frame.key())
    }

    /// The frame of that number.
    pub fn frame(&self, number: u64) -> Option<IndexedFrame> {
        let place = usize::try_from(number).ok()?;
        let entry = self.frames.get(place)?;
        let next = self.frames.get(place + 1).map_or(self.end, |next| next.pts);
        Some(IndexedFrame {
            number,
            pts: Pts { ticks: entry.pts, base: self.base },
            duration: next.saturating_sub(entry.pts),
            keyframe: entry.key(),
            position: entry.position(),
        })
    }

    /// All frames in the order of presentation.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = IndexedFrame> {
        let count = self.frames.len();
        (0..count).map(|number| {
            self.frame(number as u64).expect("a number below the count names a frame")
        })
    }

    /// The frame shown at an instant: the last that begins at or before it. `None` before the first
    /// frame and from the end of the last one on.
    pub fn frame_played_at(&self, instant: Pts) -> Option<u64> {
        let begun = |entry: &Entry| self.pts(entry.pts).cmp_instant(instant).is_le();
        let after = self.frames.partition_point(begun);
        let last = self.frames.last()?;
        let is_over = self.end > last.pts && !self.pts(self.end).cmp_instant(instant).is_gt();
        (after > 0 && !is_over).then(|| after as u64 - 1)
    }

    /// The first frame that begins at or after an instant; the number of frames if none does.
    pub fn first_from(&self, instant: Pts) -> u64 {
        self.frames.partition_point(|entry| self.pts(entry.pts).cmp_instant(instant).is_lt()) as u64
    }

    /// When the first frame is shown.
    pub fn start(&self) -> Option<Pts> {
        self.frames.first().map(|entry| self.pts(entry.pts))
    }

    /// When the last frame ends.
    pub fn end(&self) -> Pts {
        self.pts(self.end)
    }

    fn pts(&self, ticks: i64) -> Pts {
        Pts { ticks, base: self.base }
    }

    /// How many pictures a decoder must hold back to give them out in order.
    pub(crate) fn reorder_delay(&self) -> u8 {
        self.reorder_delay
    }

    /// How many packets there are.
    pub(crate) fn packets(&self) -> u32 {
        self.packets
    }

    /// The number of a frame's packet.
    pub(crate) fn packet_of(&self, frame: u32) -> Option<u32> {
        let entry = self.frames.get(frame as usize)?;
        if entry.shift == FAR {
            let place = self.far.binary_search_by_key(&frame, |(frame, _)| *frame).ok()?;
            return Some(self.far[place].1);
        }
        frame.checked_add_signed(entry.shift.into())
    }

    /// Where decoding must start for a frame: the last keyframe that is decoded and shown no later
    /// than it. Pictures shown before their keyframe refer to the group before. The first packet
    /// will do for what no keyframe comes before.
    pub(crate) fn access_point(&self, frame: u32) -> RandomAccessPoint {
        let packet = self.packet_of(frame).unwrap_or(0);
        let best =
            self.keyframe_in(0..=frame, packet).into_iter().chain(self.hidden(frame, packet));
        best.max_by_key(|access_point| access_point.packet).unwrap_or(RandomAccessPoint::FIRST)
    }

    /// The same where the entrance of an earlier frame is known: looks at what lies between alone.
    pub(crate) fn entrance_after(
        &self,
        earlier: (u32, RandomAccessPoint),
        frame: u32,
    ) -> RandomAccessPoint {
        let packet = self.packet_of(frame).unwrap_or(0);
        let (number, access_point) = earlier;
        if access_point.packet > packet || number > frame {
            return self.access_point(frame);
        }
        let between = self.keyframe_in(number.saturating_add(1)..=frame, packet);
        let best = between.into_iter().chain(self.hidden(frame, packet)).chain([access_point]);
        best.max_by_key(|access_point| access_point.packet).unwrap_or(access_point)
    }

    /// The last keyframe among frames that is decoded no later than `packet`.
    fn keyframe_in(
        &self,
        frames: std::ops::RangeInclusive<u32>,
        packet: u32,
    ) -> Option<RandomAccessPoint> {
        frames.rev().find_map(|number| {
            let entry = self.frames.get(number as usize).filter(|entry| entry.key())?;
            let at = self.packet_of(number).filter(|&at| at <= packet)?;
            Some(RandomAccessPoint { packet: at, pts: entry.pts, position: entry.position() })
        })
    }

    /// The last hidden keyframe that is decoded and shown no later than a frame in `packet`.
    fn hidden(&self, frame: u32, packet: u32) -> Option<RandomAccessPoint> {
        let pts = self.frames.get(frame as usize).map_or(i64::MIN, |entry| entry.pts);
        let before = self.hidden_before(packet.saturating_add(1));
        // Keyframes are shown in the order they are decoded: the first will nearly always do.
        before.iter().rev().find(|key| key.pts <= pts).copied()
    }

    /// The hidden keyframes that are decoded before `packet`.
    fn hidden_before(&self, packet: u32) -> &[RandomAccessPoint] {
        &self.hidden[..self.hidden.partition_point(|key| key.packet < packet)]
    }

    /// The entrance before `access_point`, for where that turns out to be none.
    pub(crate) fn entrance_before(&self, access_point: RandomAccessPoint) -> RandomAccessPoint {
        let before = access_point.packet;
        let number = self.frames.partition_point(|entry| entry.pts < access_point.pts);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let shown = match (number.checked_sub(1), before.checked_sub(1)) {
            (Some(number), Some(packet)) => self.keyframe_in(0..=number, packet),
            _ => None,
        };
        let hidden = self.hidden_before(before).last().copied();
        let best = shown.into_iter().chain(hidden).max_by_key(|access_point| access_point.packet);
        best.unwrap_or(RandomAccessPoint::FIRST)
    }

    /// Notes that a frame's packet isn't where decoding can start, whatever the container says.
    pub(crate) fn forget_entrance(&mut self, access_point: RandomAccessPoint) {
        self.hidden.retain(|hidden| hidden.packet != access_point.packet);
        let from = self.frames.partition_point(|entry| entry.pts < access_point.pts);
        for number in from..self.frames.len() {
            if self.frames[number].pts != access_point.pts {
                return;
            }
            if self.packet_of(number as u32) == Some(access_point.packet) {
                self.frames[number].place[0] &= !1;
            }
        }
    }

    /// A few of the entrances behind the first, spread over the stream.
    pub(crate) fn some_entrances(&self) -> Vec<RandomAccessPoint> {
        let keys: Vec<u32> =
            (0_u32..).zip(&self.frames).filter(|(_, entry)| entry.key()).map(|(n, _)| n).collect();
        let mut places = vec![1, keys.len() / 2, keys.len().saturating_sub(1)];
        places.dedup();
        let behind = places.into_iter().filter(|&place| place > 0);
        behind.filter_map(|place| Some(self.access_point(*keys.get(place)?))).collect()
    }

    /// How many frames the longest group has, from one keyframe to the next.
    pub(crate) fn longest_group(&self) -> usize {
        let keys = self.frames.iter().enumerate().filter(|(_, entry)| entry.key());
        let starts = keys.map(|(number, _)| number).chain([self.frames.len()]);
        let lengths = starts.scan(0, |last, start| Some(start - std::mem::replace(last, start)));
        lengths.max().unwrap_or(0)
    }

    /// Bytes of memory that the list of frames takes.
    pub fn bytes(&self) -> usize {
        self.frames.len() * size_of::<Entry>()
            + self.far.len() * size_of::<(u32, u32)>()
            + self.hidden.len() * size_of::<RandomAccessPoint>()
            + self.details.bytes()
    }
}

impl RandomAccessPoint {
    /// The stream's first packet.
    pub(crate) const FIRST: Self = Self { packet: 0, pts: i64::MIN, position: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: TimeBase = TimeBase::MICROSECONDS;

    fn packet(pts: i64, key: bool, shown: bool) -> PacketEntry {
        PacketEntry { pts, key, shown, position: Some(1000 + pts.unsigned_abs()) }
    }

    /// Decoding order I P B B, then an open group: I with two pictures before it.
    fn open_group() -> FrameIndex {
        let packets = [
            packet(0, true, true),
            packet(30, false, true),
            packet(10, false, true),
            packet(20, false, true),
            packet(60, true, true),
            packet(40, false, true),
            packet(50, false, true),
            packet(70, false, true),
        ];
        FrameIndex::of_packets(BASE, &packets, Some(80), Origin::Packets)
    }

    #[test]
    fn a_frame_takes_sixteen_bytes() {
        assert_eq!(size_of::<Entry>(), 16);
        assert_eq!(open_group().bytes(), 8 * 16);
    }

    #[test]
    fn frames_come_in_the_order_they_are_shown() {
        let index = open_group();
        let pts: Vec<_> = index.frames().map(|frame| frame.pts.ticks).collect();
        assert_eq!(pts, [0, 10, 20, 30, 40, 50, 60, 70]);
        let packets: Vec<_> = (0..8).map(|frame| index.packet_of(frame).unwrap()).collect();
        assert_eq!(packets, [0, 2, 3, 1, 5, 6, 4, 7]);
        assert_eq!((index.len(), index.keyframes(), index.reorder_delay()), (8, 2, 1));
        assert!(index.frames().all(|frame| frame.duration == 10));
    }

    #[test]
    fn positions_and_keys_are_kept_up_to_64_tib() {
        let index = open_group();
        assert_eq!(index.frame(6).unwrap().position, Some(1060));
        assert!(index.frame(6).unwrap().keyframe && !index.frame(5).unwrap().keyframe);
        let far = [PacketEntry { position: Some(1 << 46), ..packet(0, true, true) }];
        let index = FrameIndex::of_packets(BASE, &far, None, Origin::Tables);
        assert_eq!(index.frame(0).unwrap().position, Some(1 << 46));
        let nowhere = [PacketEntry { position: None, ..packet(0, true, true) }];
        let index = FrameIndex::of_packets(BASE, &nowhere, None, Origin::Tables);
        assert_eq!(index.frame(0).unwrap().position, None);
    }

    #[test]
    fn pictures_before_their_keyframe_start_one_group_earlier() {
        let index = open_group();
        let access_points: Vec<_> = (0..8).map(|frame| index.access_point(frame).packet).collect();
        assert_eq!(access_points, [0, 0, 0, 0, 0, 0, 4, 4]);
        assert_eq!(index.entrance_before(index.access_point(7)).packet, 0);
    }

    #[test]
    fn hidden_keyframes_are_entrances_and_no_frames() {
        let packets = [packet(0, true, false), packet(10, false, false), packet(20, false, true)];
        let index = FrameIndex::of_packets(BASE, &packets, None, Origin::Tables);
        assert_eq!((index.len(), index.keyframes(), index.packet_of(0)), (1, 0, Some(2)));
        assert_eq!(
            index.access_point(0),
            RandomAccessPoint { packet: 0, pts: 0, position: Some(1000) }
        );
    }

    #[test]
    fn what_proves_to_be_no_keyframe_is_forgotten() {
        let mut index = open_group();
        index.forget_entrance(index.access_point(7));
        assert_eq!((index.access_point(7).packet, index.keyframes()), (0, 1));
    }

    #[test]
    fn the_frame_at_an_instant_is_the_last_that_has_begun() {
        let index = open_group();
        let at = |ticks| index.frame_played_at(Pts { ticks, base: BASE });
        assert_eq!(
            [at(-1), at(0), at(9), at(10), at(79)],
            [None, Some(0), Some(0), Some(1), Some(7)]
        );
        assert_eq!(at(80), None);
        let milliseconds = TimeBase::new(1, 1000).unwrap();
        assert_eq!(index.first_from(Pts { ticks: 0, base: milliseconds }), 0);
        assert_eq!(index.first_from(Pts { ticks: 11, base: BASE }), 2);
        assert_eq!(index.first_from(Pts { ticks: 71, base: BASE }), 8);
    }

    #[test]
    fn frames_may_be_shown_far_from_where_they_are_decoded() {
        let mut packets: Vec<_> = (1..=40_000).map(|pts| packet(pts, false, true)).collect();
        packets.push(packet(0, false, true));
        let index = FrameIndex::of_packets(BASE, &packets, None, Origin::Packets);
        assert_eq!((index.packet_of(0), index.packet_of(1)), (Some(40_000), Some(0)));
    }
}
