//! How the command ends.

use std::process::ExitCode;

use moviola::records::SourceTally;

/// The command's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is done.
    Done = 0,
    /// Wrong usage, or nothing could be done.
    Nothing = 2,
    /// Some inputs or frames failed, and the rest is done.
    Partly = 3,
    /// Interrupted; everything finished so far was written.
    Interrupted = 130,
}

impl Exit {
    /// Ends the process at once, whatever other threads are doing: they may be at work in libraries
    /// whose exit handlers would pull the ground from under them. Nothing is left to be flushed,
    /// because every record was when it was written.
    pub(crate) fn leave(self) -> ! {
        signal_hook::low_level::exit(self as i32)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What became of the sources so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Sources that were read to their end.
    pub(crate) done: u64,
    /// Sources that could not be opened, broke off, or gave nothing but errors.
    pub(crate) failed: u64,
    /// Frames that were handed out.
    pub(crate) frames: u64,
    /// Errors, of sources and of single frames.
    pub(crate) errors: u64,
    /// Sources without any error.
    pub(crate) flawless: u64,
}

impl Tally {
    /// Adds what became of one more.
    pub(crate) fn add(&mut self, source: SourceTally) {
        self.done += u64::from(!source.failed);
        self.failed += u64::from(source.failed);
        self.frames += source.frames;
        self.errors += source.errors;
        self.flawless += u64::from(source.errors == 0);
    }

    /// The exit code of a command that was not interrupted.
    pub(crate) fn exit(&self) -> Exit {
        match (self.errors, self.frames, self.flawless) {
            (0, _, _) => Exit::Done,
            (_, 0, 0) => Exit::Nothing,
            _ => Exit::Partly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frames: u64, errors: u64, flawless: u64, want: Exit) {
        let tally = Tally { frames, errors, flawless, ..Tally::default() };
        assert_eq!(tally.exit(), want);
    }

    #[test]
    fn no_error_is_success_even_without_frames() {
        check(5, 0, 1, Exit::Done);
        check(0, 0, 1, Exit::Done);
    }

    #[test]
    fn errors_and_nothing_else_are_a_failure() {
        check(0, 1, 0, Exit::Nothing);
        check(0, 7, 0, Exit::Nothing);
    }

    #[test]
    fn errors_beside_results_are_a_partial_success() {
        check(3, 1, 0, Exit::Partly);
        check(0, 1, 1, Exit::Partly);
    }
}
