//! The frames that a job fetches, and those that are still missing.

use moviola_av::frame::VideoFrame;

use crate::index::{FrameIndex, RandomAccessPoint};

/// Whether a codec has packets that show an earlier frame again.
pub(super) fn shows_again(codec: &str) -> bool {
    matches!(codec, "vp9" | "av1")
}

/// One frame to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Its number.
    pub(super) frame: u32,
    /// Number of its packet.
    pub(super) packet: u32,
    pub(super) pts: i64,
}

/// Frames of one group of pictures, which one decoder fetches in one go.
#[derive(Debug)]
pub(super) struct GroupJob<S> {
    pub(super) access_point: RandomAccessPoint,
    /// In the order of their packets, each with its receiver's data.
    pub(super) targets: Vec<(Target, S)>,
}

impl<S> GroupJob<S> {
    pub(super) fn last(&self) -> u32 {
        self.targets.last().map_or(0, |(target, _)| target.packet)
    }
}

/// The targets of a job whose frames are still missing.
pub(super) struct Wanted<S> {
    /// In the order of their packets.
    targets: Vec<(Target, Option<S>)>,
    left: usize,
    /// The last target's packet.
    pub(super) last: u32,
    /// Whether the codec has packets that show an earlier frame again.
    shows_again: bool,
}

impl<S> Wanted<S> {
    pub(super) fn new(targets: Vec<(Target, S)>, codec: &str) -> Self {
        let last = targets.last().map_or(0, |(target, _)| target.packet);
        let left = targets.len();
        let targets = targets.into_iter().map(|(target, slot)| (target, Some(slot))).collect();
        Self { targets, left, last, shows_again: shows_again(codec) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left == 0
    }

    fn place(&self, packet: u32) -> Option<usize> {
        self.targets.binary_search_by_key(&packet, |(target, _)| target.packet).ok()
    }

    pub(super) fn has(&self, packet: u32) -> bool {
        self.place(packet).is_some_and(|place| self.targets[place].1.is_some())
    }

    /// Removes the target that a decoded frame belongs to: the one in the packet whose number it
    /// has.
    pub(super) fn take(&mut self, frame: &VideoFrame, index: &FrameIndex) -> Option<(Target, S)> {
        let number = index.first_packet(u32::try_from(frame.tag()).ok()?);
        let by_number = self.place(number);
        let place = if self.shows_again { self.place_again(by_number, frame) } else { by_number };
        let (target, slot) = &mut self.targets[place?];
        let slot = slot.take()?;
        self.left -= 1;
        Some((*target, slot))
    }

    /// A frame that is shown again has the number of its first packet, and a time of its own.
    fn place_again(&self, by_number: Option<usize>, frame: &VideoFrame) -> Option<usize> {
        let pts = frame.raw_pts();
        let agrees = |&place: &usize| pts.is_none_or(|pts| pts == self.targets[place].0.pts);
        by_number.filter(agrees).or_else(|| self.place_of_time(pts)).or(by_number)
    }

    fn place_of_time(&self, pts: Option<i64>) -> Option<usize> {
        let pts = pts?;
        self.targets.iter().position(|(target, slot)| target.pts == pts && slot.is_some())
    }

    /// Drops all targets.
    pub(super) fn give_up(&mut self) {
        self.targets.clear();
        self.left = 0;
    }

    pub(super) fn rest(self) -> Vec<(Target, S)> {
        let left = self.targets.into_iter();
        left.filter_map(|(target, slot)| Some((target, slot?))).collect()
    }
}
