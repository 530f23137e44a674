//! Properties of an open container: format, duration, streams, metadata, index.

use std::ptr::NonNull;

use ffmpeg_sys_next as ffi;

use super::{Demuxer, IndexEntry, index};
use crate::{
    dict::Dictionary,
    raw,
    stream::Stream,
    time::{self, Pts, TimeBase},
};

impl Demuxer {
    /// FFmpeg's name of the format, such as `"mov,mp4,m4a,3gp,3g2,mj2"`.
    pub fn format_name(&self) -> &str {
        // SAFETY: `self` owns an open context.
        let format = unsafe { (*self.raw.as_ptr()).iformat };
        // SAFETY: an open context has a format, which is static data of libavformat.
        let name = unsafe { (*format).name };
        // SAFETY: so is its name.
        unsafe { raw::constant(name) }
    }

    /// Duration of the input in microseconds, if known: FFmpeg's value, else that of the longest
    /// stream.
    pub fn duration_us(&self) -> Option<i64> {
        // SAFETY: `self` owns an open context.
        let whole = time::known(unsafe { (*self.raw.as_ptr()).duration }).filter(|&us| us > 0);
        let of_stream = |stream: Stream<'_>| micros(stream, stream.duration()?);
        whole.or_else(|| self.streams().filter_map(of_stream).max())
    }

    /// The first timestamp in microseconds, if known: FFmpeg's value, else that of the stream that
    /// starts first. May be negative.
    pub fn start_time_us(&self) -> Option<i64> {
        // SAFETY: `self` owns an open context.
        let whole = time::known(unsafe { (*self.raw.as_ptr()).start_time });
        let of_stream = |stream: Stream<'_>| micros(stream, stream.start_pts()?);
        whole.or_else(|| self.streams().filter_map(of_stream).min())
    }

    /// Bit rate of all streams together in bits per second, if known.
    pub fn bit_rate(&self) -> Option<u64> {
        // SAFETY: `self` owns an open context.
        u64::try_from(unsafe { (*self.raw.as_ptr()).bit_rate }).ok().filter(|&rate| rate > 0)
    }

    /// All streams found so far, in order. Some formats find more streams while packets are read.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = Stream<'_>> {
        let streams = self.raw_streams();
        streams.iter().map(|&stream| {
            // SAFETY: FFmpeg keeps `nb_streams` valid streams, unchanged until a call on
            // `&mut self`.
            unsafe { Stream::from_raw(stream) }
        })
    }

    /// Number of streams found so far.
    pub fn stream_count(&self) -> usize {
        self.raw_streams().len()
    }

    /// The stream with this index; `None` if there is none.
    pub fn stream(&self, index: usize) -> Option<Stream<'_>> {
        self.streams().nth(index)
    }

    /// Metadata of the input, such as its title.
    pub fn metadata(&self) -> Dictionary {
        // SAFETY: `self` owns an open context.
        let metadata = unsafe { (*self.raw.as_ptr()).metadata };
        // SAFETY: metadata is null or valid, and unchanged during the call.
        unsafe { Dictionary::from_raw(metadata) }
    }

    /// The entries of the container's index for a stream, in the index's order. Empty if the
    /// container has no index or it has not been read yet (Matroska's is read at the first seek).
    pub fn index_entries(&self, stream: usize) -> impl Iterator<Item = IndexEntry> {
        index::entries(self.stream(stream))
    }

    /// Whether the input supports seeking; pipes do not.
    pub fn can_seek(&self) -> bool {
        // SAFETY: `self` owns an open context.
        let Some(io) = NonNull::new(unsafe { (*self.raw.as_ptr()).pb }) else { return false };
        // SAFETY: an open context's I/O is valid.
        let seekable = unsafe { (*io.as_ptr()).seekable };
        seekable & ffi::AVIO_SEEKABLE_NORMAL != 0
    }

    /// Whether timestamps may jump, as in recordings of broadcasts.
    pub fn may_jump(&self) -> bool {
        // SAFETY: `self` owns an open context.
        let format = unsafe { (*self.raw.as_ptr()).iformat };
        // SAFETY: an open context has a format, which is static data of libavformat.
        let flags = unsafe { (*format).flags };
        flags & ffi::AVFMT_TS_DISCONT != 0
    }
}

/// Converts ticks of a stream to microseconds.
fn micros(stream: Stream<'_>, ticks: i64) -> Option<i64> {
    let pts = Pts { ticks, base: stream.time_base()? };
    pts.rescale(TimeBase::MICROSECONDS).map(|pts| pts.ticks)
}
