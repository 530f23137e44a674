//! The handler of SIGINT, SIGTERM and SIGHUP: the current record is finished, then the command
//! ends.

use std::{
    fs,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use moviola::interrupt::Interrupt;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::exit::Exit;

/// How long the current record may take after a signal. Threads that take longer, for example
/// because a pipe is silent, are abandoned. No record is lost, because each is flushed when it is
/// written.
const GRACE: Duration = Duration::from_millis(500);

/// Ends the opening and the reading of every source at a signal, so that the records that are ready still come.
static INTERRUPT: LazyLock<Interrupt> = LazyLock::new(Interrupt::new);

/// Whether results are finished without a time limit.
static FINISHES: AtomicBool = AtomicBool::new(false);

/// The interrupt for the options of all sources.
pub(crate) fn of_sources() -> Interrupt {
    INTERRUPT.clone()
}

/// Whether a signal has requested the end of the command.
pub(crate) fn is_requested() -> bool {
    INTERRUPT.reason().is_some()
}

/// Removes the time limit for finishing results after a signal. A second signal ends the command at
/// once.
pub(crate) fn let_finish() {
    FINISHES.store(true, Ordering::Relaxed);
}

/// Starts a thread that waits for SIGINT, SIGTERM and SIGHUP. Without it these end the command at
/// once.
pub(crate) fn listen() {
    let hang_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    let listening =
        Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up)).and_then(|mut signals| {
            thread::Builder::new().name("moviola-signals".into()).spawn(move || {
                if signals.forever().next().is_some() {
                    INTERRUPT.cancel();
                    thread::park_timeout(GRACE);
                    if FINISHES.load(Ordering::Relaxed) {
                        signals.forever().next();
                    }
                    Exit::Interrupted.exit();
                }
            })
        });
    match listening {
        Ok(_) => tracing::debug!("listening for interrupts"),
        Err(error) => {
            tracing::warn!(%error, "no signal handler: an interrupt ends the command at once");
        }
    }
}

/// Whether the signal was ignored when the command was started, as by `nohup`; so assumed where the
/// system doesn't report it.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & (1 << (signal - 1)) != 0)
}
