//! Which packets are keyframes: what each codec's bitstream says, not what the container claims.
//!
//! A keyframe is a picture that decodes right with nothing before it: H.264 IDR pictures and
//! intra pictures at a recovery point that is immediate (`recovery_frame_cnt` 0), HEVC and VVC
//! IRAP pictures (IDR, CRA, BLA), intra pictures of MPEG-1, 2 and 4, key frames of VP8 and VP9.
//! For other codecs the container's (or parser's) key flag counts and the decoder is told to skip
//! what isn't a keyframe after all.

use moviola_av::{packet::Packet, parameters::CodecParameters};

use super::{
    h264,
    nal::{Framing, Units},
    parameter_sets::{ParameterSets, Snapshot},
};

/// What a packet is to a reader of keyframes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A whole keyframe.
    Key,
    /// The first field of a keyframe; the next packet may hold the second.
    KeyField,
    /// The second field of the frame that the packet before began.
    SecondField,
    /// A picture that others refer to and that is not shown itself.
    Invisible,
    /// Anything else.
    Other,
}

/// How a codec's keyframes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    H264,
    Hevc,
    Vvc,
    /// MPEG-1 and MPEG-2.
    Mpeg2,
    Mpeg4,
    Vp8,
    Vp9,
    /// Every packet is a picture of its own: MJPEG, ProRes, PNG …
    IntraOnly,
    /// The packet's key flag.
    Flag,
}

/// Looks at a stream's packets one after another.
#[derive(Debug)]
pub(crate) struct Classifier {
    syntax: Syntax,
    framing: Framing,
    headers: h264::Headers,
    sets: ParameterSets,
    /// The field the last packet held, if it was the first of its frame.
    open_field: Option<h264::Field>,
    /// Whether the last slice was of an IDR picture.
    is_idr: bool,
}

impl Classifier {
    /// A classifier for the codec FFmpeg calls `codec`.
    pub(crate) fn new(codec: &str, intra_only: bool, extradata: &[u8]) -> Self {
        let (syntax, framing) = match codec {
            "h264" => (Syntax::H264, Framing::of_h264(extradata)),
            "hevc" => (Syntax::Hevc, Framing::of_hevc(extradata)),
            "vvc" => (Syntax::Vvc, Framing::of_vvc(extradata)),
            "mpeg1video" | "mpeg2video" => (Syntax::Mpeg2, Framing::StartCodes),
            "mpeg4" => (Syntax::Mpeg4, Framing::StartCodes),
            "vp8" => (Syntax::Vp8, Framing::StartCodes),
            "vp9" => (Syntax::Vp9, Framing::StartCodes),
            _ if intra_only => (Syntax::IntraOnly, Framing::StartCodes),
            _ => (Syntax::Flag, Framing::StartCodes),
        };
        let mut classifier = Self {
            syntax,
            framing,
            headers: h264::Headers::default(),
            sets: ParameterSets::default(),
            open_field: None,
            is_idr: false,
        };
        classifier.learn_extradata(extradata);
        classifier
    }

    /// Whether the packet's own bytes tell; else the decoder has the last word.
    pub(crate) fn is_sure(&self) -> bool {
        self.syntax != Syntax::Flag
    }

    /// Whether this is H.264 whose parameter sets so far allow no fields.
    pub(crate) fn is_h264_of_frames(&self) -> bool {
        self.headers.frames_only()
    }

    /// Learns H.264's parameter sets from `avcC` or start codes; decoders read them themselves.
    pub(crate) fn learn_extradata(&mut self, extradata: &[u8]) {
        if self.syntax != Syntax::H264 {
            return;
        }
        if self.framing == Framing::StartCodes {
            Units::new(extradata, self.framing).for_each(|unit| self.headers.learn(unit.whole()));
            return;
        }
        // avcC: five bytes, then a count of SPS and a count of PPS, each set behind two bytes of
        // length. The counts share a byte with flags; set by set the unit type tells the rest.
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

    /// The parameter sets that all packets so far have carried in band.
    pub(crate) fn parameter_sets(&mut self) -> Snapshot {
        let framing = self.framing;
        match self.syntax {
            Syntax::H264 | Syntax::Hevc | Syntax::Vvc => {
                self.sets.snapshot(|set, out| framing.append(set, out))
            }
            _ => self.sets.snapshot(|set, out| out.extend(set)),
        }
    }

    /// Says what the next packet is, and learns from it.
    pub(crate) fn classify(&mut self, packet: &[u8], key_flag: bool) -> Access {
        let key = match self.syntax {
            Syntax::H264 => return self.classify_h264(packet),
            Syntax::Hevc => self.is_irap(packet, hevc_unit),
            Syntax::Vvc => self.is_irap(packet, vvc_unit),
            Syntax::Mpeg2 => self.is_mpeg2_intra(packet),
            Syntax::Mpeg4 => self.is_mpeg4_intra(packet),
            Syntax::Vp8 => return classify_vp8(packet),
            Syntax::Vp9 => is_vp9_key(packet),
            Syntax::IntraOnly => true,
            Syntax::Flag => key_flag,
        };
        if key { Access::Key } else { Access::Other }
    }

    /// Why the last packet is what it was said to be.
    pub(crate) fn why(&self, access: Access) -> &'static str {
        match (access, self.syntax) {
            (Access::SecondField, _) => "the second field of the frame before",
            (Access::Invisible, _) => "a picture that others refer to and that isn't shown",
            (Access::Key | Access::KeyField, syntax) => self.why_key(syntax),
            (Access::Other, Syntax::Flag) => "the container doesn't mark it as a keyframe",
            (Access::Other, _) => "its bitstream says that it needs pictures before it",
        }
    }

    fn why_key(&self, syntax: Syntax) -> &'static str {
        match syntax {
            Syntax::H264 if self.is_idr => "an IDR picture",
            Syntax::H264 => "intra slices at an immediate recovery point",
            Syntax::Hevc | Syntax::Vvc => "a random access picture (IRAP)",
            Syntax::Mpeg2 | Syntax::Mpeg4 => "an intra picture",
            Syntax::Vp8 | Syntax::Vp9 => "a key frame by its header",
            Syntax::IntraOnly => "every picture of this codec stands alone",
            Syntax::Flag => "the container marks it as a keyframe",
        }
    }

    /// Whether `packet` holds the second field of the frame the last packet began.
    pub(crate) fn would_complete(&self, packet: &[u8]) -> bool {
        let Some(first) = self.open_field else { return false };
        let slice = Units::new(packet, self.framing)
            .find(|unit| matches!(h264::unit_type(unit.head()), h264::SLICE | h264::IDR_SLICE));
        let header = slice.and_then(|unit| self.headers.slice(unit.head()));
        header.and_then(|header| header.field).is_some_and(|field| field.completes(first))
    }

    fn classify_h264(&mut self, packet: &[u8]) -> Access {
        let mut immediate_recovery = false;
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
                    immediate_recovery |= h264::recovery_frame_count(unit.whole()) == Some(0);
                }
                h264::SLICE | h264::IDR_SLICE => {
                    let idr = kind == h264::IDR_SLICE;
                    return self.classify_slice(unit.head(), idr, immediate_recovery);
                }
                _ => {}
            }
        }
        self.open_field = None;
        Access::Other
    }

    fn classify_slice(&mut self, slice: &[u8], idr: bool, immediate_recovery: bool) -> Access {
        let header = self.headers.slice(slice);
        let field = header.and_then(|header| header.field);
        let first = self.open_field.take();
        if let (Some(field), Some(first)) = (field, first)
            && field.completes(first)
        {
            return Access::SecondField;
        }
        self.open_field = field;
        self.is_idr = idr;
        let intra = header.is_some_and(|header| header.intra);
        match (idr || (immediate_recovery && intra), field) {
            (true, Some(_)) => Access::KeyField,
            (true, None) => Access::Key,
            (false, _) => Access::Other,
        }
    }

    /// Whether the first coded slice is of an IRAP picture; notes parameter sets on the way.
    fn is_irap(&mut self, packet: &[u8], kind_of: fn(&[u8]) -> UnitKind) -> bool {
        for unit in Units::new(packet, self.framing) {
            match kind_of(unit.head()) {
                UnitKind::ParameterSet(rank) => self.sets.see(rank, unit.whole()),
                UnitKind::Irap => return true,
                UnitKind::Slice => return false,
                UnitKind::Other => {}
            }
        }
        false
    }

    /// ISO/IEC 13818-2 clause 6.2: notes the sequence header and its extensions, then looks at
    /// `picture_coding_type` (1 is I).
    fn is_mpeg2_intra(&mut self, packet: &[u8]) -> bool {
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

    /// ISO/IEC 14496-2 clause 6.2: notes the headers before the first VOP, then looks at its
    /// coding type (0 is I).
    fn is_mpeg4_intra(&mut self, packet: &[u8]) -> bool {
        const VOP: u8 = 0xb6;
        const USER_DATA: u8 = 0xb2;
        const LAYERS: std::ops::RangeInclusive<u8> = 0x20..=0x2f;
        let mut has_headers = false;
        for (offset, code) in start_codes(packet) {
            // User data names the encoder, whose errors the decoder makes up for.
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

/// Whether decoding can start at a packet, by what its bytes say, and whether it brings parameter
/// sets. The packet is looked at alone.
pub(crate) fn look_at_entrance(parameters: &CodecParameters, packet: &Packet) -> (bool, bool) {
    let (codec, intra_only) = (parameters.codec_name(), parameters.is_intra_only());
    let mut classifier = Classifier::new(codec, intra_only, parameters.extradata());
    let access = classifier.classify(packet.data(), packet.is_key());
    let brings_sets = classifier.parameter_sets().version > 0;
    (matches!(access, Access::Key | Access::KeyField), brings_sets)
}

/// What a unit of HEVC or VVC is to us.
enum UnitKind {
    /// A parameter set; those of a lower rank are referred to by those of a higher.
    ParameterSet(u8),
    /// A slice of a picture where decoding may start.
    Irap,
    /// Any other slice.
    Slice,
    Other,
}

/// ITU-T H.265 table 7-1; layers above the base are passed over.
fn hevc_unit(unit: &[u8]) -> UnitKind {
    let &[first, second, ..] = unit else { return UnitKind::Other };
    let layer = (first & 1) << 5 | second >> 3;
    match first >> 1 & 0x3f {
        _ if layer != 0 => UnitKind::Other,
        16..=23 => UnitKind::Irap,
        0..=31 => UnitKind::Slice,
        kind @ 32..=34 => UnitKind::ParameterSet(kind - 32),
        _ => UnitKind::Other,
    }
}

/// ITU-T H.266 table 5; layers above the base are passed over.
fn vvc_unit(unit: &[u8]) -> UnitKind {
    let &[first, second, ..] = unit else { return UnitKind::Other };
    match second >> 3 {
        _ if first & 0x3f != 0 => UnitKind::Other,
        7..=9 => UnitKind::Irap,
        0..=11 => UnitKind::Slice,
        kind @ 14..=17 => UnitKind::ParameterSet(kind - 14),
        _ => UnitKind::Other,
    }
}

/// RFC 6386 section 9.1: the lowest bit is 0 for a key frame, and `show_frame` is bit 4.
fn classify_vp8(packet: &[u8]) -> Access {
    match packet.first() {
        Some(byte) if byte & 1 == 0 => Access::Key,
        Some(byte) if byte >> 4 & 1 == 0 => Access::Invisible,
        _ => Access::Other,
    }
}

/// VP9 bitstream specification, clause 6.2: `frame_type` 0 is a key frame.
fn is_vp9_key(packet: &[u8]) -> bool {
    const FRAME_MARKER: u8 = 0b10;
    let Some(&first) = packet.first() else { return false };
    let reserved_bit = u8::from(first >> 4 & 3 == 3); // profile 3 has one more bit
    let (show_existing, frame_type) = (first >> (3 - reserved_bit), first >> (2 - reserved_bit));
    first >> 6 == FRAME_MARKER && show_existing & 1 == 0 && frame_type & 1 == 0
}

/// Offsets of start codes `00 00 01` and the byte behind each.
pub(crate) fn start_codes(packet: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    packet.windows(4).enumerate().filter_map(|(offset, window)| match window {
        [0, 0, 1, code] => Some((offset, *code)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(codec: &str, packet: &[u8], key_flag: bool, want: Access) {
        assert_eq!(Classifier::new(codec, false, &[]).classify(packet, key_flag), want);
    }

    #[test]
    fn an_idr_picture_is_a_keyframe_whatever_the_container_says() {
        check("h264", &[0, 0, 1, 9, 16, 0, 0, 1, 0x65, 0x88, 0x84, 0], false, Access::Key);
    }

    #[test]
    fn an_intra_picture_without_a_recovery_point_is_not() {
        check("h264", &[0, 0, 1, 0x41, 0x88, 0x84, 0], true, Access::Other);
    }

    #[test]
    fn an_immediate_recovery_point_is_a_keyframe_if_the_picture_is_intra() {
        let sei = [0, 0, 1, 6, 6, 1, 0xc4, 0x80];
        check("h264", &[&sei[..], &[0, 0, 1, 0x41, 0x88, 0x84, 0]].concat(), true, Access::Key);
        check("h264", &[&sei[..], &[0, 0, 1, 0x41, 0x9b, 0, 0]].concat(), true, Access::Other);
    }

    #[test]
    fn a_gradual_refresh_is_not_a_keyframe() {
        let packet = [0, 0, 1, 6, 6, 1, 0b0010_0100, 0x80, 0, 0, 1, 0x41, 0x88, 0x84, 0];
        check("h264", &packet, true, Access::Other);
    }

    #[test]
    fn hevc_irap_pictures_are_keyframes() {
        for (kind, want) in [(19, Access::Key), (21, Access::Key), (16, Access::Key)]
            .into_iter()
            .chain([(1, Access::Other), (8, Access::Other)])
        {
            check("hevc", &[0, 0, 1, kind << 1, 1, 0xaf], true, want);
        }
    }

    #[test]
    fn vp8_and_vp9_say_it_in_the_first_byte() {
        check("vp8", &[0x10], false, Access::Key);
        check("vp8", &[0x11], true, Access::Other);
        check("vp8", &[0x01], true, Access::Invisible);
        check("vp9", &[0b1000_0010], false, Access::Key);
        check("vp9", &[0b1000_0110], true, Access::Other);
        check("vp9", &[0b1000_1000], true, Access::Other); // shows an existing frame
        check("vp9", &[0b1011_0001], false, Access::Key); // profile 3
    }

    #[test]
    fn mpeg2_and_mpeg4_say_it_in_the_picture_header() {
        check("mpeg2video", &[0, 0, 1, 0xb3, 1, 0, 0, 1, 0, 0, 0x08, 0], false, Access::Key);
        check("mpeg2video", &[0, 0, 1, 0, 0, 0x10, 0], true, Access::Other);
        check("mpeg4", &[0, 0, 1, 0xb6, 0x10, 0], false, Access::Key);
        check("mpeg4", &[0, 0, 1, 0xb6, 0x50, 0], true, Access::Other);
    }

    #[test]
    fn elsewhere_the_flag_counts_unless_every_packet_is_intra() {
        check("h263", &[1, 2, 3], true, Access::Key);
        check("h263", &[1, 2, 3], false, Access::Other);
        assert_eq!(Classifier::new("mjpeg", true, &[]).classify(&[1], false), Access::Key);
    }

    #[test]
    fn what_names_the_encoder_is_kept_like_a_parameter_set() {
        let mut classifier = Classifier::new("h264", false, &[]);
        let sei = [&[6, 5, 40][..], &[7; 16], b"x264 - core 148 r2643", &[0x80]].concat();
        classifier.classify(&[&[0, 0, 1][..], &sei, &[0, 0, 1, 0x65, 0x88, 0x84]].concat(), true);
        assert_eq!(*classifier.parameter_sets().bytes, [&[0, 0, 0, 1][..], &sei].concat());
    }

    #[test]
    fn empty_packets_are_nothing() {
        for codec in ["h264", "hevc", "vvc", "mpeg2video", "mpeg4", "vp8", "vp9"] {
            check(codec, &[], true, Access::Other);
        }
    }

    #[test]
    fn parameter_sets_are_kept_framed_like_the_packets() {
        let mut classifier = Classifier::new("h264", false, &[1, 100, 0, 40, 0xff, 0xe0, 0]);
        classifier.classify(&[0, 0, 0, 2, 0x67, 9, 0, 0, 0, 3, 0x68, 7, 7], false);
        let sets = classifier.parameter_sets();
        assert_eq!(*sets.bytes, [0, 0, 0, 2, 0x67, 9, 0, 0, 0, 3, 0x68, 7, 7]);
    }
}
