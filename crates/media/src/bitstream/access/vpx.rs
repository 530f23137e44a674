//! Keyframes of VP8 and VP9, by the first byte of a frame.

use super::Access;

/// Classifies a VP8 packet: bit 0 is 0 for a key frame, bit 4 is `show_frame` (RFC 6386 section
/// 9.1).
pub(super) fn classify_vp8(packet: &[u8]) -> Access {
    match packet.first() {
        Some(byte) if byte & 1 == 0 => Access::Key,
        Some(byte) if byte >> 4 & 1 == 0 => Access::Invisible,
        _ => Access::Other,
    }
}

/// Whether a VP9 packet is a key frame: `frame_type` 0 (VP9 bitstream specification, clause 6.2).
pub(super) fn is_vp9_key(packet: &[u8]) -> bool {
    const FRAME_MARKER: u8 = 0b10;
    let Some(&first) = packet.first() else { return false };
    let reserved_bit = u8::from(first >> 4 & 3 == 3); // profile 3 has one more bit
    let (show_existing, frame_type) = (first >> (3 - reserved_bit), first >> (2 - reserved_bit));
    first >> 6 == FRAME_MARKER && show_existing & 1 == 0 && frame_type & 1 == 0
}
