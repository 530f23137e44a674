//! An `AVIOContext` whose read and seek callbacks read from a [`ByteSource`].

use std::{
    ffi::{c_int, c_void},
    io,
    mem::MaybeUninit,
    ops::Range,
    ptr::NonNull,
    slice,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::Ordering},
    thread,
    time::Duration,
};

use ffmpeg_sys_next as ffi;

use super::{
    ByteSource, Io, IoCounters,
    skipped::{NextRead, SkippedRanges},
};
use crate::{
    error::{Error, Result},
    interrupt::Watch,
    raw,
};

/// Whether a reader may succeed if it is asked again.
fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests;

/// Size of FFmpeg's read buffer in bytes; larger packets are read directly.
const BUFFER_SIZE: usize = 32 << 10;

/// An owned `AVIOContext` that reads from a byte source.
pub(crate) struct Avio {
    raw: NonNull<ffi::AVIOContext>,
    /// Owned; also used by the callbacks.
    bridge: NonNull<Bridge>,
    counters: Arc<IoCounters>,
    failure: Arc<FirstError>,
    skipped: Arc<OnceLock<SkippedRanges>>,
    /// The source's length in bytes when it was opened, if it can seek.
    len: Option<u64>,
}

// SAFETY: neither the context nor the bridge is tied to a thread; a ByteSource is Send.
unsafe impl Send for Avio {}

/// The first error of a byte source. FFmpeg passes on only an error code, and often "end of file".
#[derive(Debug, Default)]
struct FirstError(Mutex<Option<Error>>);

impl FirstError {
    /// Keeps `error` if it is the first.
    fn record(&self, error: Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn get(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state of the callbacks.
struct Bridge {
    source: Box<dyn ByteSource>,
    /// Position of the next read, in bytes from the start.
    position: u64,
    counters: Arc<IoCounters>,
    failure: Arc<FirstError>,
    watch: Arc<Watch>,
    skipped: Arc<OnceLock<SkippedRanges>>,
    /// Whether the source has panicked; then it is not called again.
    is_poisoned: bool,
}

impl Avio {
    pub(crate) fn new(mut io: Io, watch: Arc<Watch>) -> Result<Self> {
        let (counters, failure) = (io.counters(), Arc::<FirstError>::default());
        let skipped = Arc::<OnceLock<SkippedRanges>>::default();
        let len = if io.is_seekable { io.source.len() } else { None };
        let seek = if io.is_seekable { Some(seek as SeekCallback) } else { None };
        // SAFETY: any size may be asked for; a null result is handled on the next line.
        let buffer = unsafe { ffi::av_mallocz(BUFFER_SIZE) };
        let buffer = NonNull::new(buffer).ok_or(Error::OutOfMemory)?;
        let bridge = NonNull::from(Box::leak(Box::new(Bridge {
            source: io.source,
            position: 0,
            counters: Arc::clone(&counters),
            failure: Arc::clone(&failure),
            watch,
            skipped: Arc::clone(&skipped),
            is_poisoned: false,
        })));
        // SAFETY: the buffer is av_malloc'd and BUFFER_SIZE long; the bridge outlives the context,
        // and the callbacks take a bridge.
        let raw = unsafe {
            ffi::avio_alloc_context(
                buffer.as_ptr().cast(),
                BUFFER_SIZE as c_int,
                0,
                bridge.as_ptr().cast(),
                Some(read),
                None,
                seek,
            )
        };
        let Some(raw) = NonNull::new(raw) else {
            // SAFETY: the buffer was allocated above, and nothing else has it.
            unsafe { ffi::av_free(buffer.as_ptr()) };
            // SAFETY: the bridge was leaked above, and nothing else has it.
            drop(unsafe { Box::from_raw(bridge.as_ptr()) });
            return Err(Error::OutOfMemory);
        };
        Ok(Self { raw, bridge, counters, failure, skipped, len })
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.raw.as_ptr()
    }

    pub(crate) fn counters(&self) -> &Arc<IoCounters> {
        &self.counters
    }

    /// Skips byte ranges from now on: those in `unneeded`, without those in `needed`.
    ///
    /// FFmpeg gets zeros for them, and they are not read. Returns `false` if the source can't seek
    /// or ranges were set before.
    pub(crate) fn skip_ranges(&self, unneeded: Vec<Range<u64>>, needed: Vec<Range<u64>>) -> bool {
        let Some(len) = self.len else { return false };
        self.skipped.set(SkippedRanges::new(unneeded, needed, len)).is_ok()
    }

    /// The first error of the byte source, if there was one.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.get()
    }
}

impl Drop for Avio {
    fn drop(&mut self) {
        // FFmpeg may have replaced the buffer, so free the current one.
        // SAFETY: `self` owns the context, and its demuxer is closed before.
        let buffer = unsafe { &raw mut (*self.raw.as_ptr()).buffer };
        // SAFETY: the buffer is owned by the context and av_malloc'd.
        unsafe { ffi::av_freep(buffer.cast()) };
        let mut raw = self.raw.as_ptr();
        // SAFETY: `self` owns the context, and nothing uses it after this.
        unsafe { ffi::avio_context_free(&raw mut raw) };
        // SAFETY: the bridge came from Box::leak, and the callbacks are gone with the context.
        drop(unsafe { Box::from_raw(self.bridge.as_ptr()) });
    }
}

type SeekCallback = unsafe extern "C" fn(*mut c_void, i64, c_int) -> i64;

/// FFmpeg's read callback: reads up to `size` bytes into `target`.
///
/// # Safety
///
/// `bridge` must be a live [`Bridge`] that nothing else uses during the call; `target` must be null
/// or writable for `size` bytes.
unsafe extern "C" fn read(bridge: *mut c_void, target: *mut u8, size: c_int) -> c_int {
    // SAFETY: the caller promises a live bridge that nothing else uses.
    let bridge = unsafe { &mut *bridge.cast::<Bridge>() };
    // FFmpeg may ask for 0 bytes with a null pointer, which no slice may have.
    let (Some(target), Ok(size @ 1..)) = (NonNull::new(target), usize::try_from(size)) else {
        return ffi::AVERROR(libc::EINVAL);
    };
    // SAFETY: not null, and the caller promises `size` writable bytes, initialised or not.
    let target = unsafe { slice::from_raw_parts_mut(target.cast().as_ptr(), size) };
    let read = bridge.run_guarded("read", |bridge| bridge.read(target));
    match read {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(count) => c_int::try_from(count).unwrap_or(ffi::AVERROR(libc::EIO)),
        Err(code) => code,
    }
}

/// FFmpeg's seek callback: moves the position, or returns the length for `AVSEEK_SIZE`.
///
/// # Safety
///
/// `bridge` must be a live [`Bridge`] that nothing else uses during the call.
unsafe extern "C" fn seek(bridge: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: the caller promises a live bridge that nothing else uses.
    let bridge = unsafe { &mut *bridge.cast::<Bridge>() };
    let position = bridge.run_guarded("seek", |bridge| bridge.seek(offset, whence));
    position.unwrap_or_else(i64::from)
}

impl Bridge {
    /// Runs `operation`; records its error, or its panic as an error. `Err` is the code to return
    /// to FFmpeg.
    fn run_guarded<T>(
        &mut self,
        op: &'static str,
        operation: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> std::result::Result<T, c_int> {
        if self.is_poisoned {
            return Err(ffi::AVERROR(libc::EIO));
        }
        if self.watch.stop().is_some() {
            return Err(ffi::AVERROR_EXIT);
        }
        let error = match raw::catch_panic(|| operation(self)) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(text) => {
                self.is_poisoned = true;
                io::Error::other(format!("the reader panicked: {text}"))
            }
        };
        match error.kind() {
            _ if self.watch.stop().is_some() => Err(ffi::AVERROR_EXIT),
            // The source does not support this operation, and FFmpeg works without it.
            io::ErrorKind::Unsupported => Err(ffi::AVERROR(libc::ENOSYS)),
            io::ErrorKind::InvalidInput => Err(ffi::AVERROR(libc::EINVAL)),
            _ => {
                self.failure.record(Error::from_io(op, &error));
                Err(ffi::AVERROR(
                    error.raw_os_error().filter(|&code| code > 0).unwrap_or(libc::EIO),
                ))
            }
        }
    }

    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let skipped = self.skipped.get();
        match skipped.map(|ranges| ranges.next_read(self.position, target.len())) {
            Some(NextRead::Zeros(count)) => self.read_zeros(target, count),
            Some(NextRead::Source(count)) => {
                self.read_source(target.get_mut(..count).unwrap_or_default())
            }
            None => self.read_source(target),
        }
    }

    /// Fills the start of `target` with zeros and moves the position over them.
    fn read_zeros(&mut self, target: &mut [MaybeUninit<u8>], count: usize) -> io::Result<usize> {
        target.iter_mut().take(count).for_each(|byte| *byte = MaybeUninit::new(0));
        self.position = self.position.saturating_add(count as u64);
        self.source.seek(self.position)?;
        Ok(count)
    }

    /// Reads from the source, and retries while it has no data yet.
    fn read_source(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let count = loop {
            match self.source.read(target) {
                Err(error) if is_temporary(&error) && self.watch.stop().is_some() => {
                    return Err(error);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Nothing can be waited for instead: `Read` can't report when it becomes
                    // ready. The interrupt is checked each time.
                    thread::sleep(Duration::from_millis(1));
                }
                result => break result?,
            }
        };
        if count > target.len() {
            return Err(io::Error::other("the reader returned a count larger than its buffer"));
        }
        self.position = self.position.saturating_add(count as u64);
        if count > 0 {
            self.counters.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
            self.counters.reads.fetch_add(1, Ordering::Relaxed);
        }
        Ok(count)
    }

    fn seek(&mut self, offset: i64, whence: c_int) -> io::Result<i64> {
        let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
        let base = match whence & !ffi::AVSEEK_FORCE {
            ffi::AVSEEK_SIZE => {
                let len = self.source.len().ok_or_else(unsupported)?;
                return i64::try_from(len).map_err(io::Error::other);
            }
            libc::SEEK_SET => 0,
            libc::SEEK_CUR => self.position,
            libc::SEEK_END => self.source.len().ok_or_else(unsupported)?,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let target = base.checked_add_signed(offset).ok_or(io::ErrorKind::InvalidInput)?;
        let result = i64::try_from(target).map_err(io::Error::other)?;
        self.source.seek(target)?;
        self.position = target;
        self.counters.seeks.fetch_add(1, Ordering::Relaxed);
        Ok(result)
    }
}
