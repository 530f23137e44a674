//! Stopping blocking work from outside: a flag and a deadline that FFmpeg asks for.

use std::{
    ffi::{c_int, c_void},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{error::Error, raw};

/// Cancels blocking work, at once or at a deadline. Clones share both.
///
/// FFmpeg asks before it waits for a network or reads from a caller's source; what is already
/// being computed is finished first.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    deadline: Deadline,
}

/// Why work has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Someone called [`Interrupt::cancel`].
    Cancelled,
    /// A deadline has passed.
    DeadlinePassed,
}

impl Interrupt {
    /// One that never stops anything until it is told to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the work, for good.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// Stops the work at `deadline`, unless that is changed or cleared before.
    pub fn set_deadline(&self, deadline: Instant) {
        self.shared.deadline.set(deadline);
    }

    /// Lets the work go on without a deadline.
    pub fn clear_deadline(&self) {
        self.shared.deadline.clear();
    }

    /// Why the work has to stop now; `None` if it may go on.
    pub fn reason(&self) -> Option<StopReason> {
        if self.shared.cancelled.load(Ordering::Relaxed) {
            Some(StopReason::Cancelled)
        } else if self.shared.deadline.has_passed() {
            Some(StopReason::DeadlinePassed)
        } else {
            None
        }
    }
}

/// A moment as one atomic word: nanoseconds since the process first used one; 0 means none.
#[derive(Debug, Default)]
struct Deadline(AtomicU64);

impl Deadline {
    fn set(&self, deadline: Instant) {
        let since_epoch = deadline.saturating_duration_since(*EPOCH).as_nanos();
        let nanos = u64::try_from(since_epoch).unwrap_or(u64::MAX);
        self.0.store(nanos.max(1), Ordering::Relaxed);
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn has_passed(&self) -> bool {
        let nanos = self.0.load(Ordering::Relaxed);
        nanos != 0 && EPOCH.elapsed() >= Duration::from_nanos(nanos)
    }
}

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What one demuxer's callbacks ask: the caller's interrupt, and the time its current call may
/// take.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    interrupt: Interrupt,
    call: Deadline,
}

impl Watch {
    pub(crate) fn new(interrupt: Interrupt) -> Self {
        Self { interrupt, call: Deadline::default() }
    }

    /// Starts the clock of one call, which stops after `timeout`.
    pub(crate) fn start_call(&self, timeout: Option<Duration>) {
        match timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            Some(deadline) => self.call.set(deadline),
            None => self.call.clear(),
        }
    }

    /// The error to stop with; `None` if the work may go on.
    pub(crate) fn stop(&self) -> Option<Error> {
        match self.interrupt.reason() {
            Some(StopReason::Cancelled) => Some(Error::Interrupted),
            Some(StopReason::DeadlinePassed) => Some(Error::TimedOut),
            None if self.call.has_passed() => Some(Error::TimedOut),
            None => None,
        }
    }
}

/// FFmpeg's question whether to stop; not 0 means yes.
///
/// # Safety
///
/// `watch` must point to a [`Watch`] that outlives the call.
pub(crate) unsafe extern "C" fn callback(watch: *mut c_void) -> c_int {
    // SAFETY: the caller promises a live Watch, and it is only ever shared.
    let watch: &Watch = unsafe { &*watch.cast_const().cast() };
    // No panic is known here, and stopping is the safe answer to one.
    c_int::from(raw::catch_panic(|| watch.stop().is_some()).unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag() {
        let interrupt = Interrupt::new();
        let clone = interrupt.clone();
        assert_eq!(interrupt.reason(), None);
        clone.cancel();
        assert_eq!(interrupt.reason(), Some(StopReason::Cancelled));
    }

    #[test]
    fn a_deadline_passes_and_can_be_cleared() {
        let interrupt = Interrupt::new();
        interrupt.set_deadline(Instant::now());
        assert_eq!(interrupt.reason(), Some(StopReason::DeadlinePassed));
        interrupt.set_deadline(Instant::now() + Duration::from_secs(3600));
        assert_eq!(interrupt.reason(), None);
        interrupt.set_deadline(Instant::now());
        interrupt.clear_deadline();
        assert_eq!(interrupt.reason(), None);
    }

    #[test]
    fn a_call_has_its_own_time() {
        let watch = Watch::new(Interrupt::new());
        watch.start_call(Some(Duration::ZERO));
        assert_eq!(watch.stop(), Some(Error::TimedOut));
        watch.start_call(None);
        assert_eq!(watch.stop(), None);
        watch.start_call(Some(Duration::MAX));
        assert_eq!(watch.stop(), None);
    }
}
