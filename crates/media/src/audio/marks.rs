//! Where packets of audio ended on the grid of samples when they were decoded from the start.

use super::timeline::Timeline;

/// Marks for each second of audio; they take 48 bytes.
const MARKS_PER_SECOND: u32 = 2;

/// One packet that was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its timestamp.
    pub ticks: i64,
    /// Number of the sample behind its first frame. Ends stay where they are, whatever a demuxer
    /// says is to be cut off at the front.
    pub end: i64,
    /// The timeline's offset there.
    pub offset: i64,
}

/// Marks in order of time, some for each second.
#[derive(Debug, Default)]
pub(super) struct Marks {
    all: Vec<Mark>,
    last_ticks: Option<i64>,
}

impl Marks {
    /// Keeps a packet's first frame if it lies far enough behind the last mark.
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

    /// The mark of the packet with that timestamp.
    pub(super) fn at(&self, ticks: i64) -> Option<Mark> {
        let place = self.all.binary_search_by_key(&ticks, |mark| mark.ticks).ok()?;
        self.all.get(place).copied()
    }

    /// The last mark that ends at or before a sample.
    pub(super) fn before(&self, number: i64) -> Option<Mark> {
        let count = self.all.partition_point(|mark| mark.end <= number);
        self.all.get(count.checked_sub(1)?).copied()
    }
}

/// How a decoder finds out where it is after its packets come from another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// It knows.
    Done,
    /// The next packet that was marked says it; the first packet must not be later than this.
    AtMark { latest: i64 },
    /// The next frame's timestamp says it.
    ByTime,
    /// It is behind the place that was wanted.
    Lost,
}

impl Landing {
    /// Looks at a packet's timestamp.
    pub(super) fn see_packet(&mut self, ticks: Option<i64>) {
        if let Self::AtMark { latest } = self {
            match ticks {
                Some(ticks) if ticks <= *latest => *latest = i64::MAX,
                _ => *self = Self::Lost,
            }
        }
    }

    /// Whether the place of a frame is known: of `samples` samples, from the packet with that
    /// timestamp.
    pub(super) fn finds_place(
        &mut self,
        timeline: &mut Timeline,
        marks: &Marks,
        ticks: i64,
        samples: usize,
    ) -> bool {
        match *self {
            Self::Done => return true,
            Self::Lost => return false,
            Self::ByTime => timeline.resume(None, 0),
            Self::AtMark { .. } => {
                let Some(mark) = marks.at(ticks) else { return false };
                let length = samples.cast_signed() as i64;
                timeline.resume(Some(mark.end - length), mark.offset);
            }
        }
        *self = Self::Done;
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
