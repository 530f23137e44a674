//! Detection of disposable packets, whose pictures no other picture refers to.
//!
//! A decoder that only needs a later picture can skip them.

use super::{
    h264,
    nal::{Framing, Units, start_codes},
};

/// A parser of a stream's packets that finds disposable ones. In doubt, a packet is needed.
#[derive(Debug)]
pub(crate) struct References {
    syntax: ReferenceSyntax,
    framing: Framing,
}

#[derive(Debug)]
enum ReferenceSyntax {
    H264,
    /// With the number of temporal sub-layers; `None` until it is known.
    Hevc(Option<u8>),
    /// MPEG-1 and MPEG-2.
    Mpeg2,
    Mpeg4,
    /// Other codecs. In VP8, VP9 and AV1 it is entropy coded, or every picture adapts the decoder.
    Unknown,
}

impl References {
    /// A parser for the codec that FFmpeg calls `codec`.
    pub(crate) fn new(codec: &str, extradata: &[u8]) -> Self {
        let (syntax, framing) = match codec {
            "h264" => (ReferenceSyntax::H264, Framing::of_h264(extradata)),
            "hevc" => (ReferenceSyntax::Hevc(None), Framing::of_hevc(extradata)),
            "mpeg1video" | "mpeg2video" => (ReferenceSyntax::Mpeg2, Framing::StartCodes),
            "mpeg4" => (ReferenceSyntax::Mpeg4, Framing::StartCodes),
            _ => (ReferenceSyntax::Unknown, Framing::StartCodes),
        };
        let mut references = Self { syntax, framing };
        match framing {
            Framing::StartCodes => references.learn(extradata),
            Framing::Lengths(_) => hvcc_units(extradata).for_each(|unit| references.see(unit)),
        }
        references
    }

    /// Learns from a packet about the stream. Must be called with every packet.
    pub(crate) fn learn(&mut self, packet: &[u8]) {
        match self.syntax {
            ReferenceSyntax::Hevc(_) => {
                Units::new(packet, self.framing).for_each(|unit| self.see(unit.head()));
            }
            // A decoder keeps the second picture until the next packet, which must not be skipped.
            ReferenceSyntax::Mpeg4 if vops(packet).nth(1).is_some() => {
                self.syntax = ReferenceSyntax::Unknown
            }
            _ => {}
        }
    }

    /// Learns the number of sub-layers from an SPS, which begins with four bits of identifier and
    /// three of `sps_max_sub_layers_minus1` (ITU-T H.265 clause 7.3.2.2).
    fn see(&mut self, unit: &[u8]) {
        const SPS: u8 = 33;
        if let (ReferenceSyntax::Hevc(layers), &[kind, layer, first, ..]) = (&mut self.syntax, unit)
            && kind >> 1 & 0x3f == SPS
            && (kind & 1, layer >> 3) == (0, 0)
        {
            let here = (first >> 1 & 7) + 1;
            *layers = Some(layers.unwrap_or(here).max(here));
        }
    }

    /// Whether no other picture needs the packet.
    pub(crate) fn is_disposable(&self, packet: &[u8]) -> bool {
        match self.syntax {
            ReferenceSyntax::H264 => self.all_slices(packet, h264_unit),
            ReferenceSyntax::Hevc(Some(layers)) => {
                self.all_slices(packet, |unit| hevc_unit(unit, layers.saturating_sub(1)))
            }
            ReferenceSyntax::Mpeg2 => is_mpeg2_b(packet),
            ReferenceSyntax::Mpeg4 => is_mpeg4_b(packet),
            ReferenceSyntax::Hevc(None) | ReferenceSyntax::Unknown => false,
        }
    }

    /// Whether there are slices, and all are of pictures that no other refers to.
    fn all_slices(&self, packet: &[u8], kind_of: impl Fn(&[u8]) -> UnitRole) -> bool {
        let mut slices = 0;
        for unit in Units::new(packet, self.framing) {
            match kind_of(unit.head()) {
                UnitRole::Needed => return false,
                UnitRole::Disposable => slices += 1,
                UnitRole::Other => {}
            }
        }
        slices > 0
    }
}

/// What a NAL unit means for later pictures.
enum UnitRole {
    /// A slice of a reference picture, or a parameter set.
    Needed,
    /// A slice of a picture that no other refers to.
    Disposable,
    Other,
}

/// The role of an H.264 unit: `nal_ref_idc` is 0 for pictures that no other refers to (ITU-T H.264
/// clause 7.4.1).
fn h264_unit(unit: &[u8]) -> UnitRole {
    match h264::unit_type(unit) {
        1..=5 if unit.first().is_some_and(|header| header >> 5 & 3 == 0) => UnitRole::Disposable,
        1..=5 | h264::SPS | h264::PPS | h264::SPS_EXTENSION => UnitRole::Needed,
        _ => UnitRole::Other,
    }
}

/// The role of an HEVC unit: no picture of the same temporal sub-layer refers to pictures of even
/// types below 16; in the highest sub-layer, no picture at all (ITU-T H.265 table 7-1).
fn hevc_unit(unit: &[u8], highest: u8) -> UnitRole {
    let &[first, second, ..] = unit else { return UnitRole::Other };
    let (kind, layer) = (first >> 1 & 0x3f, (first & 1) << 5 | second >> 3);
    let temporal = (second & 7).saturating_sub(1);
    match kind {
        _ if layer != 0 => UnitRole::Other,
        0..=14 if kind % 2 == 0 && temporal >= highest => UnitRole::Disposable,
        0..=34 => UnitRole::Needed,
        _ => UnitRole::Other,
    }
}

/// The parameter sets of `hvcC` (ISO/IEC 14496-15 clause 8.3.2): after 22 bytes and a count of
/// arrays, each array is a type, a count, and units, each after its length.
fn hvcc_units(extradata: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = extradata.get(23..).unwrap_or_default();
    let mut left = 0;
    std::iter::from_fn(move || {
        while left == 0 {
            let (header, tail) = rest.split_first_chunk::<3>()?;
            left = u16::from_be_bytes([header[1], header[2]]);
            rest = tail;
        }
        left -= 1;
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (unit, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = tail;
        Some(unit)
    })
}

/// Whether all pictures are B (`picture_coding_type` 3) and no sequence header comes before them
/// (ISO/IEC 13818-2 clause 6.2.3).
fn is_mpeg2_b(packet: &[u8]) -> bool {
    const PICTURE: u8 = 0x00;
    const SEQUENCE: u8 = 0xb3;
    let mut pictures = 0;
    for (offset, code) in start_codes(packet) {
        match (code, packet.get(offset + 5)) {
            (PICTURE, Some(byte)) if byte >> 3 & 7 == 3 => pictures += 1,
            (PICTURE | SEQUENCE, _) => return false,
            _ => {}
        }
    }
    pictures > 0
}

/// Whether the only picture is B: `vop_coding_type` 2 (ISO/IEC 14496-2 clause 6.2.5).
fn is_mpeg4_b(packet: &[u8]) -> bool {
    let mut kinds = vops(packet);
    kinds.next() == Some(2) && kinds.next().is_none()
}

/// The coding types of the pictures in a packet; AVI may pack two into one.
fn vops(packet: &[u8]) -> impl Iterator<Item = u8> {
    const VOP: u8 = 0xb6;
    let starts = start_codes(packet).filter(|(_, code)| *code == VOP);
    starts.filter_map(|(offset, _)| packet.get(offset + 4).map(|byte| byte >> 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(codec: &str, extradata: &[u8], packet: &[u8], disposable: bool) {
        assert_eq!(References::new(codec, extradata).is_disposable(packet), disposable);
    }

    #[test]
    fn h264_unit_headers_mark_disposable_pictures() {
        check("h264", &[], &[0, 0, 1, 0x01, 0x9b, 0, 0, 1, 0x01, 0x9b], true);
        check("h264", &[], &[0, 0, 1, 0x41, 0x9b], false);
        check("h264", &[], &[0, 0, 1, 0x01, 0x9b, 0, 0, 1, 0x21, 0x9b], false); // two fields
        check("h264", &[], &[0, 0, 1, 0x68, 0x9b, 0, 0, 1, 0x01, 0x9b], false); // brings a PPS
        check("h264", &[], &[0, 0, 1, 0x09, 0x10], false);
    }

    #[test]
    fn hevc_pictures_that_higher_layers_may_refer_to_are_needed() {
        let sps = |layers: u8| vec![0, 0, 0, 1, 33 << 1, 1, (layers - 1) << 1, 0];
        let slice = |kind: u8, temporal: u8| vec![0, 0, 1, kind << 1, temporal + 1, 0xaf];
        check("hevc", &sps(1), &slice(0, 0), true);
        check("hevc", &sps(1), &slice(1, 0), false);
        check("hevc", &sps(2), &slice(0, 0), false);
        check("hevc", &sps(2), &slice(0, 1), true);
        check("hevc", &[], &slice(0, 0), false); // the number of layers is unknown
    }

    #[test]
    fn hvcc_gives_the_number_of_hevc_layers() {
        let hvcc = [&[1; 21][..], &[3, 1], &[33, 0, 1, 0, 4, 33 << 1, 1, 0, 0]].concat();
        check("hevc", &hvcc, &[0, 0, 0, 3, 0, 1, 0xaf], true);
    }

    #[test]
    fn mpeg_picture_headers_mark_b_pictures() {
        check("mpeg2video", &[], &[0, 0, 1, 0, 0, 0x18, 0], true);
        check("mpeg2video", &[], &[0, 0, 1, 0, 0, 0x10, 0], false);
        check("mpeg4", &[], &[0, 0, 1, 0xb6, 0x90, 0], true);
        check("mpeg4", &[], &[0, 0, 1, 0xb6, 0x50, 0, 0, 1, 0xb6, 0x90], false);
    }

    #[test]
    fn packets_of_a_stream_with_packed_pictures_are_all_needed() {
        let mut references = References::new("mpeg4", &[]);
        let b = [0, 0, 1, 0xb6, 0x90, 0];
        references.learn(&[&[0, 0, 1, 0xb6, 0x50, 0], &b[..]].concat());
        assert!(!references.is_disposable(&b));
    }

    #[test]
    fn packets_of_other_codecs_are_needed() {
        check("vp9", &[], &[0x86, 0], false);
        check("h264", &[], &[], false);
    }
}
