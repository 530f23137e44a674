//! A timeline: the stages of each thread and the length of the queue, in columns of equal duration.
//!
//! The number of columns is bounded. When the run exceeds the last column, each two are merged, so
//! that long runs take no more memory, but have less resolution.

use super::stage::{Stage, StageTimes};

/// The most columns: about the width of a screen in pixels.
const COLUMNS: usize = 2048;

/// The initial width of a column, in nanoseconds.
const INITIAL_WIDTH: u64 = 250_000;

/// The lanes, and the length of the queue.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// Width of a column in nanoseconds.
    width: u64,
    lanes: Vec<Lane>,
    /// The greatest length of the queue in each column.
    waiting: Vec<usize>,
    /// The last reported length of the queue.
    last_waiting: usize,
}

/// The stages of one lane.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) columns: Vec<StageTimes>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width: INITIAL_WIDTH, lanes: Vec::new(), waiting: Vec::new(), last_waiting: 0 }
    }
}

impl Timeline {
    /// Adds a lane; returns its number.
    pub(super) fn add_lane(&mut self, name: String) -> usize {
        self.lanes.push(Lane { name, columns: Vec::new() });
        self.lanes.len() - 1
    }

    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    pub(super) fn waiting(&self) -> &[usize] {
        &self.waiting
    }

    /// Width of a column in seconds.
    pub(super) fn column_seconds(&self) -> f64 {
        self.width as f64 / 1e9
    }

    /// Adds the time of a stage to a lane, from `from` to `to` in nanoseconds.
    pub(super) fn add_time(&mut self, lane: usize, stage: Stage, from: u64, to: u64) {
        if to <= from {
            return;
        }
        self.make_room(to - 1);
        let width = self.width;
        let columns = &mut self.lanes[lane].columns;
        let last = column(to - 1, width);
        if columns.len() <= last {
            columns.resize(last + 1, StageTimes::default());
        }
        for (place, column) in columns.iter_mut().enumerate().skip(column(from, width)) {
            let begin = place as u64 * width;
            let part = to.min(begin + width) - from.max(begin).min(to);
            column.add(stage, part);
        }
    }

    /// Sets the length of the queue from `time` on, in nanoseconds.
    pub(super) fn set_waiting(&mut self, time: u64, waiting: usize) {
        self.make_room(time);
        let column = column(time, self.width);
        if self.waiting.len() <= column {
            self.waiting.resize(column + 1, self.last_waiting);
        }
        self.waiting[column] = self.waiting[column].max(waiting);
        self.last_waiting = waiting;
    }

    /// Merges columns until `time` is within the last one.
    fn make_room(&mut self, time: u64) {
        while column(time, self.width) >= COLUMNS {
            self.width = self.width.saturating_mul(2);
            for lane in &mut self.lanes {
                lane.columns = lane.columns.chunks(2).map(merge).collect();
            }
            let most = |pair: &[usize]| pair.iter().copied().max().unwrap_or_default();
            self.waiting = self.waiting.chunks(2).map(most).collect();
        }
    }
}

fn column(time: u64, width: u64) -> usize {
    usize::try_from(time / width).unwrap_or(usize::MAX)
}

fn merge(pair: &[StageTimes]) -> StageTimes {
    let mut both = StageTimes::default();
    pair.iter().for_each(|times| both.add_all(times));
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_spread_over_the_columns_it_touches() {
        let mut timeline = Timeline::default();
        let lane = timeline.add_lane("worker".into());
        timeline.add_time(lane, Stage::Decode, INITIAL_WIDTH / 2, INITIAL_WIDTH * 2 + 10);
        timeline.add_time(lane, Stage::Infer, INITIAL_WIDTH * 2 + 10, INITIAL_WIDTH * 3);
        timeline.add_time(lane, Stage::Infer, 7, 7);
        let decoded: Vec<_> =
            timeline.lanes()[lane].columns.iter().map(|times| times.of(Stage::Decode)).collect();
        assert_eq!(decoded, [INITIAL_WIDTH / 2, INITIAL_WIDTH, 10]);
        assert_eq!(timeline.lanes()[lane].columns[2].of(Stage::Infer), INITIAL_WIDTH - 10);
    }

    #[test]
    fn any_length_takes_the_same_memory_and_no_time_is_lost() {
        let mut timeline = Timeline::default();
        let lane = timeline.add_lane("worker".into());
        let day = 86_400_000_000_000;
        let step = day / 5000;
        for place in 0..5000 {
            timeline.add_time(lane, Stage::Decode, place * step, place * step + step / 2);
            timeline.set_waiting(place * step, usize::try_from(place % 7).unwrap());
        }
        let columns = &timeline.lanes()[lane].columns;
        assert!(columns.len() <= COLUMNS && columns.len() > COLUMNS / 4);
        let sum: u64 = columns.iter().map(|times| times.of(Stage::Decode)).sum();
        assert_eq!(sum, 5000 * (step / 2));
        assert_eq!(timeline.waiting().iter().max(), Some(&6));
    }

    #[test]
    fn queue_length_holds_until_the_next_report() {
        let mut timeline = Timeline::default();
        for (column, waiting) in [(1, 2), (4, 1), (4, 0), (6, 3)] {
            timeline.set_waiting(column * INITIAL_WIDTH, waiting);
        }
        assert_eq!(timeline.waiting(), [0, 2, 2, 2, 2, 0, 3]);
    }
}
