//! Ctrl-C, a terminal that is closed, or a polite end by the system: finish the record at hand, then go.

use std::{
    fs,
    sync::{
        Mutex, PoisonError,
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

/// How long the record at hand may take. Whoever waits for a silent pipe longer than this is not
/// waited for: each record was flushed when it was written.
const GRACE: Duration = Duration::from_millis(500);

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// What is being read: an interrupt ends it.
static READING: Mutex<Option<Interrupt>> = Mutex::new(None);

static FINISHING: AtomicBool = AtomicBool::new(false);

/// Whether the user wants the command to end.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// From now on an interrupt ends this reading, so that what is ready still comes.
pub(crate) fn ends(reading: Option<Interrupt>) {
    let mut now = READING.lock().unwrap_or_else(PoisonError::into_inner);
    *now = reading;
    if requested() {
        now.iter().for_each(Interrupt::cancel);
    }
}

/// Notes what the user wants, and ends what is being read.
fn request() {
    REQUESTED.store(true, Ordering::SeqCst);
    let reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    reading.iter().for_each(Interrupt::cancel);
}

/// What is at hand is to be finished, however long it takes; a second signal ends it at once.
pub(crate) fn finishing() {
    FINISHING.store(true, Ordering::Relaxed);
}

/// Starts to listen for SIGINT, SIGTERM and SIGHUP. Without a listener the system's default applies:
/// the end at once.
pub(crate) fn listen() {
    let hang_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    let listening =
        Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up)).and_then(|mut signals| {
            thread::Builder::new().name("moviola-signals".into()).spawn(move || {
                if signals.forever().next().is_some() {
                    request();
                    thread::park_timeout(GRACE);
                    if FINISHING.load(Ordering::Relaxed) {
                        signals.forever().next();
                    }
                    Exit::Interrupted.leave();
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

/// Whether whoever started this, such as `nohup`, wants the signal to be ignored. Where the system doesn't
/// tell, all are taken for ignored.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & (1 << (signal - 1)) != 0)
}
