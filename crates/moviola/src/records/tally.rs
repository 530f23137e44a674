//! What became of sources.

use serde::{Deserialize, Serialize};

/// What became of a source so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTally {
    /// Frames that were handed out.
    pub frames: u64,
    /// How many of them are keyframes.
    pub keyframes: u64,
    /// Error records.
    pub errors: u64,
    /// It could not be opened, broke off, or gave nothing but errors.
    pub failed: bool,
    /// It broke off because its images can't be written: it isn't at fault.
    #[serde(default)]
    pub unwritten: bool,
}

impl SourceTally {
    /// Adds what was counted elsewhere of the same source.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { frames, keyframes, errors, failed, unwritten } = other;
        self.frames += frames;
        self.keyframes += keyframes;
        self.errors += errors;
        self.failed |= failed;
        self.unwritten |= unwritten;
    }
}

/// What became of many sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sources that were read to their end.
    pub done: u64,
    /// Sources that could not be opened, broke off, or gave nothing but errors.
    pub failed: u64,
    /// Frames that were handed out.
    pub frames: u64,
    /// Errors, of sources and of single frames.
    pub errors: u64,
    /// Sources without any error.
    pub flawless: u64,
}

impl Tally {
    /// Adds what became of one more.
    pub fn add(&mut self, source: SourceTally) {
        self.done += u64::from(!source.failed);
        self.failed += u64::from(source.failed);
        self.frames += source.frames;
        self.errors += source.errors;
        self.flawless += u64::from(source.errors == 0);
    }

    /// Adds what became of others.
    pub fn add_all(&mut self, others: Self) {
        self.done += others.done;
        self.failed += others.failed;
        self.frames += others.frames;
        self.errors += others.errors;
        self.flawless += others.flawless;
    }
}
