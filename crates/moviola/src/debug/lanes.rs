//! Which thread is drawn in which lane.

use std::{
    collections::HashMap,
    thread::{self, ThreadId},
};

use serde::Serialize;

use super::stage::{Stage, Times};

/// Threads that are remembered; of more, those that have rested longest are forgotten.
const REMEMBERED: usize = 256;

/// The threads at work, and the lanes they are drawn in.
///
/// A lane belongs to a thread while that is at a stage. Threads that come and go share the lanes of
/// their name, so there are as many as ever worked side by side.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    threads: HashMap<ThreadId, Thread>,
    /// Name of each lane, and whether it is taken.
    lanes: Vec<(String, bool)>,
}

/// What one thread does.
#[derive(Debug, Default)]
pub(super) struct Thread {
    pub(super) lane: usize,
    /// The stages it is at, the innermost last.
    pub(super) stages: Vec<Stage>,
    /// Since when it is at the innermost, in nanoseconds.
    pub(super) since: u64,
    /// What it did since it was done with a frame.
    pub(super) cost: FrameCost,
}

/// What a frame took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct FrameCost {
    #[serde(skip)]
    pub(super) times: Times,
    /// Since when, in nanoseconds; `None` before anything was done.
    #[serde(skip)]
    pub(super) since: Option<u64>,
    pub(super) packets: u64,
    pub(super) packet_bytes: u64,
    /// Pictures that the decoder gave.
    pub(super) decoded: u64,
    pub(super) candidates: Option<Candidates>,
}

/// What became of a model's boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Candidates {
    /// Sure enough.
    pub(super) above: u64,
    /// Of a class that is wanted.
    pub(super) wanted: u64,
    /// Left once those that overlap are thinned out, and in the picture.
    pub(super) kept: u64,
    /// Left too, but in the border that the model's input has around the picture.
    pub(super) outside: u64,
}

impl Thread {
    /// What its time goes to: the innermost stage, but within the report all is the report's.
    pub(super) fn stage(&self) -> Option<Stage> {
        if self.stages.contains(&Stage::Report) {
            return Some(Stage::Report);
        }
        self.stages.last().copied()
    }
}

impl Lanes {
    /// This thread, if it has been at a stage.
    pub(super) fn this(&mut self) -> Option<&mut Thread> {
        self.threads.get_mut(&thread::current().id())
    }

    /// This thread, which begins a stage, and the name of a lane that is new with it.
    pub(super) fn begin(&mut self) -> (&mut Thread, Option<String>) {
        let this = thread::current();
        if self.threads.len() > REMEMBERED {
            self.forget(this.id());
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
        let shown = || match name.trim_start_matches("moviola-") {
            "main" => "main".into(),
            name => format!("{name} {number}"),
        };
        (thread, is_new.then(shown))
    }

    /// Forgets half of the threads at rest, those that have rested longest: most have ended, while
    /// who is between two stages has work to show for itself. Never `but`.
    fn forget(&mut self, but: ThreadId) {
        let resting = self.threads.values().filter(|thread| thread.stages.is_empty());
        let mut since: Vec<_> = resting.map(|thread| thread.since).collect();
        since.sort_unstable();
        let Some(&latest) = since.get(since.len() / 2) else { return };
        self.threads
            .retain(|id, thread| !thread.stages.is_empty() || thread.since > latest || *id == but);
    }

    /// This thread's stage ended; its lane is free if that was the outermost.
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

    /// A stage on a new thread, that ends if `ends`; the thread's lane.
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
    fn who_is_between_two_stages_is_remembered() {
        let mut lanes = Lanes::default();
        for _ in 0..REMEMBERED {
            stage_on_a_thread(&mut lanes, true);
        }
        let (thread, _) = lanes.begin();
        (thread.since, thread.cost.packets) = (1, 7);
        stage_on_a_thread(&mut lanes, true);
        assert!(lanes.threads.len() < REMEMBERED);
        assert_eq!(lanes.this().unwrap().cost.packets, 7);
    }

    #[test]
    fn many_short_threads_are_forgotten() {
        let mut lanes = Lanes::default();
        for _ in 0..REMEMBERED * 2 {
            stage_on_a_thread(&mut lanes, true);
        }
        assert!(lanes.threads.len() <= REMEMBERED + 1);
        assert_eq!(lanes.lanes.len(), 1);
    }
}
