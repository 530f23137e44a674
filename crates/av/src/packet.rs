//! Packets: compressed data of a stream, as stored in the container.

use std::{
    ffi::c_int,
    fmt,
    ptr::{self, NonNull},
    slice,
};

use ffmpeg_sys_next as ffi;

use crate::{
    error::{Error, Result, check},
    time,
};

/// A packet of compressed data, usually one video frame or some audio frames.
///
/// The bytes are reference-counted and never change.
pub struct Packet {
    raw: NonNull<ffi::AVPacket>,
}

// SAFETY: an AVPacket is not tied to a thread, and its buffers' reference counts are atomic.
unsafe impl Send for Packet {}
// SAFETY: methods on `&Packet` only read fields; cloning changes only atomic counts.
unsafe impl Sync for Packet {}

impl Packet {
    /// Creates an empty packet.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn new() -> Result<Self> {
        // SAFETY: no arguments; a null result is handled on the next line.
        let raw = unsafe { ffi::av_packet_alloc() };
        NonNull::new(raw).map(|raw| Self { raw }).ok_or(Error::OutOfMemory)
    }

    /// Creates a packet with a copy of `data`, and the zeroed padding after it that decoders read.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `data` is too long for FFmpeg; [`Error::OutOfMemory`].
    pub fn from_data(data: &[u8]) -> Result<Self> {
        let mut packet = Self::new()?;
        let size = c_int::try_from(data.len()).map_err(|_| Error::InvalidArgument {
            what: "the length of a packet",
            expected: "below 2 GiB",
            got: data.len().to_string(),
        })?;
        // SAFETY: `packet` is empty, and `size` is not negative.
        check("av_new_packet", unsafe { ffi::av_new_packet(packet.raw_mut(), size) })?;
        // SAFETY: the packet is valid.
        let target = unsafe { (*packet.raw_mut()).data };
        // SAFETY: av_new_packet allocated `size` bytes (and 64 zeroed ones after them), which are
        // new, so they don't overlap `data`.
        unsafe { ptr::copy_nonoverlapping(data.as_ptr(), target, data.len()) };
        Ok(packet)
    }

    /// A second handle on the same bytes; no byte is copied.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        let mut copy = Self::new()?;
        // SAFETY: `copy` is empty and `self` is valid; av_packet_ref only reads its source.
        check("av_packet_ref", unsafe { ffi::av_packet_ref(copy.raw_mut(), self.raw()) })?;
        Ok(copy)
    }

    /// The compressed bytes; empty if the packet has only side data.
    pub fn data(&self) -> &[u8] {
        let raw = self.fields();
        match (NonNull::new(raw.data), usize::try_from(raw.size)) {
            // SAFETY: FFmpeg sets `size` to the number of readable bytes at `data`, which stay
            // unchanged for as long as the packet holds its reference.
            (Some(data), Ok(size)) => unsafe { slice::from_raw_parts(data.as_ptr(), size) },
            _ => &[],
        }
    }

    /// Presentation time, in ticks of the stream's time base.
    pub fn pts(&self) -> Option<i64> {
        time::known(self.fields().pts)
    }

    /// Decoding time, in ticks of the stream's time base.
    pub fn dts(&self) -> Option<i64> {
        time::known(self.fields().dts)
    }

    /// Duration, in ticks of the stream's time base; `None` if unknown.
    pub fn duration(&self) -> Option<i64> {
        (self.fields().duration > 0).then_some(self.fields().duration)
    }

    /// Offset of the packet in the file in bytes, if known.
    pub fn position(&self) -> Option<u64> {
        u64::try_from(self.fields().pos).ok()
    }

    /// Index of the stream that it belongs to.
    pub fn stream_index(&self) -> usize {
        usize::try_from(self.fields().stream_index).unwrap_or(0)
    }

    /// Whether the container marks it as a keyframe.
    pub fn is_key(&self) -> bool {
        self.has(ffi::AV_PKT_FLAG_KEY)
    }

    /// Whether its frame must be decoded but not shown (edit lists).
    pub fn is_discard(&self) -> bool {
        self.has(ffi::AV_PKT_FLAG_DISCARD)
    }

    /// Whether the demuxer found it damaged.
    pub fn is_corrupt(&self) -> bool {
        self.has(ffi::AV_PKT_FLAG_CORRUPT)
    }

    /// Whether the demuxer knows that no other frame depends on it.
    pub fn is_disposable(&self) -> bool {
        self.has(ffi::AV_PKT_FLAG_DISPOSABLE)
    }

    /// Whether its bytes are still encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_ENCRYPTION_INFO).is_some()
    }

    /// New extradata (parameter sets) that apply from this packet on, if it carries any.
    pub fn new_extradata(&self) -> Option<&[u8]> {
        self.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_NEW_EXTRADATA)
    }

    fn side_data(&self, kind: ffi::AVPacketSideDataType) -> Option<&[u8]> {
        let mut size = 0;
        // SAFETY: the packet is valid and `size` is writable.
        let data = unsafe { ffi::av_packet_get_side_data(self.raw(), kind, &raw mut size) };
        let data = NonNull::new(data)?;
        // SAFETY: side data holds `size` bytes and changes only through `&mut self`.
        Some(unsafe { slice::from_raw_parts(data.as_ptr(), size) })
    }

    /// Sets new extradata (parameter sets) that apply from this packet on.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`], also if the length is over FFmpeg's limit.
    pub fn set_new_extradata(&mut self, extradata: &[u8]) -> Result<()> {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_NEW_EXTRADATA;
        // SAFETY: the packet is valid; side data of the same kind is replaced.
        let data = unsafe { ffi::av_packet_new_side_data(self.raw_mut(), kind, extradata.len()) };
        let data = NonNull::new(data).ok_or(Error::OutOfMemory)?;
        // SAFETY: av_packet_new_side_data allocated that many bytes, which are new.
        unsafe {
            ptr::copy_nonoverlapping(extradata.as_ptr(), data.as_ptr(), extradata.len());
        }
        Ok(())
    }

    /// Sets the presentation time in ticks.
    pub fn set_pts(&mut self, pts: Option<i64>) {
        // SAFETY: the packet is valid and borrowed mutably.
        unsafe { (*self.raw_mut()).pts = pts.unwrap_or(ffi::AV_NOPTS_VALUE) };
    }

    /// Sets the decoding time in ticks.
    pub fn set_dts(&mut self, dts: Option<i64>) {
        // SAFETY: the packet is valid and borrowed mutably.
        unsafe { (*self.raw_mut()).dts = dts.unwrap_or(ffi::AV_NOPTS_VALUE) };
    }

    /// Sets the duration in ticks; 0 means unknown.
    pub fn set_duration(&mut self, duration: i64) {
        // SAFETY: the packet is valid and borrowed mutably.
        unsafe { (*self.raw_mut()).duration = duration };
    }

    /// Marks it as a keyframe or not.
    pub fn set_key(&mut self, is_key: bool) {
        let flags = self.fields().flags & !ffi::AV_PKT_FLAG_KEY;
        let flags = if is_key { flags | ffi::AV_PKT_FLAG_KEY } else { flags };
        // SAFETY: the packet is valid and borrowed mutably.
        unsafe { (*self.raw_mut()).flags = flags };
    }

    /// The caller's number, which [`VideoFrame::tag`](crate::frame::VideoFrame::tag) returns for
    /// the decoded frame.
    pub fn tag(&self) -> i64 {
        tag_from_raw(self.fields().opaque)
    }

    /// Sets the number that the decoder copies to the frames decoded from this packet.
    pub fn set_tag(&mut self, tag: i64) {
        // SAFETY: the packet is valid and borrowed mutably; FFmpeg never follows the pointer.
        unsafe { (*self.raw_mut()).opaque = tag_to_raw(tag) };
    }

    /// Copies times, flags, stream index, tag and side data from `other`, but not the bytes.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn copy_properties_from(&mut self, other: &Self) -> Result<()> {
        // av_packet_copy_props overwrites old side data without freeing it.
        // SAFETY: the packet is valid and borrowed mutably.
        unsafe { ffi::av_packet_free_side_data(self.raw_mut()) };
        // SAFETY: both packets are valid, and `self` has no side data left.
        let code = unsafe { ffi::av_packet_copy_props(self.raw_mut(), other.raw()) };
        check("av_packet_copy_props", code).map(drop)
    }

    /// Drops the bytes and resets all fields, so that the packet can be filled again.
    pub fn clear(&mut self) {
        // SAFETY: the packet is valid and borrowed mutably.
        unsafe { ffi::av_packet_unref(self.raw_mut()) };
    }

    /// Whether it has neither bytes nor side data: FFmpeg's signal for the end of the stream.
    pub(crate) fn is_blank(&self) -> bool {
        self.fields().size == 0 && self.fields().side_data_elems == 0
    }

    pub(crate) fn raw(&self) -> *const ffi::AVPacket {
        self.raw.as_ptr()
    }

    pub(crate) fn raw_mut(&mut self) -> *mut ffi::AVPacket {
        self.raw.as_ptr()
    }

    fn fields(&self) -> &ffi::AVPacket {
        // SAFETY: `self` owns a valid packet, whose fields change only through `&mut self` and
        // contain no enum.
        unsafe { self.raw.as_ref() }
    }

    fn has(&self, flag: c_int) -> bool {
        self.fields().flags & flag != 0
    }
}

/// Stores a tag in the pointer that FFmpeg copies from a packet to its frames.
pub(crate) fn tag_to_raw(tag: i64) -> *mut std::ffi::c_void {
    const { assert!(size_of::<usize>() == 8, "a tag must fit in a pointer") };
    ptr::without_provenance_mut(tag.cast_unsigned() as usize)
}

/// The tag stored in such a pointer.
pub(crate) fn tag_from_raw(opaque: *mut std::ffi::c_void) -> i64 {
    (opaque.addr() as u64).cast_signed()
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: `self` owns `raw`, it came from av_packet_alloc, and nothing uses it after this.
        unsafe { ffi::av_packet_free(&raw mut raw) }
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("stream_index", &self.stream_index())
            .field("pts", &self.pts())
            .field("dts", &self.dts())
            .field("key", &self.is_key())
            .field("bytes", &self.data().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_copied_and_padded_with_zeros() {
        let packet = Packet::from_data(&[1, 2, 3]).unwrap();
        assert_eq!(packet.data(), [1, 2, 3]);
        let padding = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
        // SAFETY: av_new_packet allocates the padding after the data.
        let after_data = unsafe { packet.fields().data.add(3) };
        // SAFETY: the padding is that long.
        assert_eq!(unsafe { slice::from_raw_parts(after_data, padding) }, vec![0; padding]);
    }

    #[test]
    fn an_empty_packet_has_no_times() {
        let packet = Packet::new().unwrap();
        assert_eq!((packet.pts(), packet.dts(), packet.duration()), (None, None, None));
        assert_eq!((packet.position(), packet.data()), (None, &[][..]));
        assert!(packet.is_blank());
        assert!(Packet::from_data(&[]).unwrap().is_blank());
    }

    #[test]
    fn a_clone_shares_the_bytes() {
        let mut packet = Packet::from_data(b"bytes").unwrap();
        packet.set_pts(Some(-7));
        let clone = packet.try_clone().unwrap();
        drop(packet);
        assert_eq!((clone.data(), clone.pts()), (&b"bytes"[..], Some(-7)));
    }

    #[test]
    fn copied_properties_replace_the_old_ones() {
        let mut from = Packet::from_data(b"from").unwrap();
        from.set_key(true);
        from.set_dts(Some(3));
        from.set_tag(i64::MIN);
        from.set_new_extradata(b"new").unwrap();
        let mut to = Packet::from_data(b"to").unwrap();
        to.set_new_extradata(b"old side data").unwrap();
        to.copy_properties_from(&from).unwrap();
        assert_eq!((to.data(), to.dts(), to.tag()), (&b"to"[..], Some(3), i64::MIN));
        assert!(to.is_key() && !to.is_corrupt() && !to.is_discard());
        assert_eq!(to.new_extradata(), Some(&b"new"[..]));
        to.set_key(false);
        assert!(!to.is_key());
    }

    #[test]
    fn a_cleared_packet_is_blank() {
        let mut packet = Packet::from_data(b"bytes").unwrap();
        packet.set_new_extradata(b"new").unwrap();
        assert!(!packet.is_blank());
        packet.clear();
        assert!(packet.is_blank());
        assert_eq!(packet.new_extradata(), None);
    }
}
