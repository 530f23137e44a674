//! A `SIGBUS` handler that turns the truncation of a mapped file into an error instead of a crash.
//!
//! When another process truncates a mapped file, reading the missing part raises `SIGBUS`. If the
//! address is in a mapping of this crate, the handler maps an empty page there, so that the copy
//! continues, and marks the mapping as damaged, so that the reader reports an error after the copy.
//! Any other `SIGBUS` is forwarded to the handler that was installed before.

use std::{
    array, io, mem, ptr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering},
    },
};

use libc::{c_int, c_void, siginfo_t};

use crate::error::{Error, Result};

/// Installs the handler, once per process. Only programs should call this, not libraries.
///
/// # Errors
///
/// [`Error::Io`] if `sigaction` fails.
pub fn install() -> Result<()> {
    static INSTALLED: OnceLock<Result<()>> = OnceLock::new();
    INSTALLED.get_or_init(install_once).clone()
}

/// The handler that was installed before; set before this one can run.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

fn install_once() -> Result<()> {
    // SAFETY: a sigaction of zeros is a valid one: the default action and no flags.
    let mut previous = unsafe { mem::zeroed::<libc::sigaction>() };
    // SAFETY: querying the current action writes only to `previous`.
    let code = unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut previous) };
    check(code)?;
    let _ = PREVIOUS.set(previous);
    // SAFETY: as above.
    let mut ours = unsafe { mem::zeroed::<libc::sigaction>() };
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = on_sigbus;
    ours.sa_sigaction = handler as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `ours` is a complete action, and its handler only does what a handler may.
    check(unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) })
}

fn check(code: c_int) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::from_io("sigaction", &io::Error::last_os_error())) }
}

/// The signal handler. It must be async-signal-safe: no allocation, no lock, no panic.
extern "C" fn on_sigbus(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo.
    let fault = unsafe { &*info };
    // SAFETY: a SIGBUS has the address of the fault, or 0 if a process sent the signal.
    let address = unsafe { fault.si_addr() }.addr();
    if !replace_page(address) {
        forward(signal, info, context);
    }
}

/// Maps an empty page at `address` if it is in a guarded range; `false` if not.
fn replace_page(address: usize) -> bool {
    let Some(range) = ranges().find(|range| range.contains(address)) else { return false };
    range.is_damaged.store(true, Ordering::Release);
    let page = page_size();
    let start = ptr::without_provenance_mut(address - address % page);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the page belongs to a mapping of this crate, whose length the kernel rounded up to
    // whole pages, and there are no references into it: it is only copied from.
    let mapped = unsafe { libc::mmap(start, page, libc::PROT_READ, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

/// Does what the previous handler would have done.
fn forward(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let action = PREVIOUS.get().map_or(libc::SIG_DFL, |previous| previous.sa_sigaction);
    let with_info = PREVIOUS.get().is_some_and(|p| p.sa_flags & libc::SA_SIGINFO != 0);
    if action == libc::SIG_DFL || action == libc::SIG_IGN {
        // With the default action set, the instruction faults again after the return, which ends
        // the process. A signal that a process sent does not repeat, so raise it again. SAFETY:
        // setting the default action is always allowed.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo.
        let is_sent = unsafe { (*info).si_code } <= 0;
        if is_sent && action == libc::SIG_DFL {
            // SAFETY: any signal may be raised; it is delivered when this handler returns.
            unsafe { libc::raise(signal) };
        }
    } else if with_info {
        // SAFETY: the action was installed with SA_SIGINFO, so it takes these three.
        let handler = unsafe {
            mem::transmute::<usize, extern "C" fn(c_int, *mut siginfo_t, *mut c_void)>(action)
        };
        handler(signal, info, context);
    } else {
        // SAFETY: the action was installed without SA_SIGINFO, so it takes the signal alone.
        let handler = unsafe { mem::transmute::<usize, extern "C" fn(c_int)>(action) };
        handler(signal);
    }
}

/// The size of a memory page in bytes.
pub(super) fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    let known = SIZE.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    // SAFETY: no arguments but a constant; async-signal-safe.
    let size = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    SIZE.store(size, Ordering::Relaxed);
    size
}

/// The address range of one mapping, in static memory so that the handler can read it.
#[derive(Debug)]
pub(super) struct GuardedRange {
    is_taken: AtomicBool,
    start: AtomicUsize,
    /// 0 while no mapping uses this entry.
    len: AtomicUsize,
    is_damaged: AtomicBool,
}

impl GuardedRange {
    const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            is_damaged: AtomicBool::new(false),
        }
    }

    fn contains(&self, address: usize) -> bool {
        let len = self.len.load(Ordering::Acquire);
        let offset = address.wrapping_sub(self.start.load(Ordering::Acquire));
        offset < len
    }

    /// Whether a missing part of the mapping was replaced by zeros.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Acquire)
    }

    /// Frees the entry. The mapping must still exist, so that its addresses can't be reused yet.
    pub(super) fn release(&self) {
        self.len.store(0, Ordering::Release);
        self.is_damaged.store(false, Ordering::Release);
        self.is_taken.store(false, Ordering::Release);
    }
}

/// A block of entries. Blocks are never freed; there are as many as mappings at one time needed.
struct Block {
    ranges: [GuardedRange; 64],
    next: AtomicPtr<Block>,
}

static FIRST: Block =
    Block { ranges: [const { GuardedRange::new() }; 64], next: AtomicPtr::new(ptr::null_mut()) };

/// Registers a mapping, so that the handler knows it.
pub(super) fn register(start: usize, len: usize) -> &'static GuardedRange {
    let range = claim();
    range.start.store(start, Ordering::Release);
    range.len.store(len, Ordering::Release);
    range
}

/// Takes a free entry.
fn claim() -> &'static GuardedRange {
    loop {
        let free = ranges().find(|range| !range.is_taken.swap(true, Ordering::AcqRel));
        if let Some(range) = free {
            return range;
        }
        append_block();
    }
}

fn append_block() {
    let block = Box::new(Block {
        ranges: array::from_fn(|_| GuardedRange::new()),
        next: AtomicPtr::new(ptr::null_mut()),
    });
    let new = Box::into_raw(block);
    let last = blocks().last().unwrap_or(&FIRST);
    let placed =
        last.next.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
    if placed.is_err() {
        // Another thread has appended a block; use that.
        // SAFETY: `new` came from Box::into_raw above and was not shared.
        drop(unsafe { Box::from_raw(new) });
    }
}

fn blocks() -> impl Iterator<Item = &'static Block> {
    std::iter::successors(Some(&FIRST), |block| {
        let next: *const Block = block.next.load(Ordering::Acquire);
        // SAFETY: null, or a block that was leaked for good when it was placed.
        unsafe { next.as_ref() }
    })
}

fn ranges() -> impl Iterator<Item = &'static GuardedRange> {
    blocks().flat_map(|block| &block.ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_in_several_blocks_are_found() {
        let ranges = (1..=200).map(|n| register(n << 40, 10)).collect::<Vec<_>>();
        for (n, range) in (1..=200).zip(&ranges) {
            assert!(range.contains(n << 40) && range.contains((n << 40) + 9));
            assert!(!range.contains((n << 40) + 10) && !range.contains((n << 40) - 1));
        }
        for range in ranges {
            range.release();
            assert!(!range.contains(1 << 40));
        }
    }
}
