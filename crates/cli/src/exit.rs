//! The command's exit codes.

use moviola::records::Tally;

/// The command's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done = 0,
    /// Wrong usage, or nothing could be done.
    Nothing = 2,
    /// Some inputs or frames failed, and the rest is done.
    Partly = 3,
    /// Interrupted; everything finished so far was written.
    Interrupted = 130,
}

impl Exit {
    /// Ends the process at once, without exit handlers: those of libraries would free what other
    /// threads still use. Nothing has to be flushed, because each record was when it was written.
    pub(crate) fn exit(self) -> ! {
        signal_hook::low_level::exit(self as i32)
    }

    /// The exit code of a command that was not interrupted, whose sources add up to `tally`.
    pub(crate) fn from_tally(tally: &Tally) -> Self {
        match (tally.errors, tally.frames, tally.flawless) {
            (0, _, _) => Self::Done,
            (_, 0, 0) => Self::Nothing,
            _ => Self::Partly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frames: u64, errors: u64, flawless: u64, want: Exit) {
        let tally = Tally { frames, errors, flawless, ..Tally::default() };
        assert_eq!(Exit::from_tally(&tally), want);
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
