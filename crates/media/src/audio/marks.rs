//! Marks: the positions of packets on the grid of samples, from decoding in order.
//!
//! After a seek, the mark of a packet gives its exact position, which a rounded timestamp doesn't.

use super::timeline::Timeline;

/// Number of marks for each second of audio, of 24 bytes each.
const MARKS_PER_SECOND: u32 = 2;

/// The position of a decoded packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The packet's timestamp.
    pub ticks: i64,
    /// Number of the sample after its first frame. The end, because samples that a demuxer cuts off
    /// at a frame's start move its start only.
    pub end: i64,
    /// The timeline's offset at the packet.
    pub offset: i64,
}

/// The marks of a stream in order of time.
#[derive(Debug, Default)]
pub(super) struct Marks {
    all: Vec<Mark>,
    last_ticks: Option<i64>,
}

impl Marks {
    /// Keeps the mark of a packet's first frame if it is far enough after the last one.
    pub(super) fn note(&mut self, mark: Mark, rate: u32) {
        if self.last_ticks == Some(mark.ticks) {
            return; // another frame of the same packet
        }
        self.last_ticks = Some(mark.ticks);
        let apart = i64::from(rate / MARKS_PER_SECOND);
        let is_far = |last: &Mark| mark.ticks > last.ticks && mark.end - last.end >= apart;
        if self.all.last().is_none_or(is_far) {
            self.all.push(mark);
        }
    }

    /// The mark of the packet with a timestamp.
    pub(super) fn at(&self, ticks: i64) -> Option<Mark> {
        let place = self.all.binary_search_by_key(&ticks, |mark| mark.ticks).ok()?;
        self.all.get(place).copied()
    }

    /// The last mark whose end is at or before a sample.
    pub(super) fn before(&self, number: i64) -> Option<Mark> {
        let count = self.all.partition_point(|mark| mark.end <= number);
        self.all.get(count.checked_sub(1)?).copied()
    }
}

/// How a decoder finds its position on the grid after a seek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resync {
    /// The position is known.
    Synced,
    /// By the next marked packet. The first packet's timestamp must be at most `latest`.
    AtMark { latest: i64 },
    /// By the next frame's timestamp.
    ByTime,
    /// The position is unknown, or after the wanted one.
    Lost,
}

impl Resync {
    /// Checks a packet's timestamp before the packet is decoded.
    pub(super) fn see_packet(&mut self, ticks: Option<i64>) {
        if let Self::AtMark { latest } = self {
            match ticks {
                Some(ticks) if ticks <= *latest => *latest = i64::MAX,
                _ => *self = Self::Lost,
            }
        }
    }

    /// Sets the timeline to a frame's position if that can be found; `false` if it can't yet.
    ///
    /// The frame has `samples` samples and comes from the packet with the timestamp `ticks`.
    pub(super) fn find_position(
        &mut self,
        timeline: &mut Timeline,
        marks: &Marks,
        ticks: i64,
        samples: usize,
    ) -> bool {
        match *self {
            Self::Synced => return true,
            Self::Lost => return false,
            Self::ByTime => timeline.resume(None, 0),
            Self::AtMark { .. } => {
                let Some(mark) = marks.at(ticks) else { return false };
                let length = samples.cast_signed() as i64;
                timeline.resume(Some(mark.end - length), mark.offset);
            }
        }
        *self = Self::Synced;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_sparse_and_found_by_time_and_place() {
        let mut marks = Marks::default();
        for ticks in 0..100 {
            marks.note(Mark { ticks, end: (ticks + 1) * 1000, offset: 0 }, 8000);
            marks.note(Mark { ticks, end: (ticks + 1) * 1000 + 500, offset: 0 }, 8000);
        }
        assert_eq!(marks.all.len(), 25);
        assert_eq!(marks.at(4), Some(Mark { ticks: 4, end: 5000, offset: 0 }));
        assert_eq!(marks.at(5), None);
        assert_eq!(marks.before(8999).map(|mark| mark.ticks), Some(4));
        assert_eq!(marks.before(999), None);
    }
}
