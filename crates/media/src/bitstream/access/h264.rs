//! Keyframes and fields of H.264.

use super::{
    super::{
        h264,
        nal::{Framing, Units},
    },
    Access, Classifier, KeyframeSyntax,
};

impl Classifier {
    /// Learns H.264's parameter sets from extradata (`avcC` or start codes).
    ///
    /// They aren't stored for decoders, which read extradata themselves.
    pub(crate) fn learn_extradata(&mut self, extradata: &[u8]) {
        if self.syntax != KeyframeSyntax::H264 {
            return;
        }
        if self.framing == Framing::StartCodes {
            Units::new(extradata, self.framing).for_each(|unit| self.headers.learn(unit.whole()));
            return;
        }
        // avcC: five bytes, then a count of SPS and those, a count of PPS and those; each set
        // follows its length of two bytes. The first count shares its byte with flags.
        let mut rest = extradata.get(5..).unwrap_or_default();
        for count_mask in [0x1f, 0xff] {
            let Some((&count, tail)) = rest.split_first() else { return };
            rest = tail;
            for _ in 0..count & count_mask {
                let Some((length, tail)) = rest.split_first_chunk::<2>() else { return };
                let length = usize::from(u16::from_be_bytes(*length));
                let Some((unit, tail)) = tail.split_at_checked(length) else { return };
                self.headers.learn(unit);
                rest = tail;
            }
        }
    }

    /// Whether `packet` holds the second field of the frame whose first field was classified last.
    pub(crate) fn would_complete(&self, packet: &[u8]) -> bool {
        let Some(first) = self.open_field else { return false };
        let slice = Units::new(packet, self.framing)
            .find(|unit| matches!(h264::unit_type(unit.head()), h264::SLICE | h264::IDR_SLICE));
        let header = slice.and_then(|unit| self.headers.slice(unit.head()));
        header.and_then(|header| header.field).is_some_and(|field| field.completes(first))
    }

    pub(super) fn classify_h264(&mut self, packet: &[u8]) -> Access {
        let mut has_immediate_recovery = false;
        for unit in Units::new(packet, self.framing) {
            let kind = h264::unit_type(unit.head());
            match kind {
                h264::SPS | h264::PPS | h264::SPS_EXTENSION => {
                    let set = unit.whole();
                    self.headers.learn(set);
                    self.sets.see(if kind == h264::PPS { 2 } else { 1 }, set);
                }
                h264::SEI => {
                    if h264::names_x264(unit.head()) {
                        self.sets.see(3, unit.whole());
                    }
                    has_immediate_recovery |= h264::recovery_frame_count(unit.whole()) == Some(0);
                }
                h264::SLICE | h264::IDR_SLICE => {
                    let is_idr = kind == h264::IDR_SLICE;
                    return self.classify_slice(unit.head(), is_idr, has_immediate_recovery);
                }
                _ => {}
            }
        }
        self.open_field = None;
        Access::Other
    }

    fn classify_slice(
        &mut self,
        slice: &[u8],
        is_idr: bool,
        has_immediate_recovery: bool,
    ) -> Access {
        let header = self.headers.slice(slice);
        let field = header.and_then(|header| header.field);
        let first = self.open_field.take();
        if let (Some(field), Some(first)) = (field, first)
            && field.completes(first)
        {
            return Access::SecondField;
        }
        self.open_field = field;
        self.is_idr = is_idr;
        let is_intra = header.is_some_and(|header| header.is_intra);
        match (is_idr || (has_immediate_recovery && is_intra), field) {
            (true, Some(_)) => Access::KeyField,
            (true, None) => Access::Key,
            (false, _) => Access::Other,
        }
    }
}
