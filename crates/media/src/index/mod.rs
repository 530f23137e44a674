//! The frames of a video: the exact time and position of each.
//!
//! The list comes from the container's own tables where they are complete (MP4, Matroska),
//! elsewhere from reading all packets, and where packets carry no times, from decoding all of them
//! once.

mod build;
mod by_decoding;
mod construct;
mod details;
mod entry;
mod metadata;
mod random_access;
mod scan;
mod sidecar;
pub mod tables;
#[cfg(test)]
mod tests;

use moviola_av::time::{Pts, TimeBase};
use serde::{Deserialize, Serialize};

use details::Details;
use entry::{FAR, PackedFrame};

pub use self::{build::listing, metadata::FrameMetadata};
pub(crate) use self::{
    build::{build, cached_from_packets, from_tables},
    entry::PacketEntry,
    random_access::RandomAccessPoint,
};

/// Where a list of frames came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The container's tables: no packet was read.
    Tables,
    /// All packets were read, none was decoded.
    Packets,
    /// All packets were decoded, because they have no presentation times.
    Decoding,
}

/// The frames of one video stream, in the order they are shown.
///
/// Frames are numbered from 0 in this order, packets from 0 in the order of decoding. Packets that
/// are decoded but not shown (edit lists) have a number and are no frames. An index takes 16 bytes
/// for each frame, and 24 for each hidden keyframe.
#[derive(Debug, Clone)]
pub struct FrameIndex {
    base: TimeBase,
    /// In the order of presentation.
    frames: Vec<PackedFrame>,
    /// Numbers of frames and of their packets, where [`PackedFrame`] has no room for the distance.
    far: Vec<(u32, u32)>,
    /// Keyframes that aren't shown, by packet number, ascending.
    hidden: Vec<RandomAccessPoint>,
    packets: u32,
    /// The most frames that a decoder must hold back to put them in order.
    reorder_delay: u8,
    details: Details,
    /// When the last frame ends, in ticks.
    end: i64,
    origin: Origin,
}

/// One frame of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexedFrame {
    /// Its number in the order of presentation, from 0.
    pub number: u64,
    /// When it is shown.
    pub pts: Pts,
    /// How long it is shown, in ticks: until the next frame. 0 if the end of the last is unknown.
    pub duration: i64,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Where its packet begins in the file, in bytes, if the container says.
    pub position: Option<u64>,
}

impl FrameIndex {
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
        let begun = |entry: &PackedFrame| self.pts(entry.pts).cmp_instant(instant).is_le();
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

    /// The most frames that a decoder must hold back to put them in order.
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

    /// Bytes of memory that the list of frames takes.
    pub fn bytes(&self) -> usize {
        self.frames.len() * size_of::<PackedFrame>()
            + self.far.len() * size_of::<(u32, u32)>()
            + self.hidden.len() * size_of::<RandomAccessPoint>()
            + self.details.bytes()
    }
}
