//! What the time goes into.

use serde::Serialize;

/// A stage of the work, in the order of the journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The container and the decoders are opened.
    Open,
    /// A model is loaded.
    Load,
    /// Packets are read.
    Demux,
    /// Packets become pictures.
    Decode,
    /// Pictures become tensors, or RGB.
    Convert,
    /// The model runs.
    Infer,
    /// The model's output becomes boxes.
    Postprocess,
    /// Pictures become image files.
    Encode,
    /// Images and records are written.
    Write,
    /// Whatever else is done with a frame.
    Work,
    /// What the report itself costs: small pictures, and pictures of tensors.
    Report,
    /// Nothing: for a packet, for a turn, for room.
    Wait,
}

impl Stage {
    /// How many there are.
    pub const COUNT: usize = 12;

    /// All of them.
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

    /// Its name, which spans and the report have.
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

    /// The stage of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether something is done meanwhile.
    pub fn is_busy(self) -> bool {
        self != Self::Wait
    }
}

/// Nanoseconds of each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times([u64; Stage::COUNT]);

impl Times {
    /// Adds time to a stage.
    pub(super) fn add(&mut self, stage: Stage, nanoseconds: u64) {
        let time = &mut self.0[stage as usize];
        *time = time.saturating_add(nanoseconds);
    }

    /// Adds all of `other`.
    pub(super) fn add_all(&mut self, other: &Self) {
        Stage::ALL.into_iter().for_each(|stage| self.add(stage, other.of(stage)));
    }

    /// Nanoseconds of a stage.
    pub(super) fn of(&self, stage: Stage) -> u64 {
        self.0[stage as usize]
    }

    /// Nanoseconds in which something was done for the result.
    pub(super) fn busy(&self) -> u64 {
        let stages = Stage::ALL.into_iter();
        stages.filter(|stage| stage.is_busy() && *stage != Stage::Report).map(|s| self.of(s)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_stages() {
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
            assert_eq!(stage as usize, place);
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.name());
        }
        assert_eq!(Stage::from_name("other"), None);
    }

    #[test]
    fn waiting_and_reporting_are_no_work_for_the_result() {
        let mut times = Times::default();
        for stage in [Stage::Decode, Stage::Infer, Stage::Wait, Stage::Report] {
            times.add(stage, 10);
        }
        assert_eq!(times.busy(), 20);
    }
}
