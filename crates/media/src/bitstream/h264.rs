//! H.264 syntax: parameter sets, slice headers and SEI messages (ITU-T H.264 clauses 7.3 and
//! D.1.8).

use super::bits::Bits;

// NAL unit types.
pub(crate) const SLICE: u8 = 1;
pub(crate) const IDR_SLICE: u8 = 5;
pub(crate) const SEI: u8 = 6;
pub(crate) const SPS: u8 = 7;
pub(crate) const PPS: u8 = 8;
pub(crate) const SPS_EXTENSION: u8 = 13;

/// Bytes of a slice or SEI message that are read: more than the needed fields can take.
const HEAD: usize = 64;
/// Bytes of a parameter set that are read.
const SET: usize = 1024;

/// The NAL unit type of a unit.
pub(crate) fn unit_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header & 0x1f)
}

/// The fields of an SPS that slice headers depend on.
#[derive(Clone, Copy, Debug)]
struct Sps {
    has_separate_planes: bool,
    log2_max_frame_num: u32,
    has_only_frames: bool,
}

/// The start of a slice header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceHeader {
    /// Whether the slice has only I (or SI) macroblocks.
    pub(crate) is_intra: bool,
    /// The field that it codes; `None` if it codes a frame.
    pub(crate) field: Option<Field>,
}

/// The identity of a field of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// `frame_num`, which both fields of a frame share.
    pub(crate) frame_num: u32,
    /// Whether it is the bottom field.
    pub(crate) is_bottom: bool,
}

impl Field {
    /// Whether `self` is the second field of the frame whose first field is `first`.
    pub(crate) fn completes(self, first: Self) -> bool {
        self.frame_num == first.frame_num && self.is_bottom != first.is_bottom
    }
}

/// The fields of the parameter sets seen so far that slice headers depend on.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    sps: Vec<(u32, Sps)>,
    /// Pairs of a PPS's id and the id of its SPS.
    pps: Vec<(u32, u32)>,
}

impl Headers {
    /// Stores a parameter set; other units and damaged ones are ignored.
    pub(crate) fn learn(&mut self, unit: &[u8]) {
        match unit_type(unit) {
            SPS => {
                if let Some((id, sps)) = parse_sps(unit) {
                    replace(&mut self.sps, id, sps);
                }
            }
            PPS => {
                let mut bits = Bits::unescaped(unit.get(1..).unwrap_or_default(), SET);
                if let (Some(id), Some(sps)) = (bits.unsigned(), bits.unsigned()) {
                    replace(&mut self.pps, id, sps);
                }
            }
            _ => {}
        }
    }

    /// Whether there are SPS and none of them allows fields.
    pub(crate) fn has_only_frames(&self) -> bool {
        !self.sps.is_empty() && self.sps.iter().all(|(_, sps)| sps.has_only_frames)
    }

    /// Parses the header of a coded slice; `None` if it is damaged.
    ///
    /// Without its parameter sets a slice is assumed to code a frame.
    pub(crate) fn slice(&self, unit: &[u8]) -> Option<SliceHeader> {
        let mut bits = Bits::unescaped(unit.get(1..)?, HEAD);
        bits.unsigned()?; // first_mb_in_slice
        let slice_type = bits.unsigned()? % 5;
        let pps = bits.unsigned()?;
        let is_intra = matches!(slice_type, 2 | 4);
        let field = self.sps_of(pps).and_then(|sps| parse_field(&mut bits, sps));
        Some(SliceHeader { is_intra, field })
    }

    fn sps_of(&self, pps: u32) -> Option<Sps> {
        let sps = find(&self.pps, pps)?;
        find(&self.sps, sps)
    }
}

/// Stores a value under an id, which has at most 256 values. Searching the few in use is faster
/// than hashing.
fn replace<T>(table: &mut Vec<(u32, T)>, id: u32, value: T) {
    table.retain(|(known, _)| *known != id);
    if id < 256 {
        table.push((id, value));
    }
}

fn find<T: Copy>(table: &[(u32, T)], id: u32) -> Option<T> {
    table.iter().find(|(known, _)| *known == id).map(|(_, value)| *value)
}

fn parse_field(bits: &mut Bits, sps: Sps) -> Option<Field> {
    if sps.has_separate_planes {
        bits.bits(2)?; // colour_plane_id
    }
    let frame_num = bits.bits(sps.log2_max_frame_num)?;
    let is_field = !sps.has_only_frames && bits.bit()?;
    if !is_field {
        return None;
    }
    Some(Field { frame_num, is_bottom: bits.bit()? })
}

/// Parses the id of an SPS and the fields that slice headers depend on.
fn parse_sps(unit: &[u8]) -> Option<(u32, Sps)> {
    let profile = *unit.get(1)?;
    let mut bits = Bits::unescaped(unit.get(4..)?, SET);
    let id = bits.unsigned()?;
    let mut has_separate_planes = false;
    if has_chroma_format(profile) {
        let chroma_format = bits.unsigned()?;
        has_separate_planes = chroma_format == 3 && bits.bit()?;
        bits.unsigned()?; // bit_depth_luma_minus8
        bits.unsigned()?; // bit_depth_chroma_minus8
        bits.bit()?; // qpprime_y_zero_transform_bypass_flag
        if bits.bit()? {
            skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
        }
    }
    let log2_max_frame_num = bits.unsigned()?.checked_add(4)?;
    skip_picture_order_count(&mut bits)?;
    bits.unsigned()?; // max_num_ref_frames
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    bits.unsigned()?; // pic_width_in_mbs_minus1
    bits.unsigned()?; // pic_height_in_map_units_minus1
    let has_only_frames = bits.bit()?;
    (log2_max_frame_num <= 16)
        .then_some((id, Sps { has_separate_planes, log2_max_frame_num, has_only_frames }))
}

/// Whether a profile's SPS has a chroma format (clause 7.3.2.1.1).
fn has_chroma_format(profile: u8) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

fn skip_scaling_lists(bits: &mut Bits, count: usize) -> Option<()> {
    for list in 0..count {
        if bits.bit()? {
            skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
        }
    }
    Some(())
}

/// Skips a scaling list: deltas follow until one makes the next scale 0 (clause 7.3.2.1.1.1).
fn skip_scaling_list(bits: &mut Bits, size: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed()? % 256 + 256) % 256;
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

fn skip_picture_order_count(bits: &mut Bits) -> Option<()> {
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.bit()?; // delta_pic_order_always_zero_flag
            bits.signed()?; // offset_for_non_ref_pic
            bits.signed()?; // offset_for_top_to_bottom_field
            let cycle = bits.unsigned()?;
            for _ in 0..cycle.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    Some(())
}

/// `recovery_frame_cnt` of the recovery point in an SEI unit; `None` if it has none.
///
/// 0 means that decoding may start at this picture; a higher number, that the picture is complete
/// after so many frames (gradual refresh).
pub(crate) fn recovery_frame_count(sei: &[u8]) -> Option<u32> {
    const RECOVERY_POINT: usize = 6;
    let mut rest = sei.get(1..)?;
    while rest.len() > 2 {
        let payload_type = take_ff_coded(&mut rest)?;
        let size = take_ff_coded(&mut rest)?;
        if payload_type == RECOVERY_POINT {
            return Bits::unescaped(rest, HEAD).unsigned();
        }
        rest = rest.get(size..)?;
    }
    None
}

/// Whether the unit is the SEI message with x264's name and version.
///
/// FFmpeg works around errors of old versions (4:4:4 before build 151). x264 writes the message
/// once, at the start, so a decoder that hasn't got it decodes different pixels.
pub(crate) fn names_x264(sei: &[u8]) -> bool {
    const USER_DATA_UNREGISTERED: u8 = 5;
    const UUID: usize = 16;
    let Some((&[_, USER_DATA_UNREGISTERED], mut rest)) = sei.split_first_chunk::<2>() else {
        return false;
    };
    let text = take_ff_coded(&mut rest).and_then(|_| rest.get(UUID..));
    text.is_some_and(|text| text.starts_with(b"x264 - core"))
}

/// Reads a number that is coded as the sum of bytes of 255 and a last, smaller byte.
fn take_ff_coded(rest: &mut &[u8]) -> Option<usize> {
    let mut sum = 0;
    loop {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        sum += usize::from(byte);
        if byte != 255 {
            return Some(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_with_impossible_numbers_are_ignored() {
        // The id is 0, then log2_max_frame_num_minus4 is 2^32 - 2.
        let unit = [0x67, 66, 0, 30, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(parse_sps(&unit).is_none());
    }

    #[test]
    fn recovery_points_are_found_after_other_messages() {
        // user data (type 5, 2 bytes), then a recovery point with recovery_frame_cnt 0
        assert_eq!(recovery_frame_count(&[6, 5, 2, 9, 9, 6, 1, 0xc4, 0x80]), Some(0));
        // recovery_frame_cnt 3: ue(3) = 00100
        assert_eq!(recovery_frame_count(&[6, 6, 1, 0b0010_0100, 0x80]), Some(3));
        assert_eq!(recovery_frame_count(&[6, 5, 2, 9, 9, 0x80]), None);
        assert_eq!(recovery_frame_count(&[6, 255, 255]), None);
    }

    #[test]
    fn fields_of_one_frame_complete_each_other() {
        let top = Field { frame_num: 7, is_bottom: false };
        assert!(Field { frame_num: 7, is_bottom: true }.completes(top));
        assert!(!Field { frame_num: 8, is_bottom: true }.completes(top));
        assert!(!top.completes(top));
    }

    #[test]
    #[expect(clippy::unusual_byte_groupings, reason = "a group is a syntax element")]
    fn an_interlaced_slice_has_a_field() {
        // SPS: Main, level 3, id 0, log2_max_frame_num 4, POC type 2, 1 reference, no gaps,
        // 22 × 9 macroblocks, frame_mbs_only_flag 0.
        let sps = [0x67, 77, 0, 30, 0b1_1_011_010, 0b0_0000101, 0b10_000101, 0b0_0_0_00000];
        let mut headers = Headers::default();
        headers.learn(&sps);
        headers.learn(&[0x68, 0b1_1_000000]);
        // first_mb 0, slice_type 7 (I) = 0001000, pps 0, frame_num 3, field, bottom
        let slice = headers.slice(&[0x65, 0b1_0001000, 0b1_0011_1_1_0, 0]).unwrap();
        let field = Some(Field { frame_num: 3, is_bottom: true });
        assert_eq!(slice, SliceHeader { is_intra: true, field });
    }

    #[test]
    fn without_parameter_sets_a_slice_is_a_frames() {
        let slice = Headers::default().slice(&[0x41, 0b1001_1011, 0]).unwrap();
        assert_eq!(slice, SliceHeader { is_intra: false, field: None });
    }

    #[test]
    fn damaged_headers_are_none() {
        assert_eq!(Headers::default().slice(&[0x41]), None);
        assert!(parse_sps(&[0x67, 100, 0]).is_none());
    }
}
