//! One worker process: starting it, receiving its messages, and ending it.

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
    /// Its process id while it runs, else 0.
    number: Arc<AtomicU32>,
}

/// Starts worker processes.
pub(super) trait Launch: fmt::Debug + Send + Sync {
    /// Starts a process; it ends when its standard input is closed. `number` is set to its process
    /// id while it runs, else to 0.
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
    /// Waits for the next message, at most until `until`; `None` for no limit.
    fn receive(&mut self, until: Option<Instant>) -> MessageOutcome;
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

/// The result of waiting for a message.
#[derive(Debug)]
pub(super) enum MessageOutcome {
    /// A message.
    Message(WorkerMessage),
    /// The time passed without a message.
    TimedOut,
    /// The process has ended.
    Exited(ProcessExit),
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessExit {
    /// The status as text, such as `signal 9 (SIGKILL)` or `exit status 3`.
    pub(super) description: String,
    /// Ended by SIGKILL: out of memory, or by hand.
    pub(super) was_killed: bool,
}

impl ProcessExit {
    /// It was ended because it took too long to load its models.
    pub(super) fn deadline_passed() -> Self {
        Self { description: "no message within the deadline".into(), was_killed: false }
    }

    /// It was ended because it sent a message out of order.
    pub(super) fn unexpected_message() -> Self {
        Self { description: "an unexpected message".into(), was_killed: false }
    }
}

impl Process {
    /// Starts a process; returns its standard input too, whose end ends the process. `number` is
    /// set to its process id while it runs, else to 0.
    ///
    /// # Errors
    ///
    /// The system's error if it can't be started.
    fn start(isolation: &Isolation, number: &Arc<AtomicU32>) -> io::Result<(Self, ChildStdin)> {
        let mut command = Command::new(&isolation.program);
        command.args(&isolation.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // In a group of its own, so that Ctrl-C goes to the parent only, which ends its workers in
        // order.
        let mut child = command.process_group(0).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        let (output, number) = (Lines::new(output), Arc::clone(number));
        number.store(child.id(), Ordering::Relaxed);
        Ok((Self { child, output, number }, input))
    }

    /// Kills the process if it still runs; returns how it ended.
    fn end(&mut self) -> io::Result<ProcessExit> {
        self.child.kill()?; // does nothing if it has ended
        let status = self.child.wait()?;
        Ok(ProcessExit {
            description: describe(status),
            was_killed: status.signal() == Some(SIGKILL),
        })
    }
}

impl MessageSource for Process {
    fn receive(&mut self, until: Option<Instant>) -> MessageOutcome {
        let failure = match self.output.next(until) {
            Ok(Line::TimedOut) => return MessageOutcome::TimedOut,
            Ok(Line::End) => None,
            Ok(Line::Text(line)) => match serde_json::from_slice(line) {
                Ok(answer) => return MessageOutcome::Message(answer),
                Err(error) => Some(format!("an unreadable message ({error})")),
            },
            Err(error) => Some(format!("a pipe that can't be read ({error})")),
        };
        let end = self.end();
        MessageOutcome::Exited(match failure {
            Some(description) => ProcessExit { description, was_killed: false },
            None => end.unwrap_or_else(|error| ProcessExit {
                description: error.to_string(),
                was_killed: false,
            }),
        })
    }
}

/// SIGKILL, which has this number on every system.
const SIGKILL: i32 = 9;

/// `signal 9 (SIGKILL)`, `exit status 3`.
fn describe(status: ExitStatus) -> String {
    status.to_string().replacen(": ", " ", 1)
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.end());
        self.number.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_described_by_signal_or_status() {
        assert_eq!(describe(ExitStatus::from_raw(9)), "signal 9 (SIGKILL)");
        assert_eq!(describe(ExitStatus::from_raw(3 << 8)), "exit status 3");
    }
}
