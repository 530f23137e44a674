//! A pool of frame memory that decoders share and that outlives them.

mod allocator;

use std::{
    collections::BTreeMap,
    ptr::{self, NonNull},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

pub(crate) use self::allocator::{BufferAllocator, buffer, get_buffer};

/// A pool of frame memory. Decoders allocate from it and dropped frames return memory to it, from
/// any thread.
///
/// FFmpeg's own pools belong to one decoder and one frame size. This pool outlives its decoders, so
/// that the next file starts with memory that is already allocated. It never blocks: if no idle
/// memory fits, it allocates. Each frame holds a reference to the pool.
///
/// Decoders that allocate their own memory (libdav1d, hardware) do not use the pool.
#[derive(Debug)]
pub struct FramePool {
    /// Unused memory, by size in bytes.
    idle: Mutex<BTreeMap<usize, Vec<Chunk>>>,
    max_idle_bytes: usize,
    idle_bytes: AtomicUsize,
    lent_bytes: AtomicUsize,
    peak_lent_bytes: AtomicUsize,
    fresh: AtomicU64,
    reused: AtomicU64,
    owners: AtomicU64,
}

/// An identity for the user of a pool's memory, for example all decoders of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u64);

/// Which earlier contents the memory for a new frame may have. They show where a damaged frame does
/// not overwrite them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolReuse {
    /// Frames of any owner.
    #[default]
    Any,
    /// Frames of this owner; memory of other owners is cleared first.
    OwnedBy(Owner),
    /// None: all memory is cleared first, which costs about 4 % of the decoding time.
    Cleared,
}

/// A pool's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// Number of frames that got newly allocated memory.
    pub fresh: u64,
    /// Number of frames that got memory of an earlier frame.
    pub reused: u64,
    /// Bytes of unused memory.
    pub idle_bytes: usize,
    /// Bytes held by decoders and frames.
    pub lent_bytes: usize,
    /// The largest value of `lent_bytes` so far.
    pub peak_lent_bytes: usize,
}

impl FramePool {
    /// Creates a pool that keeps at most `max_idle_bytes` bytes of unused memory. It frees the
    /// rest, first memory of other sizes than the one last returned.
    pub fn new(max_idle_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            max_idle_bytes,
            idle_bytes: AtomicUsize::new(0),
            lent_bytes: AtomicUsize::new(0),
            peak_lent_bytes: AtomicUsize::new(0),
            fresh: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            owners: AtomicU64::new(0),
        })
    }

    /// Creates an owner that no memory of this pool belongs to yet.
    pub fn new_owner(&self) -> Owner {
        Owner(self.owners.fetch_add(1, Ordering::Relaxed))
    }

    /// The pool's counters. Each is exact; while other threads use the pool, they may be of
    /// slightly different moments.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            fresh: self.fresh.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
            idle_bytes: self.idle_bytes.load(Ordering::Relaxed),
            lent_bytes: self.lent_bytes.load(Ordering::Relaxed),
            peak_lent_bytes: self.peak_lent_bytes.load(Ordering::Relaxed),
        }
    }

    /// Frees all unused memory.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = idle.values().flatten().map(|chunk| chunk.len).sum();
        self.idle_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes memory of at least `len` bytes; `None` if the allocation failed.
    fn take(&self, len: usize, reuse: PoolReuse) -> Option<Chunk> {
        let class = size_class(len)?;
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&class)
            .and_then(Vec::pop);
        let mut chunk = match idle {
            Some(mut chunk) => {
                if !chunk.is_reusable(reuse) {
                    chunk.clear();
                }
                self.idle_bytes.fetch_sub(chunk.len, Ordering::Relaxed);
                self.reused.fetch_add(1, Ordering::Relaxed);
                chunk
            }
            None => {
                let chunk = Chunk::new(class)?;
                self.fresh.fetch_add(1, Ordering::Relaxed);
                chunk
            }
        };
        chunk.owner = match reuse {
            PoolReuse::OwnedBy(owner) => Some(owner),
            PoolReuse::Any | PoolReuse::Cleared => None,
        };
        let before = self.lent_bytes.fetch_add(chunk.len, Ordering::Relaxed);
        self.peak_lent_bytes.fetch_max(before + chunk.len, Ordering::Relaxed);
        Some(chunk)
    }

    /// Takes memory back, and frees what is over `max_idle_bytes`.
    fn give_back(&self, chunk: Chunk) {
        self.lent_bytes.fetch_sub(chunk.len, Ordering::Relaxed);
        let Some(max_others) = self.max_idle_bytes.checked_sub(chunk.len) else { return };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while self.idle_bytes.load(Ordering::Relaxed) > max_others {
            let mut others = idle.iter_mut().filter(|(size, _)| **size != chunk.len);
            let Some(old) = others.find_map(|(_, chunks)| chunks.pop()) else { return };
            self.idle_bytes.fetch_sub(old.len, Ordering::Relaxed);
        }
        self.idle_bytes.fetch_add(chunk.len, Ordering::Relaxed);
        idle.entry(chunk.len).or_default().push(chunk);
    }
}

/// Two pools are equal if they are the same object.
impl PartialEq for FramePool {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

/// `len` rounded up by at most an eighth, so that frames of similar sizes share memory.
fn size_class(len: usize) -> Option<usize> {
    const SMALLEST_STEP: usize = 4096;
    let step = (len.checked_next_power_of_two()? / 16).max(SMALLEST_STEP);
    len.checked_next_multiple_of(step)
}

/// A block of memory, zeroed when it is allocated.
#[derive(Debug)]
struct Chunk {
    start: NonNull<u8>,
    len: usize,
    /// The owner of the frames that it has held; `None` if it may have held frames of several.
    owner: Option<Owner>,
}

// SAFETY: heap memory is not tied to a thread.
unsafe impl Send for Chunk {}

impl Chunk {
    /// Alignment of the first byte: a cache line, and the widest SIMD vector.
    const ALIGN: usize = 64;

    /// Uses calloc, because it does not clear pages that the system has zeroed already, and returns
    /// null if there is no memory.
    fn new(len: usize) -> Option<Self> {
        // SAFETY: any size may be asked for.
        let start = unsafe { libc::calloc(1, len.checked_add(Self::ALIGN)?) };
        NonNull::new(start.cast()).map(|start| Self { start, len, owner: None })
    }

    /// Whether its contents are allowed for `reuse`.
    fn is_reusable(&self, reuse: PoolReuse) -> bool {
        match reuse {
            PoolReuse::Any => true,
            PoolReuse::OwnedBy(owner) => self.owner == Some(owner),
            PoolReuse::Cleared => false,
        }
    }

    /// Overwrites it with zeros.
    fn clear(&mut self) {
        // SAFETY: `self` owns the memory, which is ALIGN bytes longer than `len`.
        unsafe { self.start.write_bytes(0, self.len + Self::ALIGN) };
    }

    /// The first of `len` bytes, aligned to [`Self::ALIGN`].
    fn first_byte(&self) -> NonNull<u8> {
        let offset = self.start.addr().get().wrapping_neg() % Self::ALIGN;
        // SAFETY: the allocation is ALIGN bytes longer than `len`.
        unsafe { self.start.add(offset) }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: `self` owns the memory, and it came from calloc.
        unsafe { libc::free(self.start.as_ptr().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_waste_an_eighth_at_most() {
        assert_eq!(size_class(1), Some(4096));
        assert_eq!(size_class(3_110_400), Some(3_145_728));
        assert_eq!(size_class(usize::MAX), None);
        for len in [100_000, 1_000_001, 3_133_440, 12_500_000] {
            let class = size_class(len).unwrap();
            assert!(class >= len && class - len <= len / 8, "{len}: {class}");
        }
    }

    #[test]
    fn memory_is_zeroed_aligned_and_reused() {
        let pool = FramePool::new(1 << 20);
        let chunk = pool.take(10_000, PoolReuse::Cleared).unwrap();
        let start = chunk.first_byte();
        assert_eq!(start.addr().get() % Chunk::ALIGN, 0);
        // SAFETY: the chunk has that many bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), 10_000) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        bytes.fill(7);
        pool.give_back(chunk);
        let again = pool.take(9_000, PoolReuse::Cleared).unwrap();
        assert_eq!(again.first_byte(), start);
        // SAFETY: as above; the first view of the bytes is no longer used.
        let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), 9_000) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        let stats = pool.stats();
        assert_eq!((stats.fresh, stats.reused, stats.idle_bytes), (1, 1, 0));
    }

    #[test]
    fn memory_holds_only_frames_of_its_owner() {
        let pool = FramePool::new(1 << 20);
        let (one, other) =
            (PoolReuse::OwnedBy(pool.new_owner()), PoolReuse::OwnedBy(pool.new_owner()));
        let first_byte = |reuse| {
            let chunk = pool.take(10_000, reuse).unwrap();
            // SAFETY: the chunk has that many bytes, and nothing else has it.
            let bytes = unsafe { std::slice::from_raw_parts_mut(chunk.start.as_ptr(), 10_000) };
            let found = bytes[5_000];
            bytes.fill(7);
            pool.give_back(chunk);
            found
        };
        for (reuse, want) in [
            (one, 0),
            (one, 7),
            (other, 0),
            (other, 7),
            (PoolReuse::Any, 7),
            (other, 0), // it may hold frames of any owner
            (PoolReuse::Cleared, 0),
        ] {
            assert_eq!(first_byte(reuse), want, "{reuse:?}");
        }
    }

    #[test]
    fn unused_memory_over_the_bound_is_freed() {
        let pool = FramePool::new(10_000);
        let chunks = [4096, 4096, 4096].map(|len| pool.take(len, PoolReuse::Any).unwrap());
        assert_eq!(pool.stats().lent_bytes, 3 * 4096);
        chunks.into_iter().for_each(|chunk| pool.give_back(chunk));
        assert_eq!((pool.stats().idle_bytes, pool.stats().lent_bytes), (2 * 4096, 0));
        assert_eq!(pool.stats().peak_lent_bytes, 3 * 4096);
        // Memory of another size is freed first.
        let larger = pool.take(8192, PoolReuse::Any).unwrap();
        pool.give_back(larger);
        assert_eq!(pool.stats().idle_bytes, 8192);
        let fresh = pool.stats().fresh;
        drop(pool.take(8192, PoolReuse::Any));
        assert_eq!(pool.stats().fresh, fresh);
        pool.clear();
        assert_eq!(pool.stats().idle_bytes, 0);
    }
}
