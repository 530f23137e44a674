//! Keyframes of MPEG-1, MPEG-2 and MPEG-4: intra pictures by their headers.

use super::{super::nal::start_codes, Classifier};

impl Classifier {
    /// Whether the first picture is intra (`picture_coding_type` 1, ISO/IEC 13818-2 clause 6.2).
    /// Stores the sequence header and its extensions.
    pub(super) fn is_mpeg2_intra(&mut self, packet: &[u8]) -> bool {
        const PICTURE: u8 = 0x00;
        const SEQUENCE: u8 = 0xb3;
        const GROUP: u8 = 0xb8;
        let mut sequence = None;
        for (offset, code) in start_codes(packet) {
            if code == SEQUENCE {
                sequence = Some(offset);
            }
            if matches!(code, PICTURE | GROUP)
                && let Some(header) = sequence.take()
            {
                self.sets.see(0, packet.get(header..offset).unwrap_or_default());
            }
            if code == PICTURE {
                return packet.get(offset + 5).is_some_and(|byte| byte >> 3 & 7 == 1);
            }
        }
        false
    }

    /// Whether the first VOP is intra (coding type 0, ISO/IEC 14496-2 clause 6.2). Stores the
    /// headers before it.
    pub(super) fn is_mpeg4_intra(&mut self, packet: &[u8]) -> bool {
        const VOP: u8 = 0xb6;
        const USER_DATA: u8 = 0xb2;
        const LAYERS: std::ops::RangeInclusive<u8> = 0x20..=0x2f;
        let mut has_headers = false;
        for (offset, code) in start_codes(packet) {
            // User data names the encoder, whose errors the decoder works around.
            has_headers |= LAYERS.contains(&code) || code == USER_DATA;
            if code == VOP {
                if has_headers {
                    self.sets.see(0, packet.get(..offset).unwrap_or_default());
                }
                return packet.get(offset + 4).is_some_and(|byte| byte >> 6 == 0);
            }
        }
        false
    }
}
