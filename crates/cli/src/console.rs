//! What the command prints: data to standard output, everything else to standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use moviola::{
    records::{ErrorRecord, Record},
    sink::jsonl::JsonLines,
};

use crate::{exit::Exit, global::Global};

/// How often a line is written to a file or a pipe, where it stays.
const SELDOM: Duration = Duration::from_secs(10);

/// How often a line changes on a terminal.
pub(crate) const OFTEN: Duration = Duration::from_millis(200);

/// Standard output, standard error, and the progress bar on a terminal.
pub(crate) struct Console {
    records: JsonLines<io::Stdout>,
    /// Only errors are printed.
    is_quiet: bool,
    bar: Option<ProgressBar>,
    /// Whether records go to standard output.
    has_records: bool,
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            records: JsonLines::new(io::stdout()),
            is_quiet: global.quiet,
            bar: None,
            has_records: true,
        }
    }

    /// Writes one line of JSON.
    pub(crate) fn record(&mut self, record: &Record) -> io::Result<()> {
        self.records.write(record).inspect_err(exit_unread)
    }

    /// Prints the error of a source's record, and writes the record unless records go elsewhere.
    pub(crate) fn source_record(&mut self, record: &Record) -> io::Result<()> {
        if let Record::Error(error) = record {
            self.source_error(error);
        }
        if self.has_records { self.record(record) } else { Ok(()) }
    }

    /// Prints the error of a source.
    pub(crate) fn source_error(&self, error: &ErrorRecord) {
        self.error(format_args!("{}: {}", error.source, error.message));
    }

    /// Prints a note that software decodes a source, instead of the hardware that was named.
    pub(crate) fn note_fallback(&self, source: &str, reason: &str) {
        self.note(format_args!("{source}: decoding in software: {reason}"));
    }

    /// Writes text for people.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).inspect_err(exit_unread)
    }

    /// Prints an error.
    pub(crate) fn error(&self, message: impl Display) {
        self.message("\x1b[1;31merror:\x1b[0m", message);
    }

    /// Prints a note to the user about something that isn't an error, unless `--quiet` is given.
    pub(crate) fn note(&self, message: impl Display) {
        if !self.is_quiet {
            self.message("\x1b[1;36mnote:\x1b[0m", message);
        }
    }

    fn message(&self, label: &str, message: impl Display) {
        let write = || {
            // Where standard error is closed, the message is lost.
            drop(writeln!(anstream::stderr().lock(), "{label} {message}"));
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows a bar of `duration` seconds on a terminal that doesn't show the records anyway.
    pub(crate) fn start_progress(&mut self, name: &str, duration: Option<f64>) {
        if self.is_quiet || !io::stderr().is_terminal() || self.shows_records() {
            return;
        }
        let milliseconds = duration.map(milliseconds);
        let template = match milliseconds {
            Some(_) => "{msg:30!} {wide_bar} {percent:>3} % in {elapsed}, {eta} left",
            None => "{msg:30!} {spinner} {elapsed}",
        };
        let bar = ProgressBar::with_draw_target(milliseconds, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let file = Path::new(name).file_name().unwrap_or(name.as_ref());
        bar.set_message(file.to_string_lossy().into_owned());
        self.bar = Some(bar);
    }

    /// How often to show the progress of a run over many sources; `None` for never.
    pub(crate) fn bulk_pace(&self) -> Option<Duration> {
        (!self.is_quiet).then(|| if io::stderr().is_terminal() { OFTEN } else { SELDOM })
    }

    /// Shows a line in place of the one before on a terminal that doesn't show the records anyway.
    /// `done` is how many of how many sources are done, if that is known: they become a bar.
    pub(crate) fn status(&mut self, line: String, done: Option<(u64, u64)>) {
        if self.shows_records() {
            return;
        }
        let bar = || ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let bar = self.bar.get_or_insert_with(bar);
        let template = if done.is_some() { "{bar:24} {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if let Some((done, all)) = done {
            bar.set_length(all);
            bar.set_position(done);
        }
        bar.set_message(line);
        bar.tick();
    }

    /// Records go to a file or a folder, not to standard output.
    pub(crate) fn records_go_elsewhere(&mut self) {
        self.has_records = false;
    }

    /// Whether the records are shown on a terminal.
    fn shows_records(&self) -> bool {
        self.has_records && io::stdout().is_terminal()
    }

    /// Prints a line that is neither an error nor a note.
    pub(crate) fn plain(&self, line: impl Display) {
        // Where standard error is closed, the line is lost.
        drop(writeln!(io::stderr().lock(), "{line}"));
    }

    /// Moves the bar to `time` seconds.
    pub(crate) fn progress(&self, time: Option<f64>) {
        if let (Some(bar), Some(time)) = (&self.bar, time) {
            bar.set_position(milliseconds(time));
        }
    }

    /// Removes the bar.
    pub(crate) fn end_progress(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Ends the command if the reader of its output has closed the pipe. It doesn't wait for workers,
/// because one may be waiting for a silent pipe.
fn exit_unread(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Exit::Done.exit();
    }
}

#[expect(clippy::cast_sign_loss, reason = "negative numbers become zero")]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1e3) as u64
}
