//! Counts of sources, frames and errors.

use serde::{Deserialize, Serialize};

/// The counts and the outcome of one source so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTally {
    /// Frames that have at least one record besides errors.
    pub frames: u64,
    /// Keyframes among them.
    pub keyframes: u64,
    /// Error records.
    pub errors: u64,
    /// Whether the source could not be opened or read to its end, or had only errors.
    pub failed: bool,
    /// Whether reading ended because an image can't be written, which isn't an error of the source.
    #[serde(default)]
    pub unwritten: bool,
}

impl SourceTally {
    /// Adds other counts of the same source.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { frames, keyframes, errors, failed, unwritten } = other;
        self.frames += frames;
        self.keyframes += keyframes;
        self.errors += errors;
        self.failed |= failed;
        self.unwritten |= unwritten;
    }
}

/// The counts of several sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sources that were read to their end and have a frame or no error.
    pub done: u64,
    /// Sources that could not be opened or read to their end, or had only errors.
    pub failed: u64,
    /// Frames that have at least one record besides errors.
    pub frames: u64,
    /// Errors, of sources and of single frames.
    pub errors: u64,
    /// Sources without any error.
    pub flawless: u64,
}

impl Tally {
    /// Adds one source.
    pub fn add(&mut self, source: SourceTally) {
        self.done += u64::from(!source.failed);
        self.failed += u64::from(source.failed);
        self.frames += source.frames;
        self.errors += source.errors;
        self.flawless += u64::from(source.errors == 0);
    }

    /// Adds the counts of other sources.
    pub fn add_all(&mut self, others: Self) {
        self.done += others.done;
        self.failed += others.failed;
        self.frames += others.frames;
        self.errors += others.errors;
        self.flawless += others.flawless;
    }
}
