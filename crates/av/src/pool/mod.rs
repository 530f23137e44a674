//! Memory for pictures, shared by decoders and kept between them.

mod lend;

use std::{
    collections::BTreeMap,
    ptr::{self, NonNull},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

pub(crate) use self::lend::{BufferAllocator, get_buffer};

/// Picture memory that decoders take from and frames give back to, from any thread.
///
/// FFmpeg pools memory too, but each decoder for itself, and a picture size for itself. This pool
/// outlives its decoders: the next file starts with memory that is already there. It never waits:
/// where nothing fits, it allocates. Frames keep the pool alive for as long as they live.
///
/// Decoders that bring their own memory (libdav1d, hardware) take none from here.
#[derive(Debug)]
pub struct FramePool {
    /// What no one uses, by size.
    idle: Mutex<BTreeMap<usize, Vec<Chunk>>>,
    max_idle_bytes: usize,
    idle_bytes: AtomicUsize,
    lent_bytes: AtomicUsize,
    most_bytes: AtomicUsize,
    fresh: AtomicU64,
    reused: AtomicU64,
    owners: AtomicU64,
}

/// Whose pictures some memory of a pool holds: those of all decoders of one stream, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u64);

/// What memory of a pool may hold of earlier pictures when it is lent. Where a damaged picture
/// leaves it untouched, that shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolReuse {
    /// Pictures of anyone.
    #[default]
    Anyones,
    /// Pictures of this owner.
    Of(Owner),
    /// Nothing: it is cleared each time, which costs some 4 % of the decoding.
    Nothing,
}

/// What a pool has done and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// Pictures that got new memory.
    pub fresh: u64,
    /// Pictures that got memory of others before.
    pub reused: u64,
    /// Bytes that no one uses.
    pub idle_bytes: usize,
    /// Bytes that decoders and frames hold.
    pub lent_bytes: usize,
    /// The most bytes that they ever held.
    pub most_bytes: usize,
}

impl PoolStats {
    /// How many of the pictures got memory of others before, from 0 to 1.
    pub fn reuse_rate(&self) -> f64 {
        self.reused as f64 / (self.fresh + self.reused).max(1) as f64
    }
}

impl FramePool {
    /// A pool that keeps at most `max_idle_bytes` that no one uses; what is over is freed, that of
    /// other sizes than the latest first.
    pub fn new(max_idle_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            max_idle_bytes,
            idle_bytes: AtomicUsize::new(0),
            lent_bytes: AtomicUsize::new(0),
            most_bytes: AtomicUsize::new(0),
            fresh: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            owners: AtomicU64::new(0),
        })
    }

    /// Someone who is no owner of this pool's memory yet.
    pub fn new_owner(&self) -> Owner {
        Owner(self.owners.fetch_add(1, Ordering::Relaxed))
    }

    /// What it has done and holds. The numbers are each exact and together almost.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            fresh: self.fresh.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
            idle_bytes: self.idle_bytes.load(Ordering::Relaxed),
            lent_bytes: self.lent_bytes.load(Ordering::Relaxed),
            most_bytes: self.most_bytes.load(Ordering::Relaxed),
        }
    }

    /// Frees everything that no one uses.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = idle.values().flatten().map(|chunk| chunk.len).sum();
        self.idle_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Memory of at least `len` bytes; `None` if there is none in the machine.
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
                if !chunk.is_fit_for(reuse) {
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
            PoolReuse::Of(owner) => Some(owner),
            PoolReuse::Anyones | PoolReuse::Nothing => None,
        };
        let before = self.lent_bytes.fetch_add(chunk.len, Ordering::Relaxed);
        self.most_bytes.fetch_max(before + chunk.len, Ordering::Relaxed);
        Some(chunk)
    }

    fn give_back(&self, chunk: Chunk) {
        self.lent_bytes.fetch_sub(chunk.len, Ordering::Relaxed);
        let Some(room) = self.max_idle_bytes.checked_sub(chunk.len) else { return };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while self.idle_bytes.load(Ordering::Relaxed) > room {
            let mut others = idle.iter_mut().filter(|(size, _)| **size != chunk.len);
            let Some(old) = others.find_map(|(_, chunks)| chunks.pop()) else { return };
            self.idle_bytes.fetch_sub(old.len, Ordering::Relaxed);
        }
        self.idle_bytes.fetch_add(chunk.len, Ordering::Relaxed);
        idle.entry(chunk.len).or_default().push(chunk);
    }
}

/// Pools are equal if they are the same one.
impl PartialEq for FramePool {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

/// `len` rounded up so that pictures of nearly one size share memory: by an eighth at most.
fn size_class(len: usize) -> Option<usize> {
    const SMALLEST_STEP: usize = 4096;
    let step = (len.checked_next_power_of_two()? / 16).max(SMALLEST_STEP);
    len.checked_next_multiple_of(step)
}

/// Memory, owned; zeros when it is new.
#[derive(Debug)]
struct Chunk {
    start: NonNull<u8>,
    len: usize,
    /// Whose pictures it holds, if they are known to be one's.
    owner: Option<Owner>,
}

// SAFETY: memory of the allocator belongs to no thread.
unsafe impl Send for Chunk {}

impl Chunk {
    /// Starts are multiples of this: a cache line, and the widest vector.
    const ALIGN: usize = 64;

    /// calloc, because it gets pages from the system that are zeros already, and says no when there
    /// are none.
    fn new(len: usize) -> Option<Self> {
        // SAFETY: any size may be asked for.
        let start = unsafe { libc::calloc(1, len.checked_add(Self::ALIGN)?) };
        NonNull::new(start.cast()).map(|start| Self { start, len, owner: None })
    }

    /// Whether it holds no more than may be left over.
    fn is_fit_for(&self, reuse: PoolReuse) -> bool {
        match reuse {
            PoolReuse::Anyones => true,
            PoolReuse::Of(owner) => self.owner == Some(owner),
            PoolReuse::Nothing => false,
        }
    }

    /// Makes it all zeros again.
    fn clear(&mut self) {
        // SAFETY: `self` owns the memory, which is that long and a little longer.
        unsafe { self.start.write_bytes(0, self.len + Self::ALIGN) };
    }

    /// The first of `len` bytes that is aligned.
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
    fn memory_is_zeroed_aligned_and_used_again() {
        let pool = FramePool::new(1 << 20);
        let chunk = pool.take(10_000, PoolReuse::Nothing).unwrap();
        let start = chunk.first_byte();
        assert_eq!(start.addr().get() % Chunk::ALIGN, 0);
        // SAFETY: the chunk has that many bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), 10_000) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        bytes.fill(7);
        pool.give_back(chunk);
        let again = pool.take(9_000, PoolReuse::Nothing).unwrap();
        assert_eq!(again.first_byte(), start);
        // SAFETY: as above; the first view of the bytes is no longer used.
        let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), 9_000) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        let stats = pool.stats();
        assert_eq!((stats.fresh, stats.reused, stats.idle_bytes), (1, 1, 0));
    }

    #[test]
    fn an_owner_finds_its_own_pictures_and_no_others() {
        let pool = FramePool::new(1 << 20);
        let (one, other) = (PoolReuse::Of(pool.new_owner()), PoolReuse::Of(pool.new_owner()));
        let first_byte = |reuse| {
            let chunk = pool.take(10_000, reuse).unwrap();
            // SAFETY: the chunk has that many bytes, and nobody else has it.
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
            (PoolReuse::Anyones, 7),
            (other, 0), // it may be anyone's
            (PoolReuse::Nothing, 0),
        ] {
            assert_eq!(first_byte(reuse), want, "{reuse:?}");
        }
    }

    #[test]
    fn what_is_over_the_bound_is_freed() {
        let pool = FramePool::new(10_000);
        let chunks = [4096, 4096, 4096].map(|len| pool.take(len, PoolReuse::Anyones).unwrap());
        assert_eq!(pool.stats().lent_bytes, 3 * 4096);
        chunks.into_iter().for_each(|chunk| pool.give_back(chunk));
        assert_eq!((pool.stats().idle_bytes, pool.stats().lent_bytes), (2 * 4096, 0));
        assert_eq!(pool.stats().most_bytes, 3 * 4096);
        // Memory of a size that is no longer asked for makes room.
        let larger = pool.take(8192, PoolReuse::Anyones).unwrap();
        pool.give_back(larger);
        assert_eq!(pool.stats().idle_bytes, 8192);
        let fresh = pool.stats().fresh;
        drop(pool.take(8192, PoolReuse::Anyones));
        assert_eq!(pool.stats().fresh, fresh);
        pool.clear();
        assert_eq!(pool.stats().idle_bytes, 0);
    }
}
