//! One worker process: how it is started, listened to, and ended.

use std::{
    fmt,
    io::{self, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use super::{
    Isolation,
    lines::{Line, Lines},
    protocol::WorkerMessage,
};

/// A worker process. Dropping it ends it.
#[derive(Debug)]
struct Process {
    child: Child,
    output: Lines<ChildStdout>,
    number: Arc<AtomicU32>,
}

/// Starts worker processes.
pub(super) trait Launch: fmt::Debug + Send + Sync {
    /// Starts one; gives its messages, and its standard input, whose end is its own. Its number is in `number` while it
    /// lives, else 0.
    ///
    /// # Errors
    ///
    /// Why it can't be started.
    fn launch(&self, number: &Arc<AtomicU32>) -> Result<Launched, String>;
}

/// A process that was started: its messages, and its standard input.
pub(super) type Launched = (Box<dyn MessageSource>, Box<dyn Write + Send>);

/// The messages of a worker process. Dropping them ends the process.
pub(super) trait MessageSource: fmt::Debug + Send {
    /// Waits for the next message, until that moment at most.
    fn receive(&mut self, until: Option<Instant>) -> Received;
}

impl Launch for Isolation {
    fn launch(&self, number: &Arc<AtomicU32>) -> Result<Launched, String> {
        let (process, input) = Process::start(self, number).map_err(|error| {
            let program = self.program.display();
            format!("no worker process can be started from {program}: {error}")
        })?;
        Ok((Box::new(process), Box::new(input)))
    }
}

/// What waiting for a message gave.
#[derive(Debug)]
pub(super) enum Received {
    /// A message.
    Message(WorkerMessage),
    /// None in that time.
    TimedOut,
    /// The process has ended.
    Gone(End),
}

/// How a process came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Such as `signal 9 (SIGKILL)` or `exit status 3`.
    pub(super) how: String,
    /// Ended by SIGKILL: out of memory, or by hand.
    pub(super) was_killed: bool,
}

impl End {
    /// It was ended, because it took so long to load its models.
    pub(super) fn late() -> Self {
        Self { how: "no word within the deadline".into(), was_killed: false }
    }

    /// It said what nobody had asked for.
    pub(super) fn out_of_turn() -> Self {
        Self { how: "words out of turn".into(), was_killed: false }
    }
}

impl Process {
    /// Starts one; gives its standard input too, whose end is its own. Its number stands in `number`
    /// as long as it lives, else 0.
    ///
    /// # Errors
    ///
    /// The system's error if it can't be started.
    fn start(isolation: &Isolation, number: &Arc<AtomicU32>) -> io::Result<(Self, ChildStdin)> {
        let mut command = Command::new(&isolation.program);
        command.args(&isolation.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is for the process that the user sees: that one knows what to finish.
        let mut child = command.process_group(0).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        let (output, number) = (Lines::new(output), Arc::clone(number));
        number.store(child.id(), Ordering::Relaxed);
        Ok((Self { child, output, number }, input))
    }

    /// Ends it, if it hasn't come to its end, and says how that was.
    fn end(&mut self) -> io::Result<End> {
        self.child.kill()?; // changes nothing for one that is dead
        let status = self.child.wait()?;
        Ok(End { how: in_words(status), was_killed: status.signal() == Some(KILLED) })
    }
}

impl MessageSource for Process {
    fn receive(&mut self, until: Option<Instant>) -> Received {
        let nonsense = match self.output.next(until) {
            Ok(Line::TimedOut) => return Received::TimedOut,
            Ok(Line::End) => None,
            Ok(Line::Text(line)) => match serde_json::from_slice(line) {
                Ok(answer) => return Received::Message(answer),
                Err(error) => Some(format!("words that can't be understood ({error})")),
            },
            Err(error) => Some(format!("a pipe that can't be read ({error})")),
        };
        let end = self.end();
        Received::Gone(match nonsense {
            Some(how) => End { how, was_killed: false },
            None => end.unwrap_or_else(|error| End { how: error.to_string(), was_killed: false }),
        })
    }
}

/// SIGKILL, which has this number everywhere.
const KILLED: i32 = 9;

/// `signal 9 (SIGKILL)`, `exit status 3`.
fn in_words(status: ExitStatus) -> String {
    status.to_string().replacen(": ", " ", 1)
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has come to its end has been waited for already.
        drop(self.end());
        self.number.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_has_words() {
        assert_eq!(in_words(ExitStatus::from_raw(9)), "signal 9 (SIGKILL)");
        assert_eq!(in_words(ExitStatus::from_raw(3 << 8)), "exit status 3");
    }
}
