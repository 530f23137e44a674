//! Where the command's words go: data to standard output, all else to standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use moviola::{results::Record, sink::jsonl::JsonLines};

use crate::{
    args::Global,
    exit::Exit,
    progress::{OFTEN, SELDOM},
};

/// Standard output and standard error.
pub(crate) struct Output {
    records: JsonLines<io::Stdout>,
    quiet: bool,
    bar: Option<ProgressBar>,
    records_are_here: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            records: JsonLines::new(io::stdout()),
            quiet: global.quiet,
            bar: None,
            records_are_here: true,
        }
    }

    /// Writes one line of JSON.
    pub(crate) fn record(&mut self, record: &Record) -> io::Result<()> {
        self.records.write(record).inspect_err(leave_unread)
    }

    /// Writes text for people.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).inspect_err(leave_unread)
    }

    /// Says what failed.
    pub(crate) fn error(&self, message: impl Display) {
        self.say("\x1b[1;31merror:\x1b[0m", message);
    }

    /// Says what the user should know although nothing failed.
    pub(crate) fn note(&self, message: impl Display) {
        if !self.quiet {
            self.say("\x1b[1;36mnote:\x1b[0m", message);
        }
    }

    fn say(&self, label: &str, message: impl Display) {
        let write = || {
            // When standard error is gone, there is nobody left to tell.
            drop(writeln!(anstream::stderr().lock(), "{label} {message}"));
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows a bar of `duration` seconds, if a person watches and doesn't see the records anyway.
    pub(crate) fn start_progress(&mut self, name: &str, duration: Option<f64>) {
        if self.quiet || !io::stderr().is_terminal() || self.shows_records() {
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

    /// How often to show how far a run over many inputs has come; `None` for never.
    pub(crate) fn bulk_pace(&self) -> Option<Duration> {
        (!self.quiet).then(|| if io::stderr().is_terminal() { OFTEN } else { SELDOM })
    }

    /// Shows a line in the place of the one before, if a person watches and doesn't see the records
    /// anyway. `done` of all there is, if that is known, becomes a bar.
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

    /// Records don't go to standard output.
    pub(crate) fn records_go_elsewhere(&mut self) {
        self.records_are_here = false;
    }

    /// Whether a person sees the records as they come.
    fn shows_records(&self) -> bool {
        self.records_are_here && io::stdout().is_terminal()
    }

    /// Writes a line that is neither an error nor a note.
    pub(crate) fn plain(&self, line: impl Display) {
        // When standard error is gone, there is nobody left to tell.
        drop(writeln!(io::stderr().lock(), "{line}"));
    }

    /// Moves the bar to `time` seconds.
    pub(crate) fn progress(&self, time: Option<f64>) {
        if let (Some(bar), Some(time)) = (&self.bar, time) {
            bar.set_position(milliseconds(time));
        }
    }

    /// Takes the bar away.
    pub(crate) fn end_progress(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// When nobody reads the output any more, there is nothing left to do: not even to wait for a
/// worker that waits for a silent pipe.
fn leave_unread(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Exit::Done.leave();
    }
}

#[expect(clippy::cast_sign_loss, reason = "what is below zero becomes zero")]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1e3) as u64
}
