//! Stages of the work, and their times.

use serde::Serialize;

/// A stage of the work, in the order in which a frame passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The container and the decoders are opened.
    Open,
    /// A model is loaded.
    Load,
    /// Packets are read.
    Demux,
    /// Packets are decoded to frames.
    Decode,
    /// Frames are converted to tensors or RGB.
    Convert,
    /// The model runs.
    Infer,
    /// The model's output is converted to boxes.
    Postprocess,
    /// Frames are encoded as image files.
    Encode,
    /// Images and records are written.
    Write,
    /// Any other work on a frame.
    Work,
    /// Images of frames and tensors are made for the report.
    Report,
    /// The thread waits for a packet, for its turn or for memory.
    Wait,
}

impl Stage {
    /// The number of stages.
    pub const COUNT: usize = 12;

    /// All stages.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Open,
        Self::Load,
        Self::Demux,
        Self::Decode,
        Self::Convert,
        Self::Infer,
        Self::Postprocess,
        Self::Encode,
        Self::Write,
        Self::Work,
        Self::Report,
        Self::Wait,
    ];

    /// The stage's name in spans and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Load => "load",
            Self::Demux => "demux",
            Self::Decode => "decode",
            Self::Convert => "convert",
            Self::Infer => "infer",
            Self::Postprocess => "postprocess",
            Self::Encode => "encode",
            Self::Write => "write",
            Self::Work => "work",
            Self::Report => "report",
            Self::Wait => "wait",
        }
    }

    /// The stage with this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether the thread works, rather than waits.
    pub fn is_busy(self) -> bool {
        self != Self::Wait
    }
}

/// The nanoseconds spent in each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StageTimes([u64; Stage::COUNT]);

impl StageTimes {
    /// Adds time to a stage.
    pub(super) fn add(&mut self, stage: Stage, nanoseconds: u64) {
        let time = &mut self.0[stage as usize];
        *time = time.saturating_add(nanoseconds);
    }

    /// Adds all of `other`.
    pub(super) fn add_all(&mut self, other: &Self) {
        Stage::ALL.into_iter().for_each(|stage| self.add(stage, other.of(stage)));
    }

    /// Nanoseconds in a stage.
    pub(super) fn of(&self, stage: Stage) -> u64 {
        self.0[stage as usize]
    }

    /// The nanoseconds of work: all stages except for waiting and the report.
    pub(super) fn busy(&self) -> u64 {
        let stages = Stage::ALL.into_iter();
        stages.filter(|stage| stage.is_busy() && *stage != Stage::Report).map(|s| self.of(s)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_found_by_name() {
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
            assert_eq!(stage as usize, place);
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.name());
        }
        assert_eq!(Stage::from_name("other"), None);
    }

    #[test]
    fn waiting_and_reporting_are_not_busy() {
        let mut times = StageTimes::default();
        for stage in [Stage::Decode, Stage::Infer, Stage::Wait, Stage::Report] {
            times.add(stage, 10);
        }
        assert_eq!(times.busy(), 20);
    }
}
