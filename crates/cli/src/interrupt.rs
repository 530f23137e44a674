//! Ctrl-C, or a polite end by the system: finish the record at hand, then go.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::exit::Exit;

/// How long the record at hand may take. Whoever waits for a silent pipe longer than this is not
/// waited for: each record was flushed when it was written.
const GRACE: Duration = Duration::from_millis(500);

static REQUESTED: AtomicBool = AtomicBool::new(false);

static FINISHING: AtomicBool = AtomicBool::new(false);

/// Whether the user wants the command to end.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// What is at hand is to be finished, however long it takes; a second signal ends it at once.
pub(crate) fn finishing() {
    FINISHING.store(true, Ordering::Relaxed);
}

/// Starts to listen for SIGINT and SIGTERM. Without a listener the system's default applies: the end at once.
pub(crate) fn listen() {
    let listening = Signals::new([SIGINT, SIGTERM]).and_then(|mut signals| {
        thread::Builder::new().name("moviola-signals".into()).spawn(move || {
            if signals.forever().next().is_some() {
                REQUESTED.store(true, Ordering::Relaxed);
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
