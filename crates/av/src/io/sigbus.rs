//! Turning a truncated mapping into an error instead of a crash.
//!
//! When another process truncates a mapped file, touching the missing part raises `SIGBUS`. The
//! handler here looks whether the address lies in a mapping of this crate; then it puts an empty
//! page there, so that the copy goes on, and marks the mapping, so that the reader reports an
//! error after the copy. Any other `SIGBUS` goes to the handler that was there before.

use std::{
    array, io, mem, ptr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering},
    },
};

use libc::{c_int, c_void, siginfo_t};

use crate::error::{Error, Result};

/// Installs the handler, once for the process. For the program's owner to call, not a library.
///
/// # Errors
///
/// [`Error::Io`] if the system refuses.
pub fn install() -> Result<()> {
    static INSTALLED: OnceLock<Result<()>> = OnceLock::new();
    INSTALLED.get_or_init(install_once).clone()
}

/// Where the handler that was there before is kept; set before ours can run.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

fn install_once() -> Result<()> {
    // SAFETY: a sigaction of zeros is a valid one: the default action and no flags.
    let mut previous = unsafe { mem::zeroed::<libc::sigaction>() };
    // SAFETY: asking for the current action writes only to `previous`.
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

/// Runs inside the faulting instruction: no allocation, no lock, no panic.
extern "C" fn on_sigbus(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo.
    let fault = unsafe { &*info };
    // SAFETY: a SIGBUS holds the address of the fault, or 0 if someone sent it.
    let address = unsafe { fault.si_addr() }.addr();
    if !mend(address) {
        forward(signal, info, context);
    }
}

/// Puts an empty page under `address` if it lies in a mapping of ours.
fn mend(address: usize) -> bool {
    let Some(slot) = slots().find(|slot| slot.contains(address)) else { return false };
    slot.damaged.store(true, Ordering::Release);
    let page = page_size();
    let start = ptr::without_provenance_mut(address - address % page);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the page belongs to a mapping of ours, whose length was rounded up to whole pages by
    // the kernel, and nothing holds references into it: it is only copied from.
    let mapped = unsafe { libc::mmap(start, page, libc::PROT_READ, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

/// Does what the handler before would have done.
fn forward(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let action = PREVIOUS.get().map_or(libc::SIG_DFL, |previous| previous.sa_sigaction);
    let with_info = PREVIOUS.get().is_some_and(|p| p.sa_flags & libc::SA_SIGINFO != 0);
    if action == libc::SIG_DFL || action == libc::SIG_IGN {
        // A fault can't be ignored: the instruction faults again after the return, and the default
        // action ends the process. A signal that someone sent has to be sent again.
        // SAFETY: setting the default action is always allowed.
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

/// The size of a page of memory in bytes.
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

/// The address range of one mapping, in static memory for the handler to read.
#[derive(Debug)]
pub(super) struct Slot {
    taken: AtomicBool,
    start: AtomicUsize,
    /// 0 while the slot describes nothing.
    len: AtomicUsize,
    damaged: AtomicBool,
}

impl Slot {
    const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            damaged: AtomicBool::new(false),
        }
    }

    fn contains(&self, address: usize) -> bool {
        let len = self.len.load(Ordering::Acquire);
        let offset = address.wrapping_sub(self.start.load(Ordering::Acquire));
        offset < len
    }

    /// Whether a part of the mapping was missing and has been replaced by zeros.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// Forgets the mapping, which must still be mapped, so that its addresses are no one else's.
    pub(super) fn release(&self) {
        self.len.store(0, Ordering::Release);
        self.damaged.store(false, Ordering::Release);
        self.taken.store(false, Ordering::Release);
    }
}

/// Slots come in blocks that are never freed: as many as there were mappings at one time.
struct Block {
    slots: [Slot; 64],
    next: AtomicPtr<Block>,
}

static FIRST: Block =
    Block { slots: [const { Slot::new() }; 64], next: AtomicPtr::new(ptr::null_mut()) };

/// Notes a mapping for the handler.
pub(super) fn register(start: usize, len: usize) -> &'static Slot {
    let slot = claim();
    slot.start.store(start, Ordering::Release);
    slot.len.store(len, Ordering::Release);
    slot
}

fn claim() -> &'static Slot {
    loop {
        let free = slots().find(|slot| !slot.taken.swap(true, Ordering::AcqRel));
        if let Some(slot) = free {
            return slot;
        }
        append_block();
    }
}

fn append_block() {
    let block = Box::new(Block {
        slots: array::from_fn(|_| Slot::new()),
        next: AtomicPtr::new(ptr::null_mut()),
    });
    let new = Box::into_raw(block);
    let last = blocks().last().unwrap_or(&FIRST);
    let placed =
        last.next.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
    if placed.is_err() {
        // Another thread was faster; its block will do.
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

fn slots() -> impl Iterator<Item = &'static Slot> {
    blocks().flat_map(|block| &block.slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_mappings_than_a_block_holds_are_found() {
        let slots = (1..=200).map(|n| register(n << 40, 10)).collect::<Vec<_>>();
        for (n, slot) in (1..=200).zip(&slots) {
            assert!(slot.contains(n << 40) && slot.contains((n << 40) + 9));
            assert!(!slot.contains((n << 40) + 10) && !slot.contains((n << 40) - 1));
        }
        for slot in slots {
            slot.release();
            assert!(!slot.contains(1 << 40));
        }
    }
}
