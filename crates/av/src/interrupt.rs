//! Cancelling blocking calls: a flag and a deadline that FFmpeg polls.

use std::{
    ffi::{c_int, c_void},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{error::Error, raw};

/// A handle that cancels blocking calls, at once or at a deadline, from any thread. Clones share
/// both.
///
/// FFmpeg polls it before it waits for the network or reads from a caller's source; a computation
/// that is running is finished first.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    deadline: Deadline,
    /// What stops this too.
    parent: Option<Interrupt>,
}

/// Why a call must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// [`Interrupt::cancel`] was called.
    Cancelled,
    /// A deadline has passed.
    DeadlinePassed,
}

impl Interrupt {
    /// Creates a handle that is not cancelled and has no deadline.
    pub fn new() -> Self {
        Self::default()
    }

    /// One of its own that stops with this one too. It can be cancelled without this one.
    #[must_use]
    pub fn child(&self) -> Self {
        let shared = Shared { parent: Some(self.clone()), ..Shared::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Cancels current and all later calls; this can't be undone.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// Cancels calls from `deadline` on, until it is changed or cleared.
    pub fn set_deadline(&self, deadline: Instant) {
        self.shared.deadline.set(deadline);
    }

    /// Removes the deadline.
    pub fn clear_deadline(&self) {
        self.shared.deadline.clear();
    }

    /// Why calls must stop now; `None` if they may continue.
    pub fn reason(&self) -> Option<StopReason> {
        if self.shared.cancelled.load(Ordering::Relaxed) {
            Some(StopReason::Cancelled)
        } else if self.shared.deadline.has_passed() {
            Some(StopReason::DeadlinePassed)
        } else {
            self.shared.parent.as_ref()?.reason()
        }
    }
}

/// An optional deadline in one atomic word: nanoseconds since [`EPOCH`]; 0 means none.
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

/// The origin of deadlines: when the process first used one.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What the callbacks of one demuxer poll: the caller's interrupt and the deadline of the current
/// call.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    interrupt: Interrupt,
    call_deadline: Deadline,
}

impl Watch {
    pub(crate) fn new(interrupt: Interrupt) -> Self {
        Self { interrupt, call_deadline: Deadline::default() }
    }

    /// Sets the deadline of a call that starts now and may take `timeout`; `None` means no limit.
    pub(crate) fn start_call(&self, timeout: Option<Duration>) {
        match timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            Some(deadline) => self.call_deadline.set(deadline),
            None => self.call_deadline.clear(),
        }
    }

    /// The error to stop with; `None` if the call may continue.
    pub(crate) fn stop(&self) -> Option<Error> {
        match self.interrupt.reason() {
            Some(StopReason::Cancelled) => Some(Error::Interrupted),
            Some(StopReason::DeadlinePassed) => Some(Error::TimedOut),
            None if self.call_deadline.has_passed() => Some(Error::TimedOut),
            None => None,
        }
    }
}

/// FFmpeg's interrupt callback: returns 1 if the call must stop, else 0.
///
/// # Safety
///
/// `watch` must point to a [`Watch`] that outlives the call.
pub(crate) unsafe extern "C" fn callback(watch: *mut c_void) -> c_int {
    // SAFETY: the caller promises a live Watch, and it is only ever shared.
    let watch: &Watch = unsafe { &*watch.cast_const().cast() };
    // No panic is known here; if there is one, stop.
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
    fn a_child_stops_with_its_parent_and_not_the_other_way() {
        let parent = Interrupt::new();
        let (one, other) = (parent.child(), parent.child());
        one.cancel();
        assert_eq!((one.reason(), other.reason()), (Some(StopReason::Cancelled), None));
        assert_eq!(parent.reason(), None);
        parent.set_deadline(Instant::now());
        assert_eq!(other.child().reason(), Some(StopReason::DeadlinePassed));
        assert_eq!(one.reason(), Some(StopReason::Cancelled));
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
    fn a_call_has_its_own_timeout() {
        let watch = Watch::new(Interrupt::new());
        watch.start_call(Some(Duration::ZERO));
        assert_eq!(watch.stop(), Some(Error::TimedOut));
        watch.start_call(None);
        assert_eq!(watch.stop(), None);
        watch.start_call(Some(Duration::MAX));
        assert_eq!(watch.stop(), None);
    }
}
