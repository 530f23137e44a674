//! What the system does with memory: what is given back, and what is about to be filled.

/// Has the C library's allocator keep what decoders free, up to 64 MB, for the next picture.
///
/// Decoders free and allocate their tables for each keyframe. By default glibc hands such memory
/// back to the system at once, and the system clears each page again: 2 % of the time for 1080p, a
/// fifth for simple pictures. For programs to call at their start; a setting of the whole process.
/// Elsewhere than on glibc it does nothing.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEEP: libc::c_int = 64 << 20;
        const LARGEST_ON_HEAP: libc::c_int = 32 << 20; // glibc allows no more
        // SAFETY: any values may be set at any time; it only fails to take those it does not like.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_ON_HEAP) };
        // SAFETY: as above.
        unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP) };
    }
}

/// Asks the system to back a large buffer with huge pages, if it isn't in use yet: filling new
/// memory costs a fault for each page, which for pixels takes longer than making them. Only advice,
/// and without effect on what the buffer holds.
pub fn expect_filling<T>(buffer: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        const WORTH_IT: usize = 4 << 20;
        const PAGE: usize = 4096;
        let start = buffer.as_mut_ptr().cast::<u8>();
        let skipped = start.addr().wrapping_neg() % PAGE;
        let length = size_of_val(buffer).saturating_sub(skipped) / PAGE * PAGE;
        if length < WORTH_IT {
            return;
        }
        // SAFETY: `skipped` is less than the buffer's length.
        let first_page = unsafe { start.add(skipped) };
        // SAFETY: these are whole pages of the buffer; the advice changes no byte of them. A refusal
        // changes nothing.
        unsafe { libc::madvise(first_page.cast(), length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = buffer;
}
