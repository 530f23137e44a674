//! A container's index of a stream.

use std::ffi::c_int;

use ffmpeg_sys_next as ffi;

use crate::{stream::Stream, time};

/// An entry of a container's index: one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Offset in the file, in bytes.
    pub position: u64,
    /// Timestamp in ticks of the stream's time base: the decoding time in MP4, the presentation
    /// time in most other formats. `None` if the index has none.
    pub timestamp: Option<i64>,
    /// Size in bytes; 0 if the index has none.
    pub size: u32,
    /// Whether it is a keyframe.
    pub keyframe: bool,
    /// Whether it is decoded but not shown (edit lists).
    pub discard: bool,
}

/// The index entries of a stream that FFmpeg has read so far.
pub(super) fn entries<'d>(
    stream: Option<Stream<'d>>,
) -> impl Iterator<Item = IndexEntry> + use<'d> {
    let count = stream.map_or(0, |stream| {
        // SAFETY: the stream is valid, and the call only reads.
        unsafe { ffi::avformat_index_get_entries_count(stream.raw()) }
    });
    (0..count).filter_map(move |number| entry(stream?, number))
}

fn entry(stream: Stream<'_>, number: c_int) -> Option<IndexEntry> {
    // SAFETY: the stream is valid; a number outside the index gives null.
    let entry = unsafe { ffi::avformat_index_get_entry(stream.raw(), number) };
    // SAFETY: null, or valid until the next call that reads the input, which the borrow in `stream`
    // prevents; the struct contains no enum.
    let entry = unsafe { entry.as_ref() }?;
    Some(IndexEntry {
        position: u64::try_from(entry.pos).ok()?,
        timestamp: time::known(entry.timestamp),
        size: u32::try_from(entry.size()).unwrap_or(0),
        keyframe: entry.flags() & ffi::AVINDEX_KEYFRAME != 0,
        discard: entry.flags() & ffi::AVINDEX_DISCARD_FRAME != 0,
    })
}
