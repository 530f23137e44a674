//! Which packets no other picture depends on: a decoder on its way to another picture needs none
//! of them.

use super::{
    h264,
    nal::{Framing, Units, start_codes},
};

/// Looks at a stream's packets. Says "needed" wherever it isn't sure.
#[derive(Debug)]
pub(crate) struct References {
    syntax: ReferenceSyntax,
    framing: Framing,
}

#[derive(Debug)]
enum ReferenceSyntax {
    H264,
    /// With the number of temporal sub-layers, once it is known.
    Hevc(Option<u8>),
    /// MPEG-1 and MPEG-2.
    Mpeg2,
    Mpeg4,
    /// VP8, VP9 and AV1 hide it behind entropy coding, or adapt to every picture.
    Unknown,
}

impl References {
    /// For the codec that FFmpeg calls `codec`.
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

    /// Takes note of what a packet says about the stream. Every packet must come by here.
    pub(crate) fn learn(&mut self, packet: &[u8]) {
        match self.syntax {
            ReferenceSyntax::Hevc(_) => {
                Units::new(packet, self.framing).for_each(|unit| self.see(unit.head()));
            }
            // A decoder keeps the second picture until the next packet comes, whichever that is.
            ReferenceSyntax::Mpeg4 if vops(packet).nth(1).is_some() => {
                self.syntax = ReferenceSyntax::Unknown
            }
            _ => {}
        }
    }

    /// ITU-T H.265 clause 7.3.2.2: the SPS begins with four bits of identifier and three of
    /// `sps_max_sub_layers_minus1`.
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

    /// Whether nothing needs the packet but whoever wants to see its picture.
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

    /// Whether there are slices, and all are of pictures that nothing depends on.
    fn all_slices(&self, packet: &[u8], kind_of: impl Fn(&[u8]) -> Unit) -> bool {
        let mut slices = 0;
        for unit in Units::new(packet, self.framing) {
            match kind_of(unit.head()) {
                Unit::Needed => return false,
                Unit::Disposable => slices += 1,
                Unit::Other => {}
            }
        }
        slices > 0
    }
}

/// What a NAL unit means for pictures to come.
enum Unit {
    /// A slice of a reference picture, or a parameter set.
    Needed,
    /// A slice of a picture that nothing refers to.
    Disposable,
    Other,
}

/// ITU-T H.264 clause 7.4.1: `nal_ref_idc` is 0 for pictures that nothing refers to.
fn h264_unit(unit: &[u8]) -> Unit {
    match h264::unit_type(unit) {
        1..=5 if unit.first().is_some_and(|header| header >> 5 & 3 == 0) => Unit::Disposable,
        1..=5 | h264::SPS | h264::PPS | h264::SPS_EXTENSION => Unit::Needed,
        _ => Unit::Other,
    }
}

/// ITU-T H.265 table 7-1: even types below 16 are referred to by no picture of their own temporal
/// sub-layer; in the highest one, by none at all.
fn hevc_unit(unit: &[u8], highest: u8) -> Unit {
    let &[first, second, ..] = unit else { return Unit::Other };
    let (kind, layer) = (first >> 1 & 0x3f, (first & 1) << 5 | second >> 3);
    let temporal = (second & 7).saturating_sub(1);
    match kind {
        _ if layer != 0 => Unit::Other,
        0..=14 if kind % 2 == 0 && temporal >= highest => Unit::Disposable,
        0..=34 => Unit::Needed,
        _ => Unit::Other,
    }
}

/// The parameter sets of `hvcC` (ISO/IEC 14496-15 clause 8.3.2): behind 22 bytes and a count of
/// arrays, each a type, a count, and units behind their lengths.
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

/// ISO/IEC 13818-2 clause 6.2.3: all pictures have `picture_coding_type` 3, and no header comes
/// before them.
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

/// ISO/IEC 14496-2 clause 6.2.5: `vop_coding_type` is 2.
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
    fn h264_says_it_in_every_unit_header() {
        check("h264", &[], &[0, 0, 1, 0x01, 0x9b, 0, 0, 1, 0x01, 0x9b], true);
        check("h264", &[], &[0, 0, 1, 0x41, 0x9b], false);
        check("h264", &[], &[0, 0, 1, 0x01, 0x9b, 0, 0, 1, 0x21, 0x9b], false); // two fields
        check("h264", &[], &[0, 0, 1, 0x68, 0x9b, 0, 0, 1, 0x01, 0x9b], false); // brings a PPS
        check("h264", &[], &[0, 0, 1, 0x09, 0x10], false);
    }

    #[test]
    fn hevc_needs_what_higher_layers_may_refer_to() {
        let sps = |layers: u8| vec![0, 0, 0, 1, 33 << 1, 1, (layers - 1) << 1, 0];
        let slice = |kind: u8, temporal: u8| vec![0, 0, 1, kind << 1, temporal + 1, 0xaf];
        check("hevc", &sps(1), &slice(0, 0), true);
        check("hevc", &sps(1), &slice(1, 0), false);
        check("hevc", &sps(2), &slice(0, 0), false);
        check("hevc", &sps(2), &slice(0, 1), true);
        check("hevc", &[], &slice(0, 0), false); // not known how many layers there are
    }

    #[test]
    fn hevc_s_layers_stand_in_hvcc() {
        let hvcc = [&[1; 21][..], &[3, 1], &[33, 0, 1, 0, 4, 33 << 1, 1, 0, 0]].concat();
        check("hevc", &hvcc, &[0, 0, 0, 3, 0, 1, 0xaf], true);
    }

    #[test]
    fn mpeg_says_it_in_the_picture_header() {
        check("mpeg2video", &[], &[0, 0, 1, 0, 0, 0x18, 0], true);
        check("mpeg2video", &[], &[0, 0, 1, 0, 0, 0x10, 0], false);
        check("mpeg4", &[], &[0, 0, 1, 0xb6, 0x90, 0], true);
        check("mpeg4", &[], &[0, 0, 1, 0xb6, 0x50, 0, 0, 1, 0xb6, 0x90], false);
    }

    #[test]
    fn nothing_of_packed_pictures_may_be_missing() {
        let mut references = References::new("mpeg4", &[]);
        let b = [0, 0, 1, 0xb6, 0x90, 0];
        references.learn(&[&[0, 0, 1, 0xb6, 0x50, 0], &b[..]].concat());
        assert!(!references.is_disposable(&b));
    }

    #[test]
    fn other_codecs_are_never_sure() {
        check("vp9", &[], &[0x86, 0], false);
        check("h264", &[], &[], false);
    }
}
