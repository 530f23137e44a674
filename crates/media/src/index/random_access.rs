//! Where decoding must start for a frame.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{FrameIndex, Origin};

/// A packet at which decoding can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RandomAccessPoint {
    /// Its number in the order of decoding.
    pub(crate) packet: u32,
    pub(crate) pts: i64,
    pub(crate) position: Option<u64>,
}

impl RandomAccessPoint {
    /// The stream's first packet.
    pub(crate) const FIRST: Self = Self { packet: 0, pts: i64::MIN, position: None };
}

impl FrameIndex {
    /// Where decoding must start for a frame: the last keyframe that is neither decoded nor shown
    /// after it, because frames shown before their keyframe refer to the group before. The first
    /// packet if there is no such keyframe.
    pub(crate) fn access_point(&self, frame: u32) -> RandomAccessPoint {
        let packet = self.packet_of(frame).unwrap_or(0);
        let best = self
            .keyframe_in(0..=frame, packet)
            .into_iter()
            .chain(self.hidden_access_point(frame, packet));
        best.max_by_key(|access_point| access_point.packet).unwrap_or(RandomAccessPoint::FIRST)
    }

    /// As [`access_point`](Self::access_point), given that of an `earlier` frame: searches the
    /// frames between them alone.
    pub(crate) fn access_point_after(
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
        let best = between
            .into_iter()
            .chain(self.hidden_access_point(frame, packet))
            .chain([access_point]);
        best.max_by_key(|access_point| access_point.packet).unwrap_or(access_point)
    }

    /// The last keyframe among frames that is decoded no later than `packet`.
    fn keyframe_in(&self, frames: RangeInclusive<u32>, packet: u32) -> Option<RandomAccessPoint> {
        frames.rev().find_map(|number| {
            let entry = self.frames.get(number as usize).filter(|entry| entry.key())?;
            let at = self.packet_of(number).filter(|&at| at <= packet)?;
            Some(RandomAccessPoint { packet: at, pts: entry.pts, position: entry.position() })
        })
    }

    /// The last hidden keyframe that is decoded and shown no later than a frame in `packet`.
    fn hidden_access_point(&self, frame: u32, packet: u32) -> Option<RandomAccessPoint> {
        let pts = self.frames.get(frame as usize).map_or(i64::MIN, |entry| entry.pts);
        let before = self.hidden_before(packet.saturating_add(1));
        // Keyframes are shown in the order of decoding: the first one looked at nearly always fits.
        before.iter().rev().find(|key| key.pts <= pts).copied()
    }

    /// The hidden keyframes that are decoded before `packet`.
    fn hidden_before(&self, packet: u32) -> &[RandomAccessPoint] {
        &self.hidden[..self.hidden.partition_point(|key| key.packet < packet)]
    }

    /// The access point before `access_point`, for when decoding can't start at that.
    pub(crate) fn access_point_before(&self, access_point: RandomAccessPoint) -> RandomAccessPoint {
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

    /// Marks a packet as no access point, whatever the container says.
    pub(crate) fn remove_access_point(&mut self, access_point: RandomAccessPoint) {
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

    /// Up to three access points after the first, spread over the stream.
    pub(crate) fn sample_access_points(&self) -> Vec<RandomAccessPoint> {
        let keys: Vec<u32> =
            (0_u32..).zip(&self.frames).filter(|(_, entry)| entry.key()).map(|(n, _)| n).collect();
        let mut places = vec![1, keys.len() / 2, keys.len().saturating_sub(1)];
        places.dedup();
        let later = places.into_iter().filter(|&place| place > 0);
        later.filter_map(|place| Some(self.access_point(*keys.get(place)?))).collect()
    }

    /// The number of frames in the longest group, from one keyframe to the next.
    pub(crate) fn longest_group(&self) -> usize {
        let keys = self.frames.iter().enumerate().filter(|(_, entry)| entry.key());
        let starts = keys.map(|(number, _)| number).chain([self.frames.len()]);
        let lengths = starts.scan(0, |last, start| Some(start - std::mem::replace(last, start)));
        lengths.max().unwrap_or(0)
    }

    /// Whether the container's tables call every frame a keyframe, which may be false: tables
    /// without a list of keyframes do so.
    pub(crate) fn calls_all_keyframes(&self) -> bool {
        self.origin == Origin::Tables
            && self.frames.len() > 1
            && self.frames.iter().all(|frame| frame.key())
    }
}
