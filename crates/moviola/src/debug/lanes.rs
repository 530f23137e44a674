//! The assignment of threads to lanes of the timeline.

use std::{
    collections::HashMap,
    thread::{self, ThreadId},
};

use serde::Serialize;

use super::stage::{Stage, StageTimes};

/// The most threads that are kept. Beyond that, those that have been idle longest are removed.
const MAX_THREADS: usize = 256;

/// The threads of a run and their lanes.
///
/// A thread has a lane while it is in a stage. Threads of the same name use the same lanes one
/// after another, so there are as many lanes as threads that worked at the same time.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    threads: HashMap<ThreadId, Thread>,
    /// The thread name of each lane, and whether a thread has the lane.
    lanes: Vec<(String, bool)>,
}

/// The state of a thread.
#[derive(Debug, Default)]
pub(super) struct Thread {
    pub(super) lane: usize,
    /// The thread's nested stages, innermost last.
    pub(super) stages: Vec<Stage>,
    /// The time up to which its stages are measured, in nanoseconds since the start of the run.
    pub(super) since: u64,
    /// The cost of its current frame.
    pub(super) cost: FrameCost,
}

/// The time and data that a frame took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct FrameCost {
    #[serde(skip)]
    pub(super) times: StageTimes,
    /// The start of the work, in nanoseconds since the start of the run; `None` before it.
    #[serde(skip)]
    pub(super) since: Option<u64>,
    pub(super) packets: u64,
    pub(super) packet_bytes: u64,
    /// Number of frames that were decoded.
    pub(super) decoded: u64,
    pub(super) candidates: Option<Candidates>,
}

/// The numbers of a model's boxes after each step of postprocessing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Candidates {
    /// The boxes of all classes whose confidence is above the plan's.
    pub(super) above: u64,
    /// The boxes among `above` whose class the plan selects.
    pub(super) wanted: u64,
    /// The detections: boxes left after suppression that are at least partly in the frame.
    pub(super) kept: u64,
    /// The boxes left after suppression that have no area in the frame: they are entirely in the
    /// letterbox's border.
    pub(super) outside: u64,
}

impl Thread {
    /// The stage that its time is added to: the innermost, or [`Stage::Report`] for all stages
    /// within that.
    pub(super) fn stage(&self) -> Option<Stage> {
        if self.stages.contains(&Stage::Report) {
            return Some(Stage::Report);
        }
        self.stages.last().copied()
    }
}

impl Lanes {
    /// The current thread; `None` if it was never in a stage.
    pub(super) fn current(&mut self) -> Option<&mut Thread> {
        self.threads.get_mut(&thread::current().id())
    }

    /// Starts a stage on the current thread; returns the thread, and the name of its lane if that
    /// is new.
    pub(super) fn begin(&mut self) -> (&mut Thread, Option<String>) {
        let this = thread::current();
        if self.threads.len() > MAX_THREADS {
            self.remove_idle(this.id());
        }
        let usual = self.threads.get(&this.id());
        if usual.is_some_and(|thread| !thread.stages.is_empty()) {
            return (self.threads.entry(this.id()).or_default(), None);
        }
        let usual = usual.map(|thread| thread.lane);
        let name = this.name().unwrap_or("thread");
        let is_free = |lane: usize| matches!(&self.lanes[lane], (n, false) if n == name);
        let lane = usual
            .filter(|lane| is_free(*lane))
            .or_else(|| (0..self.lanes.len()).find(|lane| is_free(*lane)));
        let is_new = lane.is_none();
        let lane = lane.unwrap_or_else(|| {
            self.lanes.push((name.to_owned(), false));
            self.lanes.len() - 1
        });
        self.lanes[lane].1 = true;
        let number = self.lanes[..=lane].iter().filter(|(n, _)| n == name).count();
        let thread = self.threads.entry(this.id()).or_default();
        thread.lane = lane;
        let lane_name = || match name.trim_start_matches("moviola-") {
            "main" => "main".into(),
            name => format!("{name} {number}"),
        };
        (thread, is_new.then(lane_name))
    }

    /// Removes the half of the idle threads that have been idle longest, except for `current`. Most
    /// of them have ended. A thread between two stages was busy recently, so its frame's cost is
    /// kept.
    fn remove_idle(&mut self, current: ThreadId) {
        let idle = self.threads.values().filter(|thread| thread.stages.is_empty());
        let mut since: Vec<_> = idle.map(|thread| thread.since).collect();
        since.sort_unstable();
        let Some(&latest) = since.get(since.len() / 2) else { return };
        self.threads.retain(|id, thread| {
            !thread.stages.is_empty() || thread.since > latest || *id == current
        });
    }

    /// Ends the current thread's innermost stage, and frees its lane if that was the outermost.
    pub(super) fn end(&mut self) {
        let Some(thread) = self.threads.get_mut(&thread::current().id()) else { return };
        thread.stages.pop();
        if thread.stages.is_empty() {
            self.lanes[thread.lane].1 = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts a stage on a new thread, and ends it if `ends`; returns the thread's lane.
    fn stage_on_a_thread(lanes: &mut Lanes, ends: bool) -> usize {
        let work = || {
            let (thread, _) = lanes.begin();
            thread.stages.push(Stage::Decode);
            let lane = thread.lane;
            if ends {
                lanes.end();
            }
            lane
        };
        let worker = thread::Builder::new().name("worker".into());
        thread::scope(|scope| worker.spawn_scoped(scope, work).unwrap().join().unwrap())
    }

    #[test]
    fn threads_one_after_another_share_a_lane_and_those_at_once_do_not() {
        let mut lanes = Lanes::default();
        assert_eq!(stage_on_a_thread(&mut lanes, true), 0);
        assert_eq!(stage_on_a_thread(&mut lanes, false), 0);
        assert_eq!(stage_on_a_thread(&mut lanes, true), 1);
        assert_eq!(stage_on_a_thread(&mut lanes, true), 1);
    }

    #[test]
    fn thread_between_two_stages_is_kept() {
        let mut lanes = Lanes::default();
        for _ in 0..MAX_THREADS {
            stage_on_a_thread(&mut lanes, true);
        }
        let (thread, _) = lanes.begin();
        (thread.since, thread.cost.packets) = (1, 7);
        stage_on_a_thread(&mut lanes, true);
        assert!(lanes.threads.len() < MAX_THREADS);
        assert_eq!(lanes.current().unwrap().cost.packets, 7);
    }

    #[test]
    fn ended_threads_are_removed() {
        let mut lanes = Lanes::default();
        for _ in 0..MAX_THREADS * 2 {
            stage_on_a_thread(&mut lanes, true);
        }
        assert!(lanes.threads.len() <= MAX_THREADS + 1);
        assert_eq!(lanes.lanes.len(), 1);
    }
}
