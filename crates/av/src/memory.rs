//! Settings of the system's memory allocation that make decoding faster.

/// Makes the C library's allocator keep up to 64 MiB of freed memory for reuse.
///
/// Decoders free and allocate their tables for each keyframe. By default glibc returns such memory
/// to the system at once, and the system clears each page again: 2 % of the decoding time for
/// 1080p, a fifth for simple content (measured). This is a setting of the whole process, for
/// programs to call when they start. It does nothing with C libraries other than glibc.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEEP: libc::c_int = 64 << 20;
        const MMAP_THRESHOLD: libc::c_int = 32 << 20; // glibc's maximum
        // SAFETY: any values may be set at any time; mallopt rejects invalid ones.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) };
        // SAFETY: as above.
        unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP) };
    }
}

/// Advises the system to back a large new buffer with huge pages (only on Linux).
///
/// Writing to new memory costs a page fault for each page, which for pixels takes longer than
/// computing them. The advice does not change the buffer's contents.
pub fn expect_filling<T>(buffer: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        const MIN_LEN: usize = 4 << 20;
        const PAGE: usize = 4096;
        let start = buffer.as_mut_ptr().cast::<u8>();
        let skipped = start.addr().wrapping_neg() % PAGE;
        let length = size_of_val(buffer).saturating_sub(skipped) / PAGE * PAGE;
        if length < MIN_LEN {
            return;
        }
        // SAFETY: `skipped` is less than the buffer's length.
        let first_page = unsafe { start.add(skipped) };
        // SAFETY: these are whole pages of the buffer, and the advice changes no byte of them. If
        // it fails, nothing changes.
        unsafe { libc::madvise(first_page.cast(), length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = buffer;
}
